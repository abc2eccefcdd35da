/**
 * Quantization parameters: the integer types, their ranges, and the scale and zero point that map a
 * range of real numbers onto them, always as `real = scale · (q − zeroPoint)` (the convention of
 * ONNX). Zero is exactly representable whatever the range, because padding, ReLU and sparse weights
 * rely on it.
 */
import { bitsOf, isSigned } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { elementCount, formatShape, normalizeAxis, type Shape } from '../core/shape.js';
import { tensor } from '../core/tensor.js';
import { forEachRun, type Spread, scaleDims } from './layout.js';
import { roundHalfEven, saturate } from './rounding.js';

/**
 * Types a tensor can be quantized to. `int1` holds −1 and +1. `int32` is for biases, whose scale
 * follows from those of the input and the weights: no parameters are chosen for it, and its zero
 * point is 0.
 */
export const quantizedTypes = [
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int4',
  'uint4',
  'int2',
  'uint2',
  'int1',
  'int32',
] as const;

export type QuantizedType = (typeof quantizedTypes)[number];

export function isQuantizedType(type: string): type is QuantizedType {
  return (quantizedTypes as readonly string[]).includes(type);
}

/** Restrictions of the integers in use. */
export interface RangeOptions {
  /** Leave out the lowest integer, so that as many lie below the middle as above: −127 … 127. */
  readonly narrow?: boolean;
  /**
   * Use one bit less (int8: −64 … 63, uint8: 0 … 127), for hardware that saturates sums of pairs.
   */
  readonly reduceRange?: boolean;
}

/** Scale and zero point of every part of a tensor, and which part each belongs to. */
export interface QuantParams<T extends QuantizedType = QuantizedType> extends RangeOptions {
  readonly type: T;
  /**
   * Real size of one integer step; positive and finite. One element; or with `axis` one per index
   * along it; or with `blockSize` too, row-major, dims of the tensor with ceil(D / blockSize) along
   * the axis (ONNX opset 21).
   */
  readonly scale: Float32Array;
  /** The integer that stands for real zero, one per scale. */
  readonly zeroPoint: Int32Array;
  readonly axis?: number;
  readonly blockSize?: number;
}

/** Lowest and highest real value, or lowest and highest integer; both are inside. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** One scale with its zero point. */
export interface ScaleAndZeroPoint {
  readonly scale: number;
  readonly zeroPoint: number;
}

/**
 * Which elements share a scale: all; a row or column of a matrix (its axis 0 or 1); an index along
 * `channel`; or `block` neighbours along `axis`.
 */
export type Granularity =
  | 'tensor'
  | 'row'
  | 'column'
  | { readonly channel: number }
  | { readonly block: number; readonly axis: number };

/** How real ranges map to integers. */
export interface Mapping extends RangeOptions {
  readonly type: QuantizedType;
  /**
   * Scale mapping: zero point in the middle (0 if signed), as far down as up. Otherwise affine.
   * Default false, except that `int1` knows no other mapping.
   */
  readonly symmetric?: boolean;
}

/** Parameters with one scale for the whole tensor. */
export function perTensor<T extends QuantizedType>(
  type: T,
  scale: number,
  zeroPoint = 0,
): QuantParams<T> {
  return { type, scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) };
}

/**
 * Lowest and highest integer in use. B bits hold −2^(B−1) … 2^(B−1) − 1 signed, 0 … 2^B − 1
 * unsigned; `int1` holds −1 and 1. Throws `UNSUPPORTED_TYPE`, and `INVALID_ARGUMENT` for
 * `reduceRange` below 4 bits.
 */
export function integerRange(type: QuantizedType, options: RangeOptions = {}): Range {
  requireQuantizedType(type);
  const signed = isSigned(type);
  const width = bitsOf(type);
  if (options.reduceRange && width < 4) {
    throw new OctavoError('INVALID_ARGUMENT', 'reduceRange needs a type of 4 bits or more', {
      found: type,
    });
  }
  if (width === 1) return { min: -1, max: 1 };
  const bits = options.reduceRange ? width - 1 : width;
  const min = (signed ? -(2 ** (bits - 1)) : 0) + (options.narrow ? 1 : 0);
  const max = 2 ** (signed ? bits - 1 : bits) - 1;
  return { min, max };
}

/** Smallest normal float32. Smaller scales have few bits, and hardware may flush them to zero. */
const minScale = 2 ** -126;

/**
 * Scale (a float32) and zero point for real values min … max, taken as float32. The range is first
 * extended to contain 0.
 *
 * - Affine: scale = (max − min) / (qmax − qmin), zeroPoint = clamp(rne(qmin − min / scale)), every
 *   operation rounded to float32, as DynamicQuantizeLinear has it.
 * - Symmetric: scale = max|x| / (2^(B−1) − 1), zeroPoint = 0 (2^(B−1) for unsigned types).
 *
 * All zero gives scale 1 and zero point 0 (or the integer nearest to it that the mapping allows). A
 * range too small for a normal float32 scale takes the smallest one. The ends of a range beyond
 * 2^127 may dequantize to an infinity.
 *
 * Throws `INVALID_CALIBRATION` naming `where` for NaN, infinities, values beyond float32 and min >
 * max. Source: ONNX DynamicQuantizeLinear; Jacob et al. 2018, "Quantization and Training of Neural
 * Networks for Efficient Integer-Arithmetic-Only Inference", sections 2.1 and 3.
 */
export function paramsFromRange(range: Range, mapping: Mapping, where?: string): ScaleAndZeroPoint {
  const { type } = mapping;
  const symmetric = isSymmetric(mapping);
  const min = Math.min(Math.fround(range.min), 0);
  const max = Math.max(Math.fround(range.max), 0);
  if (!Number.isFinite(min) || !Number.isFinite(max) || range.min > range.max) {
    throw new OctavoError('INVALID_CALIBRATION', 'no range to quantize', {
      where,
      expected: 'finite float32 values, min ≤ max',
      found: `${range.min} to ${range.max}`,
    });
  }
  if (symmetric) {
    const q = integerRange(type, { ...mapping, narrow: true });
    const scale = scaleOf(Math.max(-min, max), (q.max - q.min) / 2);
    return { scale, zeroPoint: (q.max + q.min) / 2 };
  }
  const q = integerRange(type, mapping);
  if (min === max) return { scale: 1, zeroPoint: saturate(0, q.min, q.max) };
  const extent = Math.fround(max - min);
  // The extent of finite float32 values may be infinite in float32; their scale is not.
  const scale = scaleOf(extent === Infinity ? max - min : extent, q.max - q.min);
  const zero = Math.fround(q.min - Math.fround(min / scale));
  // Adding 0 turns −0 into 0.
  return { scale, zeroPoint: saturate(roundHalfEven(zero), q.min, q.max) + 0 };
}

function scaleOf(extent: number, steps: number): number {
  return extent === 0 ? 1 : Math.max(Math.fround(extent / steps), minScale);
}

function isSymmetric({ type, symmetric }: Mapping): boolean {
  requireQuantizedType(type);
  if (type === 'int32') {
    throw new OctavoError('UNSUPPORTED_TYPE', 'int32 is for biases: give its scale, sx · sw');
  }
  if (type === 'int1' && symmetric === false) {
    throw new OctavoError('INVALID_ARGUMENT', 'int1 is symmetric', { where: 'symmetric' });
  }
  return symmetric ?? type === 'int1';
}

export interface ParamsOptions<T extends QuantizedType = QuantizedType> extends Mapping {
  readonly type: T;
  /** Default 'tensor'. */
  readonly granularity?: Granularity;
  /** What `data` is called in errors. */
  readonly where?: string;
}

/**
 * Parameters for known values (weights): each part of `data`, row-major of `dims`, gets the
 * smallest range that holds it, so that nothing is clipped and no value moves by more than half a
 * scale. Only `int1` differs: its scale is the mean of |x|, which has the least squared error
 * (Rastegari et al. 2016).
 *
 * Throws `INVALID_CALIBRATION` for NaN, infinities and no data, `INVALID_TENSOR` if data and dims
 * disagree, `INVALID_ARGUMENT` for a granularity the dims do not have.
 */
export function paramsOf<T extends QuantizedType>(
  data: Float32Array,
  dims: Shape,
  options: ParamsOptions<T>,
): QuantParams<T> {
  const { type, granularity = 'tensor', where, narrow, reduceRange } = options;
  const symmetric = isSymmetric(options);
  integerRange(type, options);
  tensor('float32', data, dims, where);
  if (data.length === 0) throw new OctavoError('INVALID_CALIBRATION', 'no data', { where });
  requireFinite(data, where);
  const spread = spreadOf(granularity, dims, where);

  const count = elementCount(scaleDims(dims, spread, where));
  const params = {
    type,
    scale: new Float32Array(count),
    zeroPoint: new Int32Array(count),
    ...spread,
    ...((symmetric || narrow) && { narrow: true }),
    ...(reduceRange && { reduceRange }),
  };
  if (type === 'int1') {
    meanMagnitudes(data, dims, spread, params.scale);
    return params;
  }
  const lowest = new Float32Array(count);
  const highest = new Float32Array(count);
  forEachRun(dims, spread, (start, end, index, step) => {
    extendRanges(data, start, end, lowest, highest, index, step);
  });
  for (let i = 0; i < count; i++) {
    const range = { min: lowest[i]!, max: highest[i]! };
    const { scale, zeroPoint } = paramsFromRange(range, options);
    params.scale[i] = scale;
    params.zeroPoint[i] = zeroPoint;
  }
  return params;
}

function extendRanges(
  data: Float32Array,
  start: number,
  end: number,
  lowest: Float32Array,
  highest: Float32Array,
  index: number,
  step: number,
): void {
  for (let i = start; i < end; i++, index += step) {
    const x = data[i]!;
    if (x < lowest[index]!) lowest[index] = x;
    if (x > highest[index]!) highest[index] = x;
  }
}

function meanMagnitudes(
  data: Float32Array,
  dims: Shape,
  spread: Spread,
  means: Float32Array,
): void {
  const sums = new Float64Array(means.length);
  const counts = new Float64Array(means.length);
  forEachRun(dims, spread, (start, end, index, step) => {
    for (let i = start; i < end; i++, index += step) {
      sums[index]! += Math.abs(data[i]!);
      counts[index]! += 1;
    }
  });
  for (let i = 0; i < means.length; i++) means[i] = scaleOf(sums[i]!, counts[i]!);
}

function spreadOf(granularity: Granularity, dims: Shape, where?: string): Spread {
  if (granularity === 'tensor') return {};
  if (granularity === 'row' || granularity === 'column') {
    if (dims.length !== 2) {
      throw new OctavoError('INVALID_ARGUMENT', `'${granularity}' needs a matrix`, {
        where,
        found: formatShape(dims),
      });
    }
    return { axis: granularity === 'row' ? 0 : 1 };
  }
  if (typeof granularity === 'object' && granularity !== null) {
    if ('channel' in granularity) {
      return { axis: normalizeAxis(granularity.channel, dims.length, where) };
    }
    if ('block' in granularity && 'axis' in granularity) {
      if (!isBlockSize(granularity.block)) {
        throw new OctavoError('INVALID_ARGUMENT', 'bad block size', {
          where,
          expected: 'a whole number from 1',
          found: String(granularity.block),
        });
      }
      return {
        axis: normalizeAxis(granularity.axis, dims.length, where),
        blockSize: granularity.block,
      };
    }
  }
  throw new OctavoError('INVALID_ARGUMENT', 'unknown granularity', {
    where,
    expected: "'tensor', 'row', 'column', { channel } or { block, axis }",
    found: String(granularity),
  });
}

function isBlockSize(size: number): boolean {
  return Number.isSafeInteger(size) && size > 0;
}

function requireFinite(data: Float32Array, where?: string): void {
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    if (x - x !== 0) {
      throw new OctavoError('INVALID_CALIBRATION', `value ${i} is not finite`, {
        where,
        found: String(x),
      });
    }
  }
}

/**
 * Checks that `params` can be used on a tensor of `dims`. Throws `INVALID_QUANTIZATION` naming
 * `where` for scales that are zero, negative, NaN or infinite, for zero points outside the type's
 * integers (other than 0 for int32 and int1), and for the wrong number of either;
 * `INVALID_ARGUMENT` for an axis the dims do not have; `UNSUPPORTED_TYPE` for a type that is none
 * of `quantizedTypes`.
 */
export function validateParams(params: QuantParams, dims: Shape, where?: string): void {
  const { type, scale, zeroPoint, axis, blockSize } = params;
  const fail = (what: string, expected: string, found: unknown): never => {
    throw new OctavoError('INVALID_QUANTIZATION', what, { where, expected, found: String(found) });
  };
  const { min, max } = integerRange(type, params);
  if (blockSize !== undefined && (!isBlockSize(blockSize) || axis === undefined)) {
    fail('bad block size', 'a whole number from 1, and an axis', blockSize);
  }
  const count = elementCount(scaleDims(dims, params, where), where);
  if (!(scale instanceof Float32Array) || scale.length !== count) {
    fail('wrong scales', `Float32Array(${count})`, describe(scale));
  }
  if (!(zeroPoint instanceof Int32Array) || zeroPoint.length !== count) {
    fail('wrong zero points', `Int32Array(${count})`, describe(zeroPoint));
  }
  const fixed = type === 'int32' || type === 'int1';
  const lowest = fixed ? 0 : min;
  const highest = fixed ? 0 : max;
  for (let i = 0; i < count; i++) {
    const s = scale[i]!;
    const z = zeroPoint[i]!;
    if (!(s > 0 && s < Infinity)) fail(`bad scale ${i}`, 'positive and finite', s);
    if (z < lowest || z > highest) fail(`bad zero point ${i}`, `${lowest} to ${highest}`, z);
  }
}

function describe(data: unknown): string {
  return ArrayBuffer.isView(data)
    ? `${data.constructor.name}(${(data as Float32Array).length})`
    : typeof data;
}

function requireQuantizedType(type: string): asserts type is QuantizedType {
  if (!isQuantizedType(type)) {
    throw new OctavoError('UNSUPPORTED_TYPE', 'not a type to quantize to', {
      expected: quantizedTypes.join(', '),
      found: String(type),
    });
  }
}
