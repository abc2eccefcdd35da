import type { Tensor } from '../../src/core/tensor.js';
import { attribute as a } from '../../src/graph/attributes.js';
import type { Attribute } from '../../src/graph/ir.js';
import { t } from '../helpers/onnx-builder.js';

export interface Case {
  readonly name: string;
  readonly opset: number;
  readonly op: string;
  /** Dims of the first input, float32 and random. */
  readonly x: readonly number[];
  /** Dims as declared; those of `x` by default, undefined for an unknown rank. */
  readonly declared?: readonly (number | string)[] | undefined;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Further inputs. */
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly outputs?: number;
  /** Operators of the graph after import. */
  readonly becomes?: readonly string[];
}

export const ints = (...values: number[]): Tensor => t('int64', values);
export const int64Max = 2 ** 63;

export const softmaxes = ['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op): Case[] => [
  { name: 'default axis of a matrix', opset: 11, op, x: [3, 5], becomes: [op] },
  {
    name: 'default axis of an image',
    opset: 11,
    op,
    x: [2, 5, 3, 2],
    becomes: ['Flatten', op, 'Reshape'],
  },
  { name: 'trailing dims of 1', opset: 9, op, x: [2, 5, 1, 1], becomes: [op] },
  { name: 'leading dims of 1 behind the axis', opset: 9, op, x: [2, 1, 1, 5], becomes: [op] },
  {
    name: 'the last axis',
    opset: 11,
    op,
    x: [2, 3, 4],
    attributes: { axis: a.int(2) },
    becomes: [op],
  },
  { name: 'a negative axis', opset: 11, op, x: [2, 3, 4], attributes: { axis: a.int(-2) } },
  { name: 'axis 0', opset: 7, op, x: [2, 3, 4], attributes: { axis: a.int(0) } },
  { name: 'all of one element', opset: 7, op, x: [1, 1, 1], becomes: [op] },
  {
    name: 'a free dimension',
    opset: 11,
    op,
    x: [2, 3, 4],
    declared: ['N', 3, 4],
    becomes: ['Flatten', op, 'Shape', 'Reshape'],
  },
]);

export const reductions = [
  'L1',
  'L2',
  'LogSum',
  'LogSumExp',
  'Max',
  'Mean',
  'Min',
  'Prod',
  'Sum',
  'SumSquare',
];

export const cases: readonly Case[] = [
  ...softmaxes,
  ...reductions.flatMap((kind): Case[] => [
    {
      name: 'axes',
      opset: 11,
      op: `Reduce${kind}`,
      x: [2, 3, 4],
      attributes: { axes: a.ints([-1, 0]) },
    },
    {
      name: 'all axes',
      opset: 7,
      op: `Reduce${kind}`,
      x: [2, 3],
      attributes: { keepdims: a.int(0) },
    },
  ]),
  {
    name: 'both bounds',
    opset: 6,
    op: 'Clip',
    x: [9],
    attributes: { min: a.float(-0.3), max: a.float(0.5) },
  },
  { name: 'lower bound', opset: 10, op: 'Clip', x: [9], attributes: { min: a.float(0) } },
  { name: 'upper bound', opset: 10, op: 'Clip', x: [9], attributes: { max: a.float(0) } },
  { name: 'no bound', opset: 10, op: 'Clip', x: [9] },
  {
    name: 'axes given',
    opset: 9,
    op: 'Slice',
    x: [5, 6],
    attributes: { starts: a.ints([-4]), ends: a.ints([int64Max]), axes: a.ints([1]) },
  },
  {
    name: 'axes implied',
    opset: 9,
    op: 'Slice',
    x: [5, 6],
    attributes: { starts: a.ints([1, 0]), ends: a.ints([-1, 100]) },
  },
  {
    name: 'constant',
    opset: 10,
    op: 'Pad',
    x: [2, 3],
    attributes: { pads: a.ints([1, 0, 2, 1]), value: a.float(7) },
  },
  { name: 'zero', opset: 7, op: 'Pad', x: [2, 3], attributes: { pads: a.ints([0, 1, 0, -1]) } },
  {
    name: 'reflect',
    opset: 9,
    op: 'Pad',
    x: [4, 3],
    attributes: { pads: a.ints([2, 1, 1, 2]), mode: a.string('reflect') },
  },
  { name: 'axes', opset: 11, op: 'Squeeze', x: [1, 3, 1], attributes: { axes: a.ints([-1]) } },
  { name: 'all', opset: 7, op: 'Squeeze', x: [1, 3, 1] },
  { name: 'axes', opset: 11, op: 'Unsqueeze', x: [2, 3], attributes: { axes: a.ints([0, -1]) } },
  {
    name: 'sizes',
    opset: 11,
    op: 'Split',
    x: [5, 2],
    outputs: 2,
    attributes: { split: a.ints([2, 3]) },
  },
  { name: 'equal', opset: 11, op: 'Split', x: [2, 6], outputs: 3, attributes: { axis: a.int(1) } },
  { name: 'equal, of 13', opset: 13, op: 'Split', x: [6], outputs: 2 },
  { name: 'k', opset: 9, op: 'TopK', x: [3, 7], outputs: 2, attributes: { k: a.int(3) } },
  { name: 'ratio', opset: 9, op: 'Dropout', x: [4], attributes: { ratio: a.float(0.3) } },
  { name: 'ratio', opset: 10, op: 'Dropout', x: [4], attributes: { ratio: a.float(0.3) } },
  ...[7, 9, 13].map(
    (opset): Case => ({
      name: 'inference',
      opset,
      op: 'BatchNormalization',
      x: [2, 3, 2],
      attributes: { epsilon: a.float(1e-3) },
      constants: {
        scale: t('float32', [1, 2, 3]),
        bias: t('float32', [0.1, 0.2, 0.3]),
        mean: t('float32', [1, -1, 0]),
        variance: t('float32', [1, 0.5, 2]),
      },
    }),
  ),
  {
    name: 'nearest, scales as an attribute',
    opset: 8,
    op: 'Upsample',
    x: [1, 1, 2, 3],
    attributes: { scales: a.floats([1, 1, 2, 1.5]), mode: a.string('nearest') },
    becomes: ['Resize'],
  },
  {
    name: 'linear, scales as an input',
    opset: 9,
    op: 'Upsample',
    x: [1, 1, 2, 3],
    attributes: { mode: a.string('linear') },
    constants: { scales: t('float32', [1, 1, 2, 2]) },
    becomes: ['Resize'],
  },
  ...[
    [1, 1, 3, 2],
    [1, 1, 2.6, 1.3],
    [1, 1, 0.5, 0.4],
  ].flatMap((scales) =>
    ['nearest', 'linear'].map(
      (mode): Case => ({
        name: `${mode}, scales ${scales}`,
        opset: 10,
        op: 'Resize',
        x: [1, 1, 5, 6],
        attributes: { mode: a.string(mode) },
        constants: { scales: t('float32', scales) },
      }),
    ),
  ),
  {
    name: 'empty roi',
    opset: 11,
    op: 'Resize',
    x: [1, 1, 4, 4],
    attributes: { mode: a.string('nearest'), nearest_mode: a.string('floor') },
    constants: { roi: t('float32', []), scales: t('float32', [1, 1, 2, 2]) },
  },
  {
    name: 'sizes',
    opset: 11,
    op: 'Resize',
    x: [1, 1, 4, 4],
    attributes: { mode: a.string('linear') },
    constants: { roi: t('float32', []), scales: t('float32', []), sizes: ints(1, 1, 7, 9) },
  },
  ...['bilinear', 'nearest', 'bicubic'].map(
    (mode): Case => ({
      name: mode,
      opset: 16,
      op: 'GridSample',
      x: [1, 1, 4, 4],
      attributes: { mode: a.string(mode) },
      constants: { grid: t('float32', [-0.5, 0.1, 0.9, -1, 0.3, 0.3, 0, 0], [1, 2, 2, 2]) },
    }),
  ),
  {
    name: 'the grid shifted by half a pixel',
    opset: 10,
    op: 'RoiAlign',
    x: [1, 1, 6, 6],
    attributes: { output_height: a.int(2), output_width: a.int(2), sampling_ratio: a.int(2) },
    constants: { rois: t('float32', [0, 0, 4, 3], [1, 4]), batch: ints(0) },
  },
  {
    name: 'under its old name',
    opset: 9,
    op: 'Scatter',
    x: [3, 3],
    attributes: { axis: a.int(0) },
    constants: { indices: t('int64', [2, 0], [1, 2]), updates: t('float32', [9, 8], [1, 2]) },
    becomes: ['ScatterElements'],
  },
  { name: 'axis', opset: 17, op: 'DFT', x: [1, 4, 3, 1], attributes: { axis: a.int(2) } },
  {
    name: 'depth first',
    opset: 8,
    op: 'DepthToSpace',
    x: [1, 8, 2, 2],
    attributes: { blocksize: a.int(2) },
  },
  { name: 'opset 7', opset: 7, op: 'Add', x: [2, 3], constants: { b: t('float32', [1, 2, 3]) } },
];
