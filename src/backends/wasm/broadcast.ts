/**
 * Two operands that broadcast, folded as far as it goes: axes along which both go on evenly become
 * one. What is left is rows, and rows of rows (assembly/rows.ts); the few axes beyond are walked
 * here.
 */
import type { Shape } from '../../core/shape.js';
import type { Step } from '../../runtime/plan.js';
import { broadcastStrides, forEachRow } from '../reference/strided.js';
import type { PrepareContext, StepRun } from './kernel.js';

/** An axis of y, and how far apart its elements lie in a and b; strides in elements. */
interface Axis {
  readonly length: number;
  readonly a: number;
  readonly b: number;
}

export interface Folded {
  readonly columns: Axis;
  readonly rows: Axis;
  /** The axes beyond, the outermost first. */
  readonly outer: readonly Axis[];
}

/** Folds operands of shapes `a` and `b`, which broadcast to `y`. */
export function foldBroadcast(a: Shape, b: Shape, y: Shape): Folded {
  const aStrides = broadcastStrides(a, y);
  const bStrides = broadcastStrides(b, y);
  const axes: Axis[] = []; // the innermost first
  y.forEach((_, i) => {
    const at = y.length - 1 - i;
    const axis = { length: y[at]!, a: aStrides[at]!, b: bStrides[at]! };
    const inner = axes.at(-1);
    if (axis.length === 1) return;
    if (inner && axis.a === inner.a * inner.length && axis.b === inner.b * inner.length) {
      axes[axes.length - 1] = { ...inner, length: inner.length * axis.length };
    } else {
      axes.push(axis);
    }
  });
  const [columns = { length: 1, a: 1, b: 1 }, rows = { length: 1, a: 0, b: 0 }, ...rest] = axes;
  return { columns, rows, outer: rest.reverse() };
}

/** A function of the module over rows: addresses of the fields of class Rows, of a, b and y. */
type RowsFunction = (rows: number, a: number, b: number, y: number) => void;

/** What runs `run` over the two inputs and the output of `step`, elements of `size` bytes. */
export function runOverRows(
  { inputs, outputs }: Pick<Step, 'inputs' | 'outputs'>,
  context: PrepareContext,
  size: number,
  run: RowsFunction,
): StepRun {
  const { tensors, operand, keepWords } = context;
  const [aDims, bDims, yDims] = [inputs[0], inputs[1], outputs[0]].map((i) => tensors[i!]!.dims);
  const { columns, rows, outer } = foldBroadcast(aDims!, bDims!, yDims!);
  const fields = keepWords([
    ...[rows.length, columns.length, rows.a * size, rows.b * size],
    ...[columns.a, columns.b],
  ]);
  const [a, b, y] = [operand(inputs[0]), operand(inputs[1]), operand(outputs[0])];
  const last = outer.at(-1) ?? { length: 1, a: 0, b: 0 };
  const dims = outer.map(({ length }) => length);
  const aStrides = outer.map((axis) => axis.a);
  const bStrides = outer.map((axis) => axis.b);
  const yStep = rows.length * columns.length * size;
  return (memory) => {
    const [aBase, bBase] = [a(memory), b(memory)];
    let yAt = y(memory);
    forEachRow(dims, aStrides, bStrides, (aFrom, bFrom, length) => {
      for (let i = 0; i < length; i++, yAt += yStep) {
        const aAt = aBase + (aFrom + i * last.a) * size;
        run(fields, aAt, bBase + (bFrom + i * last.b) * size, yAt);
      }
    });
  };
}
