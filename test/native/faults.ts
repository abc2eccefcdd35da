import type { DataType } from '../../src/core/dtype.js';
import type { StepName, StepParams } from '../../src/runtime/steps.js';
import { perAxis } from '../helpers/singleStep.js';

export type Dims = readonly number[];
export type Fault<S extends StepName> = readonly [
  what: string,
  reads: readonly (Dims | undefined)[],
  y: Dims,
  params?: Partial<StepParams<S>>,
  types?: readonly [read: DataType, written: DataType],
  second?: readonly [type: DataType, dims: Dims],
];

export const image = [1, 5, 6, 4];
export const weight = [8, 3, 3, 4];
export const convolved = [1, 3, 4, 8];
/** q, k and v of 2 batches, 5 queries, 7 keys. */
export const heads: readonly [Dims, Dims, Dims] = [
  [2, 5, 12],
  [2, 7, 12],
  [2, 7, 8],
];

export const faults: { readonly [S in StepName]?: readonly Fault<S>[] } = {
  Conv: [
    ['no groups', [image, weight], convolved, { groups: 0 }],
    ['groups that do not divide', [image, weight], convolved, { groups: 3 }],
    ['negative groups', [image, weight], convolved, { groups: -1 }],
    ['stride 0', [image, weight], convolved, { strideH: 0 }],
    ['dilation 0', [image, weight], convolved, { dilationW: 0 }],
    ['negative padding', [image, weight], convolved, { padTop: -1 }],
    ['a kernel of no cells', [image, [8, 0, 3, 4]], convolved],
    ['other channels', [image, [8, 3, 3, 5]], convolved],
    ['more output channels than y', [image, weight], [1, 3, 4, 7]],
    ['channels beyond y', [image, weight], [1, 3, 4, 12], { yFirst: 5 }],
    ['channels before y', [image, weight], [1, 3, 4, 12], { yFirst: -1 }],
    ['channels far behind y', [image, weight], [1, 3, 4, 12], { yFirst: 2 ** 31 - 1 }],
    ['another batch', [image, weight], [2, 3, 4, 8]],
    ['rank 3', [[5, 6, 4], weight], convolved],
    ['a short bias', [image, weight, [7]], convolved],
    ['no weight', [image], convolved],
    ['bytes', [image, weight], convolved, {}, ['uint8', 'float32']],
  ],
  AveragePool: [
    ['a kernel of no cells', [image], [1, 3, 4, 4], { kernelH: 0, kernelW: 3 }],
    ['other channels', [image], [1, 3, 4, 5], { kernelH: 3, kernelW: 3 }],
    ['another batch', [image], [3, 3, 4, 4], { kernelH: 3, kernelW: 3 }],
  ],
  MatMul: [
    [
      'other depths',
      [
        [4, 5],
        [6, 7],
      ],
      [4, 7],
    ],
    [
      'other rows',
      [
        [4, 5],
        [5, 7],
      ],
      [3, 7],
    ],
    [
      'other columns',
      [
        [4, 5],
        [5, 7],
      ],
      [4, 8],
    ],
    [
      'no transposition',
      [
        [5, 4],
        [5, 7],
      ],
      [4, 7],
    ],
    ['vectors', [[5], [5, 7]], [1, 7]],
    [
      'stacks that do not broadcast',
      [
        [2, 4, 5],
        [3, 5, 7],
      ],
      [3, 4, 7],
    ],
    ['a bias that does not broadcast', [[4, 5], [5, 7], [6]], [4, 7]],
    [
      'bfloat16 that is no constant',
      [
        [4, 5],
        [5, 7],
      ],
      [4, 7],
      {},
      ['bfloat16', 'float32'],
    ],
    [
      'bfloat16 transposed',
      [
        [5, 4],
        [5, 7],
      ],
      [4, 7],
      { transposeA: 1 },
      ['bfloat16', 'float32'],
    ],
    [
      'float16 both',
      [
        [4, 5],
        [5, 7],
      ],
      [4, 7],
      {},
      ['float16', 'float32'],
    ],
    [
      'bfloat16 as result',
      [
        [4, 5],
        [5, 7],
      ],
      [4, 7],
      {},
      ['float32', 'bfloat16'],
    ],
    [
      'a bias of higher rank',
      [
        [4, 5],
        [5, 7],
        [1, 4, 7],
      ],
      [4, 7],
    ],
  ],
  Binary: [
    ['kind 7', [[4], [4]], [4], { kind: 7 }],
    ['kind −1', [[4], [4]], [4], { kind: -1 }],
    ['shapes that do not broadcast', [[4], [3]], [4]],
    ['a larger result', [[1], [1]], [4]],
    ['one operand', [[4]], [4]],
  ],
  Unary: [
    ['kind 36', [[4]], [4], { kind: 36 }],
    ['another shape', [[4]], [5]],
  ],
  DynamicQuantizeRows: [
    ['kind 36', [[4, 3]], [4, 3], { kind: 36 }, ['float32', 'int8'], ['float32', [4]]],
    ['kind −1', [[4, 3]], [4, 3], { kind: -1 }, ['float32', 'int8'], ['float32', [4]]],
    ['fewer scales', [[4, 3]], [4, 3], {}, ['float32', 'int8'], ['float32', [3]]],
  ],
  Attention: [
    ['no heads', [...heads], [2, 5, 8], { heads: 0 }],
    ['negative heads', [...heads], [2, 5, 8], { heads: -4 }],
    ['heads that do not divide q', [...heads], [2, 5, 8], { heads: 8 }],
    ['heads that do not divide v', [heads[0], heads[1], [2, 7, 10]], [2, 5, 10], { heads: 4 }],
    ['heads of nothing', [...Array(3).fill([2, 5, 0])], [2, 5, 0], { heads: 4 }],
    ['other depths', [heads[0], [2, 7, 16], heads[2]], [2, 5, 8], { heads: 4 }],
    ['fewer values than keys', [heads[0], heads[1], [2, 6, 8]], [2, 5, 8], { heads: 4 }],
    ['another batch of keys', [heads[0], [1, 7, 12], heads[2]], [2, 5, 8], { heads: 4 }],
    ['another batch of values', [heads[0], heads[1], [1, 7, 8]], [2, 5, 8], { heads: 4 }],
    ['another batch of y', [...heads], [1, 5, 8], { heads: 4 }],
    ['other queries of y', [...heads], [2, 6, 8], { heads: 4 }],
    ['another width of y', [...heads], [2, 5, 12], { heads: 4 }],
    ['rank 2', [...heads], [10, 8], { heads: 4 }],
    ['no values', heads.slice(0, 2), [2, 5, 8], { heads: 4 }],
    ['a mask that does not broadcast', [...heads, [2, 4, 5, 6]], [2, 5, 8], { heads: 4 }],
    ['a mask of more axes', [...heads, [1, 2, 4, 5, 7]], [2, 5, 8], { heads: 4 }],
    ['bytes', [...heads], [2, 5, 8], { heads: 4 }, ['uint8', 'float32']],
  ],
  Softmax: [['another shape', [[4, 3]], [3, 4]]],
  Lrn: [
    ['size 0', [[4, 3]], [4, 3], { size: 0 }],
    ['another shape', [[4, 3]], [4], { size: 3 }],
  ],
  Reduce: [
    ['kind 5', [[4, 3]], [1, 3], { kind: 5, axes: perAxis([1, 0]) }],
    ['an axis that stays', [[4, 3]], [4, 3], { axes: perAxis([1, 0]) }],
    ['an axis that goes', [[4, 3]], [1, 1], { axes: perAxis([1, 0]) }],
  ],
  Concat: [
    ['an axis beyond the last', [[4, 3]], [4, 3], { axis: 2 }],
    ['axis −1', [[4, 3]], [4, 3], { axis: -1 }],
    [
      'more than y',
      [
        [4, 3],
        [4, 2],
      ],
      [4, 4],
      { axis: 1 },
    ],
    ['a part beyond y', [[4, 3]], [4, 6], { axis: 1, yFirst: 4 }],
    ['a part before y', [[4, 3]], [4, 6], { axis: 1, yFirst: -1 }],
    ['a part far behind y', [[4, 3]], [4, 6], { axis: 1, yFirst: 2 ** 31 - 1 }],
    [
      'another length across',
      [
        [4, 3],
        [3, 3],
      ],
      [4, 6],
      { axis: 1 },
    ],
    ['halves of bytes', [[4]], [4], { axis: 0 }, ['int4', 'int4']],
  ],
  Transpose: [
    ['an axis twice', [[4, 4]], [4, 4], { perm: perAxis([0, 0]) }],
    ['an axis beyond the last', [[4, 4]], [4, 4], { perm: perAxis([0, 2]) }],
    ['axis −1', [[4, 4]], [4, 4], { perm: perAxis([0, -1]) }],
    ['dims in another order', [[4, 3]], [4, 3], { perm: perAxis([1, 0]) }],
    ['another type', [[4, 4]], [4, 4], { perm: perAxis([1, 0]) }, ['uint8', 'int8']],
  ],
  Slice: [
    ['a start before the first', [[5]], [2], { starts: perAxis([-1]), steps: perAxis([1]) }],
    ['an end beyond the last', [[5]], [4], { starts: perAxis([2]), steps: perAxis([1]) }],
    ['a way back too far', [[5]], [4], { starts: perAxis([2]), steps: perAxis([-1]) }],
    ['a step over the end', [[5]], [2], { starts: perAxis([2]), steps: perAxis([2 ** 31 - 1]) }],
    ['another rank', [[5]], [5, 1], { steps: perAxis([1, 1]) }],
  ],
  Pad: [
    ['mode 3', [[5]], [7], { mode: 3 }],
    ['nothing to mirror', [[0]], [2], { mode: 1 }],
    ['another rank', [[5]], [5, 1]],
    ['half a byte', [[5]], [7], { value: 0.5 }, ['uint8', 'uint8']],
    ['infinitely many', [[5]], [7], { value: Number.POSITIVE_INFINITY }, ['uint8', 'uint8']],
  ],
  Copy: [
    ['another size', [[5]], [6]],
    ['another type', [[5]], [5], {}, ['uint8', 'int8']],
  ],
  Cast: [
    ['another size', [[5]], [6]],
    ['halves of bytes', [[4]], [4], {}, ['float32', 'int4']],
  ],
  Arithmetic: [
    ['kind 14', [[4], [4]], [4], { kind: 14 }],
    ['bits of floats', [[4], [4]], [4], { kind: 9 }],
    ['sums of bools', [[4], [4]], [4], {}, ['bool', 'bool']],
    ['16-bit floats', [[4], [4]], [4], {}, ['float16', 'float16']],
    ['shifts of signed integers', [[4], [4]], [4], { kind: 12 }, ['int8', 'int8']],
    ['another type', [[4], [4]], [4], {}, ['int8', 'uint8']],
    ['shapes that do not broadcast', [[4], [3]], [4]],
    ['one operand', [[4]], [4]],
  ],
  Compare: [
    ['kind 3', [[4], [4]], [4], { kind: 3 }, ['float32', 'bool']],
    ['a number as answer', [[4], [4]], [4]],
    ['shapes that do not broadcast', [[4], [3]], [4], {}, ['float32', 'bool']],
  ],
  Where: [
    ['a number as condition', [[4], [4], [4]], [4]],
    ['two operands', [[4], [4]], [4], {}, ['bool', 'bool']],
    ['shapes that do not broadcast', [[4], [3], [4]], [4], {}, ['bool', 'bool']],
  ],
  Expand: [
    ['a shorter axis', [[4]], [3]],
    ['fewer axes', [[1, 4]], [4]],
    ['another type', [[4]], [2, 4], {}, ['uint8', 'int8']],
  ],
  Gather: [
    ['axis −1', [[4], [3]], [3], { axis: -1 }, ['int32', 'int32']],
    ['axis 1', [[4], [3]], [3], { axis: 1 }, ['int32', 'int32']],
    ['floats as indices', [[4], [3]], [3]],
    ['another length', [[4], [3]], [2], {}, ['int32', 'int32']],
    ['another rank', [[4], [3]], [3, 1], {}, ['int32', 'int32']],
  ],
  GatherElements: [
    ['axis −1', [[4], [3]], [3], { axis: -1 }, ['int32', 'int32']],
    ['axis 1', [[4], [3]], [3], { axis: 1 }, ['int32', 'int32']],
    ['floats as indices', [[4], [3]], [3]],
    ['another length', [[4], [3]], [2], {}, ['int32', 'int32']],
    [
      'indices beyond x',
      [
        [4, 2],
        [4, 3],
      ],
      [4, 3],
      {},
      ['int32', 'int32'],
    ],
    ['another rank', [[4], [3, 1]], [3, 1], {}, ['int32', 'int32']],
    ['no indices', [[4]], [4], {}, ['int32', 'int32']],
    ['another type', [[4], [3]], [3], {}, ['int32', 'int64']],
  ],
  GatherND: [
    ['batchDims −1', [[4], [3, 1]], [3], { batchDims: -1 }, ['int32', 'int32']],
    ['a batch of all axes', [[4], [4]], [4], { batchDims: 1 }, ['int32', 'int32']],
    ['more axes than x has', [[4], [3, 2]], [3], {}, ['int32', 'int32']],
    [
      'another batch',
      [
        [4, 5],
        [3, 2, 1],
      ],
      [3, 2],
      { batchDims: 1 },
      ['int32', 'int32'],
    ],
    [
      'other slices',
      [
        [4, 5],
        [3, 1],
      ],
      [3, 6],
      {},
      ['int32', 'int32'],
    ],
    [
      'another number of them',
      [
        [4, 5],
        [3, 1],
      ],
      [2, 5],
      {},
      ['int32', 'int32'],
    ],
    ['indices of no axes', [[4], []], [4], {}, ['int32', 'int32']],
    ['floats as indices', [[4], [3, 1]], [3]],
  ],
  ScatterElements: [
    ['axis −1', [[4], [3], [3]], [4], { axis: -1 }, ['int32', 'int32']],
    ['axis 1', [[4], [3], [3]], [4], { axis: 1 }, ['int32', 'int32']],
    ['reduction 5', [[4], [3], [3]], [4], { reduction: 5 }, ['int32', 'int32']],
    ['reduction −1', [[4], [3], [3]], [4], { reduction: -1 }, ['int32', 'int32']],
    ['fewer updates', [[4], [3], [2]], [4], {}, ['int32', 'int32']],
    [
      'updates beyond x',
      [
        [4, 2],
        [4, 3],
        [4, 3],
      ],
      [4, 2],
      {},
      ['int32', 'int32'],
    ],
    ['another shape', [[4], [3], [3]], [5], {}, ['int32', 'int32']],
    ['no updates', [[4], [3]], [4], {}, ['int32', 'int32']],
    ['floats as indices', [[4], [3], [3]], [4]],
  ],
  ScatterND: [
    ['reduction 5', [[4], [3, 1], [3]], [4], { reduction: 5 }, ['int32', 'int32']],
    ['more axes than x has', [[4], [3, 2], [3]], [4], {}, ['int32', 'int32']],
    [
      'other slices',
      [
        [4, 5],
        [3, 1],
        [3, 6],
      ],
      [4, 5],
      {},
      ['int32', 'int32'],
    ],
    [
      'another shape',
      [
        [4, 5],
        [3, 1],
        [3, 5],
      ],
      [4, 6],
      {},
      ['int32', 'int32'],
    ],
    ['no updates', [[4], [3, 1]], [4], {}, ['int32', 'int32']],
    ['floats as indices', [[4], [3, 1], [3]], [4]],
  ],
  TopK: [
    ['no indices', [[4]], [3]],
    ['axis 1', [[4]], [3], { axis: 1 }, ['float32', 'float32'], ['int64', [3]]],
    ['axis −1', [[4]], [3], { axis: -1 }, ['float32', 'float32'], ['int64', [3]]],
    ['more than there are', [[4]], [5], {}, ['float32', 'float32'], ['int64', [5]]],
    ['fewer indices', [[4]], [3], {}, ['float32', 'float32'], ['int64', [2]]],
    ['indices of 32 bits', [[4]], [3], {}, ['float32', 'float32'], ['int32', [3]]],
    ['another length across', [[4, 5]], [3, 4], {}, ['float32', 'float32'], ['int64', [3, 4]]],
    ['another rank', [[4]], [3, 1], {}, ['float32', 'float32'], ['int64', [3, 1]]],
    ['another type', [[4]], [3], {}, ['float32', 'int32'], ['int64', [3]]],
    ['bools', [[4]], [3], {}, ['bool', 'bool'], ['int64', [3]]],
    ['16-bit floats', [[4]], [3], {}, ['float16', 'float16'], ['int64', [3]]],
  ],
  ArgReduce: [
    ['kind 2', [[4, 3]], [1, 3], { kind: 2 }, ['float32', 'int64']],
    ['axis 2', [[4, 3]], [4, 3], { axis: 2 }, ['float32', 'int64']],
    ['axis −1', [[4, 3]], [4, 1], { axis: -1 }, ['float32', 'int64']],
    ['an axis that stays', [[4, 3]], [4, 3], {}, ['float32', 'int64']],
    ['nothing to choose from', [[0, 3]], [1, 3], {}, ['float32', 'int64']],
    ['a number as answer', [[4, 3]], [1, 3]],
    ['bools', [[4, 3]], [1, 3], {}, ['bool', 'int64']],
    ['16-bit floats', [[4, 3]], [1, 3], {}, ['float16', 'int64']],
  ],
  CumSum: [
    ['axis 1', [[4]], [4], { axis: 1 }],
    ['another shape', [[4]], [5]],
    ['another type', [[4]], [4], {}, ['int32', 'int64']],
    ['bools', [[4]], [4], {}, ['bool', 'bool']],
  ],
};
