/** The matrix product of ±1, one bit each: a step MatMulInt1. */
import type { Tensor } from '../core/tensor.js';
import { pack, unpack } from '../numerics/pack.js';
import { checkMatrix, checkOutput, multipliers, outputOption } from './gemmOutput.js';
import {
  checkCount,
  createOperator,
  graphOfStep,
  type Operator,
  type Placement,
  placement,
} from './operator.js';
import { type Checks, checkOptions, isObject } from './options.js';

/** What becomes of the sums, which are int32. */
export type Int1Output =
  | { readonly type: 'int32' }
  | {
      readonly type: 'float32';
      /** One, or one for each column. */
      readonly multiplier: number | Float32Array;
      /** One for each column, added to the product with the multiplier. */
      readonly bias?: Float32Array | undefined;
    };

export interface Int1GemmOptions extends Placement {
  /** Default int32: the sums as they are. */
  readonly output?: Int1Output | undefined;
}

const options: Checks<Int1GemmOptions> = {
  output: [isObject, 'an object with a type'],
  ...placement,
};

const { type, multiplier, floatBias } = outputOption;
const outputs = {
  int32: { type } as Checks<object>,
  float32: { type, multiplier, bias: floatBias } as Checks<object>,
};

/** `createGemm` of weights of type int1. */
export async function createInt1Gemm(
  weight: Tensor<'int1'>,
  given: Int1GemmOptions,
): Promise<Operator<Tensor<'int1'>>> {
  checkOptions(given, options, 'gemm option');
  const [depth, columns] = checkMatrix(weight, 'int1');
  const output = given.output ?? { type: 'int32' };
  checkOutput(output, outputs);

  const values = unpack(weight.data, depth * columns, 'int1');
  const transposed = new Int8Array(values.length);
  for (let k = 0; k < depth; k++) {
    for (let n = 0; n < columns; n++) transposed[n * depth + k] = values[k * columns + n]!;
  }
  const dims = [columns, depth];
  const constants = new Map<string, Tensor>([
    ['weight', { type: 'int1', dims, data: pack(transposed, 'int1') }],
  ]);
  if (output.type === 'float32') {
    const data = multipliers(output.multiplier, columns, Number.NEGATIVE_INFINITY);
    constants.set('multiplier', { type: 'float32', dims: [columns], data });
    if (output.bias !== undefined) {
      checkCount('output.bias', output.bias, columns);
      constants.set('bias', { type: 'float32', dims: [columns], data: output.bias });
    }
  }
  const names = ['weight', 'multiplier', 'bias'];
  return createOperator(
    {
      constants,
      types: ['int1'],
      x: ['M', depth],
      graph: (x) => {
        const y = { type: output.type, dims: [x[0]!, columns] };
        return graphOfStep('MatMulInt1', constants, names, new Map(), { type: 'int1', dims: x }, y);
      },
      finish: (data, [rows]) => ({ type: output.type, dims: [rows!, columns], data }),
    },
    given,
  );
}
