/**
 * What the relaxed dot product of bytes computes is left to the engine: with its second operand
 * unsigned or signed, saturating sums of two or not, before it optimizes a function and after. It is
 * tried on operands in memory, and used only in a form whose every answer is right.
 */
import type { WasmExports } from './exports.js';

/** The bytes that the second operand may hold, when the first one holds weights. */
export interface DotForm {
  readonly name: 'u8' | 's8';
  /** Bits of a uint8 that are inverted to make its second operand. */
  readonly flip: number;
  /** What that takes off its value. */
  readonly offset: number;
  /** Weights below this are not right. */
  readonly lowestWeight: number;
}

const forms: readonly DotForm[] = [
  { name: 'u8', flip: 0, offset: 0, lowestWeight: -128 },
  // Pairs of −128 · −128 overflow where sums of two are int16; no other pair of weights does.
  { name: 's8', flip: 0x80, offset: 128, lowestWeight: -127 },
];

const cases = 256;
const bytes = 16 * cases;

/** Rounds over all cases: enough for an engine to optimize the function that runs them. */
const warmUp = 2000;

export interface DotProbe {
  readonly form: DotForm;
  /** Tries all cases again. */
  readonly stillRight: () => boolean;
}

/**
 * The form whose answers are all right, or how the nearest one fails. `memory` is that of `exports`,
 * and free to be written from heapBase() on.
 */
export function probeDot(exports: WasmExports, memory: WebAssembly.Memory): DotProbe | string {
  const failures: string[] = [];
  for (const form of forms) {
    const base = exports.heapBase();
    writeCases(form, memory, base);
    const count = (): number =>
      exports.countWrongDots(base, base + bytes, base + 2 * bytes, base + 3 * bytes, cases);
    let wrong = count();
    for (let round = 0; wrong === 0 && round < warmUp; round++) wrong = count();
    if (wrong === 0) return { form, stillRight: () => count() === 0 };
    failures.push(`${wrong} of ${cases} answers are wrong for ${form.name}`);
  }
  return failures.join(', ');
}

function makeRoom(memory: WebAssembly.Memory, end: number): void {
  const missing = Math.ceil((end - memory.buffer.byteLength) / 65536);
  if (missing > 0) memory.grow(missing);
}

/** Weights, data, accumulators and sums, one array after the other. */
function writeCases(form: DotForm, memory: WebAssembly.Memory, base: number): void {
  const { flip, offset, lowestWeight } = form;
  makeRoom(memory, base + 4 * bytes);
  const weights = new Int8Array(memory.buffer, base, bytes);
  const data = new Uint8Array(memory.buffer, base + bytes, bytes);
  const accumulators = new Int32Array(memory.buffer, base + 2 * bytes, 4 * cases);
  const sums = new Int32Array(memory.buffer, base + 3 * bytes, 4 * cases);
  const extremes = [lowestWeight, 127, -1, 1];
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  };
  for (let i = 0; i < bytes; i++) {
    // Half of the cases consist of extremes, in all combinations of neighbours.
    const isExtreme = i < bytes / 2;
    const weight = isExtreme ? extremes[next() & 3]! : Math.max((next() << 24) >> 24, lowestWeight);
    const value = isExtreme ? [0, 255, 128, 127][next() & 3]! : next();
    weights[i] = weight;
    data[i] = value ^ flip;
    if (i % 4 === 0) {
      accumulators[i / 4] = [0, 2 ** 31 - 1, -(2 ** 31), (next() << 16) - 2 ** 23][next() & 3]!;
      sums[i / 4] = accumulators[i / 4]!;
    }
    sums[i >> 2]! += weight * (value - offset);
  }
}

/** Every weight and every byte, first and second of a pair, next to two others. */
const pairs = 2 ** 16 * 2 * 2;

/** Rounds over all pairs: enough for an engine to optimize the function that runs them. */
const warmUpOfPairs = 4;

/**
 * What tries all pairs again if sums of two products are right whose weights are small quads
 * (assembly/smallQuads.ts) and whose second operand is unsigned; or how they are not. Engines may
 * saturate or wrap such sums as they like: these do not reach the bounds.
 */
export function probePairs(
  exports: WasmExports,
  memory: WebAssembly.Memory,
): DotProbe['stillRight'] | string {
  const base = exports.heapBase();
  writePairs(memory, base);
  const count = (): number =>
    exports.countWrongPairs(base, base + 2 * pairs, base + 4 * pairs, pairs);
  for (let round = 0; round <= warmUpOfPairs; round++) {
    const wrong = count();
    if (wrong > 0) return `${wrong} of ${pairs} sums of small products are wrong`;
  }
  return () => count() === 0;
}

/** Weights, data and sums, one array after the other, of pairs in which a byte takes all its values in turn. */
function writePairs(memory: WebAssembly.Memory, base: number): void {
  makeRoom(memory, base + 6 * pairs);
  const weights = new Uint16Array(memory.buffer, base, pairs);
  const data = new Uint16Array(memory.buffer, base + 2 * pairs, pairs);
  const sums = new Int16Array(memory.buffer, base + 4 * pairs, pairs);
  const pairOf = (first: number, second: number): number => (first & 255) | ((second & 255) << 8);
  const values = Array.from({ length: 256 }, (_, value) => value);
  const firstOf = values.map((value) => pairOf(value, 255));
  const secondOf = values.map((value) => pairOf(255, value));
  let at = 0;
  for (let weight = -128; weight < 128; weight++) {
    // the most of the same sign that may stand next to it, and of the other one
    const same = weight < 0 ? -128 - weight : Math.min(128 - weight, 127);
    for (const neighbour of [same, weight < 0 ? 127 : -128]) {
      weights.fill(pairOf(weight, neighbour), at, at + 256);
      weights.fill(pairOf(neighbour, weight), at + 256, at + 512);
      data.set(firstOf, at);
      data.set(secondOf, at + 256);
      for (let value = 0; value < 256; value++, at++) {
        sums[at] = sums[at + 256] = weight * value + neighbour * 255;
      }
      at += 256;
    }
  }
}
