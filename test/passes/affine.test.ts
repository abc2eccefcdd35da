import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute, Graph, Node, ValueType } from '../../src/graph/ir.js';
import { foldIntoWeights, splitBatchNorms } from '../../src/passes/affine.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { createRandom } from '../helpers/random.js';
import { passed, sketch } from './sketch.js';

const random = createRandom(3);
const floats = (dims: readonly number[], low = -1, high = 1): Tensor<'float32'> =>
  t(
    'float32',
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.real(low, high)),
    dims,
  );

/** A Conv c [N, 3, …] of x, a Gemm g [N, 3] of f, and constants to follow them. */
const constants = {
  w: floats([3, 2, 2, 2]),
  b: floats([3]),
  v: floats([4, 3]),
  vt: floats([3, 4]),
  row: floats([1, 3]),
  full: floats([5, 3]),
  gamma: floats([3], 0.5, 2),
  beta: floats([3]),
  mean: floats([3]),
  variance: floats([3], 0.1, 4),
  scalar: floats([], 0.5, 2),
  single: floats([1], 0.5, 2),
  channels: floats([3, 1, 1], 0.5, 2),
  channels4: floats([1, 3, 1, 1], 0.5, 2),
  columns: floats([3], 0.5, 2),
  rows: floats([7, 1], 0.5, 2),
  deep: floats([1, 1, 3, 1, 1], 0.5, 2),
  zero: t('float32', [0], []),
  huge: t('float32', [3e38], []),
};
const inputs = { x: float32('N', 2, 8, 8), f: float32(5, 4) };

function folded(
  nodes: readonly Node[],
  more: Partial<{
    constants: Record<string, Tensor>;
    inputs: Record<string, ValueType>;
    outputs: Record<string, string>;
  }> = {},
): Graph {
  return passed(
    {
      inputs: { ...inputs, ...more.inputs },
      nodes,
      constants: { ...constants, ...more.constants },
      outputs: more.outputs ?? { y: 'y' },
    },
    foldIntoWeights,
  );
}

const conv = (bias = true) => node('Conv', bias ? ['x', 'w', 'b'] : ['x', 'w'], ['c']);
const gemm = (more: readonly string[] = ['b'], attributes: Record<string, Attribute> = {}) =>
  node('Gemm', ['f', attributes['transB'] ? 'vt' : 'v', ...more], ['g'], attributes);
const batchNorm = (input: string, attributes: Record<string, Attribute> = {}) =>
  node('BatchNormalization', [input, 'gamma', 'beta', 'mean', 'variance'], ['y'], attributes);
const y = (op: string, ...names: string[]) => node(op, names, ['y']);

describe('folding into weights', () => {
  it.each([
    ['with a bias', true],
    ['without', false],
  ])('a batch norm, in double, rounded once; Conv %s', (_, hasBias) => {
    const graph = folded([conv(hasBias), batchNorm('c', { epsilon: attribute.float(1e-3) })]);
    expect(sketch(graph)).toEqual(['y = Conv(x, w_folded, Conv_c_bias)']);
    expect(graph.nodes[0]!.name).toBe('Conv_c');
    const { gamma, beta, mean, variance, w, b } = constants;
    const epsilon = Math.fround(1e-3);
    const scale = Array.from(gamma.data, (g, c) => g / Math.sqrt(variance.data[c]! + epsilon));
    const weight = Array.from(w.data, (value, i) => Math.fround(value * scale[Math.floor(i / 8)]!));
    const bias = Array.from(beta.data, (value, c) =>
      Math.fround((hasBias ? b.data[c]! : 0) * scale[c]! + (value - mean.data[c]! * scale[c]!)),
    );
    expect(Array.from(graph.constants.get('w_folded')!.data as Float32Array)).toEqual(weight);
    expect(graph.constants.get('w_folded')!.dims).toEqual([3, 2, 2, 2]);
    expect(Array.from(graph.constants.get('Conv_c_bias')!.data as Float32Array)).toEqual(bias);
  });

  it.each<readonly [string, readonly Node[], string]>([
    ['Mul by channels', [conv(), y('Mul', 'c', 'channels')], 'y = Conv(x, w_folded, Conv_c_bias)'],
    ['Mul of channels', [conv(), y('Mul', 'channels4', 'c')], 'y = Conv(x, w_folded, Conv_c_bias)'],
    ['Mul by a number', [conv(), y('Mul', 'c', 'scalar')], 'y = Conv(x, w_folded, Conv_c_bias)'],
    ['Div by channels', [conv(), y('Div', 'c', 'channels')], 'y = Conv(x, w_folded, Conv_c_bias)'],
    [
      'Add, the weight as it is',
      [conv(false), y('Add', 'c', 'channels')],
      'y = Conv(x, w, Conv_c_bias)',
    ],
    ['Sub', [conv(), y('Sub', 'c', 'single')], 'y = Conv(x, w, Conv_c_bias)'],
    [
      'Sub from channels',
      [conv(), y('Sub', 'channels', 'c')],
      'y = Conv(x, w_folded, Conv_c_bias)',
    ],
    [
      'a chain',
      [
        conv(),
        node('Mul', ['c', 'scalar'], ['m']),
        node('Add', ['m', 'single'], ['a']),
        batchNorm('a'),
      ],
      'y = Conv(x, w_folded, Conv_c_bias)',
    ],
    ['Mul into Gemm', [gemm(), y('Mul', 'g', 'columns')], 'y = Gemm(f, v_folded, Gemm_g_bias)'],
    ['batch norm into Gemm', [gemm([]), batchNorm('g')], 'y = Gemm(f, v_folded, Gemm_g_bias)'],
    [
      'Gemm with a row of biases',
      [gemm(['row']), batchNorm('g')],
      'y = Gemm(f, v_folded, Gemm_g_bias)',
    ],
  ])('%s', (_, nodes, expected) => {
    expect(sketch(folded(nodes)).map((line) => line.replace(/_\d+/g, ''))).toEqual([expected]);
  });

  it('scales the columns of a Gemm, however it lies, and its bias by beta', () => {
    const attributes = {
      transB: attribute.int(1),
      beta: attribute.float(2),
      alpha: attribute.float(0.5),
    };
    const graph = folded([gemm(['b'], attributes), y('Mul', 'g', 'columns')]);
    const { vt, columns, b } = constants;
    expect(Array.from(graph.constants.get('vt_folded')!.data as Float32Array)).toEqual(
      Array.from(vt.data, (value, i) => Math.fround(value * columns.data[Math.floor(i / 4)]!)),
    );
    expect(Array.from(graph.constants.get('Gemm_g_bias')!.data as Float32Array)).toEqual(
      Array.from(b.data, (value, n) => Math.fround(2 * value * columns.data[n]!)),
    );
    expect(graph.nodes[0]!.attributes.get('beta')).toEqual(attribute.float(1));
    expect(graph.nodes[0]!.attributes.get('alpha')).toEqual(attribute.float(0.5));
  });

  it('gives each of two readers of one weight its own', () => {
    const nodes = [
      conv(),
      node('Mul', ['c', 'channels'], ['m']),
      node('Conv', ['x', 'w'], ['d']),
      node('Mul', ['d', 'scalar'], ['n']),
      node('Conv', ['x', 'w'], ['e']),
      node('Add', ['m', 'n'], ['s']),
      y('Add', 's', 'e'),
    ];
    const graph = folded(nodes);
    const weights = graph.nodes.filter((n) => n.op === 'Conv').map((n) => n.inputs[1]);
    expect(weights.sort()).toEqual(['w', 'w_folded', 'w_folded_2']);
    expect(graph.constants.get('w')).toBe(constants.w);
  });

  const computed = { r: { type: 'float32', dims: [3, 2, 2, 2] } } as const;
  const left: readonly (readonly [string, readonly Node[], object?])[] = [
    [
      'of a value that is read elsewhere',
      [conv(), node('Mul', ['c', 'scalar'], ['m']), y('Add', 'm', 'c')],
    ],
    ['of a graph output', [conv(), y('Mul', 'c', 'scalar')], { outputs: { y: 'y', c: 'c' } }],
    ['along the rows', [conv(), y('Mul', 'c', 'rows')]],
    [
      'along the columns of an image',
      [node('Conv', ['i', 'w'], ['c']), y('Mul', 'c', 'columns')],
      { inputs: { i: float32(1, 2, 4, 4) } },
    ],
    ['with more axes than the value', [conv(), y('Mul', 'c', 'deep')]],
    ['that divides a constant', [conv(), y('Div', 'channels', 'c')]],
    ['by zero', [conv(), y('Div', 'c', 'zero')]],
    [
      'that overflows',
      [conv(), node('Mul', ['c', 'huge'], ['m']), y('Mul', 'm', 'huge')],
      {
        constants: {
          huge: t('float32', [1e38], []),
          w: t('float32', new Array(24).fill(1), [3, 2, 2, 2]),
        },
      },
    ],
    [
      'of a Conv with computed weights',
      [node('Conv', ['x', 'r'], ['c']), y('Mul', 'c', 'scalar')],
      { inputs: computed },
    ],
    [
      'of a Conv with a computed bias',
      [node('Conv', ['x', 'w', 'q'], ['c']), y('Mul', 'c', 'scalar')],
      { inputs: { q: float32(3) } },
    ],
    ['of a Gemm with a whole matrix of biases', [gemm(['full']), y('Mul', 'g', 'columns')]],
    ['of something else', [node('Relu', ['x'], ['c']), y('Mul', 'c', 'scalar')]],
    ['by a computed factor', [conv(), y('Mul', 'c', 's')], { inputs: { s: float32() } }],
    ['of two convolutions', [conv(), node('Conv', ['x', 'w'], ['d']), y('Add', 'c', 'd')]],
  ];
  for (const [what, nodes, more = {}] of left) {
    it(`leaves a scale or shift ${what}`, () => {
      const { op, inputs } = nodes.at(-1)!;
      const found = folded(nodes, more).nodes.find((n) => n.outputs[0] === 'y');
      expect(found).toMatchObject({ op, inputs });
    });
  }
});

describe('batch norms on their own', () => {
  it('become Mul and Add, per channel', () => {
    const graph = passed(
      {
        inputs: { i: float32('N', 3, undefined, 7) },
        nodes: [batchNorm('i')],
        constants,
        outputs: { y: 'y' },
      },
      splitBatchNorms,
    );
    expect(sketch(graph)).toEqual([
      'BatchNormalization_y_scaled = Mul(i, BatchNormalization_y_scale)',
      'y = Add(BatchNormalization_y_scaled, BatchNormalization_y_shift)',
    ]);
    const { gamma, beta, mean, variance } = constants;
    const scale = Array.from(
      gamma.data,
      (g, c) => g / Math.sqrt(variance.data[c]! + Math.fround(1e-5)),
    );
    expect(graph.constants.get('BatchNormalization_y_scale')).toEqual(
      t('float32', scale.map(Math.fround), [3, 1, 1]),
    );
    expect(graph.constants.get('BatchNormalization_y_shift')).toEqual(
      t(
        'float32',
        scale.map((s, c) => Math.fround(beta.data[c]! - mean.data[c]! * s)),
        [3, 1, 1],
      ),
    );
    expect(graph.types.get('BatchNormalization_y_scaled')).toEqual(float32('N', 3, '?y.2', 7));
  });

  it('stay where the rank is not known or a parameter is computed', () => {
    const unknown = {
      inputs: { i: { type: 'float32' } },
      nodes: [batchNorm('i')],
      constants,
      outputs: { y: 'y' },
    } as const;
    expect(sketch(passed(unknown, splitBatchNorms))).toHaveLength(1);
    const { mean: _, ...rest } = constants;
    const computed = {
      inputs: { i: float32(1, 3), mean: float32(3) },
      nodes: [batchNorm('i')],
      constants: rest,
      outputs: { y: 'y' },
    };
    expect(sketch(passed(computed, splitBatchNorms))).toHaveLength(1);
  });
});
