/** Normalizations: y has the type and dims of x. */
import { intOf } from '../attributes.js';
import { contradiction, expectRank, expectSameType, unsupportedForm } from './context.js';
import { axisOf, unifyDims } from './dims.js';
import type { OpDefinition } from './op.js';

/** x [N, C, …], scale, bias, mean and variance [C]. */
const batchNormalization: OpDefinition = {
  op: 'BatchNormalization',
  domain: '',
  since: 9,
  inputs: [5, 5],
  outputs: [1, 5],
  infer: (context) => {
    const { node, input } = context;
    if (intOf(node, 'training_mode', 0) !== 0 || node.outputs.slice(1).some((o) => o !== '')) {
      throw unsupportedForm(context, 'training mode');
    }
    const x = input(0);
    expectRank(context, 0, 2, Infinity);
    let channels = x?.dims?.[1];
    for (let i = 1; i < 5; i++) {
      expectRank(context, i, 1);
      const length = input(i)?.dims?.[0];
      channels = unifyDims(node, `channels and input ${i}`, channels, length);
    }
    return [x && { type: x.type, dims: x.dims?.map((dim, i) => (i === 1 ? channels : dim)) }];
  },
};

const lrn: OpDefinition = {
  op: 'LRN',
  domain: '',
  since: 1,
  inputs: [1, 1],
  outputs: [1, 1],
  infer: (context) => {
    const size = intOf(context.node, 'size', 0);
    if (size < 1) throw contradiction(context.node, "'size' out of range", 'from 1', String(size));
    expectRank(context, 0, 3, Infinity);
    return [context.input(0)];
  },
};

const softmax: OpDefinition = {
  op: 'Softmax',
  domain: '',
  since: 13,
  inputs: [1, 1],
  outputs: [1, 1],
  infer: ({ node, input }) => {
    const x = input(0);
    if (x?.dims !== undefined) axisOf(node, intOf(node, 'axis', -1), x.dims.length);
    return [x];
  },
};

/** x, scale and bias, of the axes from `axis` on. */
const layerNormalization: OpDefinition = {
  op: 'LayerNormalization',
  domain: '',
  since: 17,
  inputs: [2, 3],
  outputs: [1, 3],
  infer: (context) => {
    const { node, input } = context;
    expectSameType(context, [0, 1, 2]);
    const x = input(0);
    if (x?.dims === undefined) return [x];
    const axis = axisOf(node, intOf(node, 'axis', -1), x.dims.length);
    // The mean and the reciprocal of the deviation.
    const dims = x.dims.map((dim, i) => (i < axis ? dim : 1));
    return [x, { type: 'float32', dims }, { type: 'float32', dims }];
  },
};

/** x, xScale, xZero (optional), yScale, yZero (optional). */
function quantizedUnary(op: string): OpDefinition {
  return {
    op,
    domain: 'com.microsoft',
    since: 1,
    inputs: [4, 5],
    outputs: [1, 1],
    optionalInputs: [2],
    infer: (context) => {
      expectSameType(context, [0, 2, 4]);
      return [context.input(0)];
    },
  };
}

/** y has the type and dims of x, which has at least `rank` axes; scale and bias, if any, are vectors. */
function ofInput(op: string, since: number, inputs: number, rank: number): OpDefinition {
  return {
    op,
    domain: '',
    since,
    inputs: [inputs, inputs],
    outputs: [1, 1],
    infer: (context) => {
      expectRank(context, 0, rank, Infinity);
      expectSameType(
        context,
        Array.from({ length: inputs }, (_, i) => i),
      );
      return [context.input(0)];
    },
  };
}

export const normalizations: readonly OpDefinition[] = [
  batchNormalization,
  layerNormalization,
  lrn,
  softmax,
  { ...softmax, op: 'LogSoftmax' },
  ofInput('InstanceNormalization', 6, 3, 3),
  ofInput('GroupNormalization', 21, 3, 3),
  ofInput('MeanVarianceNormalization', 9, 1, 1),
  ofInput('LpNormalization', 1, 1, 1),
  ofInput('RMSNormalization', 1, 2, 1),
];

export const quantizedUnaries: readonly OpDefinition[] = [
  quantizedUnary('QLinearSigmoid'),
  quantizedUnary('QLinearLeakyRelu'),
];
