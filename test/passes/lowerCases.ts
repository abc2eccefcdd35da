import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute } from '../../src/graph/ir.js';
import { t } from '../helpers/onnx-builder.js';
import { createRandom, gridFloats } from '../helpers/random.js';

export const { int, ints, float, string } = attribute;
export const random = createRandom(20240612);

export function grid(...dims: number[]): Tensor<'float32'> {
  return { type: 'float32', dims, data: gridFloats(random, elementCount(dims)) };
}

/** A tensor of positive numbers. */
export function positive(...dims: number[]): Tensor<'float32'> {
  const data = Float32Array.from({ length: elementCount(dims) }, () => random.real(0.1, 2));
  return { type: 'float32', dims, data };
}

export interface Case {
  readonly name: string;
  readonly op: string;
  readonly attributes?: Record<string, Attribute>;
  /** Dims of graph inputs, or constants; undefined is an absent optional input. */
  readonly inputs: readonly (readonly number[] | Tensor | undefined)[];
  /** Steps expected, as counted after all passes. */
  readonly steps?: Record<string, number>;
  /** Feeds are above zero. */
  readonly positive?: boolean;
  readonly outputs?: number;
}

export const window = (kernel: number[], more: Record<string, Attribute> = {}) => ({
  kernel_shape: ints(kernel),
  ...more,
});

export function forOp(
  op: string,
  common: Partial<Case>,
  list: readonly (Partial<Case> & { name: string })[],
): Case[] {
  return list.map((one) => ({ op, inputs: [], ...common, ...one }));
}

export const cases: Case[] = [
  ...forOp('Conv', {}, [
    { name: 'plain', inputs: [[2, 3, 7, 6], grid(4, 3, 3, 3), grid(4)] },
    { name: 'without bias', inputs: [[1, 3, 7, 6], grid(4, 3, 2, 3)] },
    {
      name: 'strides, dilations, uneven pads',
      attributes: {
        strides: ints([2, 1]),
        dilations: ints([1, 2]),
        pads: ints([0, 2, 1, 0]),
      },
      inputs: [[1, 2, 9, 8], grid(3, 2, 3, 2), grid(3)],
    },
    {
      name: 'depthwise',
      attributes: { group: int(4), pads: ints([1, 1, 1, 1]) },
      inputs: [[1, 4, 5, 5], grid(4, 1, 3, 3), grid(4)],
    },
    { name: 'groups', attributes: { group: int(2) }, inputs: [[1, 4, 5, 5], grid(6, 2, 1, 1)] },
    {
      name: 'SAME_UPPER with stride',
      attributes: { auto_pad: string('SAME_UPPER'), strides: ints([2, 2]) },
      inputs: [[1, 1, 6, 7], grid(2, 1, 3, 2)],
    },
    {
      name: 'SAME_LOWER',
      attributes: { auto_pad: string('SAME_LOWER') },
      inputs: [[1, 1, 6, 7], grid(2, 1, 4, 2)],
    },
    { name: 'one axis', inputs: [[2, 3, 9], grid(4, 3, 4), grid(4)] },
    { name: 'computed weight', inputs: [[1, 3, 5, 5], [2, 3, 3, 3], [2]] },
  ]),
  ...forOp('MaxPool', { inputs: [[2, 3, 8, 9]], steps: { MaxPool: 1, Transpose: 2 } }, [
    { name: '2×2', attributes: window([2, 2], { strides: ints([2, 2]) }) },
    { name: 'padded', attributes: window([3, 3], { pads: ints([1, 1, 1, 1]) }) },
    {
      name: 'ceil_mode',
      attributes: window([3, 2], { strides: ints([2, 2]), ceil_mode: int(1) }),
    },
    { name: 'dilated', attributes: window([2, 2], { dilations: ints([2, 3]) }) },
    {
      name: 'SAME_UPPER',
      attributes: window([3, 3], { strides: ints([2, 2]), auto_pad: string('SAME_UPPER') }),
    },
  ]),
  { name: 'one axis', op: 'MaxPool', attributes: window([3]), inputs: [[1, 2, 8]] },
  ...forOp('AveragePool', { inputs: [[2, 3, 8, 7]] }, [
    { name: 'padding not counted', attributes: window([3, 3], { pads: ints([1, 0, 1, 2]) }) },
    {
      name: 'padding counted',
      attributes: window([3, 3], { pads: ints([1, 0, 1, 2]), count_include_pad: int(1) }),
    },
    {
      name: 'ceil_mode, padding counted',
      attributes: window([3, 3], {
        pads: ints([1, 1, 1, 1]),
        strides: ints([2, 2]),
        ceil_mode: int(1),
        count_include_pad: int(1),
      }),
    },
  ]),
  { name: '', op: 'GlobalAveragePool', inputs: [[2, 3, 5, 4]], steps: { Reduce: 1 } },
  { name: '', op: 'GlobalMaxPool', inputs: [[2, 3, 5, 4]], steps: { Reduce: 1 } },
  ...forOp('MatMul', {}, [
    { name: 'matrices', inputs: [[4, 5], grid(5, 3)] },
    {
      name: 'stacks',
      inputs: [
        [2, 1, 4, 5],
        [3, 5, 6],
      ],
    },
    { name: 'row', inputs: [[5], grid(5, 3)] },
    { name: 'column', inputs: [[2, 4, 5], [5]] },
    { name: 'two vectors', inputs: [[5], [5]] },
  ]),
  ...forOp('Gemm', {}, [
    { name: 'plain', inputs: [[4, 5], grid(5, 3), grid(3)], steps: { MatMul: 1 } },
    {
      name: 'everything',
      attributes: { alpha: float(0.5), beta: float(2), transA: int(1), transB: int(1) },
      inputs: [[5, 4], grid(3, 5), grid(4, 1)],
      steps: { MatMul: 1 },
    },
    {
      name: 'computed operands',
      attributes: { alpha: float(0.5), beta: float(2), transB: int(1) },
      inputs: [
        [4, 5],
        [3, 5],
        [4, 3],
      ],
    },
    { name: 'without c', attributes: { alpha: float(3) }, inputs: [[4, 5], grid(5, 3)] },
  ]),
  ...['Relu', 'Sigmoid', 'HardSwish', 'Tanh', 'Exp', 'Neg', 'Abs', 'Erf', 'Floor', 'Ceil'].map(
    (op) => ({
      name: '',
      op,
      inputs: [[3, 5]],
      steps: { Unary: 1 },
    }),
  ),
  ...['Softplus', 'Round', 'LeakyRelu', 'Elu', 'HardSigmoid', 'Gelu'].map(
    (op): Case => ({
      name: '',
      op,
      inputs: [[3, 5]],
      steps: { Unary: 1 },
    }),
  ),
  ...['Log', 'Sqrt', 'Reciprocal'].map(
    (op): Case => ({
      name: '',
      op,
      inputs: [[3, 5]],
      positive: true,
    }),
  ),
  { name: 'tanh', op: 'Gelu', attributes: { approximate: string('tanh') }, inputs: [[9]] },
  { name: 'alpha', op: 'LeakyRelu', attributes: { alpha: float(0.3) }, inputs: [[9]] },
  { name: 'alpha', op: 'Elu', attributes: { alpha: float(0.3) }, inputs: [[9]] },
  {
    name: 'alpha and beta',
    op: 'HardSigmoid',
    attributes: { alpha: float(0.3), beta: float(0.1) },
    inputs: [[9]],
  },
  {
    name: 'constant bounds',
    op: 'Clip',
    inputs: [[9], t('float32', [-0.5], []), t('float32', [0.25], [])],
  },
  { name: 'computed bounds', op: 'Clip', inputs: [[9], [], t('float32', [0.25], [])] },
  { name: 'one computed bound', op: 'Clip', inputs: [[9], []] },
  { name: 'per channel', op: 'PRelu', inputs: [[2, 3, 4], grid(3, 1)] },
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max'].map(
    (op): Case => ({
      name: 'broadcast',
      op,
      inputs: [
        [2, 3, 4],
        [3, 1],
      ],
      positive: true,
      steps: { Binary: 1 },
    }),
  ),
  { name: 'three operands', op: 'Max', inputs: [[2, 3], [3], [1]], steps: { Binary: 2 } },
  {
    name: 'unfolded',
    op: 'BatchNormalization',
    attributes: { epsilon: float(1e-3) },
    inputs: [[2, 3, 4, 4], grid(3), grid(3), grid(3), positive(3)],
    steps: { Binary: 2 },
  },
  { name: 'last axis', op: 'Softmax', inputs: [[2, 3, 5]], steps: { Softmax: 1 } },
  { name: 'channels', op: 'Softmax', attributes: { axis: int(1) }, inputs: [[2, 3, 5, 2]] },
  ...forOp('LayerNormalization', {}, [
    { name: 'last axis', inputs: [[2, 3, 5], grid(5), grid(5)], steps: { LayerNorm: 1 } },
    { name: 'without bias', attributes: { epsilon: float(0.1) }, inputs: [[2, 3, 5], grid(5)] },
    {
      name: 'two axes',
      attributes: { axis: int(1) },
      inputs: [[2, 3, 5], grid(3, 5), grid(3, 5)],
      steps: { LayerNorm: 1, Reshape: 2 },
    },
  ]),
  {
    name: '',
    op: 'LRN',
    attributes: { size: int(3), alpha: float(0.01), beta: float(0.75), bias: float(1) },
    inputs: [[1, 7, 3, 2]],
  },
  ...['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin'].flatMap((op): Case[] => [
    { name: 'some axes, kept', op, inputs: [[2, 3, 4], t('int64', [1, -1])], steps: { Reduce: 1 } },
    {
      name: 'one axis, dropped',
      op,
      attributes: { keepdims: int(0) },
      inputs: [[2, 3, 4], t('int64', [1])],
      steps: { Reduce: 1, Reshape: 1 },
    },
    { name: 'all axes', op, inputs: [[2, 3, 4]] },
  ]),
  { name: '', op: 'Reshape', inputs: [[2, 3, 4], t('int64', [0, -1, 2])], steps: { Reshape: 1 } },
  {
    name: '',
    op: 'Flatten',
    attributes: { axis: int(2) },
    inputs: [[2, 3, 4]],
    steps: { Reshape: 1 },
  },
  { name: '', op: 'Squeeze', inputs: [[2, 1, 4], t('int64', [1])], steps: { Reshape: 1 } },
  { name: '', op: 'Unsqueeze', inputs: [[2, 4], t('int64', [0, 3])], steps: { Reshape: 1 } },
  { name: 'reversed', op: 'Transpose', inputs: [[2, 3, 4]], steps: { Transpose: 1 } },
  { name: 'perm', op: 'Transpose', attributes: { perm: ints([1, 0, 2]) }, inputs: [[2, 3, 4]] },
  {
    name: 'unit axes only',
    op: 'Transpose',
    attributes: { perm: ints([1, 0, 2]) },
    inputs: [[1, 3, 4]],
    steps: { Reshape: 1 },
  },
  {
    name: 'negative steps and ends',
    op: 'Slice',
    inputs: [
      [5, 6, 7],
      t('int64', [-1, 1, 0]),
      t('int64', [-100, -1, 2 ** 40]),
      t('int64', [0, 1, 2]),
      t('int64', [-2, 1, 3]),
    ],
    steps: { Slice: 1 },
  },
  {
    name: 'even parts',
    op: 'Split',
    attributes: { axis: int(1), num_outputs: int(3) },
    inputs: [[2, 7]],
    outputs: 3,
    steps: { Slice: 3 },
  },
  {
    name: 'given parts',
    op: 'Split',
    inputs: [[6, 2], t('int64', [4, 2])],
    outputs: 2,
    steps: { Slice: 2 },
  },
  {
    name: 'one index',
    op: 'Gather',
    attributes: { axis: int(1) },
    inputs: [[2, 5, 3], t('int64', [-2], [])],
    steps: { Slice: 1, Reshape: 1 },
  },
  ...['constant', 'reflect', 'edge'].map((mode) => ({
    name: mode,
    op: 'Pad',
    attributes: { mode: string(mode) },
    inputs: [
      [3, 4],
      t('int64', [1, 0, 2, 3]),
      mode === 'constant' ? t('float32', [0.5], []) : undefined,
    ],
    steps: { Pad: 1 },
  })),
  {
    name: 'some axes',
    op: 'Pad',
    inputs: [[3, 4], t('int64', [1, 2]), undefined, t('int64', [-1])],
    steps: { Pad: 1 },
  },
  {
    name: '',
    op: 'Concat',
    attributes: { axis: int(-2) },
    inputs: [
      [2, 3, 2],
      [2, 1, 2],
    ],
    steps: { Concat: 1 },
  },
  { name: 'to int32', op: 'Cast', attributes: { to: int(6) }, inputs: [[7]], steps: { Cast: 1 } },
  {
    name: 'per tensor',
    op: 'QuantizeLinear',
    inputs: [[3, 4], t('float32', [0.02], []), t('uint8', [7], [])],
    steps: { QuantizeLinear: 1 },
  },
  {
    name: 'per axis, signed',
    op: 'QuantizeLinear',
    attributes: { axis: int(0) },
    inputs: [[3, 4], t('float32', [0.02, 0.01, 0.3]), t('int8', [7, 0, -3])],
    steps: { QuantizeLinear: 1 },
  },
  {
    name: 'in blocks',
    op: 'QuantizeLinear',
    attributes: { axis: int(1), block_size: int(2) },
    inputs: [
      [2, 4],
      t('float32', [0.02, 0.01, 0.3, 0.1], [2, 2]),
      t('uint8', [7, 0, 3, 9], [2, 2]),
    ],
    steps: { QuantizeLinear: 1 },
  },
  {
    name: '',
    op: 'DynamicQuantizeLinear',
    inputs: [[3, 4]],
    outputs: 3,
    steps: { DynamicQuantizeLinear: 1 },
  },
];
