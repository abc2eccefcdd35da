/**
 * Sum, mean, maximum, minimum or product over chosen axes. Floats are kept in double and rounded once, integers in 64
 * bits, which wrap. A mean of integers is cut towards zero.
 */
import { bitsOf, type DataType, isInteger, isSigned } from '../../core/dtype.js';
import { stridesOf } from '../../core/shape.js';
import { nameOfKind, reduceKinds } from '../../runtime/kinds.js';
import { dimsOf, type StepKernel, typeOf } from './kernel.js';
import { forEachRow } from './strided.js';

const floatFolds = {
  Sum: { start: 0, fold: (a: number, b: number) => a + b },
  Mean: { start: 0, fold: (a: number, b: number) => a + b },
  Max: { start: Number.NEGATIVE_INFINITY, fold: Math.max as (a: number, b: number) => number },
  Min: { start: Number.POSITIVE_INFINITY, fold: Math.min as (a: number, b: number) => number },
  Prod: { start: 1, fold: (a: number, b: number) => a * b },
};

type Fold<E> = { readonly start: E; readonly fold: (a: E, b: E) => E };

/** The same for integers of a type, as bigints of any size. */
function integerFold(kind: keyof typeof reduceKinds, type: DataType): Fold<bigint> {
  const bits = BigInt(bitsOf(type));
  const least = isSigned(type) ? -(1n << (bits - 1n)) : 0n;
  switch (kind) {
    case 'Max':
      return { start: least, fold: (a, b) => (a > b ? a : b) };
    case 'Min':
      return { start: least + (1n << bits) - 1n, fold: (a, b) => (a < b ? a : b) };
    case 'Prod':
      return { start: 1n, fold: (a, b) => BigInt.asIntN(64, a * b) };
    default:
      return { start: 0n, fold: (a, b) => a + b };
  }
}

export const reduce: StepKernel<'Reduce'> = (step, memory) => {
  const type = typeOf(memory, step.inputs[0]);
  const kind = nameOfKind(reduceKinds, step.params.kind);
  const x = memory.view(step.inputs[0]!);
  const y = memory.view(step.outputs[0]!);
  const count = x.length / y.length;
  if (isInteger(type)) {
    const whole = Array.from(x as ArrayLike<number | bigint>, BigInt);
    const values = folded(step, memory, whole, integerFold(kind, type));
    const wrap = isSigned(type) ? BigInt.asIntN : BigInt.asUintN;
    const divisor = kind === 'Mean' && count > 0 ? BigInt(count) : 1n;
    const out = y as unknown as { [i: number]: number | bigint };
    for (let i = 0; i < values.length; i++) {
      const value = wrap(64, values[i]!) / divisor;
      out[i] = bitsOf(type) === 64 ? value : Number(wrap(32, value));
    }
  } else {
    const floats = y as Float32Array | Float64Array;
    const values = folded(step, memory, x as ArrayLike<number>, floatFolds[kind]);
    const divisor = kind === 'Mean' ? count : 1;
    for (let i = 0; i < floats.length; i++) floats[i] = values[i]! / divisor;
  }
};

function folded<E>(
  { inputs, outputs, params }: Parameters<typeof reduce>[0],
  memory: Parameters<typeof reduce>[1],
  x: ArrayLike<E>,
  { start, fold }: Fold<E>,
): E[] {
  const dims = dimsOf(memory, inputs[0]);
  const values = new Array<E>(memory.view(outputs[0]!).length).fill(start);
  const yStrides = stridesOf(dimsOf(memory, outputs[0])).map((stride, axis) =>
    params.axes[axis] === 1 ? 0 : stride,
  );
  const yStep = yStrides.at(-1) ?? 0;
  forEachRow(dims, stridesOf(dims), yStrides, (from, to, length) => {
    for (let i = 0; i < length; i++) {
      values[to + i * yStep] = fold(values[to + i * yStep]!, x[from + i]!);
    }
  });
  return values;
}
