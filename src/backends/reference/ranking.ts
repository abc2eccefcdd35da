/** Steps along the lines of one axis: TopK, ArgReduce, CumSum. */
import { isInteger } from '../../core/dtype.js';
import { elementCount } from '../../core/shape.js';
import { argReduceKinds, nameOfKind } from '../../runtime/kinds.js';
import { dimsOf, elementsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';

/** Numbers or bigints. */
type Element = number | bigint;

interface Elements {
  readonly length: number;
  [index: number]: Element;
}

function view(memory: PlanMemory, index: number | undefined): Elements {
  return memory.view(index!) as unknown as Elements;
}

/** A tensor's lines along an axis: where each begins in one whose lines are `length` long; elements are `inner` apart. */
function linesOf(memory: PlanMemory, index: number | undefined, axis: number) {
  const dims = dimsOf(memory, index);
  const inner = elementCount(dims.slice(axis + 1));
  const count = elementCount(dims.slice(0, axis)) * inner;
  const first = (line: number, length: number) =>
    Math.floor(line / inner) * length * inner + (line % inner);
  return { size: dims[axis]!, inner, count, first };
}

const isNaNElement = (x: Element) => typeof x === 'number' && Number.isNaN(x);

/** Below 0 where a comes before b in ascending order; NaN is the greatest. */
function ascending(a: Element, b: Element): number {
  if (isNaNElement(a) || isNaNElement(b)) return Number(isNaNElement(a)) - Number(isNaNElement(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

export const topK: StepKernel<'TopK'> = ({ inputs, outputs, params }, memory) => {
  const { size, inner, count, first } = linesOf(memory, inputs[0], params.axis);
  const k = dimsOf(memory, outputs[0])[params.axis]!;
  const [x, values] = [view(memory, inputs[0]), view(memory, outputs[0])];
  const indices = elementsOf<'int64'>(memory, outputs[1]);
  const sign = params.largest === 0 ? 1 : -1;
  for (let line = 0; line < count; line++) {
    const from = first(line, size);
    const at = (i: number) => x[from + i * inner]!;
    const order = Array.from({ length: size }, (_, i) => i).sort(
      (a, b) => sign * ascending(at(a), at(b)) || a - b,
    );
    for (let i = 0; i < k; i++) {
      const to = first(line, k) + i * inner;
      values[to] = at(order[i]!);
      indices[to] = BigInt(order[i]!);
    }
  }
};

export const argReduce: StepKernel<'ArgReduce'> = ({ inputs, outputs, params }, memory) => {
  const { size, inner, count, first } = linesOf(memory, inputs[0], params.axis);
  const x = view(memory, inputs[0]);
  const y = elementsOf<'int64'>(memory, outputs[0]);
  const isMax = nameOfKind(argReduceKinds, params.kind) === 'Max';
  const wins = (a: Element, b: Element) => {
    if (isNaNElement(b)) return params.last === 1 && isNaNElement(a);
    if (isNaNElement(a)) return true;
    return a === b ? params.last === 1 : isMax ? a > b : a < b;
  };
  for (let line = 0; line < count; line++) {
    const at = (i: number) => x[first(line, size) + i * inner]!;
    let best = 0;
    for (let i = 1; i < size; i++) if (wins(at(i), at(best))) best = i;
    y[line] = BigInt(best);
  }
};

export const cumSum: StepKernel<'CumSum'> = ({ inputs, outputs, params }, memory) => {
  const { size, inner, count, first } = linesOf(memory, inputs[0], params.axis);
  const type = typeOf(memory, inputs[0]);
  const [x, y] = [view(memory, inputs[0]), view(memory, outputs[0])];
  const whole = isInteger(type);
  const wide = type === 'int64' || type === 'uint64';
  // Storing wraps integers, of which sums of 64 bits are bigints.
  const add = (a: Element, b: Element): Element =>
    wide
      ? (a as bigint) + (b as bigint)
      : whole
        ? (Number(a) + Number(b)) | 0
        : Number(a) + Number(b);
  for (let line = 0; line < count; line++) {
    let sum: Element = wide ? 0n : 0;
    for (let i = 0; i < size; i++) {
      const place = params.reverse === 1 ? size - 1 - i : i;
      const at = first(line, size) + place * inner;
      if (params.exclusive === 1) y[at] = sum;
      sum = add(sum, x[at]!);
      if (params.exclusive === 0) y[at] = sum;
    }
  }
};
