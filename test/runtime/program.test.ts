import { describe, expect, it } from 'vitest';
import type { Shape } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph } from '../../src/graph/ir.js';
import { loadModel } from '../../src/onnx/model.js';
import { createProgram, lowerGraph } from '../../src/runtime/program.js';
import { devModels, noDevModels } from '../helpers/devModels.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { build, quantizeNode } from '../passes/oracle.js';

const dims = (x: Shape) => new Map([['x', x]]);

function filled(...shape: number[]): Tensor<'float32'> {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { type: 'float32', dims: shape, data: new Float32Array(count).fill(0.5) };
}

/** A convolution of any image, flattened, with its weights. */
function network(): Graph {
  return build({
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { pads: attribute.ints([1, 1, 1, 1]) }),
      node('Relu', ['c'], ['r']),
      node('GlobalAveragePool', ['r'], ['p']),
      node('Shape', ['p'], ['s'], { start: attribute.int(0), end: attribute.int(2) }),
      node('Reshape', ['p', 's'], ['f']),
      node('Gemm', ['f', 'g'], ['y']),
    ],
    inputs: { x: float32('N', 3, 'H', 'W') },
    outputs: { y: 'y' },
    constants: { w: filled(64, 3, 3, 3), g: filled(64, 10) },
  });
}

describe('a program', () => {
  it('keeps weights once, for plans of any dims', () => {
    const program = createProgram(network());
    expect(program.constants.bytes).toBeGreaterThan(4 * (64 * 27 + 640));
    for (const shape of [
      [1, 3, 8, 8],
      [2, 3, 5, 9],
      [1, 3, 8, 8],
    ]) {
      const { plan } = program.specialize(dims(shape));
      expect(plan.constants.length).toBe(64);
      expect(plan.tensors.filter(({ space }) => space === 'model').length).toBe(2);
      expect(plan.steps.map((step) => step.op)).toEqual(['Transpose', 'Conv', 'Reduce', 'MatMul']);
      expect(plan.tensors[plan.outputs[0]!.tensor]!.dims).toEqual([shape[0], 10]);
    }
  });

  it('gives the same plan for the same dims, whatever came between', () => {
    const program = createProgram(network());
    const first = program.specialize(dims([1, 3, 8, 8]));
    program.specialize(dims([4, 3, 20, 20]));
    expect(program.specialize(dims([1, 3, 8, 8]))).toEqual(first);
  });

  it('transforms weights once where a length is cut out of a table, which no dim has a name for', () => {
    // As encoders add a position to each token: the slice of the table has as many rows as there are tokens.
    const program = createProgram(
      build({
        nodes: [
          node('Shape', ['x'], ['end'], { start: attribute.int(1), end: attribute.int(2) }),
          node('Slice', ['positions', 'zero', 'end', 'one'], ['cut']),
          node('Add', ['x', 'cut'], ['h']),
          node('MatMul', ['h', 'w'], ['q']),
          node('Split', ['q', 'halves'], ['left', 'right'], { axis: attribute.int(-1) }),
          node('Mul', ['left', 'right'], ['y']),
        ],
        inputs: { x: float32('N', 'L', 16) },
        outputs: { y: 'y' },
        constants: {
          positions: filled(1, 32, 16),
          zero: t('int64', [0], [1]),
          one: t('int64', [1], [1]),
          w: filled(16, 48),
          halves: t('int64', [24, 24], [2]),
        },
      }),
    );
    const waiting = program.graph.nodes.filter(({ domain }) => domain !== 'octavo');
    expect(waiting.map(({ op }) => op)).toEqual(['Shape', 'Slice']);
    const { plan } = program.specialize(dims([2, 7, 16]));
    expect(plan.tensors[plan.outputs[0]!.tensor]!.dims).toEqual([2, 7, 24]);
    expect(plan.tensors.find(({ bytes }) => bytes === 4 * 16 * 48)!.space).toBe('model');
  });

  it('refuses dims that the model does not take', () => {
    const program = createProgram(network());
    for (const bad of [
      [1, 4, 8, 8],
      [3, 8, 8],
      [1, 3, 8, -1],
    ]) {
      expect(() => program.specialize(dims(bad))).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', where: 'x' }),
      );
    }
  });

  it('leaves the graph it is given as it was', () => {
    const graph = network();
    const before = structuredClone({ ...graph, nodes: graph.nodes.length });
    createProgram(graph).specialize(dims([1, 3, 8, 8]));
    expect({ ...graph, nodes: graph.nodes.length }).toEqual(before);
  });
});

describe('what cannot be run', () => {
  const one = (op: string, type: 'float32' | 'int64' | 'float64' = 'float32', domain = ''): Graph =>
    build({
      nodes: [node(op, op === 'Add' ? ['x', 'x'] : ['x'], ['y'], {}, domain)],
      inputs: { x: { type, dims: ['N', 3] } },
      outputs: { y: 'y' },
    });

  it.each([
    [
      'an operator nobody knows',
      one('Frobnicate'),
      /operator Frobnicate \(domain ai.onnx, opset 21\)/,
    ],
    ['one of another domain', one('Relu', 'float32', 'my.domain'), /my\.domain/],
    ['a type without steps', one('Erf', 'float64'), /float64/],
  ])('is known when it is loaded: %s', (_, graph, message) => {
    const node = graph.nodes[0]!.name;
    const error = {
      code: 'UNSUPPORTED_OPERATOR',
      where: node,
      message: expect.stringMatching(message),
    };
    expect(() => createProgram(graph)).toThrow(expect.objectContaining(error));
  });

  it('is known when dims are: integers that are no sizes', () => {
    const program = createProgram(one('Erf', 'int64'));
    expect(() => program.specialize(dims([2, 3]))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_OPERATOR', where: 'Erf_y' }),
    );
  });

  it('is a form that a known operator has', () => {
    const graph = build({
      nodes: [node('RoiAlign', ['x', 'rois', 'batches'], ['y'])],
      inputs: {
        x: float32(1, 1, 4, 4),
        rois: float32(2, 4),
        batches: { type: 'int64', dims: [2] },
      },
      outputs: { y: 'y' },
    });
    expect(() => createProgram(graph)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_OPERATOR',
        where: 'RoiAlign_y',
        message: expect.stringContaining("'sampling_ratio' 0"),
      }),
    );
  });
});

describe('quantization parameters', () => {
  function quantized(scale: number, depth = 4, code = 100): Graph {
    return build({
      nodes: [
        quantizeNode('QuantizeLinear', 'x', 'q', 'p'),
        quantizeNode('DequantizeLinear', 'q', 'd', 'p'),
        quantizeNode('DequantizeLinear', 'codes', 'w', 'wp'),
        node('MatMul', ['d', 'w'], ['y']),
      ],
      inputs: { x: float32(1, depth) },
      outputs: { y: 'y' },
      constants: {
        p_scale: t('float32', [0.1], []),
        p_zero: t('uint8', [0], []),
        wp_scale: t('float32', [scale], []),
        wp_zero: t('int8', [0], []),
        codes: { type: 'int8', dims: [depth, 1], data: new Int8Array(depth).fill(code) },
      },
    });
  }

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'with a scale of %d are refused',
    (scale) => {
      expect(() => createProgram(quantized(scale))).toThrow(
        expect.objectContaining({ code: 'INVALID_QUANTIZATION', where: 'wp_scale' }),
      );
    },
  );

  it('that make sums int32 may not hold are refused', () => {
    const make = (depth: number, code: number) => () => createProgram(quantized(0.1, depth, code));
    expect(make(66_310, 127)).not.toThrow();
    expect(make(66_400, 127)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', where: 'MatMul_y' }),
    );
    // With these weights no input can overflow.
    expect(make(200_000, 3)).not.toThrow();
  });

  it('that make a bias int32 does not hold leave the product in float', () => {
    const graph = quantized(1e-12);
    const biased = build({
      nodes: [...graph.nodes.slice(0, 3), node('Gemm', ['d', 'w', 'b'], ['y'])],
      inputs: { x: float32(1, 4) },
      outputs: { y: 'y' },
      constants: { ...Object.fromEntries(graph.constants), b: t('float32', [1]) },
    });
    const ops = createProgram(biased).graph.nodes.map((n) => n.op);
    expect(ops).toEqual(['QuantizeLinear', 'DequantizeLinear', 'MatMul']);
  });
});

describe('lowerGraph', () => {
  it('stops after any number of patches, counted one by one', () => {
    const what: string[] = [];
    lowerGraph(network(), { onPatch: (entry) => what.push(entry.what) });
    expect(what.length).toBeGreaterThan(5);
    for (let stopAfter = 0; stopAfter < what.length; stopAfter++) {
      const seen: string[] = [];
      lowerGraph(network(), { stopAfter, onPatch: (entry) => seen.push(entry.what) });
      expect(seen).toEqual(what.slice(0, stopAfter));
    }
  });
});

/** Steps of the dev models' plans that tell whether everything was fused. */
const expected: Readonly<Record<string, Record<string, number>>> = {
  mobilenet_v2_1_0_224_int8pc_qdq: { QConv: 53, QAveragePool: 1, Transpose: 1 },
  mobilenet_v1_0_25_128_uint8_qdq: { QConv: 28, QAveragePool: 1, Transpose: 1 },
  resnet8_cifar10_qdq: { QConv: 10, QAveragePool: 1, Transpose: 1 },
  dscnn_kws_qdq: { QConv: 10, QAveragePool: 1 },
  person_detect_qdq: { QConv: 28, QAveragePool: 1 },
  ad01_autoencoder_qdq: { QConv: 10 },
  ort_static_steel_v1_int8: { QConv: 3, MaxPool: 2 },
  ort_static_steel_v2_int8: { QConv: 3, MaxPool: 2 },
  ort_static_steel_v4_int8: { QConv: 5, MaxPool: 4, QAveragePool: 1 },
  mobilenet_v2_1_0_224: { Conv: 53, Binary: 10, Transpose: 1 },
  googlenet_bvlc: { Conv: 57, MaxPool: 13, Lrn: 2, Transpose: 1 },
  squeezenet1_1: { Conv: 26, MaxPool: 3, Transpose: 1 },
  resnet20_cifar10: { Conv: 19, Binary: 9, Unary: 9, Slice: 2, Pad: 2, Transpose: 1 },
  resnet8_cifar10: { Conv: 9, Binary: 3, Transpose: 1 },
  dscnn_kws: { Conv: 9, MatMul: 1 },
  dscnn_kws_bn: { Conv: 9, MatMul: 1 },
  vww_mobilenetv1_025_96: { Conv: 27, MatMul: 1, Transpose: 1 },
  ad01_autoencoder: { MatMul: 10 },
  ultraface_RFB_320: { Conv: 52, Concat: 4, Binary: 10, Transpose: 1 },
  mnist_cntk: { Conv: 2, MaxPool: 2, MatMul: 1 },
};

describe.skipIf(noDevModels !== undefined)(
  `dev models${noDevModels ? `: ${noDevModels}` : ''}`,
  () => {
    const keyOf = (path: string) =>
      path.split('/').at(-1)!.replace('.onnx', '').replaceAll('.', '_');
    const models = devModels.filter((path) => keyOf(path) in expected);

    it('are all there', () => {
      expect(models.map(keyOf).sort()).toEqual(Object.keys(expected).sort());
    });

    it.each(models.map((path) => [keyOf(path), path] as const))(
      '%s is fused whole',
      async (key, path) => {
        const { graph } = await loadModel(path);
        const inputs = graph.inputs.map((name) => {
          const shape = graph.types
            .get(name)!
            .dims!.map((dim) => (typeof dim === 'number' ? dim : 2));
          return [name, shape] as const;
        });
        const { plan } = createProgram(graph).specialize(new Map(inputs));
        const counts: Record<string, number> = {};
        for (const { op } of plan.steps) counts[op] = (counts[op] ?? 0) + 1;
        expect(counts).toMatchObject(expected[key]!);
        expect(counts.Transpose ?? 0).toBe(expected[key]!.Transpose ?? 0);
        expect(counts.Concat ?? 0).toBe(expected[key]!.Concat ?? 0);
        if ('QConv' in expected[key]!) {
          expect(counts.QAdd).toBe(undefined);
          expect([counts.Conv, counts.MatMul, counts.Binary, counts.Unary]).toEqual(
            new Array(4).fill(undefined),
          );
        }
      },
    );
  },
);
