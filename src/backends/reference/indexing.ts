/**
 * Steps that read indices: Gather, GatherElements, GatherND, ScatterElements, ScatterND. Elements are moved as bits
 * where nothing is computed.
 */
import { OctavoError } from '../../core/errors.js';
import { elementCount, type Shape, stridesOf } from '../../core/shape.js';
import { arithmeticOn } from '../../numerics/arithmetic.js';
import { nameOfKind, type ScatterReduction, scatterReductions } from '../../runtime/kinds.js';
import type { Step } from '../../runtime/plan.js';
import { dimsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { forEachRow } from './strided.js';
import { copyWords, type Words, wordsOf } from './words.js';

/** Indices as they were given. */
function givenOf(memory: PlanMemory, index: number | undefined): ArrayLike<number | bigint> {
  return memory.view(index!) as ArrayLike<number | bigint>;
}

/** The row that an index means. Throws `INVALID_INPUT`. */
function rowOf(given: number | bigint | undefined, size: number, node: string): number {
  const index = Number(given);
  const row = index < 0 ? index + size : index;
  if (row >= 0 && row < size) return row;
  throw new OctavoError('INVALID_INPUT', 'index out of range', {
    where: node,
    expected: size === 0 ? 'none' : `-${size} to ${size - 1}`,
    found: String(given),
  });
}

export const gather: StepKernel<'Gather'> = ({ node, inputs, outputs, params }, memory) => {
  const dims = dimsOf(memory, inputs[0]);
  const size = dims[params.axis]!;
  const inner = stridesOf(dims)[params.axis]!;
  const outer = elementCount(dims.slice(0, params.axis));
  const [x, y] = [wordsOf(memory, inputs[0]), wordsOf(memory, outputs[0])];
  const rows = Array.from(givenOf(memory, inputs[1]), (given) => rowOf(given, size, node));
  let at = 0;
  for (let i = 0; i < outer; i++) {
    for (const row of rows) {
      copyWords(y, at, x, (i * size + row) * inner, inner);
      at += inner;
    }
  }
};

/** Where each element of a tensor of `dims` falls in one of `target`: at its own place, but for the axis, where its index tells. */
function placesAlong(
  dims: Shape,
  target: Shape,
  axis: number,
  given: ArrayLike<number | bigint>,
  node: string,
): number[] {
  const strides = stridesOf(target);
  const own = strides.with(axis, 0);
  const step = own.at(-1)!;
  const places: number[] = [];
  forEachRow(dims, own, own, (from, _, length) => {
    for (let i = 0; i < length; i++) {
      const row = rowOf(given[places.length], target[axis]!, node);
      places.push(from + i * step + row * strides[axis]!);
    }
  });
  return places;
}

export const gatherElements: StepKernel<'GatherElements'> = (step, memory) => {
  const { node, inputs, outputs, params } = step;
  const [x, y] = [wordsOf(memory, inputs[0]), wordsOf(memory, outputs[0])];
  const given = givenOf(memory, inputs[1]);
  const [target, dims] = [dimsOf(memory, inputs[0]), dimsOf(memory, inputs[1])];
  placesAlong(dims, target, params.axis, given, node).forEach((place, i) => {
    y[i] = x[place]!;
  });
};

/** Where the slices begin that the tuples of indices address, behind `batchDims` axes that both share. */
function slicesOf(
  memory: PlanMemory,
  [x, indices]: readonly number[],
  batchDims: number,
  node: string,
): { readonly starts: readonly number[]; readonly length: number } {
  const target = dimsOf(memory, x);
  const dims = dimsOf(memory, indices);
  const given = givenOf(memory, indices);
  const strides = stridesOf(target);
  const depth = dims.at(-1)!;
  const ofBatch = elementCount(dims.slice(batchDims, -1));
  const ofElement = elementCount(target.slice(batchDims));
  const starts = Array.from({ length: elementCount(dims.slice(0, -1)) }, (_, tuple) => {
    let start = Math.floor(tuple / ofBatch) * ofElement;
    for (let i = 0; i < depth; i++) {
      const axis = batchDims + i;
      start += rowOf(given[tuple * depth + i], target[axis]!, node) * strides[axis]!;
    }
    return start;
  });
  return { starts, length: elementCount(target.slice(batchDims + depth)) };
}

export const gatherND: StepKernel<'GatherND'> = ({ node, inputs, outputs, params }, memory) => {
  const [x, y] = [wordsOf(memory, inputs[0]), wordsOf(memory, outputs[0])];
  const { starts, length } = slicesOf(memory, inputs, params.batchDims, node);
  starts.forEach((start, i) => {
    copyWords(y, i * length, x, start, length);
  });
};

/** y = x with update i combined into element places[i], in order. */
function scatter(
  { inputs, outputs }: Pick<Step, 'inputs' | 'outputs'>,
  memory: PlanMemory,
  reduction: number,
  places: Iterable<number>,
): void {
  const name = nameOfKind(scatterReductions, reduction);
  const moved = (index: number | undefined) =>
    name === 'none' ? wordsOf(memory, index) : (memory.view(index!) as unknown as Words);
  const [x, updates, y] = [inputs[0], inputs[2], outputs[0]].map(moved);
  const combine = combinations[name];
  const f = combine && arithmeticOn(combine, typeOf(memory, outputs[0]))!;
  for (let i = 0; i < y!.length; i++) y![i] = x![i]!;
  let i = 0;
  for (const place of places) {
    const update = updates![i++]!;
    y![place] = f === undefined ? update : (f(y![place]!, update) as number);
  }
}

const combinations = {
  none: undefined,
  add: 'Add',
  mul: 'Mul',
  max: 'Max',
  min: 'Min',
} as const satisfies Record<ScatterReduction, unknown>;

export const scatterElements: StepKernel<'ScatterElements'> = (step, memory) => {
  const { node, inputs, params } = step;
  const given = givenOf(memory, inputs[1]);
  const [target, dims] = [dimsOf(memory, inputs[0]), dimsOf(memory, inputs[1])];
  const places = placesAlong(dims, target, params.axis, given, node);
  scatter(step, memory, params.reduction, places);
};

export const scatterND: StepKernel<'ScatterND'> = (step, memory) => {
  const { starts, length } = slicesOf(memory, step.inputs, 0, step.node);
  const places = starts.flatMap((start) => Array.from({ length }, (_, i) => start + i));
  scatter(step, memory, step.params.reduction, places);
};
