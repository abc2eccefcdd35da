/** What the comparisons with ONNX Runtime have in common: tensors and windows as ONNX has them. */
import { expect } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import type { TypedArray } from '../../src/core/dtype.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { StepName, StepParams } from '../../src/runtime/steps.js';
import { permute, toChannelsFirst, toChannelsLast } from '../helpers/layout.js';
import type { Random } from '../helpers/random.js';
import { type Operand, runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { type OracleModel, runOracle } from '../numerics/oracle.js';
import { drawUntil } from '../suites/draw.js';
import { drawPool, type PoolShape } from '../suites/pool.js';

const backend = createReferenceBackend();

/** Runs one step whose operands all are constants; its first output. */
export function runStep<S extends StepName>(
  op: S,
  inputs: readonly (Required<Operand> | undefined)[],
  outputs: readonly Operand[],
  params: Partial<StepParams<S>> = {},
): TypedArray {
  return runSingle(backend, singleStepPlan(op, inputs, outputs, params), [])[0]!;
}

export function tensorOf(
  type: 'uint8' | 'int8' | 'int32' | 'float32',
  data: TypedArray,
  dims: readonly number[] = [],
): Tensor {
  return { type, data, dims } as unknown as Tensor;
}

export const scalars = {
  float: (value: number) => tensorOf('float32', Float32Array.of(value)),
  byte: (value: number) => tensorOf('uint8', Uint8Array.of(value)),
};

export function operand({ type, data, dims }: Tensor): Required<Operand> {
  return { type, dims, constant: data };
}

export function drawScale(random: Random): number {
  return Math.fround(random.chance(0.3) ? 2 ** -random.int(0, 8) : random.real(0.001, 0.2));
}

export async function oracleOutput(model: OracleModel): Promise<TypedArray> {
  return (await runOracle(model)).y!;
}

/** [N, H, W, C] data as the [N, C, H, W] tensor that ONNX takes. */
export function channelsFirst(
  type: 'uint8' | 'int8',
  data: TypedArray,
  dims: readonly number[],
): Tensor {
  return tensorOf(
    type,
    permute(data, dims, toChannelsFirst),
    toChannelsFirst.map((axis) => dims[axis]!),
  );
}

/** An [N, C, H, W] answer in the order of ours, which has dims `y`. */
export function channelsLast(data: TypedArray, y: readonly number[]): TypedArray {
  const dims = toChannelsFirst.map((axis) => y[axis]!);
  return permute(data, dims, toChannelsLast);
}

export interface WindowShape {
  /** Dims of input and output, channels last. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly window: Omit<StepParams<'MaxPool'>, 'kernelH' | 'kernelW'>;
}

/**
 * The attributes of every sliding ONNX operator. Padding after is what the size of the output asks
 * for, which is less than was drawn where the stride leaves a rest.
 */
export function windowAttributes(
  { x, y, window }: WindowShape,
  kernelH: number,
  kernelW: number,
): Record<string, readonly number[]> {
  const { strideH, strideW, dilationH, dilationW, padTop, padLeft } = window;
  const bottom = (y[1]! - 1) * strideH + (kernelH - 1) * dilationH + 1 - x[1]! - padTop;
  const right = (y[2]! - 1) * strideW + (kernelW - 1) * dilationW + 1 - x[2]! - padLeft;
  return {
    kernel_shape: [kernelH, kernelW],
    strides: [strideH, strideW],
    dilations: [dilationH, dilationW],
    pads: [padTop, padLeft, Math.max(bottom, 0), Math.max(right, 0)],
  };
}

export function poolAttributes(shape: PoolShape): Record<string, readonly number[]> {
  return windowAttributes(shape, shape.window.kernelH, shape.window.kernelW);
}

/** Whether ONNX Runtime takes a pool: its padding has to be less than the kernel. */
export function isOnnxPool(shape: PoolShape): boolean {
  const { kernelH, kernelW } = shape.window;
  const [top, left, bottom, right] = poolAttributes(shape)['pads'] as readonly number[];
  return Math.max(top!, bottom!) < kernelH && Math.max(left!, right!) < kernelW;
}

export function drawOnnxPool(random: Random): PoolShape {
  return drawUntil(() => drawPool(random), isOnnxPool);
}

/**
 * Both round the same real number, in units of y, by formulas that round on the way and add the
 * zero point before or after: they may differ by one step, and only where that number lies between
 * two.
 */
export function expectSameButForTies(
  ours: TypedArray,
  theirs: TypedArray,
  exact: (i: number) => number,
  what: string,
): void {
  expect(ours.length).toBe(theirs.length);
  for (let i = 0; i < ours.length; i++) {
    if (ours[i] === theirs[i]) continue;
    const steps = Math.abs(Number(ours[i]) - Number(theirs[i]));
    const value = exact(i);
    const fromTie = Math.abs(value - Math.floor(value) - 0.5);
    expect({ steps, tie: fromTie < 1e-4 }, `${what}, element ${i}: ${value}`).toEqual({
      steps: 1,
      tie: true,
    });
  }
}

/** Random problems of each kind. */
export const problems = 60;
