/**
 * Where tensors lie. Constants are laid end to end in one block of bytes. Activations share an arena:
 * two may have the same bytes when no step needs both, which is decided here, once, from lifetimes.
 */
import { byteLengthOf } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { elementCount } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { type Storage, storageOf } from '../core/turned.js';
import { blockOf, type ConstantParts, tensorAlignment, tensorSlack } from './plan.js';

/** Bytes needed from `birth` to `death`, both included; times are step indexes, inputs are born at -1. */
export interface Lifetime {
  readonly bytes: number;
  readonly birth: number;
  readonly death: number;
}

export interface ArenaLayout {
  /** One per lifetime, multiples of `tensorAlignment`. */
  readonly offsets: readonly number[];
  /** `tensorSlack` included. */
  readonly bytes: number;
}

/** Above this many tensors the arena is laid out in order of birth, which is quick but less tight. */
const mostSortedBySize = 8192;

/**
 * Gives each lifetime an offset so that no two that overlap in time overlap in memory. Greedy: the
 * largest first, each into the tightest gap between those already placed that it would meet.
 * Throws `LIMIT_EXCEEDED` when the arena would be larger than `limit` bytes.
 */
export function layoutArena(lifetimes: readonly Lifetime[], limit: number): ArenaLayout {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes.map((_, i) => i).filter((i) => lifetimes[i]!.bytes > 0);
  const bySize = order.length <= mostSortedBySize;
  if (bySize) order.sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  else order.sort((a, b) => lifetimes[a]!.birth - lifetimes[b]!.birth || a - b);

  let placed: number[] = []; // by offset
  let end = 0;
  for (const i of order) {
    const { bytes, birth, death } = lifetimes[i]!;
    if (!bySize) placed = placed.filter((j) => lifetimes[j]!.death >= birth);
    let free = 0;
    let best = -1;
    let bestGap = Number.POSITIVE_INFINITY;
    for (const j of placed) {
      const other = lifetimes[j]!;
      if (other.death < birth || other.birth > death) continue;
      const gap = offsets[j]! - free;
      if (gap >= bytes && gap < bestGap) {
        best = free;
        bestGap = gap;
      }
      free = Math.max(free, align(offsets[j]! + other.bytes));
    }
    const offset = best >= 0 ? best : free;
    offsets[i] = offset;
    end = Math.max(end, align(offset + bytes));
    if (end + tensorSlack > limit) {
      throw new OctavoError('LIMIT_EXCEEDED', 'the activations of one run need too much memory', {
        where: 'arenaBytes',
        expected: `at most ${limit} bytes`,
        found: `${end + tensorSlack} bytes or more`,
      });
    }
    insertByOffset(placed, i, offsets);
  }
  return { offsets, bytes: end + tensorSlack };
}

function insertByOffset(placed: number[], i: number, offsets: readonly number[]): void {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets[placed[middle]!]! <= offsets[i]!) low = middle + 1;
    else high = middle;
  }
  placed.splice(low, 0, i);
}

/** Where each constant's elements lie, by what holds them, so that constants which share it share bytes. */
export type ConstantOffsets = ReadonlyMap<Storage, number>;

/** Gives constants places in one block, end to end, each at a multiple of `tensorAlignment`. */
export function placeConstants(tensors: Iterable<Tensor>): {
  readonly parts: ConstantParts;
  readonly offsets: ConstantOffsets;
} {
  const offsets = new Map<Storage, number>();
  let end = 0;
  for (const tensor of tensors) {
    const storage = storageOf(tensor);
    if (offsets.has(storage)) continue;
    offsets.set(storage, end);
    end = align(end + storage.byteLength);
  }
  const parts = {
    bytes: end + tensorSlack,
    offsets: Float64Array.from(offsets.values()),
    data: [...offsets.keys()],
  };
  return { parts, offsets };
}

/** The same, copied there. */
export function layoutConstants(tensors: Iterable<Tensor>): {
  readonly bytes: Uint8Array;
  readonly offsets: ConstantOffsets;
} {
  const { parts, offsets } = placeConstants(tensors);
  return { bytes: blockOf(parts), offsets };
}

/** Bytes of a tensor, checked against the limit. Throws `LIMIT_EXCEEDED` naming `where`. */
export function checkedBytes(tensor: Pick<Tensor, 'type' | 'dims'>, limit: number, where: string) {
  const bytes = byteLengthOf(tensor.type, elementCount(tensor.dims, where));
  if (bytes > limit) {
    throw new OctavoError('LIMIT_EXCEEDED', 'the tensor is too large', {
      where,
      expected: `at most ${limit} bytes`,
      found: `${bytes} bytes`,
    });
  }
  return bytes;
}

function align(bytes: number): number {
  return Math.ceil(bytes / tensorAlignment) * tensorAlignment;
}
