/** Elements as steps that move them see them: so many bits. */
import type { PlanMemory } from './memory.js';

/** The elements of a tensor as unsigned integers of their width; bigints pass for numbers, unread. */
export function wordsOf(memory: PlanMemory, index: number | undefined): Words {
  const { buffer, byteOffset, length, BYTES_PER_ELEMENT } = memory.view(index!);
  if (BYTES_PER_ELEMENT === 1) return new Uint8Array(buffer, byteOffset, length);
  if (BYTES_PER_ELEMENT === 2) return new Uint16Array(buffer, byteOffset, length);
  if (BYTES_PER_ELEMENT === 4) return new Uint32Array(buffer, byteOffset, length);
  return new BigUint64Array(buffer, byteOffset, length) as unknown as Words;
}

export interface Words {
  readonly length: number;
  readonly subarray: (begin: number, end: number) => Words;
  readonly set: (words: Words, at: number) => void;
  [index: number]: number;
}

/** Fewer words are copied one by one sooner than a view of them is made. */
const fewWords = 16;

/** Copies `count` words from `from` in x to `at` in y. */
export function copyWords(y: Words, at: number, x: Words, from: number, count: number): void {
  if (count >= fewWords) y.set(x.subarray(from, from + count), at);
  else for (let i = 0; i < count; i++) y[at + i] = x[from + i]!;
}
