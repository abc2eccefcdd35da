/**
 * Inference operator by operator, with the forms the models and node cases lack: free and unknown dims,
 * optional inputs, attributes.
 */
import { describe, expect, it } from 'vitest';
import { operators } from '../../src/graph/ops/index.js';
import { t } from '../helpers/onnx-builder.js';
import {
  describeGiven,
  f32,
  type Given,
  i64,
  infer,
  n64,
  type Plain,
  type QualifiedOp,
  w,
} from './inferNode.js';

type Row = readonly [QualifiedOp, readonly Given[], expected: string, Plain?, outputs?: number];

const table: readonly Row[] = [
  // Convolution
  ['Conv', ['float32 [N, 3, H, 8]', w(4, 3, 3, 3)], 'float32 [N, 4, H, 8]', { pads: [1, 1, 1, 1] }],
  [
    'Conv',
    ['float32 [N, 3, H, 8]', w(4, 3, 3, 3)],
    'float32 [N, 4, ?, 4]',
    { pads: [1, 1, 1, 1], strides: [2, 2] },
  ],
  [
    'Conv',
    ['float32 [1, 3, H, 9]', w(4, 3, 3, 3)],
    'float32 [1, 4, H, 9]',
    { auto_pad: 'SAME_UPPER' },
  ],
  [
    'Conv',
    ['float32 [1, 3, 9, 9]', w(4, 3, 3, 3)],
    'float32 [1, 4, 3, 3]',
    { auto_pad: 'VALID', dilations: [2, 2], strides: [2, 2] },
  ],
  ['Conv', ['float32 [1, 4, 10]', w(8, 2, 3)], 'float32 [1, 8, 8]', { group: 2 }],
  ['Conv', ['float32 [1, 1, 4, 4, 4]', w(2, 1, 2, 2, 2), f32(1, 2)], 'float32 [1, 2, 3, 3, 3]'],
  ['Conv', ['float32', w(4, 3, 3, 3)], 'float32 [?, 4, ?, ?]'],
  ['Conv', ['float32 [2, 3, 8, 8]', 'float32'], 'float32 [2, ?, ?, ?]'],
  ['ConvInteger', ['uint8 [1, 3, 8, 8]', 'int8 [4, 3, 3, 3]', 'uint8 []'], 'int32 [1, 4, 6, 6]'],
  [
    'QLinearConv',
    [
      'uint8 [1, 3, 8, 8]',
      f32(1),
      'uint8 []',
      'int8 [4, 3, 1, 1]',
      f32(1),
      'int8 []',
      f32(1),
      'uint8 []',
      'int32 [4]',
    ],
    'uint8 [1, 4, 8, 8]',
  ],
  // Pools
  [
    'MaxPool',
    ['float32 [1, 2, 14, 14]'],
    'float32 [1, 2, 7, 7]',
    { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
  ],
  [
    'MaxPool',
    ['float32 [1, 2, 13, 14]'],
    'float32 [1, 2, 6, 7]; int64 [1, 2, 6, 7]',
    { kernel_shape: [2, 2], strides: [2, 2] },
    2,
  ],
  [
    'AveragePool',
    ['float32 [N, 2, 4, W]'],
    'float32 [N, 2, 2, ?]',
    { kernel_shape: [2, 2], strides: [2, 2] },
  ],
  ['GlobalAveragePool', ['float32 [N, 7, H, W]'], 'float32 [N, 7, 1, 1]'],
  ['GlobalMaxPool', ['float32 [N, 7, L]'], 'float32 [N, 7, 1]'],
  [
    'com.microsoft:QLinearAveragePool',
    ['uint8 [1, 8, 8, 3]', f32(1), '', f32(1)],
    'uint8 [1, 4, 4, 3]',
    { kernel_shape: [2, 2], strides: [2, 2], channels_last: 1 },
  ],
  [
    'com.microsoft:QLinearGlobalAveragePool',
    ['uint8 [N, 8, 8, 3]', f32(1), 'uint8 []', f32(1), 'uint8 []'],
    'uint8 [N, 1, 1, 3]',
    { channels_last: 1 },
  ],
  // Normalizations and unaries
  ['BatchNormalization', ['float32 [N, ?, 4]', w(3), w(3), w(3), w(3)], 'float32 [N, 3, 4]'],
  ['LRN', ['float32 [N, 3, 4, 4]'], 'float32 [N, 3, 4, 4]', { size: 3 }],
  ['LayerNormalization', ['float32 [N, 4, 10]', 'float32 [10]'], 'float32 [N, 4, 10]', {}],
  ['Softmax', ['float32 [N, 10]'], 'float32 [N, 10]', { axis: 1 }],
  ['Relu', ['int8 [2]'], 'int8 [2]'],
  ['HardSwish', ['float32 [N, ?]'], 'float32 [N, ?]'],
  ['Clip', ['float32 [N]', '', 'float32 []'], 'float32 [N]'],
  ['PRelu', ['float32 [N, 3, 4]', 'float32 [3, 1]'], 'float32 [N, 3, 4]'],
  // Broadcasting
  ['Add', ['float32 [N, 3, 1]', 'float32 [3, 5]'], 'float32 [N, 3, 5]'],
  ['Mul', ['float32 [N, 4]', 'float32 [N, 1]'], 'float32 [N, 4]'],
  ['Sub', ['float32 [N]', 'float32 [M]'], 'float32 [?]'],
  ['Div', ['float32 [?, N]', 'float32 [8, N]'], 'float32 [8, N]'],
  ['Pow', ['float32 [2]', 'int64 []'], 'float32 [2]'],
  ['Max', ['float32 [2, 1]', 'float32 [3]', 'float32 []'], 'float32 [2, 3]'],
  ['Add', ['float32', 'float32 [3]'], 'float32'],
  ['Equal', ['int64 [N]', i64(1)], 'bool [N]'],
  ['Where', ['bool [2, 1]', 'int64 [3]', 'int64 []'], 'int64 [2, 3]'],
  [
    'com.microsoft:QLinearAdd',
    ['uint8 [1, 3]', f32(1), '', 'uint8 [4, 1]', f32(1), '', f32(1)],
    'uint8 [4, 3]',
  ],
  // Matrix products
  ['MatMul', ['float32 [B, 1, M, 4]', 'float32 [5, 4, 6]'], 'float32 [B, 5, M, 6]'],
  ['MatMul', ['float32 [4]', 'float32 [B, 4, 6]'], 'float32 [B, 6]'],
  ['MatMul', ['float32 [B, 3, 4]', 'float32 [4]'], 'float32 [B, 3]'],
  ['MatMul', ['float32 [4]', 'float32 [4]'], 'float32 []'],
  ['MatMulInteger', ['uint8 [N, 4]', 'int8 [4, 3]', 'uint8 []', 'int8 [3]'], 'int32 [N, 3]'],
  [
    'Gemm',
    ['float32 [4, N]', 'float32 [3, 4]', 'float32 [3]'],
    'float32 [N, 3]',
    { transA: 1, transB: 1 },
  ],
  [
    'QLinearMatMul',
    ['uint8 [N, 4]', f32(1), 'uint8 []', 'int8 [4, 3]', f32(1), 'int8 []', f32(1), 'int8 []'],
    'int8 [N, 3]',
  ],
  [
    'com.microsoft:QGemm',
    ['uint8 [N, 4]', f32(1), 'uint8 []', 'int8 [4, 3]', f32(1), 'int8 []'],
    'float32 [N, 3]',
  ],
  // Movement
  ['Reshape', ['float32 [N, 3, 4]', i64(0, -1)], 'float32 [N, 12]'],
  ['Reshape', ['float32 [N, 3, 4]', i64(-1, 12)], 'float32 [N, 12]'],
  ['Reshape', ['float32 [N, M, 4]', i64(0, -1)], 'float32 [N, ?]'],
  ['Reshape', ['float32 [2, 6]', i64(-1)], 'float32 [12]'],
  ['Reshape', ['float32 [0, 6]', i64(0, 3)], 'float32 [0, 3]', { allowzero: 1 }],
  ['Reshape', ['float32 [2, 6]', 'int64 [3]'], 'float32 [?, ?, ?]'],
  ['Reshape', ['float32 [2, 6]', 'int64 [?]'], 'float32'],
  ['Flatten', ['float32 [N, 3, 4]'], 'float32 [N, 12]'],
  ['Flatten', ['float32 [2, 3]'], 'float32 [6, 1]', { axis: 2 }],
  ['Flatten', ['float32 [2, 3]'], 'float32 [1, 6]', { axis: -2 }],
  ['Squeeze', ['float32 [1, N, 1]', i64(0, -1)], 'float32 [N]'],
  ['Squeeze', ['float32 [1, 3, 1]'], 'float32 [3]'],
  ['Squeeze', ['float32 [1, N, 1]'], 'float32'],
  ['Unsqueeze', ['float32 [N, 3]', i64(0, -1)], 'float32 [1, N, 3, 1]'],
  ['Transpose', ['float32 [N, 3, 4]'], 'float32 [4, 3, N]'],
  ['Transpose', ['float32 [N, 3, 4]'], 'float32 [N, 4, 3]', { perm: [0, 2, 1] }],
  ['Concat', ['float32 [N, 3]', 'float32 [?, 5]'], 'float32 [N, 8]', { axis: -1 }],
  ['Concat', ['float32 [N, 3]', 'float32 [M, 3]'], 'float32 [?, 3]', { axis: 0 }],
  ['Slice', ['float32 [N, 8]', i64(1), i64(-1), i64(1), i64(2)], 'float32 [N, 3]'],
  ['Slice', ['float32 [8]', i64(-1), i64(-9), i64(0), i64(-3)], 'float32 [3]'],
  ['Slice', ['float32 [N, 8]', i64(0, 2), t('int64', [2n ** 63n - 1n, 4n])], 'float32 [N, 2]'],
  ['Slice', ['float32 [N, 8]', i64(3), i64(1), i64(1)], 'float32 [N, 0]'],
  ['Slice', ['float32 [N, 8]', 'int64 [1]', i64(1)], 'float32 [?, ?]'],
  ['Pad', ['float32 [N, 3]', i64(0, 1, 0, 2)], 'float32 [N, 6]'],
  ['Pad', ['float32 [N, 3]', i64(-1, 1), '', i64(1)], 'float32 [N, 3]'],
  ['Split', ['float32 [N, 7]'], 'float32 [N, 4]; float32 [N, 3]', { axis: 1, num_outputs: 2 }, 2],
  ['Split', ['float32 [N, 7]', i64(1, 6)], 'float32 [N, 1]; float32 [N, 6]', { axis: 1 }, 2],
  ['Gather', ['float32 [9, N]', 'int64 [B, L]'], 'float32 [B, L, N]'],
  ['Gather', ['float32 [9, N]', i64(3)], 'float32 [9, 1]', { axis: 1 }],
  ['Expand', ['float32 [3, 1]', i64(2, 1, 4)], 'float32 [2, 3, 4]'],
  ['Identity', ['int8 [N]'], 'int8 [N]'],
  ['Dropout', ['float32 [N]'], 'float32 [N]; bool [N]', {}, 2],
  // Reductions
  ['ReduceMean', ['float32 [N, 3, 4]', i64(-1)], 'float32 [N, 3, 1]'],
  ['ReduceSum', ['float32 [N, 3, 4]', i64(1, 2)], 'float32 [N]', { keepdims: 0 }],
  ['ReduceMax', ['float32 [N, 3]'], 'float32 [1, 1]'],
  ['ReduceMin', ['float32 [N, 3]'], 'float32 [N, 3]', { noop_with_empty_axes: 1 }],
  ['ReduceMax', ['float32 [N, 3]', 'int64 [1]'], 'float32 [?, ?]'],
  ['ReduceMax', ['float32 [N, 3]', 'int64 [1]'], 'float32', { keepdims: 0 }],
  // Making tensors
  ['Shape', ['float32 [N, 3, 4]'], 'int64 [2]', { start: -2 }],
  ['Cast', ['float32 [N]'], 'int64 [N]', { to: 7 }],
  ['ConstantOfShape', [i64(2, 3)], 'float32 [2, 3]'],
  ['ConstantOfShape', ['int64 [2]'], 'float32'],
  ['Range', [0x3f80, 0x40a0, 0x4000].map((bits) => t('bfloat16', [bits], [])), 'bfloat16 [2]'],
  ['Range', [n64(1), n64(8), n64(3)], 'int64 [3]'],
  ['Range', ['int64 []', n64(8), n64(3)], 'int64 [?]'],
  // Quantization
  ['QuantizeLinear', ['float32 [N, 3]', f32(1, 2, 3), t('int8', [0, 0, 0])], 'int8 [N, 3]'],
  ['QuantizeLinear', ['float32 [N]', t('float32', [1], [])], 'uint8 [N]'],
  ['QuantizeLinear', ['float32 [N]', t('float32', [1], [])], 'int16 [N]', { output_dtype: 5 }],
  ['QuantizeLinear', ['float32 [5, 8]', w(3, 8)], 'uint8 [5, 8]', { axis: 0, block_size: 2 }],
  ['DequantizeLinear', ['int32 [N, 3]', f32(1, 2, 3)], 'float32 [N, 3]'],
  ['DynamicQuantizeLinear', ['float32 [N]'], 'uint8 [N]; float32 []; uint8 []', {}, 3],
  [
    'com.microsoft:QLinearConcat',
    [f32(1), 'uint8 []', 'uint8 [N, 2]', f32(1), 'uint8 []', 'uint8 [N, 3]', f32(1), 'uint8 []'],
    'uint8 [N, 5]',
    { axis: 1 },
  ],
  [
    'com.microsoft:DynamicQuantizeMatMul',
    ['float32 [N, 4]', 'int8 [4, 3]', 'float32 [3]', 'int8 [3]', 'float32 [3]'],
    'float32 [N, 3]',
  ],
  [
    'com.microsoft:MatMulIntegerToFloat',
    ['uint8 [N, 4]', 'int8 [4, 3]', 'float32 []', 'float32 [3]', 'uint8 []', 'int8 [3]'],
    'float32 [N, 3]',
  ],
  [
    'com.microsoft:MatMulNBits',
    ['float32 [N, M, 40]', 'uint8 [7, 2, 16]', 'float32 [14]'],
    'float32 [N, M, 7]',
    { K: 40, N: 7, bits: 4, block_size: 32 },
  ],
  ['com.microsoft:QLinearSigmoid', ['int8 [N]', f32(1), '', f32(1)], 'int8 [N]'],
  [
    'com.microsoft:QLinearLeakyRelu',
    ['uint8 [N]', f32(1), 'uint8 []', f32(1), 'uint8 []'],
    'uint8 [N]',
  ],
  // Octavo's own
  [
    'octavo:QConv',
    ['uint8 [N, 9, 9, 3]', t('int8', new Array(54).fill(1), [2, 3, 3, 3]), '', f32(1, 1)],
    'uint8 [N, 5, 5, 2]',
    {
      strideH: 2,
      strideW: 2,
      padTop: 1,
      padLeft: 1,
      padBottom: 1,
      padRight: 1,
      groups: 1,
    },
  ],
  [
    'octavo:QConv',
    ['uint8 [N, 1, 1, 3]', 'int8 [2, 1, 1, 3]', 'int32 [2]', 'float32 [2]', 'int32 [2]'],
    'float32 [N, 1, 1, 2]',
    { outputType: 'float32' },
  ],
  [
    'octavo:QConvDynamic',
    [
      ...['uint8 [N, 3, 3, 3]', 'int8 [2, 1, 1, 3]', 'uint8 []', 'float32 [2]', 'int32 [2]'],
      ...['float32 [M]', 'float32 [2]'],
    ],
    'float32 [N, 3, 3, 2]',
  ],
  [
    'octavo:QConvDynamic',
    ['uint8 [N, 1, 1, 3]', 'int8 [2, 1, 1, 3]', 'uint8 []'],
    'int32 [N, 1, 1, 2]',
    { outputType: 'int32' },
  ],
  ['octavo:Conv', ['float32 [1, 8, 8, 4]', w(4, 3, 3, 1)], 'float32 [1, 6, 6, 4]', { groups: 4 }],
  [
    'octavo:MaxPool',
    ['int8 [1, 14, 14, 2]'],
    'int8 [1, 7, 7, 2]',
    { kernelH: 3, kernelW: 3, strideH: 2, strideW: 2, ceilMode: 1 },
  ],
  [
    'octavo:QAveragePool',
    ['uint8 [1, 4, 4, 2]'],
    'float32 [1, 1, 1, 2]',
    { kernelH: 4, kernelW: 4, outputType: 'float32' },
  ],
  [
    'octavo:MatMul',
    ['float32 [B, 4, M]', 'float32 [B, N, 4]', 'float32 [N]'],
    'float32 [B, M, N]',
    { transposeA: 1, transposeB: 1 },
  ],
  ['octavo:MatMul', ['float32 [M, 4]', 'float16 [4, N]'], 'float32 [M, N]'],
  ['octavo:MatMul', ['bfloat16 [M, 4]', 'bfloat16 [N, 4]'], 'float32 [M, N]', { transposeB: 1 }],
  [
    'octavo:Attention',
    ['float32 [B, Q, 24]', 'float32 [B, K, 24]', 'float32 [B, K, 16]', 'float32 [B, 1, 1, K]'],
    'float32 [B, Q, 16]',
    { heads: 4 },
  ],
  ['octavo:Reduce', ['float32 [N, 3, 4]'], 'float32 [N, 1, 1]', { axes: [0, 1, 1, 0, 0, 0, 0, 0] }],
  [
    'octavo:Slice',
    ['uint8 [N, 8]'],
    'uint8 [N, 3]',
    { starts: [0, 7], steps: [1, -2], sizes: [-1, 3] },
  ],
  [
    'octavo:Slice',
    ['uint8 [N, 8]'],
    'uint8 [N, 3]',
    { starts: [0, 3], steps: [1, 2], sizes: [-1, -1] },
  ],
  ['octavo:Pad', ['uint8 [N, 8]'], 'uint8 [N, 11]', { before: [0, 1], after: [0, 2] }],
  ['octavo:Transpose', ['uint8 [N, 8, 3]'], 'uint8 [N, 3, 8]', { perm: [0, 2, 1, 0, 0, 0, 0, 0] }],
  ['octavo:Reshape', ['uint8 [N, 8, 3]', i64(0, -1)], 'uint8 [N, 24]'],
  ['octavo:Cast', ['int32 [N]'], 'float32 [N]', { outputType: 'float32' }],
  ['octavo:Lookup', ['int8 [N]', t('uint8', new Array(256).fill(0))], 'int8 [N]'],
  ['octavo:QAdd', ['uint8 [N, 1]', 'uint8 [3]'], 'uint8 [N, 3]'],
  ['InstanceNormalization', ['float32 [N, 3, H]', f32(3), f32(3)], 'float32 [N, 3, H]'],
  ['Tile', ['uint8 [N, 3]', i64(1, 2)], 'uint8 [N, 6]'],
  ['DepthToSpace', ['uint8 [N, 8, H, 3]'], 'uint8 [N, 2, ?, 6]', { blocksize: 2 }],
  ['SpaceToDepth', ['uint8 [N, 2, 4, 6]'], 'uint8 [N, 8, 2, 3]', { blocksize: 2 }],
  ['LpPool', ['float32 [N, 3, 8]'], 'float32 [N, 3, 7]', { kernel_shape: [2] }],
  ['GlobalLpPool', ['float32 [N, 3, H]'], 'float32 [N, 3, 1]'],
  ['CenterCropPad', ['uint8 [N, 8, H]', i64(5, 6)], 'uint8 [N, 5, 6]', { axes: [1, 2] }],
  ['Trilu', ['uint8 [N, M]'], 'uint8 [N, M]'],
  ['EyeLike', ['uint8 [N, M]'], 'float32 [N, M]', { dtype: 1 }],
  ['OneHot', ['int64 [N, M]', t('int64', [5], []), 'uint8 [2]'], 'uint8 [N, 5, M]', { axis: 1 }],
  [
    'LSTM',
    ['float32 [T, B, 5]', w(1, 12, 5), w(1, 12, 3)],
    'float32 [T, 1, B, 3]; float32 [1, B, 3]; float32 [1, B, 3]',
    {},
    3,
  ],
  [
    'GRU',
    ['float32 [B, T, 5]', w(2, 9, 5), w(2, 9, 3), '', 'int32 [4]'],
    'float32 [4, T, 2, 3]; float32 [4, 2, 3]',
    { direction: 'bidirectional', layout: 1 },
    2,
  ],
  [
    'RNN',
    ['float32 [T, B, 5]', 'float32 [1, H, 5]', 'float32 [1, H, H]'],
    'float32 [T, 1, B, H]; float32 [1, B, H]',
    { direction: 'reverse' },
    2,
  ],
  [
    'octavo:Lstm',
    ['float32 [T, B, 12]', w(1, 12, 3)],
    'float32 [T, 1, B, 3]; float32 [1, B, 3]; float32 [1, B, 3]',
    {},
    3,
  ],
  [
    'octavo:Gru',
    ['float32 [T, B, 9]', w(1, 9, 3)],
    'float32 [T, 1, B, 3]; float32 [1, B, 3]',
    {},
    2,
  ],
  [
    'octavo:Rnn',
    ['float32 [T, B, 3]', w(1, 3, 3)],
    'float32 [T, 1, B, 3]; float32 [1, B, 3]',
    {},
    2,
  ],
  ['octavo:Arithmetic', ['int64 [N, 1]', 'int64 [3]'], 'int64 [N, 3]'],
  ['octavo:Compare', ['int64 [N, 1]', 'int64 [3]'], 'bool [N, 3]'],
  ['octavo:Where', ['bool [3]', 'int64 [N, 1]', 'int64 []'], 'int64 [N, 3]'],
  ['octavo:Expand', ['int64 [3, 1]'], 'int64 [2, 3, 4]', { dims: [2, 3, 4] }],
  ['octavo:Gather', ['uint8 [N, 8, 3]', 'int32 [2, M]'], 'uint8 [N, 2, M, 3]', { axis: 1 }],
  ['GatherElements', ['uint8 [N, 3]', 'int32 [M, 2]'], 'uint8 [M, 2]', { axis: -1 }],
  ['GatherND', ['uint8 [N, 4, 5, 6]', 'int64 [N, M, 2]'], 'uint8 [N, M, 6]', { batch_dims: 1 }],
  ['GatherND', ['uint8 [N, 4]', 'int64 [N, M]'], 'uint8'],
  ['ScatterElements', ['uint8 [N, 3]', 'int32 [M, 2]', 'uint8 [M, 2]'], 'uint8 [N, 3]'],
  ['ScatterND', ['uint8 [N, 3, 4]', 'int64 [M, 2]', 'uint8 [M, 4]'], 'uint8 [N, 3, 4]'],
  ['TopK', ['uint8 [N, 9]', i64(4)], 'uint8 [N, 4]; int64 [N, 4]', {}, 2],
  ['TopK', ['uint8 [N, 9]', 'int64 [1]'], 'uint8 [?, 9]; int64 [?, 9]', { axis: 0 }, 2],
  ['ArgMax', ['uint8 [N, 9, 2]'], 'int64 [N, 1, 2]', { axis: 1 }],
  ['ArgMin', ['uint8 [N, 9]'], 'int64 [9]', { keepdims: 0 }],
  ['CumSum', ['int32 [N, 9]', n64(-1)], 'int32 [N, 9]'],
  ['ReverseSequence', ['uint8 [9, N, 2]', 'int64 [N]'], 'uint8 [9, N, 2]'],
  ['Hardmax', ['float32 [N, 9]'], 'float32 [N, 9]'],
  ['IsNaN', ['float16 [N]'], 'bool [N]'],
  ['IsInf', ['float64 [N]'], 'bool [N]'],
  ['NonZero', ['bool [N, 3]'], 'int64 [2, ?]'],
  ['NonMaxSuppression', ['float32 [B, N, 4]', 'float32 [B, C, N]', n64(3)], 'int64 [?, 3]'],
  ['Compress', ['uint8 [N, 3]', 'bool [3]'], 'uint8 [N, ?]', { axis: 1 }],
  ['Compress', ['uint8 [N, 3]', 'bool [M]'], 'uint8 [?]'],
  ['Unique', ['uint8 [N, 3]'], 'uint8 [?]; int64 [?]; int64 [?]; int64 [?]', {}, 4],
  ['Unique', ['uint8 [N, 3]'], 'uint8 [?, 3]', { axis: 0 }],
  ['octavo:GatherElements', ['uint8 [N, 3]', 'int32 [M, 2]'], 'uint8 [M, 2]', { axis: 1 }],
  ['octavo:GatherND', ['uint8 [N, 4, 5]', 'int64 [N, M, 1]'], 'uint8 [N, M, 5]', { batchDims: 1 }],
  ['octavo:ScatterElements', ['uint8 [N, 3]', 'int32 [M, 2]', 'uint8 [M, 2]'], 'uint8 [N, 3]'],
  ['octavo:ScatterND', ['uint8 [N, 3, 4]', 'int64 [M, 2]', 'uint8 [M, 4]'], 'uint8 [N, 3, 4]'],
  ['octavo:TopK', ['uint8 [N, 9]'], 'uint8 [N, 4]; int64 [N, 4]', { axis: 1, k: 4 }, 2],
  ['octavo:ArgReduce', ['uint8 [N, 9]'], 'int64 [N, 1]', { axis: 1 }],
  ['octavo:CumSum', ['int32 [N, 9]'], 'int32 [N, 9]', { axis: 1 }],
  [
    'octavo:Resample',
    ['float32 [N, 8, 3]', t('int32', [0, 1], [1, 2]), f32(1, 1)],
    'float32 [N, 1, 3]',
    { axis: 1 },
  ],
  ['Resize', ['uint8 [N, 3, H, 4]', '', f32(1, 1, 2, 2)], 'uint8 [N, 3, ?, 8]'],
  ['Resize', ['uint8 [N, 3, H, 4]', '', '', i64(7, 9)], 'uint8 [N, 3, 7, 9]', { axes: [2, -1] }],
  [
    'Resize',
    ['uint8 [1, 3, 6, 4]', '', '', i64(3, 8)],
    'uint8 [1, 3, 3, 2]',
    { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
  ],
  [
    'ConvTranspose',
    ['float32 [N, 3, H, 5]', w(3, 4, 2, 2), f32(1, 2, 3, 4)],
    'float32 [N, 4, ?, 10]',
    { strides: [2, 2] },
  ],
  [
    'ConvTranspose',
    ['float32 [N, 4, H, 5]', w(4, 2, 3, 3)],
    'float32 [N, 4, H, 10]',
    { group: 2, strides: [1, 2], pads: [1, 1, 1, 1], output_padding: [0, 1] },
  ],
  [
    'ConvTranspose',
    ['float32 [N, 3, 7]', w(3, 4, 3)],
    'float32 [N, 4, 15]',
    { strides: [2], output_shape: [15] },
  ],
  ['octavo:DynamicQuantizeRows', ['float32 [N, 8]'], 'int8 [N, 8]; float32 [N]', {}, 2],
  [
    'octavo:DynamicQuantizeRows',
    ['float32 [N, 8]'],
    'uint8 [N, 8]; float32 [N]',
    { outputType: 'uint8' },
    2,
  ],
  [
    'octavo:MatMulInt4',
    ['int8 [N, 40]', 'float32 [N]', 'uint8 [7, 2, 16]', 'float32 [7, 2]', 'uint8 [7, 1]'],
    'float32 [N, 7]',
    { blockSize: 32 },
  ],
  ['octavo:MatMulInt1', ['int1 [N, 40]', 'int1 [7, 40]'], 'int32 [N, 7]'],
  ['octavo:MatMulInt1', ['int1 [N, 40]', 'int1 [7, 40]', 'float32 [7]'], 'float32 [N, 7]'],
  ['octavo:MatMulInt16', ['int16 [N, 40]', 'int16 [7, 40]', '', 'int32 [7]'], 'int64 [N, 7]'],
  [
    'octavo:MatMulInt16',
    ['int16 [N, 40]', 'int16 [7, 40]', 'float32 [7]'],
    'int16 [N, 7]',
    { outputType: 'int16' },
  ],
];

/** Operators that share their definition with one in the table. */
const alike =
  'LeakyRelu Sigmoid HardSigmoid Tanh Exp Log Sqrt Neg Abs Reciprocal Erf Floor Ceil Round Elu Softplus Gelu ' +
  'Selu Celu ThresholdedRelu Softsign Mish Swish Shrink LogSoftmax GroupNormalization MeanVarianceNormalization ' +
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
