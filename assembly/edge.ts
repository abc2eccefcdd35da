/**
 * The edge of an output, where a whole vector would reach beyond it: results go to `edge` first,
 * and the part that lies on the output is copied from there. Reading beyond a tensor is fine, it
 * ends in slack.
 */

/** A register tile of 6 × 8 words; threads that share a memory are given one each. */
export let edge: usize = memory.data(192, 16);

/** Where the host's part of the memory begins. */
export function heapBase(): usize {
  return __heap_base;
}

/** Copies `bytes` bytes, fewer than a few vectors. */
export function copyEdge(to: usize, from: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 4 <= bytes; i += 4) store<u32>(to + i, load<u32>(from + i));
  for (; i < bytes; i++) store<u8>(to + i, load<u8>(from + i));
}

/** Stores a vector of which the first `bytes` bytes, or all, are on the output. */
// @ts-ignore: decorator
@inline
export function storeVector(y: usize, value: v128, bytes: usize): void {
  if (bytes >= 16) {
    v128.store(y, value);
  } else {
    v128.store(edge, value);
    copyEdge(y, edge, bytes);
  }
}

/** Copies rows of `bytes` bytes, from `step` bytes apart to `yStep` bytes apart. */
export function storeEdge(
  from: usize,
  step: usize,
  y: usize,
  yStep: usize,
  rows: i32,
  bytes: i32,
): void {
  for (let row = 0; row < rows; row++, from += step, y += yStep) copyEdge(y, from, bytes);
}
