/**
 * Inference operator by operator, with the forms the models and node cases lack: free and unknown dims,
 * optional inputs, attributes.
 */
import { describe, expect, it } from 'vitest';
import { operators } from '../../src/graph/ops/index.js';
import { describeGiven, infer } from './inferNode.js';
import { computing } from './rows/computing.js';
import { fused } from './rows/fused.js';
import { moving } from './rows/moving.js';
import { quantizing } from './rows/quantizing.js';

const table = [...computing, ...moving, ...quantizing, ...fused];

/** Operators that share their definition with one in the table. */
const alike =
  'LeakyRelu Sigmoid HardSigmoid Tanh Exp Log Sqrt Neg Abs Reciprocal Erf Floor Ceil Round Elu Softplus Gelu ' +
  'Selu Celu ThresholdedRelu Softsign Mish Swish Shrink LogSoftmax GroupNormalization MeanVarianceNormalization ' +
  'com.microsoft:FastGelu com.microsoft:Gelu com.microsoft:QuickGelu com.microsoft:SkipSimplifiedLayerNormalization ' +
  'LpNormalization RMSNormalization ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp ' +
  'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh ' +
  'Not BitwiseNot Sign Sum Mean Mod BitwiseAnd BitwiseOr BitwiseXor BitShift Xor Min Less Greater LessOrEqual GreaterOrEqual And Or ReduceProd Size com.microsoft:QLinearMul ' +
  'octavo:QMul octavo:Binary octavo:Unary octavo:Softmax octavo:Lrn octavo:LayerNorm octavo:Copy octavo:Concat ' +
  'octavo:AveragePool octavo:QuantizeLinear octavo:DequantizeLinear octavo:DynamicQuantizeLinear';

/** Operators with bodies, which inferBodies.test.ts tests. */
const withBodies = 'If octavo:If Loop octavo:Loop';

describe('inference', () => {
  for (const [op, given, expected, attributes, outputs] of table) {
    it(`${op} of ${describeGiven(given)}`, () => {
      expect(infer(op, given, attributes, outputs)).toBe(expected);
    });
  }

  it('is tested for every operator', () => {
    const tested = new Set([
      ...table.map(([op]) => op),
      ...alike.split(' '),
      ...withBodies.split(' '),
    ]);
    const names = operators.map(({ op, domain }) => (domain === '' ? op : `${domain}:${op}`));
    expect(names.filter((name) => !tested.has(name))).toEqual([]);
  });
});
