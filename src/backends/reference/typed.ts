/**
 * Arithmetic and comparisons of any type, and steps that choose elements: Where, Expand, Gather. Numbers and bigints
 * are never mixed: tensors of one type have one or the other.
 */
import { OctavoError } from '../../core/errors.js';
import { elementCount, stridesOf } from '../../core/shape.js';
import { arithmeticOn, comparisonOf } from '../../numerics/arithmetic.js';
import type { Step } from '../../runtime/plan.js';
import { arithmeticKinds, comparisonKinds, nameOfKind } from '../../runtime/steps.js';
import { dimsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { broadcastStrides, forEachRow, gather as gatherStrided } from './strided.js';
import { wordsOf } from './words.js';

/** Any typed array, element by element. */
interface Elements {
  readonly length: number;
  [index: number]: number | bigint;
}

function elements(memory: PlanMemory, index: number | undefined): Elements {
  return memory.view(index!) as unknown as Elements;
}

/** y = f(a, b) over tensors that broadcast; storing rounds or wraps to the type of y. */
function combine(
  step: Step,
  memory: PlanMemory,
  f: (a: number | bigint, b: number | bigint) => number | bigint,
): void {
  const [a, b, y] = [...step.inputs, ...step.outputs].map((index) => elements(memory, index));
  const dims = dimsOf(memory, step.outputs[0]);
  const aStrides = broadcastStrides(dimsOf(memory, step.inputs[0]), dims);
  const bStrides = broadcastStrides(dimsOf(memory, step.inputs[1]), dims);
  const [aStep, bStep] = [aStrides.at(-1) ?? 0, bStrides.at(-1) ?? 0];
  let at = 0;
  forEachRow(dims, aStrides, bStrides, (aFrom, bFrom, length) => {
    for (let i = 0; i < length; i++) y![at++] = f(a![aFrom + i * aStep]!, b![bFrom + i * bStep]!);
  });
}

export const arithmetic: StepKernel<'Arithmetic'> = (step, memory) => {
  const name = nameOfKind(arithmeticKinds, step.params.kind);
  combine(step, memory, arithmeticOn(name, typeOf(memory, step.outputs[0]))!);
};

export const compare: StepKernel<'Compare'> = (step, memory) => {
  const test = comparisonOf(nameOfKind(comparisonKinds, step.params.kind));
  combine(step, memory, (a, b) => (test(a, b) ? 1 : 0));
};

export const where: StepKernel<'Where'> = ({ inputs, outputs }, memory) => {
  const dims = dimsOf(memory, outputs[0]);
  const y = wordsOf(memory, outputs[0]);
  const [condition, a, b] = inputs.map((index) => {
    const spread = new Array<number>(y.length);
    gatherStrided(
      spread,
      wordsOf(memory, index),
      dims,
      broadcastStrides(dimsOf(memory, index), dims),
    );
    return spread;
  });
  for (let i = 0; i < y.length; i++) y[i] = condition![i] !== 0 ? a![i]! : b![i]!;
};

export const expand: StepKernel<'Expand'> = ({ inputs, outputs }, memory) => {
  const dims = dimsOf(memory, outputs[0]);
  const strides = broadcastStrides(dimsOf(memory, inputs[0]), dims);
  gatherStrided(wordsOf(memory, outputs[0]), wordsOf(memory, inputs[0]), dims, strides);
};

export const gather: StepKernel<'Gather'> = ({ node, inputs, outputs, params }, memory) => {
  const dims = dimsOf(memory, inputs[0]);
  const size = dims[params.axis]!;
  const inner = stridesOf(dims)[params.axis]!;
  const outer = elementCount(dims.slice(0, params.axis));
  const [x, y] = [wordsOf(memory, inputs[0]), wordsOf(memory, outputs[0])];
  const indices = memory.view(inputs[1]!) as ArrayLike<number | bigint>;
  const rows = Array.from(indices, (given) => rowOf(Number(given), size, node));
  let at = 0;
  for (let i = 0; i < outer; i++) {
    for (const row of rows) {
      for (let j = 0; j < inner; j++) y[at++] = x[(i * size + row) * inner + j]!;
    }
  }
};

/** The row that an index means. Throws `INVALID_INPUT`. */
function rowOf(given: number, size: number, node: string): number {
  const row = given < 0 ? given + size : given;
  if (row >= 0 && row < size) return row;
  throw new OctavoError('INVALID_INPUT', 'index out of range', {
    where: node,
    expected: size === 0 ? 'none' : `-${size} to ${size - 1}`,
    found: String(given),
  });
}
