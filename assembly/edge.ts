/**
 * The edge of an output, where a whole vector would reach beyond it: results go to `edge` first,
 * and the part that lies on the output is copied from there. Reading beyond a tensor is fine, it
 * ends in slack.
 */

/** A register tile of 4 × 8 words. Memory from `heapBase` on is the host's. */
export const edge: usize = memory.data(128, 16);

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
