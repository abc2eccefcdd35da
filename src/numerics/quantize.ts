/**
 * Quantize and dequantize whole tensors at any granularity, bit for bit as ONNX QuantizeLinear,
 * DequantizeLinear (opset 21, blocked form included) and DynamicQuantizeLinear.
 */
import { allocate, type TypedArrayOf } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { elementCount, type Shape } from '../core/shape.js';
import { tensor } from '../core/tensor.js';
import { asBits, type Bits, type IntegerArray, signBitOf } from './bits.js';
import { forEachRun } from './layout.js';
import { isPackedType, pack, unpack } from './pack.js';
import {
  integerRange,
  paramsFromRange,
  type QuantizedType,
  type QuantParams,
  type ScaleAndZeroPoint,
  validateParams,
} from './params.js';
import { roundHalfEven, roundSmall, saturate } from './rounding.js';

/**
 * Quantizes row-major `data` of `dims`:
 *
 *     q = clamp(rne(f32(x / scale)) + zeroPoint)
 *
 * with a true float32 division, ties to even, the zero point added after rounding, and the limits of
 * `integerRange(type, params)`. +Infinity becomes the highest integer, −Infinity and NaN the lowest. `int1` keeps the
 * sign alone: −1 for x < 0 and NaN, else +1.
 *
 * Returns a new array of `storageLengthOf(type, data.length)` elements, packed for types below a byte.
 * Throws `INVALID_TENSOR` if data and dims disagree, and what `validateParams` throws; `where` names
 * the tensor in errors.
 */
export function quantize<T extends QuantizedType>(
  data: Float32Array,
  dims: Shape,
  params: QuantParams<T>,
  where?: string,
): TypedArrayOf[T] {
  tensor('float32', data, dims, where);
  validateParams(params, dims, where);
  const type: QuantizedType = params.type;
  if (isPackedType(type)) {
    const codes = new Uint8Array(data.length);
    if (type === 'int1') quantizeSigns(data, codes);
    else quantizeInto(codes, data, dims, params);
    const signed = integerRange(type).min < 0;
    return pack(signed ? new Int8Array(codes.buffer) : codes, type) as TypedArrayOf[T];
  }
  const out = allocate(type, data.length);
  quantizeInto(asBits(out), data, dims, params);
  return out as TypedArrayOf[T];
}

function quantizeInto(out: Bits, data: Float32Array, dims: Shape, params: QuantParams): void {
  const { scale, zeroPoint } = params;
  const { min, max } = integerRange(params.type, params);
  forEachRun(dims, params, (start, end, index, step) => {
    quantizeRun(out, data, start, end, scale, zeroPoint, index, step, min, max);
  });
}

function quantizeRun(
  out: Bits,
  data: Float32Array,
  start: number,
  end: number,
  scale: Float32Array,
  zeroPoint: Int32Array,
  index: number,
  step: number,
  min: number,
  max: number,
): void {
  for (let i = start; i < end; i++, index += step) {
    // Limited before rounding: the limits are integers, so that it gives the same, and small numbers.
    const z = zeroPoint[index]!;
    out[i] = roundSmall(saturate(Math.fround(data[i]! / scale[index]!), min - z, max - z)) + z;
  }
}

function quantizeSigns(data: Float32Array, out: Uint8Array): void {
  for (let i = 0; i < data.length; i++) out[i] = data[i]! >= 0 ? 1 : -1;
}

/**
 * Real values of quantized `data`, row-major of `dims`, packed for types below a byte:
 *
 *     x = f32(f32(q − zeroPoint) · scale)
 *
 * (the inner rounding shows for int32 above 2^24 only). Returns a new array of one float per element.
 * Throws `INVALID_TENSOR` if data, dims and `params.type` disagree, and what `validateParams` throws;
 * `where` names the tensor in errors.
 */
export function dequantize(
  data: IntegerArray,
  dims: Shape,
  params: QuantParams,
  where?: string,
): Float32Array {
  validateParams(params, dims, where);
  const { type, scale, zeroPoint } = params;
  tensor(type, data, dims, where);
  const codes = isPackedType(type) ? unpack(data as Uint8Array, elementCount(dims), type) : data;
  const bits = asBits(codes);
  const sign = signBitOf(codes);
  const out = new Float32Array(codes.length);
  forEachRun(dims, params, (start, end, index, step) => {
    dequantizeRun(out, bits, sign, start, end, scale, zeroPoint, index, step);
  });
  return out;
}

function dequantizeRun(
  out: Float32Array,
  bits: Bits,
  sign: number,
  start: number,
  end: number,
  scale: Float32Array,
  zeroPoint: Int32Array,
  index: number,
  step: number,
): void {
  for (let i = start; i < end; i++, index += step) {
    const q = (bits[i]! ^ sign) - sign;
    out[i] = Math.fround(q - zeroPoint[index]!) * scale[index]!;
  }
}

/** A tensor quantized with parameters found from its own values. */
export interface DynamicallyQuantized extends ScaleAndZeroPoint {
  readonly data: Uint8Array;
}

/**
 * ONNX DynamicQuantizeLinear: uint8, affine, one scale found from the lowest and highest value, all in
 * float32 arithmetic: scale = (max − min) / 255, zeroPoint = rne(clamp(−min / scale)).
 *
 * All zero, and no data, gives scale 1 and zero point 0. Where that scale would be subnormal, zero or
 * infinite, `paramsFromRange` has the parameters. Throws `INVALID_CALIBRATION` for NaN and infinities.
 */
export function dynamicQuantize(data: Float32Array, where?: string): DynamicallyQuantized {
  tensor('float32', data, [data.length], where);
  let min = 0;
  let max = 0;
  let poison = 0;
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    if (x < min) min = x;
    if (x > max) max = x;
    poison += x - x;
  }
  if (poison !== 0) {
    throw new OctavoError('INVALID_CALIBRATION', 'values to quantize are not finite', { where });
  }
  const { scale, zeroPoint } = dynamicParams(min, max);
  const out = new Uint8Array(data.length);
  const scales = Float32Array.of(scale);
  const zeroPoints = Int32Array.of(zeroPoint);
  quantizeRun(out, data, 0, data.length, scales, zeroPoints, 0, 0, 0, 255);
  return { data: out, scale, zeroPoint };
}

function dynamicParams(min: number, max: number): ScaleAndZeroPoint {
  const scale = Math.fround(Math.fround(max - min) / 255);
  if (scale < 2 ** -126 || scale === Infinity)
    return paramsFromRange({ min, max }, { type: 'uint8' });
  return { scale, zeroPoint: roundHalfEven(saturate(Math.fround(-min / scale), 0, 255)) };
}
