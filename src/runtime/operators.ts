/**
 * The matrix product and the integer convolution on their own, for callers who bring their own graph. Those of
 * int8 are one QConv step, prepared by the same code and computed by the same kernels as whole models: so
 * they give the same bits on every backend.
 */
import { OctavoError } from '../core/errors.js';
import { formatShape, type Shape } from '../core/shape.js';
import { type Tensor, tensor } from '../core/tensor.js';
import type { Dim } from '../graph/ir.js';
import {
  createFloatGemm,
  type FloatActivations,
  type FloatGemmOptions,
  type FloatWeight,
} from './gemmFloat.js';
import { createInt1Gemm, type Int1GemmOptions } from './gemmInt1.js';
import { createInt16Gemm, type Int16GemmOptions } from './gemmInt16.js';
import { createOperator, type Operator, once } from './operator.js';
import { operatorConstants, operatorGraph, outputDimsOf } from './operatorGraph.js';
import {
  type Conv2dOptions,
  describeOperator,
  type OperatorOptions,
  type OperatorSpec,
} from './operatorOptions.js';

export type { FloatGemmOptions } from './gemmFloat.js';
export type { Int1GemmOptions, Int1Output } from './gemmInt1.js';
export type { Int16GemmOptions, Int16Output } from './gemmInt16.js';
export type { Operator } from './operator.js';
export type { Conv2dOptions, OperatorOptions, OutputFormat } from './operatorOptions.js';

type Activations = Tensor<'uint8'> | Tensor<'int8'>;

/**
 * Prepares the product of x [M, K], with any number of rows, and `weight` [K, N]. Weight and x are
 *
 * - int8 and uint8 or int8: y[m, n] = Σ (x[m, k] − zeroPoint) · (weight[k, n] − weightZeroPoint) + bias[n],
 *   as int32, or requantized or scaled by `output`;
 * - int16 both: y = Σ x · weight + bias, exact, as int64, or requantized or scaled by `output`; K up to 2^22;
 * - float32, float16 or bfloat16 and float32: y = clamp(Σ x · weight + bias), in float32 whatever the weight is
 *   stored as, summed in any order;
 * - bfloat16 both: the same, on a CPU's own products of bfloat16 where it has them. What lies below 2^-126 in magnitude, be it an
 *   element, a product or a sum, may then count as 0;
 * - int1 both, ±1 packed as `pack` has it: y = Σ x · weight as int32, or times a multiplier as float32.
 *
 * Results of integers are the same bits on every backend. Rejects with `INVALID_ARGUMENT` or `INVALID_TENSOR` naming the
 * option or the weight, `INVALID_QUANTIZATION` for a multiplier that is none, `LIMIT_EXCEEDED` when a sum might
 * not fit int32, and `BACKEND_UNAVAILABLE`.
 */
export function createGemm(
  weight: Tensor<'int8'>,
  options?: OperatorOptions,
): Promise<Operator<Activations>>;
export function createGemm(
  weight: Tensor<'int16'>,
  options?: Int16GemmOptions,
): Promise<Operator<Tensor<'int16'>>>;
export function createGemm(
  weight: Tensor<'bfloat16'>,
  options?: FloatGemmOptions,
): Promise<Operator<FloatActivations>>;
export function createGemm(
  weight: FloatWeight,
  options?: FloatGemmOptions,
): Promise<Operator<Tensor<'float32'>>>;
export function createGemm(
  weight: Tensor<'int1'>,
  options?: Int1GemmOptions,
): Promise<Operator<Tensor<'int1'>>>;
export async function createGemm(weight: Tensor, options: object = {}): Promise<Operator<never>> {
  if (weight?.type === 'int16') return createInt16Gemm(weight as Tensor<'int16'>, options);
  if (isFloatWeight(weight)) return createFloatGemm(weight, options);
  if (weight?.type === 'int1') return createInt1Gemm(weight as Tensor<'int1'>, options);
  return createInt8Gemm(weight as Tensor<'int8'>, options);
}

async function createInt8Gemm(
  weight: Tensor<'int8'>,
  options: OperatorOptions,
): Promise<Operator<Activations>> {
  checkWeight(weight, 2, 'int8, int16, int1, float32, float16 or bfloat16 [K, N]');
  const [k, n] = weight.dims as [number, number];
  // A matrix product is a 1×1 convolution over a row of M pixels: weight [N, 1, 1, K].
  const data = new Int8Array(k * n);
  for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) data[j * k + i] = weight.data[i * n + j]!;
  const spec = describeOperator('gemm', { type: 'int8', dims: [n, 1, 1, k], data }, options);
  return createQConv(spec, options, {
    x: ['M', k],
    // No pixel has no place for a window, no image has.
    toImage: ([m]) => (m === 0 ? [0, 1, 1, k] : [1, 1, m!, k]),
    fromImage: ([images, , pixels]) => [images! * pixels!, n],
  });
}

/**
 * Prepares a convolution for x [N, H, W, C]: `weight` is int8 [O, KH, KW, C / groups], the result
 * [N, OH, OW, O]. All channels-last; rejects as `createGemm` does.
 */
export async function createConv2d(
  weight: Tensor<'int8'>,
  options: Conv2dOptions = {},
): Promise<Operator<Activations>> {
  checkWeight(weight, 4, 'int8 [O, KH, KW, C / groups]');
  const spec = describeOperator('conv2d', weight, options);
  return createQConv(spec, options, {
    x: ['N', 'H', 'W', weight.dims[3]! * spec.groups],
    toImage: (x) => x,
    fromImage: (y) => y,
  });
}

/** One product, prepared and forgotten; see `createGemm`. */
export function gemm(
  x: Activations,
  weight: Tensor<'int8'>,
  options?: OperatorOptions,
): Promise<Tensor>;
export function gemm(
  x: Tensor<'int16'>,
  weight: Tensor<'int16'>,
  options?: Int16GemmOptions,
): Promise<Tensor>;
export function gemm(
  x: Tensor<'bfloat16'>,
  weight: Tensor<'bfloat16'>,
  options?: FloatGemmOptions,
): Promise<Tensor>;
export function gemm(
  x: Tensor<'float32'>,
  weight: FloatWeight,
  options?: FloatGemmOptions,
): Promise<Tensor>;
export function gemm(
  x: Tensor<'int1'>,
  weight: Tensor<'int1'>,
  options?: Int1GemmOptions,
): Promise<Tensor>;
export async function gemm(x: Tensor, weight: Tensor, options?: object): Promise<Tensor> {
  return once<Tensor>((await createGemm(weight as Tensor<'int8'>, options)) as Operator, x);
}

/** One convolution, prepared and forgotten; see `createConv2d`. */
export async function conv2d(
  x: Activations,
  weight: Tensor<'int8'>,
  options?: Conv2dOptions,
): Promise<Tensor> {
  return once(await createConv2d(weight, options), x);
}

/** How callers see what is a convolution inside. */
interface View {
  /** Dims of x. */
  readonly x: readonly Dim[];
  readonly toImage: (x: Shape) => Shape;
  readonly fromImage: (y: Shape) => Shape;
}

function createQConv(
  spec: OperatorSpec,
  options: OperatorOptions,
  view: View,
): Promise<Operator<Activations>> {
  const constants = operatorConstants(spec);
  const { type } = spec.output;
  return createOperator(
    {
      constants,
      types: ['uint8', 'int8'],
      x: view.x,
      graph: (dims, xType) => operatorGraph(spec, constants, view.toImage(dims), xType),
      prepare: (data, xType) => (xType === 'int8' ? flipSigns(data.slice() as Int8Array) : data),
      finish: (y, dims) => ({
        type,
        dims: view.fromImage(outputDimsOf(spec, view.toImage(dims))),
        data: type === 'int8' ? new Int8Array(flipSigns(y as Uint8Array).buffer) : y,
      }),
    },
    options,
  );
}

/** Turns int8 to the uint8 that is 128 more, or back, where it lies. `data` is all of its buffer. */
function flipSigns({ buffer, length }: Int8Array | Uint8Array): Uint8Array {
  const words = new Uint32Array(buffer, 0, length >> 2);
  for (let i = 0; i < words.length; i++) words[i]! ^= 0x80808080;
  const bytes = new Uint8Array(buffer);
  for (let i = words.length * 4; i < length; i++) bytes[i]! ^= 0x80;
  return bytes;
}

function isFloatWeight(weight: Tensor): weight is FloatWeight {
  return ['float32', 'float16', 'bfloat16'].includes(weight?.type);
}

function checkWeight(weight: Tensor<'int8'>, rank: number, form: string): void {
  if (weight?.type !== 'int8' || weight.dims?.length !== rank || weight.data?.length === 0) {
    const found = weight?.dims === undefined ? 'no tensor' : formatShape([...weight.dims]);
    throw new OctavoError('INVALID_ARGUMENT', 'weight of the wrong form', {
      where: 'weight',
      expected: form,
      found: `${weight?.type ?? ''} ${found}`.trim(),
    });
  }
  tensor('int8', weight.data, weight.dims, 'weight');
}
