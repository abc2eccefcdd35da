/** What matrix products of other widths than int8 check alike: weights, and the `output` option. */
import type { DataType } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { formatShape } from '../core/shape.js';
import { type Tensor, tensor } from '../core/tensor.js';
import { checkCount } from './operator.js';
import { type Check, type Checks, checkOptions, isText } from './options.js';

/** Options of each type of output. */
type Outputs = Readonly<Record<string, Checks<object>>>;

const isFactor: Check = (value) =>
  (typeof value === 'number' && !Number.isNaN(value)) || value instanceof Float32Array;

/** The options of most outputs. */
export const outputOption = {
  type: [isText, 'a name'],
  multiplier: [isFactor, 'a number or a Float32Array'],
  floatBias: [(value: unknown) => value instanceof Float32Array, 'a Float32Array'],
} as const;

/** Throws `INVALID_ARGUMENT` naming the option, one that is missing too. */
export function checkOutput(output: { readonly type: string }, outputs: Outputs): void {
  const { type } = output;
  if (!Object.hasOwn(outputs, type)) {
    throw new OctavoError('INVALID_ARGUMENT', 'no such type of output', {
      where: 'output.type',
      expected: Object.keys(outputs).join(', '),
      found: String(type),
    });
  }
  const checks = outputs[type]!;
  checkOptions(output, checks, `option of ${type} output`);
  const given = output as { readonly multiplier?: unknown };
  if ('multiplier' in checks && given.multiplier === undefined) {
    throw new OctavoError('INVALID_ARGUMENT', 'the output needs a multiplier', {
      where: 'output.multiplier',
    });
  }
}

/**
 * A float32 for each column: those given, or the one given again and again. Throws
 * `INVALID_QUANTIZATION` unless all are finite and above `least`.
 */
export function multipliers(
  value: number | Float32Array,
  count: number,
  least: number,
): Float32Array {
  const where = 'output.multiplier';
  if (typeof value !== 'number') checkCount(where, value, count);
  const values = typeof value === 'number' ? new Float32Array(count).fill(value) : value;
  const bad = values.find((factor) => !(factor > least && Number.isFinite(factor)));
  if (bad === undefined) return values;
  const what = least === 0 ? 'positive and finite' : 'finite';
  throw new OctavoError('INVALID_QUANTIZATION', `multipliers must be ${what}`, {
    where,
    found: String(bad),
  });
}

/** Throws `INVALID_ARGUMENT` unless `weight` is a matrix [K, N] of that type that is not empty. */
export function checkMatrix<T extends DataType>(weight: Tensor<T>, type: T): [number, number] {
  const dims = weight?.dims;
  if (weight?.type !== type || dims?.length !== 2 || weight.data?.length === 0) {
    const found = dims === undefined ? 'no tensor' : formatShape([...dims]);
    throw new OctavoError('INVALID_ARGUMENT', 'weight of the wrong form', {
      where: 'weight',
      expected: `${type} [K, N]`,
      found: `${weight?.type ?? ''} ${found}`.trim(),
    });
  }
  tensor(type, weight.data, dims, 'weight');
  return dims as unknown as [number, number];
}
