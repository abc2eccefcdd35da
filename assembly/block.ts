/** Results of a block of 16 channels, of which the first `count`, or all, are on the output. */
import { copyEdge, edge } from './edge';

/** Stores 16 bytes. */
// @ts-ignore: decorator
@inline
export function storeBytes(bytes: v128, y: usize, count: i32): void {
  if (count >= 16) {
    v128.store(y, bytes);
  } else {
    v128.store(edge, bytes);
    copyEdge(y, edge, count);
  }
}

/** Stores 16 words. */
// @ts-ignore: decorator
@inline
export function storeWords(
  w0: v128,
  w1: v128,
  w2: v128,
  w3: v128,
  y: usize,
  count: i32,
): void {
  const to = count >= 16 ? y : edge;
  v128.store(to, w0);
  v128.store(to, w1, 16);
  v128.store(to, w2, 32);
  v128.store(to, w3, 48);
  if (count < 16) copyEdge(y, edge, 4 * count);
}
