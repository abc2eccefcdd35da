/**
 * Quantize and dequantize whole tensors at any granularity, bit for bit as ONNX QuantizeLinear,
 * DequantizeLinear (opset 21, blocked form included) and DynamicQuantizeLinear.
 */
import { allocate, type TypedArrayOf } from '../core/dtype.js';
import { elementCount, type Shape } from '../core/shape.js';
import { tensor } from '../core/tensor.js';
import { asBits, type Bits, type IntegerArray, signBitOf } from './bits.js';
import { codeOf } from './code.js';
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

/**
 * Quantizes row-major `data` of `dims`:
 *
 *     q = clamp(rne(f32(x / scale)) + zeroPoint)
 *
 * with a true float32 division, ties to even, the zero point added after rounding, and the limits
 * of `integerRange(type, params)`. +Infinity becomes the highest integer, −Infinity and NaN the
 * lowest. `int1` keeps the sign alone: −1 for x < 0 and NaN, else +1.
 *
 * Returns a new array of `storageLengthOf(type, data.length)` elements, packed for types below a
 * byte. Throws `INVALID_TENSOR` if data and dims disagree, and what `validateParams` throws;
 * `where` names the tensor in errors.
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
    out[i] = codeOf(data[i]!, scale[index]!, zeroPoint[index]!, min, max);
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
 * (the inner rounding shows for int32 above 2^24 only). Returns a new array of one float per
 * element. Throws `INVALID_TENSOR` if data, dims and `params.type` disagree, and what
 * `validateParams` throws; `where` names the tensor in errors.
 */
export function dequantize(
  data: IntegerArray,
  dims: Shape,
  params: QuantParams,
  where?: string,
): Float32Array {
  const { type, scale, zeroPoint } = params;
  tensor(type, data, dims, where);
  validateParams(params, dims, where);
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

/** Largest finite float32. */
const maxFloat = (2 - 2 ** -23) * 2 ** 127;

/**
 * ONNX DynamicQuantizeLinear: uint8, affine, one scale: `paramsFromRange` of the lowest and highest
 * value.
 *
 * Takes any values, as operators do that run inside a model: without data the range is 0 to 0, NaN
 * is passed over (and quantized to 0), infinities count as the largest float32.
 */
export function dynamicQuantize(data: Float32Array, where?: string): DynamicallyQuantized {
  tensor('float32', data, [data.length], where);
  let min = 0;
  let max = 0;
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  const range = { min: Math.max(min, -maxFloat), max: Math.min(max, maxFloat) };
  const { scale, zeroPoint } = paramsFromRange(range, { type: 'uint8' });
  const out = new Uint8Array(data.length);
  const scales = Float32Array.of(scale);
  const zeroPoints = Int32Array.of(zeroPoint);
  quantizeRun(out, data, 0, data.length, scales, zeroPoints, 0, 0, 0, 255);
  return { data: out, scale, zeroPoint };
}
