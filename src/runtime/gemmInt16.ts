/** The matrix product of int16, summed in 64 bits: a step MatMulInt16. */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import type { Attribute } from '../graph/ir.js';
import { checkMatrix, checkOutput, multipliers, outputOption } from './gemmOutput.js';
import {
  checkCount,
  createOperator,
  graphOfStep,
  type Operator,
  type Placement,
  placement,
} from './operator.js';
import { type Check, type Checks, checkOptions, isObject } from './options.js';

/** What becomes of the sums; `multiplier` is one, or one for each column. */
export type Int16Output =
  | { readonly type: 'int64' }
  | {
      /** clamp(rne(f32(sum) · multiplier)) */
      readonly type: 'int16';
      readonly multiplier: number | Float32Array;
      /** Default −32768 and 32767. */
      readonly min?: number | undefined;
      readonly max?: number | undefined;
    }
  | { readonly type: 'float32'; readonly multiplier: number | Float32Array };

export interface Int16GemmOptions extends Placement {
  /** Default int64: the sums as they are. */
  readonly output?: Int16Output | undefined;
  /** One for each column, added to the sums. */
  readonly bias?: Int32Array | undefined;
}

const options: Checks<Int16GemmOptions> = {
  output: [isObject, 'an object with a type'],
  bias: [(value) => value instanceof Int32Array, 'an Int32Array'],
  ...placement,
};

const isInt16: Check = (value) =>
  Number.isInteger(value) && (value as number) >= -(2 ** 15) && (value as number) < 2 ** 15;

const { type, multiplier } = outputOption;
const bound = [isInt16, 'a whole number from -32768 to 32767'] as const;
const outputs = {
  int64: { type } as Checks<object>,
  int16: { type, multiplier, min: bound, max: bound } as Checks<object>,
  float32: { type, multiplier } as Checks<object>,
};

/** Longest rows, so that no sum leaves what a double holds exactly. */
const mostDepth = 2 ** 22;

/** `createGemm` of weights of type int16. */
export async function createInt16Gemm(
  weight: Tensor<'int16'>,
  given: Int16GemmOptions,
): Promise<Operator<Tensor<'int16'>>> {
  checkOptions(given, options, 'gemm option');
  const [depth, columns] = checkMatrix(weight, 'int16');
  if (depth > mostDepth) {
    throw new OctavoError('LIMIT_EXCEEDED', 'too many products in a sum', {
      where: 'weight',
      expected: `at most ${mostDepth}`,
      found: String(depth),
    });
  }
  const output = given.output ?? { type: 'int64' };
  checkOutput(output, outputs);
  const { min = -(2 ** 15), max = 2 ** 15 - 1 } = output as { min?: number; max?: number };
  if (min > max) {
    throw new OctavoError('INVALID_ARGUMENT', 'the clamp is empty', {
      where: 'output.min',
      expected: `at most ${max}`,
      found: String(min),
    });
  }

  const data = new Int16Array(weight.data.length);
  for (let k = 0; k < depth; k++) {
    for (let n = 0; n < columns; n++) data[n * depth + k] = weight.data[k * columns + n]!;
  }
  const constants = new Map<string, Tensor>([
    ['weight', { type: 'int16', dims: [columns, depth], data }],
  ]);
  if (output.type !== 'int64') {
    const factors = multipliers(output.multiplier, columns, 0);
    constants.set('multiplier', { type: 'float32', dims: [columns], data: factors });
  }
  if (given.bias !== undefined) {
    checkCount('bias', given.bias, columns);
    constants.set('bias', { type: 'int32', dims: [columns], data: given.bias });
  }
  const names = ['weight', 'multiplier', 'bias'];
  const attributes = new Map<string, Attribute>([
    ['min', attribute.int(min)],
    ['max', attribute.int(max)],
  ]);
  return createOperator(
    {
      constants,
      types: ['int16'],
      x: ['M', depth],
      graph: (x) => {
        const y = { type: output.type, dims: [x[0]!, columns] };
        const left = { type: 'int16', dims: x } as const;
        return graphOfStep('MatMulInt16', constants, names, attributes, left, y);
      },
      finish: (sums, [rows]) => ({ type: output.type, dims: [rows!, columns], data: sums }),
    },
    given,
  );
}
