/**
 * Operators of older opsets: onnxruntime-node runs the file as it was and as Octavo writes it back,
 * and the answers agree. Forms that have no upgrade are errors that name the node.
 */
import { describe, expect, test } from 'vitest';
import { attribute as a } from '../../src/graph/attributes.js';
import type { Graph } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import { encodeModel } from '../../src/onnx/messages.js';
import { bytesOf, float32, model, nodeProto, t } from '../helpers/onnx-builder.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom } from '../helpers/random.js';
import { type Case, cases } from './upgradeCases.js';

function parts({ op, x, declared, attributes, constants = {}, outputs = 1 }: Case) {
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return {
    inputs: { x: float32(...(declared ?? x)) },
    outputs: names,
    constants,
    nodes: [nodeProto(op, ['x', ...Object.keys(constants)], names, attributes)],
  };
}

const label = ({ op, opset, name }: Case) => `${op}-${opset}, ${name}`;

test.each(cases.map((c) => [label(c), c] as const))('%s', async (_, given) => {
  const bytes = bytesOf(given.opset, parts(given));
  const { graph } = importModel(bytes);
  if (given.becomes !== undefined)
    expect(graph.nodes.map((node) => node.op)).toEqual(given.becomes);
  expect(graph.opsets.get('')).toBe(21);

  const random = createRandom(7);
  const count = given.x.reduce((product, dim) => product * dim, 1);
  const feeds = {
    x: t(
      'float32',
      Array.from({ length: count }, () => random.real(0.1, 2)),
      given.x,
    ),
  };
  const before = await runOnnxRuntime(bytes, feeds, { optimize: false });
  const after = await runOnnxRuntime(exportModel(graph), feeds, { optimize: false });
  for (const [name, { type, dims, data }] of before) {
    const found = after.get(name)!;
    expect({ type: found.type, dims: found.dims }).toEqual({ type, dims });
    for (let i = 0; i < data.length; i++) {
      expect(Math.abs(Number(found.data[i]) - Number(data[i]))).toBeLessThanOrEqual(1e-5);
    }
  }
});

describe('no upgrade', () => {
  const refused: readonly (readonly [Case, RegExp])[] = [
    [{ name: 'consumed_inputs', opset: 5, op: 'Relu', x: [2] }, /opset 6/],
    [
      { name: 'arithmetic', opset: 6, op: 'Add', x: [2], constants: { b: t('float32', [1]) } },
      /opset 7/,
    ],
    [
      {
        name: 'per activation',
        opset: 8,
        op: 'BatchNormalization',
        x: [2, 3],
        attributes: { spatial: a.int(0) },
      },
      /spatial/,
    ],
    [{ name: 'training', opset: 9, op: 'BatchNormalization', x: [2, 3], outputs: 3 }, /training/],
    [{ name: 'mask', opset: 9, op: 'Dropout', x: [2], outputs: 2 }, /mask/],
    [{ name: 'no pads', opset: 9, op: 'Pad', x: [2] }, /'pads'/],
    [{ name: 'no k', opset: 9, op: 'TopK', x: [2], outputs: 2 }, /k below 1/],
    [{ name: 'no scales', opset: 8, op: 'Upsample', x: [1, 1, 2, 2] }, /'scales'/],
    [
      {
        name: 'both ways',
        opset: 10,
        op: 'Resize',
        x: [1, 1, 4, 4],
        constants: { scales: t('float32', [1, 1, 2, 0.5]) },
      },
      /enlarging and shrinking/,
    ],
    [
      {
        name: 'a mode that is gone',
        opset: 11,
        op: 'Resize',
        x: [1, 1, 4, 4],
        attributes: { coordinate_transformation_mode: a.string('tf_half_pixel_for_nn') },
      },
      /tf_half_pixel_for_nn/,
    ],
    [{ name: 'scales per group', opset: 18, op: 'GroupNormalization', x: [1, 4] }, /group/],
  ];
  test.each(refused.map(([c, message]) => [label(c), c, message] as const))(
    '%s',
    (_, given, message) => {
      const proto = model(given.opset, parts(given));
      proto.graph.node![0]!.name = 'the node';
      expect(() => importModel(encodeModel(proto))).toThrow(
        expect.objectContaining({
          code: 'UNSUPPORTED_OPERATOR',
          where: 'the node',
          message: expect.stringMatching(message),
        }),
      );
    },
  );

  test('opset 28', () => {
    const bytes = bytesOf(28, parts({ name: '', opset: 28, op: 'Relu', x: [2] }));
    expect(() => importModel(bytes, { path: 'new.onnx' })).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_OPERATOR',
        where: 'new.onnx',
        found: 'opset 28',
      }),
    );
  });
});

describe('left alone', () => {
  const only = (graph: Graph) => graph.nodes[0]!;

  test('operators that did not change since', () => {
    for (const opset of [6, 13, 21, 27]) {
      const { graph } = importModel(bytesOf(opset, parts({ name: '', opset, op: 'Relu', x: [2] })));
      expect(only(graph)).toMatchObject({ op: 'Relu', inputs: ['x'], outputs: ['y0'] });
      expect(only(graph).attributes.size).toBe(0);
    }
  });

  test('operators of other domains, whatever they are called', () => {
    const proto = model(
      9,
      parts({ name: '', opset: 9, op: 'Clip', x: [2], attributes: { min: a.float(1) } }),
    );
    proto.graph.node![0]!.domain = 'com.microsoft';
    proto.opsetImport!.push({ domain: 'com.microsoft', version: 1 });
    const { graph } = importModel(encodeModel(proto));
    expect(only(graph).attributes.get('min')).toEqual(a.float(1));
    expect(graph.opsets.get('com.microsoft')).toBe(1);
  });

  test('subgraphs are upgraded as well', () => {
    const branch = (low: number) => ({
      name: 'branch',
      node: [nodeProto('Clip', ['x'], [`z${low}`], { min: a.float(low) })],
      output: [{ name: `z${low}` }],
    });
    const proto = model(10, {
      inputs: { x: float32(3), c: { type: 'bool', dims: [] } },
      outputs: { y: float32(3) },
      nodes: [nodeProto('If', ['c'], ['y'])],
    });
    proto.graph.node![0]!.attribute = [
      { name: 'then_branch', type: 5, g: branch(0) },
      { name: 'else_branch', type: 5, g: branch(1) },
    ];
    const { graph } = importModel(encodeModel(proto));
    const then = only(graph).attributes.get('then_branch');
    expect(then?.kind === 'graph' && only(then.value).inputs).toHaveLength(2);
    expect(then?.kind === 'graph' && then.value.opsets.get('')).toBe(21);
  });
});
