/** Operators that are others of indices, and questions about floats. */
import type { DataType } from '../../core/dtype.js';
import { intOf } from '../../graph/attributes.js';
import { elementTypeCode } from '../../graph/elementTypes.js';
import { axisOf } from '../../graph/ops/dims.js';
import type { Expand, Expansion } from './expansion.js';

/** Whole numbers from 0 along one of `rank` axes, to be broadcast. */
function numbersAlong(to: Expansion, rank: number, axis: number, count: number): string {
  const dims = Array.from({ length: rank }, (_, i) => (i === axis ? count : 1));
  const data = BigInt64Array.from({ length: count }, (_, i) => BigInt(i));
  return to.tensor({ type: 'int64', dims, data });
}

/** 1 where the greatest element along the axis lies, the first of equal ones, else 0. */
const hardmax: Expand = (to) => {
  const x = to.input(0);
  const [type, dims] = [to.typeOf(x), to.dimsOf(x)];
  if (type === undefined || dims === undefined) return false;
  const axis = axisOf(to.node, intOf(to.node, 'axis', -1), dims.length);
  const size = dims[axis];
  if (typeof size !== 'number') return false;
  const top = to.op('ArgMax', [x], { axis });
  const hot = to.op('Equal', [top, numbersAlong(to, dims.length, axis, size)]);
  to.output(0, to.op('Cast', [hot], { to: elementTypeCode(type) }));
  return true;
};

/** Along the time axis the first cells of each batch, as many as its length tells, in the other order. */
const reverseSequence: Expand = (to) => {
  const [x, lengths] = [to.input(0), to.input(1)];
  const shape = to.shapeOf(x);
  if (shape === undefined) return false;
  const timeFirst = intOf(to.node, 'time_axis', 0) === 0;
  const exchanged = { perm: shape.map((_, i) => (i < 2 ? 1 - i : i)) };
  const turned = timeFirst ? to.op('Transpose', [x], exchanged) : x;
  const time = numbersAlong(to, 2, 1, shape[timeFirst ? 0 : 1]!);
  const length = to.op('Unsqueeze', [lengths, to.constant('int64', [1])]);
  const last = to.op('Sub', [length, to.constant('int64', 1)]);
  const inside = to.op('Less', [time, length]);
  const from = to.op('Where', [inside, to.op('Sub', [last, time]), time]);
  const rows = to.op('Unsqueeze', [from, to.constant('int64', [2])]);
  const reversed = to.op('GatherND', [turned, rows], { batch_dims: 1 });
  to.output(0, timeFirst ? to.op('Transpose', [reversed], exchanged) : reversed);
  return true;
};

/** x, widened from 16 bits, and its type. */
function widened(to: Expansion): { readonly x: string; readonly type: DataType } | undefined {
  const type = to.typeOf(to.input(0));
  if (type === undefined) return undefined;
  if (type === 'float32' || type === 'float64') return { x: to.input(0), type };
  return { x: to.op('Cast', [to.input(0)], { to: elementTypeCode('float32') }), type: 'float32' };
}

/** Nothing but NaN differs from itself. */
const isNaNValue: Expand = (to) => {
  const wide = widened(to);
  if (wide === undefined) return false;
  to.output(0, to.op('Not', [to.op('Equal', [wide.x, wide.x])]));
  return true;
};

const isInf: Expand = (to) => {
  const wide = widened(to);
  if (wide === undefined) return false;
  const { x, type } = wide;
  const is = (value: number) => to.op('Equal', [x, to.constant(type, value)]);
  const wanted = [
    ...(intOf(to.node, 'detect_positive', 1) === 0 ? [] : [Number.POSITIVE_INFINITY]),
    ...(intOf(to.node, 'detect_negative', 1) === 0 ? [] : [Number.NEGATIVE_INFINITY]),
  ];
  // Neither is asked for: no number is greater than itself.
  if (wanted.length === 0) to.output(0, to.op('Less', [x, x]));
  else
    to.output(
      0,
      wanted.map(is).reduce((a, b) => to.op('Or', [a, b])),
    );
  return true;
};

export const indexing: Readonly<Record<string, Expand>> = {
  Hardmax: hardmax,
  ReverseSequence: reverseSequence,
  IsNaN: isNaNValue,
  IsInf: isInf,
};
