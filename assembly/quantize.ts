/**
 * Float32 to integers and back: one scale and one zero point for a run of elements. Division is
 * division, as ARITHMETIC asks; NaN becomes the lowest integer.
 */
import { copyEdge, edge, storeVector } from './edge';
import { boundOf, magicOf, roundTo, shiftOf } from './requantize';

/** Values of `type`. */
const uint8: i32 = 0;
const int8: i32 = 1;
const uint16: i32 = 2;
const int16: i32 = 3;

/** Integers of a type, from int32 that it holds. */
// @ts-ignore: decorator
@inline
function narrow(q0: v128, q1: v128, q2: v128, q3: v128, type: i32): v128 {
  const low = i16x8.narrow_i32x4_s(q0, q1);
  const high = i16x8.narrow_i32x4_s(q2, q3);
  return type == uint8 ? i8x16.narrow_i16x8_u(low, high) : i8x16.narrow_i16x8_s(low, high);
}

/** y = clamp(rne(x / scale) + zero) in the range of `type`. */
export function quantize(x: usize, y: usize, count: i32, type: i32, scale: f32, zero: i32): void {
  const size = type < uint16 ? 1 : 2;
  const levels = size == 1 ? 256 : 65536;
  const min = type == int8 || type == int16 ? -levels / 2 : 0;
  const low = boundOf(min, zero);
  const high = boundOf(min + levels - 1, zero);
  const shift = shiftOf(zero);
  const magic = magicOf();
  const divisor = f32x4.splat(scale);
  for (let i = 0; i < count; i += 16, x += 64) {
    const q0 = roundTo(f32x4.div(v128.load(x), divisor), low, high, shift, magic);
    const q1 = roundTo(f32x4.div(v128.load(x, 16), divisor), low, high, shift, magic);
    const q2 = roundTo(f32x4.div(v128.load(x, 32), divisor), low, high, shift, magic);
    const q3 = roundTo(f32x4.div(v128.load(x, 48), divisor), low, high, shift, magic);
    const whole = i + 16 <= count;
    const to = whole ? y + i * size : edge;
    if (size == 1) {
      v128.store(to, narrow(q0, q1, q2, q3, type));
    } else if (type == uint16) {
      v128.store(to, i16x8.narrow_i32x4_u(q0, q1));
      v128.store(to, i16x8.narrow_i32x4_u(q2, q3), 16);
    } else {
      v128.store(to, i16x8.narrow_i32x4_s(q0, q1));
      v128.store(to, i16x8.narrow_i32x4_s(q2, q3), 16);
    }
    if (!whole) copyEdge(y + i * size, edge, (count - i) * size);
  }
}

/** Four integers at `x`, widened. */
// @ts-ignore: decorator
@inline
function widen(x: usize, type: i32): v128 {
  if (type == uint8) return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(x)));
  if (type == int8) return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(x)));
  if (type == uint16) return v128.load16x4_u(x);
  if (type == int16) return v128.load16x4_s(x);
  return v128.load(x);
}

/**
 * y = (x − zero) · scale; `type` is one of the above, or 4 for int32, whose difference may wrap.
 */
export function dequantize(x: usize, y: usize, count: i32, type: i32, scale: f32, zero: i32): void {
  const step = type < uint16 ? 4 : type <= int16 ? 8 : 16;
  const zeros = i32x4.splat(zero);
  const factor = f32x4.splat(scale);
  for (let i = 0; i < count; i += 4, x += step, y += 16) {
    const value = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(widen(x, type), zeros)), factor);
    storeVector(y, value, 4 * <usize>(count - i));
  }
}

/**
 * Rows `begin` … `end − 1` of x [rows, depth] as int8, or as uint8 with a zero point of 128, each by a scale of its own,
 * which is the largest magnitude / 127, or 1 where that is 0.
 */
export function quantizeRows(
  x: usize,
  y: usize,
  scale: usize,
  depth: i32,
  type: i32,
  range: usize,
  begin: i32,
  end: i32,
): void {
  for (let row = begin; row < end; row++) {
    const first = <usize>row * depth;
    rangeOf(x + 4 * first, depth, range);
    const step = max<f32>(-load<f32>(range), load<f32>(range, 4)) / 127;
    const divisor: f32 = step == 0 ? 1 : step;
    store<f32>(scale + 4 * <usize>row, divisor);
    quantize(x + 4 * first, y + first, depth, type, divisor, type == int8 ? 0 : 128);
  }
}

/** Writes the lowest and the highest of 0 and all elements of x to `range`; NaNs don't count. */
export function rangeOf(x: usize, count: i32, range: usize): void {
  let low = f32x4.splat(0);
  let high = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const values = v128.load(x + 4 * i);
    low = f32x4.pmin(low, values);
    high = f32x4.pmax(high, values);
  }
  v128.store(edge, low);
  v128.store(edge, high, 16);
  let lowest: f32 = 0;
  let highest: f32 = 0;
  for (let lane: usize = 0; lane < 16; lane += 4) {
    lowest = min(lowest, load<f32>(edge + lane));
    highest = max(highest, load<f32>(edge + lane, 16));
  }
  for (; i < count; i++) {
    const value = load<f32>(x + 4 * i);
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  store<f32>(range, lowest);
  store<f32>(range, highest, 4);
}
