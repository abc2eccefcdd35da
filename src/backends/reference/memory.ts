/**
 * Where a run finds its tensors: typed views of a plan's tensors over three byte regions, one per
 * space. Views are made once and kept; a region whose `buffer` changes (a WebAssembly memory that
 * grew) gets new ones, which is why `buffer` is read again at every look-up.
 */
import { type TypedArray, viewOf } from '../../core/dtype.js';
import { elementCount } from '../../core/shape.js';
import { type Plan, type PlanTensor, type Space, tensorAlignment } from '../../runtime/plan.js';

/** Bytes of one space: `buffer` from `offset`, which is a multiple of 8. */
export interface Region {
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
}

export interface PlanMemory {
  readonly tensors: readonly PlanTensor[];
  /** The elements of tensor `index`, in the typed array that stores its type. */
  readonly view: (index: number) => TypedArray;
  /** Where tensor `index` begins, in bytes from the start of its region's buffer. */
  readonly address: (index: number) => number;
}

/** The memory of one run of `plan`. */
export function createPlanMemory(plan: Plan, regions: Readonly<Record<Space, Region>>): PlanMemory {
  const { tensors } = plan;
  const views = new Array<TypedArray | undefined>(tensors.length);
  const address = (index: number) => regions[tensors[index]!.space].offset + tensors[index]!.offset;
  const view = (index: number) => {
    const { type, dims, space } = tensors[index]!;
    const { buffer } = regions[space];
    const kept = views[index];
    if (kept?.buffer === buffer) return kept;
    const made = viewOf(type, buffer, address(index), elementCount(dims));
    views[index] = made;
    return made;
  };
  return { tensors, view, address };
}

/** The region of `bytes`; a copy when they do not start where every element type may start. */
export function regionOf(bytes: Uint8Array): Region {
  const { buffer, byteOffset } = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  return { buffer, offset: byteOffset };
}

/** A region of `bytes` zeros of its own, aligned as tensors are. */
export function allocateRegion(bytes: number): Region {
  return {
    buffer: new ArrayBuffer(Math.ceil(bytes / tensorAlignment) * tensorAlignment),
    offset: 0,
  };
}
