/**
 * Softmax and layer normalization: functions of rows of float32. Sums are taken in four lanes, and in
 * blocks whose sums are then added up, so that long rows lose no digits. NaN comes into a row's sum,
 * and so into all of the row.
 */
import { storeVector } from './edge';
import { multiplyAdd } from './float';
import { exponentialUpTo89 } from './functions';

/** Bytes of a block. */
const blockBytes: usize = 64 * 16;

/** Four words of ones, and four of zeros. */
const ones: usize = memory.data<i32>([-1, -1, -1, -1, 0, 0, 0, 0]);

/** Ones in the lanes of a vector of which `bytes` bytes are on the row. */
// @ts-ignore: decorator
@inline
function lanesOn(bytes: usize): v128 {
  return v128.load(ones + 16 - min<usize>(bytes, 16));
}

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

// @ts-ignore: decorator
@inline
function largestOf(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

/**
 * y = softmax(scale · x + mask) in rows `begin` … `end − 1` of x [rows, length]; y may be x. Row r of the mask begins
 * r · `maskRow` elements further, and goes along the row, or has its first element for all of it where
 * `maskStep` is 0.
 */
export function softmax(
  x: usize,
  y: usize,
  length: i32,
  scale: f32,
  mask: usize,
  maskRow: i32,
  maskStep: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const bytes: usize = 4 * <usize>length;
  const whole = bytes & ~15;
  const on = lanesOn(bytes - whole);
  const scales = f32x4.splat(scale);
  const lowest = f32x4.splat(-Infinity);
  for (let row = begin; row < end; row++) {
    const from = x + <usize>row * bytes;
    const to = y + <usize>row * bytes;
    const masks = mask + 4 * <usize>row * maskRow;
    let maxima = lowest;
    for (let i: usize = 0; i < bytes; i += 16) {
      const added = maskStep ? v128.load(masks + i) : v128.load32_splat(masks);
      const value = multiplyAdd(v128.load(from + i), scales, added);
      storeVector(to + i, value, bytes - i);
      maxima = f32x4.pmax(maxima, i < whole ? value : v128.bitselect(value, lowest, on));
    }
    const largest = f32x4.splat(largestOf(maxima));
    let sums = f32x4.splat(0);
    for (let first: usize = 0; first < bytes; first += blockBytes) {
      const last = min(first + blockBytes, bytes);
      let part = f32x4.splat(0);
      for (let i = first; i < last; i += 16) {
        const power = exponentialUpTo89(f32x4.sub(v128.load(to + i), largest));
        storeVector(to + i, power, bytes - i);
        part = f32x4.add(part, i < whole ? power : v128.and(power, on));
      }
      sums = f32x4.add(sums, part);
    }
    const factor = f32x4.splat(1 / sumOf(sums));
    for (let i: usize = 0; i < bytes; i += 16) {
      storeVector(to + i, f32x4.mul(v128.load(to + i), factor), bytes - i);
    }
  }
}

/**
 * y = (x − mean) / √(variance + epsilon) · scale + bias in rows `begin` … `end − 1` of x [rows, length], where
 * x + residual, rounded, takes the place of x. There is no bias, or no residual, at address 0.
 */
export function layerNorm(
  x: usize,
  residual: usize,
  scale: usize,
  bias: usize,
  y: usize,
  length: i32,
  epsilon: f32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const bytes: usize = 4 * <usize>length;
  const whole = bytes & ~15;
  const on = lanesOn(bytes - whole);
  const count = <f32>length;
  for (let row = begin; row < end; row++) {
    const first = <usize>row * bytes;
    const to = y + first;
    let from = x + first;
    let sums = f32x4.splat(0);
    for (let block: usize = 0; block < bytes; block += blockBytes) {
      const last = min(block + blockBytes, bytes);
      let part = f32x4.splat(0);
      for (let i = block; i < last; i += 16) {
        let value = v128.load(from + i);
        if (residual) {
          value = f32x4.add(value, v128.load(residual + first + i));
          storeVector(to + i, value, bytes - i);
        }
        part = f32x4.add(part, i < whole ? value : v128.and(value, on));
      }
      sums = f32x4.add(sums, part);
    }
    if (residual) from = to;
    const mean = f32x4.splat(sumOf(sums) / count);
    let squares = f32x4.splat(0);
    for (let block: usize = 0; block < bytes; block += blockBytes) {
      const last = min(block + blockBytes, bytes);
      let part = f32x4.splat(0);
      for (let i = block; i < last; i += 16) {
        let off = f32x4.sub(v128.load(from + i), mean);
        storeVector(to + i, off, bytes - i);
        if (i >= whole) off = v128.and(off, on);
        part = multiplyAdd(off, off, part);
      }
      squares = f32x4.add(squares, part);
    }
    const factor = f32x4.splat(1 / sqrt<f32>(sumOf(squares) / count + epsilon));
    for (let i: usize = 0; i < bytes; i += 16) {
      const unit = f32x4.mul(v128.load(to + i), factor);
      const scaled = f32x4.mul(unit, v128.load(scale + i));
      storeVector(to + i, bias ? f32x4.add(scaled, v128.load(bias + i)) : scaled, bytes - i);
    }
  }
}
