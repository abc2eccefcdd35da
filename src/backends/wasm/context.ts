/**
 * What a plan brings and keeps while its steps are prepared, and gives back when it is disposed of.
 */
import { type TypedArray, viewOf } from '../../core/dtype.js';
import { elementCount } from '../../core/shape.js';
import { type Plan, tensorSlack } from '../../runtime/plan.js';
import type { Region } from '../reference/memory.js';
import type { PrepareContext } from './kernel.js';
import type { Store } from './store.js';

/** The bytes of the two spaces of constants, which stay outside of WebAssembly memory. */
export interface ConstantRegions {
  readonly model: Region;
  readonly plan: Region;
}

export interface PlanContext extends PrepareContext {
  /** Frees what the plan kept; what it shares stays with the model. */
  readonly dispose: () => void;
}

/** Multiplications that are worth a part of their own. */
const workOfPart = 2 ** 19;

/** Parts that one step is cut into at most. */
const mostParts = 64;

/** Units of each part but the last; the work decides, and not the number of threads. */
function partOf(units: number, grain: number, work: number): number {
  const parts = Math.min(Math.max(Math.floor(work / workOfPart), 1), mostParts);
  return Math.ceil(units / parts / grain) * grain;
}

export function createContext(plan: Plan, regions: ConstantRegions, store: Store): PlanContext {
  const { tensors } = plan;
  const { heap, scratch, partScratch } = store;
  const { memory } = heap;
  const kept: number[] = [];
  const ownShares = new Map<string, number>();

  const constant = (index: number | undefined): TypedArray | undefined => {
    const tensor = tensors[index ?? -1];
    if (tensor === undefined || tensor.space === 'arena') return undefined;
    const { buffer, offset } = regions[tensor.space];
    return viewOf(tensor.type, buffer, offset + tensor.offset, elementCount(tensor.dims));
  };
  const keep = (bytes: number): number => {
    const address = heap.allocate(bytes);
    kept.push(address);
    return address;
  };
  const share: PrepareContext['share'] = (index, form, bytes, fill) => {
    const { space, offset } = tensors[index]!;
    const shares = space === 'model' ? store.shared : ownShares;
    const key = `${offset} ${form}`;
    const known = shares.get(key);
    if (known !== undefined) return known;
    const address = space === 'model' ? heap.allocate(bytes) : keep(bytes);
    fill(address);
    shares.set(key, address);
    return address;
  };
  return {
    exports: store.exports,
    dot: store.dot,
    hasSmallDot: store.hasSmallDot,
    memory,
    tensors,
    constant: constant as PrepareContext['constant'],
    keep,
    keepWords(words) {
      const address = keep(4 * words.length);
      new Int32Array(memory.buffer, address, words.length).set(words);
      return address;
    },
    share,
    operand(index) {
      const tensor = tensors[index!]!;
      if (tensor.space === 'arena') return (run) => run.address(index!);
      const { buffer, offset } = regions[tensor.space];
      const bytes = new Uint8Array(buffer, offset + tensor.offset, tensor.bytes);
      const address = share(index!, `${bytes.length} as it is`, bytes.length + tensorSlack, (to) =>
        new Uint8Array(memory.buffer, to, bytes.length).set(bytes),
      );
      return () => address;
    },
    scratch(bytes) {
      scratch.reserve(bytes);
      return scratch;
    },
    overParts(kernel, { units, grain, work, scratch: bytes }) {
      partScratch.reserve(bytes);
      const run = store.exports[kernel] as (...args: number[]) => void;
      const unitsOfPart = partOf(units, grain, work);
      const threads = unitsOfPart < units ? store.startThreads() : undefined;
      if (threads === undefined) {
        return (...args) => run(...args, partScratch.address, 0, units);
      }
      return (...args) => {
        const { address, step } = partScratch;
        const cut = { units, unitsOfPart, scratch: address, scratchStep: step };
        threads.run({ kernel, args, ...cut });
      };
    },
    dispose() {
      for (const address of kept.splice(0)) heap.free(address);
    },
  };
}
