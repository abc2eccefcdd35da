/**
 * Evaluators of arithmetic, comparisons and reductions. Floats are computed in double and rounded to
 * their type once; integers wrap as the typed arrays that hold them do. Divisions by an integer zero are
 * left to the runtime, and so are the 16-bit floats.
 */
import { bitsOf, type DataType, isInteger } from '../../core/dtype.js';
import { stridesOf } from '../../core/shape.js';
import { reducedAxes } from '../../graph/ops/reduce.js';
import {
  type ArithmeticOperation,
  arithmeticOn,
  comparisonOf,
  type OnElements,
} from '../../numerics/arithmetic.js';
import { roundHalfEven } from '../../numerics/rounding.js';
import {
  broadcastTo,
  type Elements,
  type Evaluation,
  type Evaluator,
  elementsOf,
  strided,
  tensorFrom,
} from './evaluation.js';

/** Types whose elements are numbers (or bigints) as they lie in their arrays. */
function isPlain(type: DataType): boolean {
  return type === 'float32' || type === 'float64' || type === 'bool' || isPlainInteger(type);
}

function isPlainInteger(type: DataType): boolean {
  return isInteger(type) && bitsOf(type) >= 8;
}

function isFloat(type: DataType): boolean {
  return type === 'float32' || type === 'float64';
}

/** Spreads all inputs over the dims of the first output. */
function spread({ inputs, outputs }: Evaluation): Elements[] {
  return inputs.map((input) => elementsOf(broadcastTo(input!, outputs[0]!.dims).data));
}

/** Whether an integer divisor is zero. */
function dividesByZero(name: ArithmeticOperation, type: DataType, divisors: readonly Elements[]) {
  if (name !== 'Div' || !isInteger(type)) return false;
  return divisors.some((b) => Array.from(b).some((x) => Number(x) === 0));
}

function combine(name: ArithmeticOperation): Evaluator {
  return (evaluation) => {
    const { type, dims } = evaluation.outputs[0]!;
    const compute = arithmeticOn(name, type);
    if (compute === undefined) return undefined;
    const [first, ...rest] = spread(evaluation);
    if (dividesByZero(name, type, rest)) return undefined;
    const result = tensorFrom(type, dims, (out) => {
      for (let i = 0; i < out.length; i++) {
        // Stored after each operation, so that every partial result is rounded to the type.
        out[i] = first![i]!;
        for (const b of rest) out[i] = compute(out[i]!, b[i]!);
      }
    });
    return [result];
  };
}

const pow: Evaluator = (evaluation) => {
  const { type, dims } = evaluation.outputs[0]!;
  if (!isFloat(type) || !isPlain(evaluation.inputs[1]!.type)) return undefined;
  const [a, b] = spread(evaluation);
  return [
    tensorFrom(type, dims, (out) => {
      for (let i = 0; i < out.length; i++) out[i] = Number(a![i]) ** Number(b![i]);
    }),
  ];
};

function compare(test: OnElements<boolean>): Evaluator {
  return (evaluation) => {
    if (!evaluation.inputs.every((input) => isPlain(input!.type))) return undefined;
    const [a, b] = spread(evaluation);
    return [
      tensorFrom('bool', evaluation.outputs[0]!.dims, (out) => {
        for (let i = 0; i < out.length; i++) out[i] = test(a![i]!, b![i]!) ? 1 : 0;
      }),
    ];
  };
}

const where: Evaluator = (evaluation) => {
  const { type, dims } = evaluation.outputs[0]!;
  if (bitsOf(type) < 8) return undefined;
  const [condition, a, b] = spread(evaluation);
  return [
    tensorFrom(type, dims, (out) => {
      for (let i = 0; i < out.length; i++) out[i] = condition![i] ? a![i]! : b![i]!;
    }),
  ];
};

function map(allowed: (type: DataType) => boolean, compute: (x: number) => number): Evaluator {
  return ({ inputs, outputs }) => {
    const { type, dims } = outputs[0]!;
    if (!allowed(type)) return undefined;
    const x = elementsOf(inputs[0]!.data);
    return [
      tensorFrom(type, dims, (out) => {
        for (let i = 0; i < out.length; i++) out[i] = compute(x[i] as number);
      }),
    ];
  };
}

const smallNumber = (type: DataType) =>
  isFloat(type) || (isPlainInteger(type) && bitsOf(type) <= 32);

const negate: Evaluator = (evaluation) => {
  const { type, dims } = evaluation.outputs[0]!;
  if (type !== 'int64') return map(smallNumber, (x) => -x)(evaluation);
  const x = elementsOf(evaluation.inputs[0]!.data);
  return [
    tensorFrom(type, dims, (out) => {
      for (let i = 0; i < out.length; i++) out[i] = -(x[i] as bigint);
    }),
  ];
};

/** Operations on shapes, and the few that exporters leave on weights. */
const folded = ['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max'] as const;

interface Reduction {
  readonly start: number;
  readonly step: (sum: number, x: number) => number;
  readonly finish?: (sum: number, count: number) => number;
}

const reductions: Readonly<Record<string, Reduction>> = {
  ReduceSum: { start: 0, step: (sum, x) => sum + x },
  ReduceProd: { start: 1, step: (sum, x) => sum * x },
  ReduceMean: { start: 0, step: (sum, x) => sum + x, finish: (sum, count) => sum / count },
  ReduceMax: { start: -Infinity, step: Math.max },
  ReduceMin: { start: Infinity, step: Math.min },
};

/** Sums in double; integers only as long as everything stays exact. */
function reduce({ start, step, finish = (sum) => sum }: Reduction): Evaluator {
  return ({ context, inputs, outputs }) => {
    const x = inputs[0]!;
    const { type, dims } = outputs[0]!;
    const axes = reducedAxes(context, x.dims.length);
    if (!isPlain(type) || type === 'bool' || axes === undefined) return undefined;
    const kept = x.dims.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
    const order = [...kept, ...axes];
    const strides = stridesOf(x.dims);
    const rows = strided(
      x,
      order.map((axis) => x.dims[axis]!),
      order.map((axis) => strides[axis]!),
    );
    const from = elementsOf(rows.data);
    const count = axes.reduce((product, axis) => product * x.dims[axis]!, 1);
    if (count === 0) return undefined;
    let exact = true;
    const result = tensorFrom(type, dims, (out) => {
      for (let row = 0; row < out.length; row++) {
        let sum = start;
        for (let i = 0; i < count; i++) {
          sum = step(sum, Number(from[row * count + i]));
          exact &&= isFloat(type) || Number.isSafeInteger(sum);
        }
        const value = finish(sum, count);
        const whole = isFloat(type) ? value : Math.trunc(exact ? value : 0);
        out[row] = bitsOf(type) === 64 && isInteger(type) ? BigInt(whole) : whole;
      }
    });
    return exact ? [result] : undefined;
  };
}

export const arithmeticEvaluators: Readonly<Record<string, Evaluator>> = {
  ...Object.fromEntries(folded.map((name) => [name, combine(name)])),
  ...Object.fromEntries(Object.entries(reductions).map(([op, how]) => [op, reduce(how)])),
  Pow: pow,
  Equal: compare(comparisonOf('Equal')),
  Less: compare(comparisonOf('Less')),
  Greater: compare((a, b) => a > b),
  LessOrEqual: compare(comparisonOf('LessOrEqual')),
  GreaterOrEqual: compare((a, b) => a >= b),
  And: compare((a, b) => a !== 0 && b !== 0),
  Or: compare((a, b) => a !== 0 || b !== 0),
  Not: map(
    (type) => type === 'bool',
    (x) => (x === 0 ? 1 : 0),
  ),
  Where: where,
  Neg: negate,
  Abs: map(smallNumber, Math.abs),
  Relu: map(smallNumber, (x) => (x < 0 ? 0 : x)),
  Floor: map(isFloat, Math.floor),
  Ceil: map(isFloat, Math.ceil),
  Round: map(isFloat, roundHalfEven),
  Sqrt: map(isFloat, Math.sqrt),
  Reciprocal: map(isFloat, (x) => 1 / x),
  Exp: map(isFloat, Math.exp),
  Log: map(isFloat, Math.log),
} satisfies Record<string, Evaluator>;
