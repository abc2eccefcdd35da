/** com.microsoft's operators that are several of ONNX's in one, as onnxruntime's optimizer writes them. */
import { intOf } from '../attributes.js';
import { expectInputType, expectRank, expectSameType } from './context.js';
import { convolve } from './convolution.js';
import { axisOf, type Dims } from './dims.js';
import { gemmDims, matMulDims } from './matmul.js';
import type { OpDefinition } from './op.js';

const contrib = { domain: 'com.microsoft', since: 1, outputs: [1, 1] } as const;

/** y has the type and dims of x. */
function likeFirst(op: string, most: number): OpDefinition {
  return {
    ...contrib,
    op,
    inputs: [1, most],
    infer: (context) => {
      expectSameType(context, [0, 1]);
      return [context.input(0)];
    },
  };
}

/** x, skip, scale …; y, mean, inverse deviation, x + skip. */
function skipNormalization(op: string, most: number): OpDefinition {
  return {
    ...contrib,
    op,
    inputs: [3, most],
    outputs: [1, 4],
    infer: (context) => {
      const type = expectSameType(context, [0, 1, 2]);
      expectRank(context, 0, 2, 3);
      const dims = context.input(0)?.dims;
      const statistics = { type: 'float32', dims: dims?.with(-1, 1) } as const;
      return [type && { type, dims }, statistics, statistics, type && { type, dims }];
    },
  };
}

/** x and scale of the axes from `axis` on; the domain is ONNX's, the operator is not. */
const simplifiedLayerNormalization: OpDefinition = {
  op: 'SimplifiedLayerNormalization',
  domain: '',
  since: 1,
  inputs: [2, 2],
  outputs: [1, 2],
  infer: ({ node, input }) => {
    const x = input(0);
    if (x?.dims !== undefined) axisOf(node, intOf(node, 'axis', -1), x.dims.length);
    return [x];
  },
};

/** ids, segmentIds, words, positions, segments, scale, bias, mask, positionIds; y, lengths, sum. */
const embedLayerNormalization: OpDefinition = {
  ...contrib,
  op: 'EmbedLayerNormalization',
  inputs: [7, 9],
  optionalInputs: [1, 4],
  outputs: [1, 3],
  infer: (context) => {
    for (const i of [0, 1, 7, 8]) expectInputType(context, i, 'int32', 'int64');
    const type = expectSameType(context, [2, 3, 4, 5, 6]);
    expectRank(context, 0, 2);
    const [ids, words] = [context.input(0)?.dims, context.input(2)?.dims];
    const dims = ids && words && [...ids, words[1]];
    return [
      type && { type, dims },
      { type: 'int32', dims: ids && [ids[0]] },
      type && { type, dims },
    ];
  },
};

/** Dims with the last two exchanged, and axis 0 moved before the last one first. */
function turned(dims: Dims | undefined, flip: boolean, batch: boolean): Dims | undefined {
  if (dims === undefined || dims.length < 2) return dims;
  const moved = batch ? [...dims.slice(1, -1), dims[0], dims.at(-1)] : dims;
  return flip ? [...moved.slice(0, -2), moved.at(-1), moved.at(-2)] : moved;
}

const fusedMatMul: OpDefinition = {
  ...contrib,
  op: 'FusedMatMul',
  inputs: [2, 2],
  infer: (context) => {
    const { node, input } = context;
    const type = expectSameType(context, [0, 1]);
    const flag = (name: string) => intOf(node, name, 0) !== 0;
    const a = turned(input(0)?.dims, flag('transA'), flag('transBatchA'));
    const b = turned(input(1)?.dims, flag('transB'), flag('transBatchB'));
    return [type && { type, dims: matMulDims(node, a, b) }];
  },
};

/** x, weight, bias, and what is added before the activation. */
const fusedConv: OpDefinition = {
  ...contrib,
  op: 'FusedConv',
  inputs: [2, 4],
  infer: (context) => {
    const type = expectSameType(context, [0, 1, 2, 3]);
    return [type && { type, dims: convolve(context, 0, 1, 2) }];
  },
};

const fusedGemm: OpDefinition = {
  ...contrib,
  op: 'FusedGemm',
  inputs: [2, 3],
  infer: (context) => {
    const type = expectSameType(context, [0, 1, 2]);
    return [type && { type, dims: gemmDims(context, 0, 1, 2) }];
  },
};

export const contribFusions: readonly OpDefinition[] = [
  likeFirst('BiasGelu', 2),
  likeFirst('FastGelu', 2),
  likeFirst('Gelu', 1),
  likeFirst('QuickGelu', 1),
  skipNormalization('SkipLayerNormalization', 5),
  skipNormalization('SkipSimplifiedLayerNormalization', 4),
  simplifiedLayerNormalization,
  embedLayerNormalization,
  fusedMatMul,
  fusedConv,
  fusedGemm,
];
