import type { Attribute } from '../../src/graph/ir.js';
import { t } from '../helpers/onnx-builder.js';
import { integers } from '../helpers/random.js';
import {
  biasScales,
  conv,
  float,
  type Island,
  i8,
  i16,
  int,
  int8Weight,
  int16Weight,
  ints,
  scales,
  u8,
  zeros,
} from './islands.js';

export interface Case {
  readonly name: string;
  readonly make: (g: Island) => string[];
  /** All steps but QuantizeLinear, DequantizeLinear and Transpose. */
  readonly steps: Record<string, number>;
  /** Steps of float results differ by rounding. */
  readonly tolerance?: number;
}

export const cases: Case[] = [
  {
    name: 'Conv, Relu, Q',
    make: (g) => {
      conv(g, g.input('x', [2, 3, 6, 5]), 'c', [4, 3, 3, 3], { pads: ints([1, 1, 1, 1]) });
      return [g.pair(g.op('Relu', ['c'], 'r'), 0.015, u8(10))];
    },
    steps: { QConv: 1 },
  },
  {
    name: 'Conv, Clip, Q with strides, groups and dilations',
    make: (g) => {
      conv(g, g.input('x', [1, 4, 9, 8]), 'c', [6, 2, 3, 2], {
        group: int(2),
        strides: ints([2, 1]),
        dilations: ints([1, 2]),
        pads: ints([1, 0, 0, 2]),
      });
      const [low, high] = [
        g.constant('low', t('float32', [-0.25], [])),
        g.constant('high', t('float32', [1.5], [])),
      ];
      return [g.pair(g.op('Clip', ['c', low, high], 'r'), 0.01, u8(77))];
    },
    steps: { QConv: 1 },
  },
  {
    name: 'Conv without Q keeps its accumulator in float',
    make: (g) => [conv(g, g.input('x', [1, 3, 4, 4]), 'c', [5, 3, 1, 1])],
    steps: { QConv: 1 },
    tolerance: 1e-5,
  },
  {
    name: 'Conv with Relu and no Q is bounded',
    make: (g) => [g.op('Relu', [conv(g, g.input('x', [1, 3, 4, 4]), 'c', [5, 3, 1, 1])], 'r')],
    steps: { QConv: 1 },
    tolerance: 1e-5,
  },
  {
    name: 'Conv of one axis',
    make: (g) => [g.pair(conv(g, g.input('x', [2, 3, 9]), 'c', [4, 3, 3]), 0.02, u8(100))],
    steps: { QConv: 1 },
  },
  {
    name: 'int8 activations',
    make: (g) => {
      const x = g.input('x', [1, 3, 6, 6], 0.02, i8(-8));
      const c = g.pair(conv(g, x, 'c', [4, 3, 3, 3]), 0.03, i8(5));
      return [g.pair(conv(g, c, 'd', [2, 4, 1, 1], {}, 0.03), 0.05, i8(-128))];
    },
    steps: { QConv: 2 },
  },
  {
    name: 'uint8 weights with zero points',
    make: (g) => {
      const x = g.input('x', [1, 3, 5, 5]);
      const codes = {
        type: 'uint8',
        dims: [4, 3, 3, 3],
        data: integers(g.random, 'uint8', 108),
      } as const;
      const w = g.weight('w', codes, [0.004], u8(131));
      return [g.pair(g.op('Conv', [x, w], 'c'), 0.1, u8(128))];
    },
    steps: { QConv: 1 },
  },
  {
    name: 'int4 weights',
    make: (g) => {
      const x = g.input('x', [2, 3, 4, 4]);
      const packed = {
        type: 'int4',
        dims: [4, 3, 1, 1],
        data: integers(g.random, 'uint8', 6),
      } as const;
      const w = g.weight('w', packed, [0.0507], t('int4', [0], []));
      return [g.pair(g.op('Conv', [x, w], 'c'), 0.02, u8(128))];
    },
    steps: { QConv: 1 },
  },
  {
    name: 'a bias in float',
    make: (g) => {
      const x = g.input('x', [1, 3, 5, 5]);
      const w = g.weight('w', int8Weight(g.random, 4, 3, 3, 3), [0.004], i8(0));
      const b = g.constant('b', t('float32', [0.5, -0.25, 1.125, 0]));
      return [g.pair(g.op('Conv', [x, w, b], 'c'), 0.02, u8(128))];
    },
    steps: { QConv: 1 },
  },
  {
    name: 'a bias in another scale',
    make: (g) => {
      const x = g.input('x', [1, 3, 5, 5]);
      const w = g.weight('w', int8Weight(g.random, 4, 3, 3, 3), [0.004], i8(0));
      const b = g.weight('b', t('int32', [500, -250, 1125, 0]), [0.001], t('int32', [0], []));
      return [g.pair(g.op('Conv', [x, w, b], 'c'), 0.02, u8(128))];
    },
    steps: { QConv: 1 },
  },
  ...[0, 1].map(
    (transB): Case => ({
      name: `Gemm, transB ${transB}, per channel`,
      make: (g) => {
        const x = g.input('x', [4, 7]);
        const sw = scales(g.random, 5);
        const codes = transB === 1 ? int8Weight(g.random, 5, 7) : int8Weight(g.random, 7, 5);
        const w = g.weight('w', codes, sw, zeros(5), 1 - transB);
        const b = g.weight(
          'b',
          t('int32', [9, -900, 40, 0, 1]),
          biasScales(0.02, sw),
          t('int32', [0, 0, 0, 0, 0]),
        );
        const y = g.op('Gemm', [x, w, b], 'y', { transB: int(transB) });
        return [g.pair(g.op('Relu', [y], 'r'), 0.02, u8(0))];
      },
      steps: { QConv: 1, Reshape: 2 },
    }),
  ),
  {
    name: 'Gemm with alpha and beta',
    make: (g) => {
      const x = g.input('x', [4, 7]);
      const w = g.weight('w', int8Weight(g.random, 7, 5), [0.01], i8(0));
      const b = g.constant('b', t('float32', [0.5], [1]));
      const y = g.op('Gemm', [x, w, b], 'y', { alpha: float(0.5), beta: float(3) });
      return [g.pair(y, 0.02, u8(100))];
    },
    steps: { QConv: 1, Reshape: 2 },
  },
  ...[2, 3, 4, 5].map(
    (rank): Case => ({
      name: `MatMul and Add, rank ${rank}`,
      make: (g) => {
        const x = g.input('x', [2, 1, 3, 2, 6].slice(5 - rank));
        const sw = scales(g.random, 5);
        const w = g.weight('w', int8Weight(g.random, 6, 5), sw, zeros(5), 1);
        const b = g.constant('b', t('float32', [0.1, -0.2, 0.3, 0, 1]));
        return [g.pair(g.op('Add', [b, g.op('MatMul', [x, w], 'm')], 'y'), 0.02, u8(128))];
      },
      steps: { QConv: 1 },
    }),
  ),
  {
    name: 'MatMul of a transposed weight',
    make: (g) => {
      const x = g.input('x', [4, 7]);
      const w = g.weight('w', int8Weight(g.random, 5, 7), scales(g.random, 5), zeros(5), 0);
      const turned = g.op('Transpose', [w], 'wt', { perm: ints([1, 0]) });
      return [g.pair(g.op('MatMul', [x, turned], 'm'), 0.02, u8(128))];
    },
    steps: { QConv: 1, Reshape: 2 },
  },
  ...[0, 1].map(
    (transB): Case => ({
      name: `Gemm of int16, transB ${transB}, per channel`,
      make: (g) => {
        const x = g.input('x', [4, 7], 1e-4, i16(0));
        const sw = scales(g.random, 5).map((scale) => Math.fround(scale / 256));
        const dims = transB === 1 ? [5, 7] : [7, 5];
        const none = t('int16', [0, 0, 0, 0, 0]);
        const w = g.weight('w', int16Weight(g.random, ...dims), sw, none, 1 - transB);
        const b = g.weight(
          'b',
          t('int32', [2e9, -9e8, 40, 0, 1]),
          biasScales(1e-4, sw),
          t('int32', [0, 0, 0, 0, 0]),
        );
        const y = g.op('Gemm', [x, w, b], 'y', { transB: int(transB), alpha: float(1) });
        return [g.pair(g.op('Relu', [y], 'r'), 2e-4, i16(0))];
      },
      steps: { MatMulInt16: 1 },
    }),
  ),
  {
    name: 'Gemm of int16 without Q, its clamp behind it',
    make: (g) => {
      const x = g.input('x', [4, 7], 1e-4, i16(0));
      const w = g.weight('w', int16Weight(g.random, 7, 5), [2e-5], i16(0));
      const b = g.constant('b', t('float32', [0.5], [1]));
      const y = g.op('Gemm', [x, w, b], 'y', { alpha: float(0.5), beta: float(3) });
      return [g.op('Relu', [y], 'r')];
    },
    steps: { MatMulInt16: 1, Unary: 1 },
    tolerance: 1e-5,
  },
  ...[2, 3, 4, 5].map(
    (rank): Case => ({
      name: `MatMul and Add of int16, rank ${rank}`,
      make: (g) => {
        const x = g.input('x', [2, 1, 3, 2, 6].slice(5 - rank), 1e-4, i16(0));
        const w = g.weight('w', int16Weight(g.random, 6, 5), [2e-5], i16(0));
        const b = g.constant('b', t('float32', [0.1, -0.2, 0.3, 0, 1]));
        return [g.pair(g.op('Add', [b, g.op('MatMul', [x, w], 'm')], 'y'), 2e-4, i16(0))];
      },
      steps: { MatMulInt16: 1 },
    }),
  ),
  {
    name: 'products of int16 with a zero point stay float, and so do convolutions',
    make: (g) => {
      const x = g.input('x', [4, 6], 1e-4, i16(300));
      const w = g.weight('w', int16Weight(g.random, 6, 5), [2e-5], i16(0));
      const image = g.input('image', [1, 3, 5, 5], 1e-4, i16(0));
      const kernel = g.weight('kernel', int16Weight(g.random, 2, 3, 3, 3), [2e-5], i16(0));
      return [
        g.pair(g.op('MatMul', [x, w], 'm'), 2e-4, i16(0)),
        g.pair(g.op('Conv', [image, kernel], 'c'), 2e-4, i16(0)),
      ];
    },
    steps: { MatMul: 1, Conv: 1 },
  },
  ...(['Add', 'Sub'] as const).map(
    (op): Case => ({
      name: `${op}, Relu, Q of two scales`,
      make: (g) => {
        const [a, b] = [g.input('a', [2, 3, 4, 5]), g.input('b', [2, 3, 4, 5], 0.017, u8(99))];
        return [g.pair(g.op('Relu', [g.op(op, [a, b], 's')], 'r'), 0.0307, u8(3))];
      },
      steps: { QAdd: 1 },
    }),
  ),
  {
    name: 'Add of a constant that broadcasts',
    make: (g) => {
      const a = g.input('a', [2, 3, 4, 5]);
      const b = g.weight('b', int8Weight(g.random, 3, 1, 1), [0.01], i8(4));
      return [g.pair(g.op('Add', [a, b], 's'), 0.03, u8(128))];
    },
    steps: { QAdd: 1 },
  },
  {
    name: 'Mul',
    make: (g) => {
      const [a, b] = [g.input('a', [2, 3, 4, 5]), g.input('b', [2, 3, 1, 1], 0.017, u8(99))];
      return [g.pair(g.op('Mul', [a, b], 's'), 0.03, u8(128))];
    },
    steps: { QMul: 1 },
  },
  ...[
    { name: 'padding not counted', attributes: {} as Record<string, Attribute> },
    { name: 'padding counted', attributes: { count_include_pad: int(1) } },
    { name: 'ceil_mode', attributes: { ceil_mode: int(1), strides: ints([2, 2]) } },
  ].map(
    ({ name, attributes }): Case => ({
      name: `AveragePool, ${name}`,
      make: (g) => {
        const x = g.input('x', [2, 3, 6, 7]);
        const y = g.op('AveragePool', [x], 'y', {
          kernel_shape: ints([3, 2]),
          pads: ints([1, 0, 1, 1]),
          ...attributes,
        });
        return [g.pair(y, 0.019, u8(121))];
      },
      steps: { QAveragePool: 1 },
    }),
  ),
  {
    name: 'GlobalAveragePool to float',
    make: (g) => [g.op('GlobalAveragePool', [g.input('x', [2, 3, 6, 7])], 'y')],
    steps: { QAveragePool: 1 },
    tolerance: 1e-5,
  },
  {
    name: 'ReduceMean over the image, axes dropped',
    make: (g) => {
      const axes = g.constant('axes', t('int64', [-1, 2]));
      const y = g.op('ReduceMean', [g.input('x', [2, 3, 6, 7]), axes], 'y', { keepdims: int(0) });
      return [g.pair(y, 0.019, u8(121))];
    },
    steps: { QAveragePool: 1 },
  },
  {
    name: 'movements keep codes',
    make: (g) => {
      const x = g.input('x', [2, 4, 6, 6]);
      const pool = g.op('MaxPool', [x], 'p', { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
      const axes = [t('int64', [1]), t('int64', [4]), t('int64', [1])];
      const [s, e, a] = axes.map((tensor, i) => g.constant(`s${i}`, tensor)) as [
        string,
        string,
        string,
      ];
      const cut = g.op('Slice', [pool, s, e, a], 'cut');
      const padded = g.op(
        'Pad',
        [cut, g.constant('pads', t('int64', [0, 1, 0, 0, 0, 0, 0, 2]))],
        'padded',
      );
      const turned = g.op('Transpose', [padded], 't', { perm: ints([0, 2, 3, 1]) });
      const flat = g.op('Flatten', [turned], 'f');
      return [g.pair(flat, 0.02, u8(120))];
    },
    steps: { MaxPool: 1, Slice: 1, Pad: 1, Reshape: 1 },
  },
  {
    name: 'a change of scale is a table',
    make: (g) => {
      const x = g.input('x', [2, 4, 6, 6]);
      const pool = g.op('MaxPool', [x], 'p', { kernel_shape: ints([2, 2]) });
      return [g.pair(pool, 0.031, u8(100))];
    },
    steps: { MaxPool: 1, Lookup: 1 },
  },
  {
    name: 'Concat of one coding',
    make: (g) => {
      const [a, b] = [g.input('a', [1, 3, 4, 4]), g.input('b', [1, 2, 4, 4])];
      return [g.pair(g.op('Concat', [a, b], 'c', { axis: int(1) }), 0.02, u8(120))];
    },
    steps: { Concat: 1 },
  },
  {
    name: 'Concat of different codings',
    make: (g) => {
      const [a, b] = [g.input('a', [1, 3, 4, 4]), g.input('b', [1, 2, 4, 4], 0.01, u8(130))];
      return [g.pair(g.op('Concat', [a, b], 'c', { axis: int(1) }), 0.02, u8(120))];
    },
    steps: { Concat: 1, Lookup: 1 },
  },
  ...['Sigmoid', 'HardSwish', 'Tanh', 'LeakyRelu', 'Relu', 'Exp', 'Erf', 'Elu'].map(
    (op): Case => ({
      name: `${op} is a table`,
      make: (g) => [g.pair(g.op(op, [g.input('x', [3, 200])], 'y'), 0.02, u8(60))],
      steps: { Lookup: 1 },
    }),
  ),
  {
    name: 'a function of several operators is one table',
    make: (g) => {
      const x = g.input('x', [3, 200]);
      const [three, zero, six] = [3, 0, 6].map((value, i) =>
        g.constant(`k${i}`, t('float32', [value], [])),
      ) as [string, string, string];
      const clip = g.op('Clip', [g.op('Add', [x, three], 'a'), zero, six], 'c');
      // Not x · clip(x + 3, 0, 6) / 6, which would be recognised as HardSwish.
      return [g.pair(g.op('Sub', [g.op('Mul', [x, clip], 'm'), six], 'y'), 0.2, u8(60))];
    },
    steps: { Lookup: 1 },
  },
  {
    name: 'a clamping table goes into the step before it',
    make: (g) => {
      const c = g.pair(conv(g, g.input('x', [1, 3, 6, 6]), 'c', [4, 3, 3, 3]), 0.02, u8(120));
      return [g.pair(g.op('Relu', [c], 'r'), 0.02, u8(120))];
    },
    steps: { QConv: 1 },
  },
  {
    name: 'two readers of one convolution',
    make: (g) => {
      const c = g.pair(conv(g, g.input('x', [1, 3, 6, 6]), 'c', [4, 3, 3, 3]), 0.02, u8(120));
      const d = g.pair(conv(g, c, 'd', [4, 4, 1, 1]), 0.02, u8(120));
      return [g.pair(g.op('Add', [c, d], 's'), 0.0413, u8(120))];
    },
    steps: { QConv: 2 },
  },
  {
    name: 'int8 through movements, a Concat and a sum',
    make: (g) => {
      const x = g.input('x', [1, 3, 6, 6], 0.02, i8(3));
      const pool = g.pair(g.op('MaxPool', [x], 'p', { kernel_shape: ints([2, 2]) }), 0.02, i8(3));
      const pads = g.constant('pads', t('int64', [0, 0, 0, 0, 0, 0, 1, 1]));
      const padded = g.pair(g.op('Pad', [pool, pads], 'pad'), 0.02, i8(3));
      const sum = g.pair(g.op('Add', [x, padded], 's'), 0.05, i8(-3));
      return [g.pair(g.op('Concat', [sum, sum], 'c', { axis: int(1) }), 0.05, i8(-3))];
    },
    steps: { MaxPool: 1, Pad: 1, QAdd: 1, Concat: 1 },
  },
];
