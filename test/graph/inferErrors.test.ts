/** Inputs and attributes that contradict an operator: the error says what, and names the node. */
import { describe, expect, it } from 'vitest';
import { t } from '../helpers/onnx-builder.js';
import { f32, type Given, i64, infer, n64, type Plain, type QualifiedOp, w } from './inferNode.js';

type Row = readonly [
  what: string,
  QualifiedOp,
  readonly Given[],
  message: RegExp,
  Plain?,
  outputs?: number,
];

const table: readonly Row[] = [
  [
    'a stride of 0',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /'strides' out of range/,
    { strides: [0, 1] },
  ],
  [
    'a negative dilation',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /'dilations' out of range/,
    { dilations: [-1, 1] },
  ],
  [
    'a negative pad',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /'pads' out of range/,
    { pads: [-1, 0, 0, 0] },
  ],
  [
    'an absurd stride',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /'strides' out of range/,
    { strides: [2 ** 40, 1] },
  ],
  [
    'too few pads',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /wrong length of 'pads'/,
    { pads: [1, 1] },
  ],
  [
    'no groups',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /'group' out of range/,
    { group: 0 },
  ],
  [
    'groups that do not divide',
    'Conv',
    ['float32 [1, 9, 8, 8]', w(4, 3, 3, 3)],
    /do not divide by 3 groups/,
    { group: 3 },
  ],
  [
    'channels that differ',
    'Conv',
    ['float32 [1, 4, 8, 8]', w(4, 3, 3, 3)],
    /input channels and weight differ/,
  ],
  ['a bias too long', 'Conv', ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3), w(5)], /bias differ/],
  [
    'a bias of rank 2',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3), w(1, 4)],
    /rank of the bias/,
  ],
  [
    'a kernel_shape that lies',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /'kernel_shape' and weight differ/,
    { kernel_shape: [5, 3] },
  ],
  [
    'a kernel_shape of another rank',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /wrong length of 'kernel_shape'/,
    { kernel_shape: [3] },
  ],
  [
    'a window larger than the input',
    'Conv',
    ['float32 [1, 3, 2, 8]', w(4, 3, 3, 3)],
    /does not fit the padded input/,
  ],
  [
    'a kernel without cells',
    'Conv',
    ['float32 [1, 3, 8, 8]', 'float32 [4, 3, 0, 3]'],
    /'kernel' out of range/,
  ],
  [
    'an unknown auto_pad',
    'Conv',
    ['float32 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /unknown 'auto_pad'/,
    { auto_pad: 'SOME' },
  ],
  ['a scalar image', 'Conv', ['float32 []', w(4, 3, 3, 3)], /wrong rank/],
  ['ranks that differ', 'Conv', ['float32 [1, 3, 8]', w(4, 3, 3, 3)], /differ in rank/],
  ['types that differ', 'Conv', ['float32 [1, 3, 8, 8]', 'float64 [4, 3, 3, 3]'], /differ in type/],
  [
    'a float weight',
    'ConvInteger',
    ['uint8 [1, 3, 8, 8]', w(4, 3, 3, 3)],
    /input 1 has the wrong type/,
  ],
  ['no kernel_shape', 'MaxPool', ['float32 [1, 3, 8, 8]'], /'kernel_shape' is missing/],
  [
    'padding as wide as the window',
    'MaxPool',
    ['float32 [1, 3, 8, 8]'],
    /padding as wide/,
    { kernel_shape: [2, 2], pads: [2, 0, 0, 0] },
  ],
  [
    'a kernel of the wrong rank',
    'AveragePool',
    ['float32 [1, 3, 8, 8]'],
    /wrong length of 'kernel_shape'/,
    { kernel_shape: [2] },
  ],
  [
    'too few channels of statistics',
    'BatchNormalization',
    ['float32 [N, 4, 4]', w(3), w(3), w(3), w(3)],
    /channels and input 1 differ/,
  ],
  ['a size of 0', 'LRN', ['float32 [N, 3, 4]'], /'size' out of range/, { size: 0 }],
  ['an axis beyond the rank', 'Softmax', ['float32 [N, 3]'], /axis out of range/, { axis: 2 }],
  ['integers', 'Sigmoid', ['int32 [N]'], /input 0 has the wrong type/],
  ['limits of another type', 'Clip', ['float32 [N]', 'int32 []'], /differ in type/],
  ['shapes that do not broadcast', 'Add', ['float32 [2, 3]', 'float32 [4]'], /do not broadcast/],
  [
    'a condition that is none',
    'Where',
    ['int8 [2]', 'float32 [2]', 'float32 [2]'],
    /input 0 has the wrong type/,
  ],
  [
    'inner sizes that differ',
    'MatMul',
    ['float32 [2, 3]', 'float32 [4, 5]'],
    /columns of a and rows of b differ/,
  ],
  [
    'bfloat16 times float32',
    'octavo:MatMul',
    ['bfloat16 [2, 3]', 'float32 [3, 5]'],
    /input 1 has the wrong type/,
  ],
  [
    'bfloat16 transposed',
    'octavo:MatMul',
    ['bfloat16 [3, 2]', 'bfloat16 [3, 5]'],
    /bfloat16 is not transposed/,
    { transposeA: 1 },
  ],
  ['a scalar factor', 'MatMul', ['float32 []', 'float32 [4, 5]'], /no matrix/],
  [
    'a bias larger than the product',
    'Gemm',
    ['float32 [1, 3]', 'float32 [3, 4]', 'float32 [2, 4]'],
    /c is larger/,
  ],
  [
    'a bias of rank 3',
    'Gemm',
    ['float32 [1, 3]', 'float32 [3, 4]', 'float32 [1, 1, 4]'],
    /c is larger/,
  ],
  [
    'factors of rank 3',
    'Gemm',
    ['float32 [1, 1, 3]', 'float32 [3, 4]'],
    /input 0 has the wrong rank/,
  ],
  [
    'another number of elements',
    'Reshape',
    ['float32 [2, 3]', i64(4)],
    /number of elements changes/,
  ],
  ['elements that do not divide', 'Reshape', ['float32 [2, 3]', i64(-1, 4)], /do not divide/],
  ['two open dims', 'Reshape', ['float32 [2, 3]', i64(-1, -1)], /more than one -1/],
  ['a size of -2', 'Reshape', ['float32 [2, 3]', i64(-2, 3)], /bad target/],
  ['a 0 with nothing to copy', 'Reshape', ['float32 [6]', i64(3, 0)], /no axis 1 to copy/],
  ['an open dim next to nothing', 'Reshape', ['float32 [0]', i64(0, -1)], /could be anything/],
  ['a float target', 'Reshape', ['float32 [6]', f32(6)], /input 1 has the wrong type/],
  ['a squeezed 3', 'Squeeze', ['float32 [3]', i64(0)], /dim of axis 0 and 1 differ/],
  ['an axis twice', 'Unsqueeze', ['float32 [3]', i64(0, 0)], /given twice/],
  ['a perm that is none', 'Transpose', ['float32 [2, 3]'], /not a permutation/, { perm: [0, 0] }],
  [
    'a perm that counts from the end',
    'Transpose',
    ['float32 [2, 3]'],
    /not a permutation/,
    { perm: [0, -1] },
  ],
  [
    'parts that do not fit',
    'Concat',
    ['float32 [2, 3]', 'float32 [2, 4]'],
    /dims of axis 1 differ/,
    { axis: 0 },
  ],
  [
    'parts of other ranks',
    'Concat',
    ['float32 [2, 3]', 'float32 [2]'],
    /differ in rank/,
    { axis: 0 },
  ],
  ['an axis beyond', 'Concat', ['float32 []'], /axis out of range/, { axis: 0 }],
  ['a step of 0', 'Slice', ['float32 [2, 3]', i64(0), i64(1), i64(0), i64(0)], /step of 0/],
  ['lists of other lengths', 'Slice', ['float32 [2, 3]', i64(0, 0), i64(1)], /differ in length/],
  ['an axis twice', 'Slice', ['float32 [2, 3]', i64(0, 0), i64(1, 1), i64(0, -2)], /given twice/],
  ['pads of the wrong number', 'Pad', ['float32 [2, 3]', i64(1, 1)], /wrong length of pads/],
  ['a negative size', 'Pad', ['float32 [2, 3]', i64(-3, 0, 0, 0)], /impossible size/],
  ['an unknown mode', 'Pad', ['float32 [2]', i64(0, 0)], /unknown mode/, { mode: 'mirror' }],
  ['parts that do not add up', 'Split', ['float32 [7]', i64(3, 3)], /do not make up/, {}, 2],
  ['a negative part', 'Split', ['float32 [7]', i64(8, -1)], /do not make up/, {}, 2],
  [
    'another number of parts',
    'Split',
    ['float32 [7]'],
    /'num_outputs' is not/,
    { num_outputs: 3 },
    2,
  ],
  ['float indices', 'Gather', ['float32 [7]', f32(1)], /input 1 has the wrong type/],
  ['a negative size', 'Expand', ['float32 [7]', i64(-7)], /bad target shape/],
  ['a negative size', 'ConstantOfShape', [i64(-1)], /bad shape/],
  ['a step of 0', 'Range', [n64(0), n64(5), n64(0)], /does not end/],
  [
    'scales that do not fit',
    'QuantizeLinear',
    ['float32 [2, 3]', f32(1, 2)],
    /dim of axis 1 and scale differ/,
  ],
  [
    'zero points that do not fit',
    'QuantizeLinear',
    ['float32 [2, 2]', f32(1, 2), t('int8', [0, 0, 0])],
    /scale and zero point differ/,
  ],
  [
    'a negative block size',
    'DequantizeLinear',
    ['int8 [4]', f32(1)],
    /block size out of range/,
    { block_size: -1 },
  ],
  [
    'blocks that do not fit',
    'DequantizeLinear',
    ['int8 [4]', f32(1, 2, 3)],
    /blocks of x and scale differ/,
    { block_size: 2, axis: 0 },
  ],
  ['floats', 'DequantizeLinear', ['float32 [4]', f32(1)], /cannot dequantize/],
  [
    'a float type to quantize to',
    'QuantizeLinear',
    ['float32 [4]', f32(1)],
    /cannot quantize/,
    { output_dtype: 1 },
  ],
  [
    'half a part',
    'com.microsoft:QLinearConcat',
    [f32(1), 'uint8 []', 'uint8 [N]', f32(1), 'uint8 []', 'uint8 [N]'],
    /wrong number of inputs/,
    { axis: 0 },
  ],
  ['a short table', 'octavo:Lookup', ['uint8 [N]', t('uint8', [1, 2])], /256 differ/],
  [
    'a slice that leaves the axis',
    'octavo:Slice',
    ['uint8 [4]'],
    /leaves axis 0/,
    { starts: [2], steps: [1], sizes: [3] },
  ],
  [
    'a list of the wrong rank',
    'octavo:Reduce',
    ['float32 [4, 4]'],
    /does not fit the rank/,
    { axes: [1] },
  ],
  ['no outputType', 'octavo:Cast', ['float32 [4]'], /'outputType' is missing/],
  [
    'an unknown outputType',
    'octavo:Cast',
    ['float32 [4]'],
    /unknown 'outputType'/,
    { outputType: 'text' },
  ],
];

describe('inference', () => {
  for (const [what, op, given, message, attributes, outputs] of table) {
    it(`refuses ${what}: ${op}`, () => {
      const run = () => infer(op, given, attributes, outputs);
      const where = `${op.replace(/.*:/, '')}_y0`;
      expect(run).toThrow(message);
      expect(run).toThrow(expect.objectContaining({ code: 'INVALID_GRAPH', where }));
    });
  }

  it('refuses dims whose product is no exact integer', () => {
    expect(() => infer('Flatten', ['float32 [1, 4294967296, 4294967296]'])).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', where: 'Flatten_y0' }),
    );
  });

  it.each<readonly [string, readonly Given[], Plain]>([
    ['BatchNormalization', ['float32 [N, 3]', w(3), w(3), w(3), w(3)], { training_mode: 1 }],
    ['Dropout', ['float32 [N]', '', t('bool', [1], [])], {}],
  ])('refuses to train: %s', (op, given, attributes) => {
    expect(() => infer(op, given, attributes)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_OPERATOR', where: `${op}_y0` }),
    );
  });

  it('refuses a type that Octavo does not have', () => {
    expect(() => infer('Cast', ['float32 [N]'], { to: 8 })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_TYPE', where: 'Cast_y0' }),
    );
  });
});
