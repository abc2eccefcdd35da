/**
 * QAdd, QMul, Lookup, Binary and Unary (assembly/elementwise.ts, f32elementwise.ts and lookup.ts).
 */
import { binaryKinds, unaryKinds } from '../../runtime/kinds.js';
import type { StepParams } from '../../runtime/steps.js';
import { runOverRows } from './broadcast.js';
import {
  areBytes,
  type Declined,
  declined,
  floatBits,
  type PrepareContext,
  type WasmKernel,
} from './kernel.js';

export const qadd: WasmKernel<'QAdd'> = (step, context) => {
  const { aZero, bZero, yZero, min, max } = step.params;
  if (!areBytes(aZero, bZero, yZero, min, max) || min > max) return beyondBytes;
  const sum = keepSum(step.params, context);
  const { qadd: run } = context.exports;
  return runOverRows(step, context, 1, (rows, a, b, y) => run(sum, rows, a, b, y));
};

/** The address of the fields of class Sum. */
export function keepSum(params: StepParams<'QAdd'>, { keepWords }: PrepareContext): number {
  const { aZero, bZero, yZero, aMultiplier, bMultiplier, min, max } = params;
  return keepWords([
    ...[aZero, bZero, yZero, floatBits(aMultiplier), floatBits(bMultiplier)],
    ...[min, max],
  ]);
}

export const qmul: WasmKernel<'QMul'> = (step, context) => {
  const { aZero, bZero, yZero, multiplier, min, max } = step.params;
  if (!areBytes(aZero, bZero, yZero, min, max) || min > max) return beyondBytes;
  const product = context.keepWords([aZero, bZero, yZero, floatBits(multiplier), min, max]);
  const { qmul: run } = context.exports;
  return runOverRows(step, context, 1, (rows, a, b, y) => run(product, rows, a, b, y));
};

const beyondBytes = declined('zero points or bounds beyond uint8');

export const lookup: WasmKernel<'Lookup'> = (
  { inputs, outputs },
  { exports, operand, tensors },
) => {
  const [x, table, y] = [operand(inputs[0]), operand(inputs[1]), operand(outputs[0])];
  const { bytes } = tensors[outputs[0]!]!;
  return (memory) => exports.lookup(x(memory), table(memory), y(memory), bytes);
};

export const binary: WasmKernel<'Binary'> = (step, context) => {
  const { kind } = step.params;
  if (kind === binaryKinds.Pow) return declined('a power');
  const { binary: run } = context.exports;
  return runOverRows(step, context, 4, (rows, a, b, y) => run(rows, a, b, y, kind));
};

/** Functions of which vectors make a multiplication or a few of each element. */
const shortKinds: readonly number[] = [
  unaryKinds.Clip,
  unaryKinds.LeakyRelu,
  unaryKinds.HardSigmoid,
  unaryKinds.HardSwish,
  unaryKinds.Sqrt,
  unaryKinds.Neg,
  unaryKinds.Abs,
  unaryKinds.Reciprocal,
  unaryKinds.Floor,
  unaryKinds.Ceil,
  unaryKinds.Round,
  unaryKinds.Sign,
  unaryKinds.Softsign,
  unaryKinds.ThresholdedRelu,
  unaryKinds.Affine,
];

/** Functions that are made of exponentials and logarithms. */
const longKinds: readonly number[] = [
  unaryKinds.Sigmoid,
  unaryKinds.Tanh,
  unaryKinds.Exp,
  unaryKinds.Log,
  unaryKinds.Erf,
  unaryKinds.Elu,
  unaryKinds.Softplus,
  unaryKinds.Gelu,
  unaryKinds.GeluTanh,
  unaryKinds.ScaledTanh,
];

/** Elements of which a part has a multiple: those of a cache line. */
const lineElements = 16;

/** Applies the function to `count` floats from one address to another. */
export function prepareUnary(
  { kind, alpha, beta }: StepParams<'Unary'>,
  count: number,
  { overParts }: PrepareContext,
): ((x: number, y: number) => void) | Declined {
  const isLong = longKinds.includes(kind);
  if (!isLong && !shortKinds.includes(kind)) {
    return declined('a function of the mathematical library');
  }
  const work = (isLong ? 16 : 2) * count;
  const run = overParts('unary', { units: count, grain: lineElements, work, scratch: 0 });
  return (x, y) => run(x, y, kind, alpha, beta);
}

export const unary: WasmKernel<'Unary'> = ({ inputs, outputs, params }, context) => {
  const { operand, tensors } = context;
  const run = prepareUnary(params, tensors[outputs[0]!]!.bytes / 4, context);
  if ('declined' in run) return run;
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (memory) => run(x(memory), y(memory));
};
