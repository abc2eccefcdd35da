/** Export: ordinary ONNX that onnxruntime-node loads, and that import reads as the same graph. */
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../../src/core/limits.js';
import { attribute as a } from '../../src/graph/attributes.js';
import type { Attribute, Graph, Node } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import { decodeModel, encodeModel } from '../../src/onnx/messages.js';
import { bytesOf, float32, graphOf, node, nodeProto, t } from '../helpers/onnx-builder.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';

const decoded = (bytes: Uint8Array) => decodeModel(bytes, defaultLimits, 'exported');
const x = t('float32', [-1, 2]);

/** Runs the exported graph on x = [-1, 2]; outputs by name, as numbers. */
async function run(graph: Graph): Promise<Record<string, number[]>> {
  const results = await runOnnxRuntime(exportModel(graph), { x });
  return Object.fromEntries(
    Array.from(results, ([name, { data }]) => [name, Array.from(data, Number)]),
  );
}

describe('names of outputs', () => {
  const inputs = { x: float32(2) };

  test('a value takes the name of its output', async () => {
    const graph = graphOf({
      inputs,
      nodes: [node('Relu', ['x'], ['r']), node('Neg', ['r'], ['n'])],
      outputs: { positive: 'r', negative: 'n' },
    });
    expect(await run(graph)).toEqual({ positive: [0, 2], negative: [-0, -2] });
    const { nodes } = importModel(exportModel(graph)).graph;
    expect(nodes.map(({ op, inputs, outputs }) => [op, ...inputs, ...outputs])).toEqual([
      ['Relu', 'x', 'positive'],
      ['Neg', 'positive', 'negative'],
    ]);
  });

  test('one value behind several outputs', async () => {
    const nodes = [node('Relu', ['x'], ['r'])];
    expect(await run(graphOf({ inputs, nodes, outputs: { r: 'r', again: 'r' } }))).toEqual({
      r: [0, 2],
      again: [0, 2],
    });
    expect(await run(graphOf({ inputs, nodes, outputs: { one: 'r', two: 'r' } }))).toEqual({
      one: [0, 2],
      two: [0, 2],
    });
  });

  test('an input or a constant behind an output', async () => {
    const constants = { c: t('float32', [5]) };
    const graph = graphOf({ inputs, nodes: [], constants, outputs: { same: 'x', five: 'c' } });
    expect(await run(graph)).toEqual({ same: [-1, 2], five: [5] });
  });

  test('another value has the name', async () => {
    const nodes = [node('Relu', ['x'], ['y']), node('Neg', ['y'], ['n'])];
    expect(await run(graphOf({ inputs, nodes, outputs: { y: 'n' } }))).toEqual({ y: [-0, -2] });
    expect(await run(graphOf({ inputs, nodes, outputs: { y: 'n', n: 'y' } }))).toEqual({
      y: [-0, -2],
      n: [0, 2],
    });
    const constants = { y: t('float32', [3]) };
    const sum = [node('Add', ['x', 'y'], ['s'])];
    expect(await run(graphOf({ inputs, nodes: sum, constants, outputs: { y: 's' } }))).toEqual({
      y: [2, 5],
    });
  });

  test('an input has the name', () => {
    const graph = graphOf({ inputs, nodes: [node('Relu', ['x'], ['r'])], outputs: { x: 'r' } });
    expect(() => exportModel(graph)).toThrow(
      expect.objectContaining({ code: 'INVALID_GRAPH', where: 'x' }),
    );
  });

  test('subgraphs follow', async () => {
    const branch = (op: string): Attribute => ({
      kind: 'graph',
      value: graphOf({ nodes: [node(op, ['r'], [op])], outputs: { [op]: op } }),
    });
    const choose = node('If', ['c'], ['chosen'], {
      then_branch: branch('Neg'),
      else_branch: branch('Abs'),
    });
    const graph = graphOf({
      inputs,
      constants: { c: t('bool', [1], []) },
      nodes: [node('Relu', ['x'], ['r']), choose],
      outputs: { relu: 'r', result: 'chosen' },
    });
    expect(await run(graph)).toEqual({ relu: [0, 2], result: [-0, -2] });
  });
});

describe('the opset', () => {
  const vector = { x: float32(2, 4), i16: { type: 'uint16', dims: [2, 4] } } as const;
  const axes = t('int64', [1]);
  const scale = t('float32', [0.5], []);
  const zero16 = t('uint16', [7], []);
  const image = { x: float32(1, 1, 4, 4) };
  const cases: readonly (readonly [string, number, number, Parameters<typeof graphOf>[0]])[] = [
    [
      'nothing new',
      17,
      8,
      { inputs: vector, nodes: [node('Relu', ['x'], ['y'])], outputs: { y: 'y' } },
    ],
    ['no node at all', 17, 8, { inputs: { x: float32(2) }, nodes: [], outputs: { y: 'x' } }],
    [
      'all axes reduced',
      17,
      8,
      { inputs: vector, nodes: [node('ReduceMean', ['x'], ['y'])], outputs: { y: 'y' } },
    ],
    [
      'sum over axes',
      17,
      8,
      {
        inputs: vector,
        constants: { axes },
        nodes: [node('ReduceSum', ['x', 'axes'], ['y'])],
        outputs: { y: 'y' },
      },
    ],
    [
      'mean over axes',
      18,
      8,
      {
        inputs: vector,
        constants: { axes },
        nodes: [node('ReduceMean', ['x', 'axes'], ['y'])],
        outputs: { y: 'y' },
      },
    ],
    [
      'equal parts',
      18,
      8,
      {
        inputs: vector,
        nodes: [node('Split', ['x'], ['y', 'z'], { num_outputs: a.int(2) })],
        outputs: { y: 'y' },
      },
    ],
    [
      'dilated mean',
      19,
      9,
      {
        inputs: image,
        nodes: [
          node('AveragePool', ['x'], ['y'], {
            kernel_shape: a.ints([2, 2]),
            dilations: a.ints([2, 2]),
          }),
        ],
        outputs: { y: 'y' },
      },
    ],
    ['Gelu', 20, 9, { inputs: vector, nodes: [node('Gelu', ['x'], ['y'])], outputs: { y: 'y' } }],
    [
      '16-bit quantization',
      21,
      10,
      {
        inputs: vector,
        constants: { scale, zero16 },
        nodes: [
          node('QuantizeLinear', ['x', 'scale', 'zero16'], ['q']),
          node('DequantizeLinear', ['q', 'scale', 'zero16'], ['y']),
        ],
        outputs: { y: 'y' },
        types: { q: vector.i16 },
      },
    ],
    [
      'blocks',
      21,
      10,
      {
        inputs: {},
        constants: { q: t('int8', [1, 2, 3, 4], [2, 2]), s: t('float32', [1, 2], [2, 1]) },
        nodes: [
          node('DequantizeLinear', ['q', 's'], ['y'], { axis: a.int(1), block_size: a.int(2) }),
        ],
        outputs: { y: 'y' },
      },
    ],
    [
      '4 bits',
      21,
      10,
      {
        inputs: {},
        constants: { q: { type: 'int4', dims: [2], data: Uint8Array.of(0x21) }, s: scale },
        nodes: [node('DequantizeLinear', ['q', 's'], ['y'])],
        outputs: { y: 'y' },
      },
    ],
    [
      'Swish',
      24,
      12,
      { inputs: vector, nodes: [node('Swish', ['x'], ['y'])], outputs: { y: 'y' } },
    ],
  ];
  test.each(cases)('%s: %i', async (_, opset, irVersion, parts) => {
    const bytes = exportModel(graphOf(parts));
    const proto = decoded(bytes);
    expect(proto.opsetImport).toEqual([{ domain: '', version: opset }]);
    expect(proto.irVersion).toBe(irVersion);
    // onnxruntime-node says whether the file is consistent; it has no kernel for Swish-24.
    if (opset > 21) return;
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
    expect(session.outputNames).toEqual(Object.keys(parts.outputs));
    await session.release();
  });

  test('operator sets of other domains that are used, and only those', () => {
    const graph = graphOf({
      inputs: { x: float32(2) },
      nodes: [node('Gelu', ['x'], ['y'], {}, 'com.microsoft')],
      outputs: { y: 'y' },
      opsets: { '': 21, 'com.microsoft': 1, 'ai.onnx.ml': 3 },
    });
    expect(decoded(exportModel(graph)).opsetImport).toEqual([
      { domain: '', version: 17 },
      { domain: 'com.microsoft', version: 1 },
    ]);
  });
});

describe('what is kept', () => {
  test('every kind of attribute', () => {
    const attributes: Record<string, Attribute> = {
      int: a.int(-3),
      huge: a.int(2 ** 63),
      float: a.float(0.1),
      nan: a.float(Number.NaN),
      string: a.string('ü'),
      ints: a.ints([1, -2]),
      floats: a.floats([0.5]),
      strings: a.strings(['a', '']),
      empty: a.ints([]),
      tensor: a.tensor(t('int8', [1, -1])),
    };
    const graph = graphOf({
      inputs: { x: float32(2) },
      nodes: [node('Custom', ['x', '', 'x'], ['y', '', 'z'], attributes, 'my.domain')],
      outputs: { y: 'y' },
      opsets: { '': 21, 'my.domain': 3 },
    });
    const again = importModel(exportModel(graph)).graph;
    expect(again.nodes).toEqual(graph.nodes as Node[]);
    expect(again.opsets).toEqual(graph.opsets);
  });

  test('metadata, and fields of the file that Octavo does not know', () => {
    const bytes = encodeModel({
      ...decoded(
        bytesOf(13, {
          inputs: { x: float32(2) },
          outputs: ['y'],
          nodes: [nodeProto('Relu', ['x'], ['y'])],
        }),
      ),
      producerName: 'maker',
      docString: 'words',
      modelVersion: 7,
      metadataProps: [{ key: 'k', value: 'v' }],
      unknown: [Uint8Array.of(0xa2, 0x01, 0x01, 0x2a)],
    });
    const { graph, meta } = importModel(bytes);
    const again = importModel(exportModel(graph, meta));
    expect({ ...again.meta, irVersion: 0, opsets: 0 }).toEqual({
      ...meta,
      irVersion: 0,
      opsets: 0,
    });
    expect(again.meta.unknown).toEqual([Uint8Array.of(0xa2, 0x01, 0x01, 0x2a)]);
  });

  test('the same bytes for the same graph', () => {
    const graph = graphOf({
      inputs: { x: float32(2) },
      nodes: [node('Add', ['x', 'w'], ['s'])],
      constants: { w: t('float32', [1, 2]) },
      outputs: { y: 's' },
    });
    const bytes = exportModel(graph);
    expect(exportModel(graph)).toEqual(bytes);
    const { graph: read, meta } = importModel(bytes);
    expect(exportModel(read, meta)).toEqual(
      exportModel(importModel(exportModel(read, meta)).graph, meta),
    );
  });

  test('an output whose type nobody knows', async () => {
    const graph = graphOf({
      inputs: { x: float32(2, 2) },
      nodes: [node('Det', ['x'], ['y'])],
      outputs: { y: 'y' },
    });
    const feeds = { x: t('float32', [1, 2, 3, 4], [2, 2]) };
    const results = await runOnnxRuntime(exportModel(graph), feeds);
    expect(results.get('y')!.data[0]).toBeCloseTo(-2);
  });
});

describe('refused', () => {
  test("Octavo's own operators, in subgraphs too", () => {
    const own = node('QConv', ['x'], ['y'], {}, 'octavo');
    const plain = graphOf({ inputs: { x: float32(2) }, nodes: [own], outputs: { y: 'y' } });
    const nested = graphOf({
      inputs: { x: float32(2) },
      nodes: [node('If', ['x'], ['z'], { then_branch: { kind: 'graph', value: plain } })],
      outputs: { z: 'z' },
    });
    for (const graph of [plain, nested]) {
      expect(() => exportModel(graph)).toThrow(
        expect.objectContaining({ code: 'INVALID_GRAPH', where: 'QConv_y' }),
      );
    }
  });

  test('an input without a type', () => {
    const graph = { ...graphOf({ nodes: [], outputs: { y: 'x' } }), inputs: ['x'] };
    expect(() => exportModel(graph)).toThrow(
      expect.objectContaining({ code: 'INVALID_GRAPH', where: 'x' }),
    );
  });

  test('int1', () => {
    const constants = { b: { type: 'int1', dims: [8], data: Uint8Array.of(1) } } as const;
    expect(() => exportModel(graphOf({ nodes: [], constants, outputs: { y: 'b' } }))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_TYPE' }),
    );
  });
});
