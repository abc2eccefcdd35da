/**
 * com.microsoft's operators that are several of ONNX's in one, and ONNX's of no node cases, as onnxruntime-node computes
 * them: with dims known from the start, and with free ones.
 */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute as a } from '../../src/graph/attributes.js';
import type { Attribute, Dim } from '../../src/graph/ir.js';
import { encodeModel } from '../../src/onnx/messages.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { model, nodeProto, t } from '../helpers/onnx-builder.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom, floats } from '../helpers/random.js';

interface Case {
  readonly op: string;
  readonly domain?: string;
  readonly opset?: number;
  /** Feeds; dims of those of more than one axis may be free. */
  readonly x?: Readonly<Record<string, Tensor>>;
  readonly constants?: Readonly<Record<string, Tensor>>;
  /** In order; what is not named is absent. */
  readonly inputs: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

const random = createRandom(23);

function f(...dims: number[]): Tensor {
  return {
    type: 'float32',
    dims,
    data: floats(
      random,
      dims.reduce((p, d) => p * d, 1),
    ),
  };
}

const [batch, length, heads, width] = [2, 5, 4, 32];
const heading = { num_heads: a.int(heads) };
const x = { x: f(batch, length, width) };
const packed = { weight: f(width, 3 * width), bias: f(3 * width) };
const qkv = { q: f(batch, length, width), k: f(batch, 7, width), v: f(batch, 7, width) };
const caches = { cos: f(16, 4), sin: f(16, 4) };
const places = t('int64', [0n, 1n, 2n, 3n, 4n, 2n, 3n, 4n, 5n, 6n], [batch, length]);

const cases: readonly Case[] = [
  { op: 'BiasGelu', x, constants: { b: f(width) }, inputs: ['x', 'b'] },
  { op: 'Gelu', x, inputs: ['x'] },
  { op: 'FastGelu', x, inputs: ['x'] },
  { op: 'FastGelu', x, constants: { b: f(width) }, inputs: ['x', 'b'] },
  { op: 'QuickGelu', x, inputs: ['x'], attributes: { alpha: a.float(1.5) } },
  {
    op: 'SkipLayerNormalization',
    x: { ...x, s: f(batch, length, width) },
    constants: { g: f(width), b: f(width), c: f(width) },
    inputs: ['x', 's', 'g', 'b', 'c'],
    outputs: ['y', '', '', 'sum'],
    attributes: { epsilon: a.float(1e-5) },
  },
  {
    op: 'SkipSimplifiedLayerNormalization',
    x: { ...x, s: f(batch, length, width) },
    constants: { g: f(width) },
    inputs: ['x', 's', 'g'],
    outputs: ['y', '', '', 'sum'],
    attributes: { epsilon: a.float(1e-5) },
  },
  {
    op: 'SimplifiedLayerNormalization',
    domain: '',
    x,
    constants: { g: f(width) },
    inputs: ['x', 'g'],
    attributes: { axis: a.int(-1), epsilon: a.float(1e-5) },
  },
  {
    op: 'EmbedLayerNormalization',
    x: {
      ids: t('int32', [1, 3, 0, 4, 2, 2, 1, 0, 3, 3], [batch, length]),
      kinds: t('int32', [0, 0, 1, 1, 1, 0, 1, 1, 1, 1], [batch, length]),
      mask: t('int32', [1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [batch, length]),
    },
    constants: {
      words: f(5, width),
      table: f(8, width),
      kindTable: f(2, width),
      g: f(width),
      b: f(width),
    },
    inputs: ['ids', 'kinds', 'words', 'table', 'kindTable', 'g', 'b', 'mask'],
    outputs: ['y', 'lengths'],
  },
  {
    op: 'FusedMatMul',
    x: { p: f(2, 3, 4), r: f(2, 5, 3) },
    inputs: ['p', 'r'],
    attributes: { transA: a.int(1), transB: a.int(1), alpha: a.float(0.25) },
  },
  {
    op: 'FusedMatMul',
    x: { p: f(3, 2, 4), r: f(2, 4, 5) },
    inputs: ['p', 'r'],
    attributes: { transBatchA: a.int(1) },
  },
  {
    op: 'FusedConv',
    x: { p: f(1, 3, 6, 6), z: f(1, 4, 6, 6) },
    constants: { w: f(4, 3, 3, 3), b: f(4) },
    inputs: ['p', 'w', 'b', 'z'],
    attributes: { activation: a.string('Relu'), pads: a.ints([1, 1, 1, 1]) },
  },
  ...(
    [
      ['Clip', [-0.5, 0.75]],
      ['LeakyRelu', [0.2]],
      ['HardSigmoid', [0.25, 0.4]],
      ['Tanh', []],
      ['Sigmoid', []],
    ] as const
  ).map(([activation, parameters]) => ({
    op: 'FusedConv',
    x: { p: f(1, 3, 6, 6) },
    constants: { w: f(4, 3, 3, 3), b: f(4) },
    inputs: ['p', 'w', 'b'],
    attributes: {
      activation: a.string(activation),
      ...(parameters.length > 0 && { activation_params: a.floats(parameters) }),
    },
  })),
  {
    op: 'FusedGemm',
    x: { p: f(3, 6) },
    constants: { w: f(4, 6), b: f(4) },
    inputs: ['p', 'w', 'b'],
    attributes: {
      transB: a.int(1),
      alpha: a.float(0.5),
      activation: a.string('LeakyRelu'),
      activation_alpha: a.float(0.1),
    },
  },
  { op: 'Attention', x, constants: packed, inputs: ['x', 'weight', 'bias'], attributes: heading },
  {
    op: 'Attention',
    x: { ...x, mask: t('int32', [1, 1, 1, 0, 0, 1, 1, 1, 1, 0], [batch, length]) },
    constants: packed,
    inputs: ['x', 'weight', 'bias', 'mask'],
    attributes: heading,
  },
  {
    op: 'Attention',
    x: { ...x, mask: t('int32', [3, 4]) },
    constants: packed,
    inputs: ['x', 'weight', 'bias', 'mask'],
    attributes: heading,
  },
  {
    op: 'Attention',
    x,
    constants: packed,
    inputs: ['x', 'weight', 'bias'],
    attributes: { ...heading, unidirectional: a.int(1), scale: a.float(0.5) },
  },
  {
    op: 'MultiHeadAttention',
    x: qkv,
    constants: { bias: f(3 * width) },
    inputs: ['q', 'k', 'v', 'bias'],
    attributes: heading,
  },
  {
    op: 'MultiHeadAttention',
    x: { ...qkv, addend: f(batch, heads, length, 7) },
    inputs: ['q', 'k', 'v', '', '', 'addend'],
    attributes: { ...heading, scale: a.float(0.3) },
  },
  {
    op: 'RotaryEmbedding',
    x: { ...x, places },
    constants: caches,
    inputs: ['x', 'places', 'cos', 'sin'],
  },
  {
    op: 'RotaryEmbedding',
    x: { p: f(batch, heads, length, 8), places },
    constants: caches,
    inputs: ['p', 'places', 'cos', 'sin'],
    attributes: { interleaved: a.int(1) },
  },
  {
    op: 'RotaryEmbedding',
    x,
    constants: { ...caches, first: t('int64', [3n]) },
    inputs: ['x', 'first', 'cos', 'sin'],
  },
];

function fileOf({ op, domain = 'com.microsoft', ...given }: Case, free: boolean): Uint8Array {
  const { x: feeds = {}, constants = {}, inputs, outputs = ['y'], attributes = {} } = given;
  const freed = (dims: readonly number[], name: string): readonly Dim[] =>
    free && dims.length > 1 ? dims.map((dim, i) => (i < 2 ? `${name}${i}` : dim)) : dims;
  const proto = model(17, {
    nodes: [nodeProto(op, inputs, outputs, attributes, { domain })],
    inputs: Object.fromEntries(
      Object.entries(feeds).map(([name, { type, dims }]) => [
        name,
        { type, dims: freed(dims, name) },
      ]),
    ),
    outputs: outputs.filter((name) => name !== ''),
    constants,
  });
  const domains = domain === '' ? [] : [{ domain, version: 1 }];
  return encodeModel({ ...proto, opsetImport: [...proto.opsetImport!, ...domains] });
}

describe.each([
  ['known', false],
  ['free', true],
] as const)('with %s dims', (_, free) => {
  it.each(cases.map((one, i) => [`${one.op} ${i}`, one] as const))('%s', async (_, one) => {
    const bytes = fileOf(one, free);
    const expected = await runOnnxRuntime(bytes, one.x ?? {});
    const session = await InferenceSession.create(bytes);
    const found = await session.run(one.x ?? {});
    expect(Object.keys(found)).toEqual([...expected.keys()]);
    for (const [name, { type, dims, data }] of expected) {
      expect([found[name]!.type, found[name]!.dims]).toEqual([type, [...dims]]);
      const most = Math.max(...Array.from(data as Float32Array, Math.abs));
      for (const [i, value] of (data as Float32Array).entries()) {
        expect(Math.abs(Number(found[name]!.data[i]) - value)).toBeLessThanOrEqual(1e-5 * most);
      }
    }
    session.dispose();
  });
});
