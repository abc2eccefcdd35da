/**
 * Local response normalization across the channels, for an exponent of 0.75, which is two square roots: every operation
 * is rounded as the step table says.
 */
import { storeVector } from './edge';

/** Neighbours before and after a channel, no more than there are channels. The host writes the fields. */
@unmanaged
export class Lrn {
  channels: i32;
  before: i32;
  after: i32;
  weight: f32;
  bias: f32;
}

/** Bytes of scratch: the squares of a row, and zeros around them. */
export function lrnScratch(lrn: Lrn): usize {
  return <usize>(lrn.before + lrn.channels + lrn.after) * 4 + 16;
}

/** The rows `begin` … `end − 1` of x, float32 [rows, channels]. */
export function lrn(lrn: Lrn, x: usize, y: usize, scratch: usize, begin: i32, end: i32): void {
  const rowBytes = <usize>lrn.channels * 4;
  const whole = rowBytes & ~15;
  const neighbours = lrn.before + lrn.after;
  const squares = scratch + 4 * <usize>lrn.before;
  const weight = f32x4.splat(lrn.weight);
  const bias = f32x4.splat(lrn.bias);
  memory.fill(scratch, 0, lrnScratch(lrn));
  x += <usize>begin * rowBytes;
  y += <usize>begin * rowBytes;
  for (let row = begin; row < end; row++, x += rowBytes, y += rowBytes) {
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const value = v128.load(x + at);
      v128.store(squares + at, f32x4.mul(value, value));
    }
    for (; at < rowBytes; at += 4) {
      const value = load<f32>(x + at);
      store<f32>(squares + at, value * value);
    }
    for (at = 0; at < rowBytes; at += 16) {
      let sum = v128.load(scratch + at);
      for (let i = 1; i <= neighbours; i++) {
        sum = f32x4.add(sum, v128.load(scratch + at + 4 * <usize>i));
      }
      const root = f32x4.sqrt(f32x4.add(bias, f32x4.mul(weight, sum)));
      const value = f32x4.div(v128.load(x + at), f32x4.mul(root, f32x4.sqrt(root)));
      storeVector(y + at, value, rowBytes - at);
    }
  }
}
