/**
 * The matrix product of float32 and weights of float32, or of a 16-bit float, which take half the memory
 * and are computed with as the float32 they stand for, and of bfloat16 both: a step MatMul.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import type { Attribute } from '../graph/ir.js';
import { checkMatrix } from './gemmOutput.js';
import {
  checkCount,
  createOperator,
  graphOfStep,
  type Operator,
  type Placement,
  placement,
} from './operator.js';
import { type Check, type Checks, checkOptions } from './options.js';

export interface FloatGemmOptions extends Placement {
  /** One for each column, added to the sums. */
  readonly bias?: Float32Array | undefined;
  /** Clamp of the result. Default none. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

const isNumber: Check = (value) => typeof value === 'number' && !Number.isNaN(value);

const options: Checks<FloatGemmOptions> = {
  bias: [(value) => value instanceof Float32Array, 'a Float32Array'],
  min: [isNumber, 'a number'],
  max: [isNumber, 'a number'],
  ...placement,
};

export type FloatWeight = Tensor<'float32'> | Tensor<'float16'> | Tensor<'bfloat16'>;

export type FloatActivations = Tensor<'float32'> | Tensor<'bfloat16'>;

/** `createGemm` of weights of these types. x of bfloat16 is for weights of bfloat16. */
export async function createFloatGemm(
  weight: FloatWeight,
  given: FloatGemmOptions,
): Promise<Operator<FloatActivations>> {
  checkOptions(given, options, 'gemm option');
  const [depth, columns] = checkMatrix<FloatWeight['type']>(weight, weight.type);
  const { bias, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = given;
  if (min > max) {
    throw new OctavoError('INVALID_ARGUMENT', 'the clamp is empty', {
      where: 'min',
      expected: `at most ${max}`,
      found: String(min),
    });
  }
  const constants = new Map<string, Tensor>([['weight', weight]]);
  if (bias !== undefined) {
    checkCount('bias', bias, columns);
    constants.set('bias', { type: 'float32', dims: [columns], data: bias });
  }
  const attributes = new Map<string, Attribute>([
    ['transposeA', attribute.int(0)],
    ['transposeB', attribute.int(0)],
    ['lower', attribute.float(min)],
    ['upper', attribute.float(max)],
  ]);
  return createOperator(
    {
      constants,
      types: weight.type === 'bfloat16' ? ['float32', 'bfloat16'] : ['float32'],
      x: ['M', depth],
      graph: (x, type) => {
        const y = { type: 'float32', dims: [x[0]!, columns] } as const;
        const left = { type, dims: x };
        return graphOfStep('MatMul', constants, ['weight', 'bias'], attributes, left, y);
      },
      finish: (data, [rows]) => ({ type: 'float32', dims: [rows!, columns], data }),
    },
    given,
  );
}
