/** Element by element operators of one tensor: y has the type and dims of x. */
import type { DataType } from '../../core/dtype.js';
import { expectInputType, expectSameType } from './context.js';
import { broadcastDims } from './dims.js';
import type { OpDefinition } from './op.js';

/** ONNX's floating-point types. */
export const floatTypes: readonly DataType[] = ['float32', 'float64', 'float16', 'bfloat16'];

function unary(op: string, since: number, types?: readonly DataType[]): OpDefinition {
  return {
    op,
    domain: '',
    since,
    inputs: [1, 1],
    outputs: [1, 1],
    infer: (context) => {
      if (types !== undefined) expectInputType(context, 0, ...types);
      return [context.input(0)];
    },
  };
}

const clip: OpDefinition = {
  op: 'Clip',
  domain: '',
  since: 11,
  inputs: [1, 3],
  outputs: [1, 1],
  infer: (context) => {
    expectSameType(context, [0, 1, 2]);
    return [context.input(0)];
  },
};

const prelu: OpDefinition = {
  op: 'PRelu',
  domain: '',
  since: 7,
  inputs: [2, 2],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    expectSameType(context, [0, 1]);
    broadcastDims(node, input(0)?.dims, input(1)?.dims);
    return [input(0)];
  },
};

export const unaries: readonly OpDefinition[] = [
  unary('Relu', 6),
  unary('LeakyRelu', 6, floatTypes),
  unary('Sigmoid', 6, floatTypes),
  unary('HardSigmoid', 6, floatTypes),
  unary('HardSwish', 14, floatTypes),
  unary('Gelu', 20, floatTypes),
  unary('Tanh', 6, floatTypes),
  unary('Exp', 6, floatTypes),
  unary('Log', 6, floatTypes),
  unary('Sqrt', 6, floatTypes),
  unary('Reciprocal', 6, floatTypes),
  unary('Elu', 6, floatTypes),
  unary('Softplus', 1, floatTypes),
  unary('Floor', 6, floatTypes),
  unary('Ceil', 6, floatTypes),
  unary('Round', 11, floatTypes),
  unary('Neg', 6),
  unary('Abs', 6),
  unary('Erf', 9),
  unary('Sin', 7, floatTypes),
  unary('Cos', 7, floatTypes),
  unary('Tan', 7, floatTypes),
  unary('Asin', 7, floatTypes),
  unary('Acos', 7, floatTypes),
  unary('Atan', 7, floatTypes),
  unary('Sinh', 9, floatTypes),
  unary('Cosh', 9, floatTypes),
  unary('Asinh', 9, floatTypes),
  unary('Acosh', 9, floatTypes),
  unary('Atanh', 9, floatTypes),
  unary('Not', 1, ['bool']),
  unary('BitwiseNot', 18),
  unary('Sign', 9),
  unary('Selu', 6, floatTypes),
  unary('Celu', 12, floatTypes),
  unary('ThresholdedRelu', 10, floatTypes),
  unary('Softsign', 1, floatTypes),
  unary('Mish', 18, floatTypes),
  unary('Swish', 1, floatTypes),
  unary('Shrink', 9),
  clip,
  prelu,
];
