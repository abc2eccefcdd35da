/** Sum, mean, maximum or minimum over chosen axes. Sums are kept in double and rounded once. */
import { stridesOf } from '../../core/shape.js';
import { reduceKinds } from '../../runtime/steps.js';
import { dimsOf, elementsOf, type StepKernel } from './kernel.js';
import { forEachRow } from './strided.js';

const { Sum, Mean, Max, Min } = reduceKinds;

const add = (a: number, b: number): number => a + b;

const folds = {
  [Sum]: { start: 0, fold: add },
  [Mean]: { start: 0, fold: add },
  [Max]: { start: Number.NEGATIVE_INFINITY, fold: Math.max },
  [Min]: { start: Number.POSITIVE_INFINITY, fold: Math.min },
};

export const reduce: StepKernel<'Reduce'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const dims = dimsOf(memory, inputs[0]);
  const { start, fold } = folds[params.kind as keyof typeof folds];
  const values = new Float64Array(y.length).fill(start);
  const yStrides = stridesOf(dimsOf(memory, outputs[0])).map((stride, axis) =>
    params.axes[axis] === 1 ? 0 : stride,
  );
  const yStep = yStrides.at(-1) ?? 0;
  forEachRow(dims, stridesOf(dims), yStrides, (from, to, length) => {
    for (let i = 0; i < length; i++)
      values[to + i * yStep] = fold(values[to + i * yStep]!, x[from + i]!);
  });
  const divisor = params.kind === Mean ? x.length / y.length : 1;
  for (let i = 0; i < y.length; i++) y[i] = values[i]! / divisor;
};
