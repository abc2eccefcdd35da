/** Models of 16-bit floats run in float32: what that means at their borders, at their Casts and in their bodies. */
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.js';
import { decodeFloat16, encodeBfloat16, encodeFloat16 } from '../../src/core/half.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute as a } from '../../src/graph/attributes.js';
import { importModel } from '../../src/onnx/import.js';
import { widenHalves } from '../../src/passes/widenHalves.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { createProgram } from '../../src/runtime/program.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { bytesOf, float32, graphProto, nodeProto, t } from '../helpers/onnx-builder.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom, floats } from '../helpers/random.js';
import { backends } from '../lifecycle/backends.js';

const random = createRandom(16);

function half(values: Iterable<number>, dims: readonly number[]): Tensor<'float16'> {
  return { type: 'float16', dims, data: encodeFloat16(Float32Array.from(values)) };
}

function drawn(...dims: number[]): Tensor<'float16'> {
  return half(
    floats(
      random,
      dims.reduce((p, d) => p * d, 1),
    ),
    dims,
  );
}

function h(...dims: readonly (number | string)[]) {
  return { type: 'float16', dims } as const;
}

async function run(bytes: Uint8Array, feeds: Record<string, Tensor>, backend?: string) {
  const session = await InferenceSession.create(bytes, { backend: backend as BackendName });
  const results = await session.run(feeds);
  session.dispose();
  return results;
}

const network = bytesOf(17, {
  nodes: [
    nodeProto('Conv', ['x', 'w', 'b'], ['c'], { pads: a.ints([1, 1, 1, 1]) }),
    nodeProto('Relu', ['c'], ['r']),
    nodeProto('GlobalAveragePool', ['r'], ['p']),
    nodeProto('Flatten', ['p'], ['f']),
    nodeProto('Gemm', ['f', 'm', 'n'], ['g'], { transB: a.int(1) }),
    nodeProto('Softmax', ['g'], ['y']),
  ],
  inputs: { x: h('N', 3, 8, 8) },
  outputs: { y: h('N', 5) },
  constants: { w: drawn(6, 3, 3, 3), b: drawn(6), m: drawn(5, 6), n: drawn(5) },
});

describe.each(backends)('on %s', (backend) => {
  it('a network gives what onnxruntime does in float16, to the places that float16 has', async () => {
    const x = drawn(2, 3, 8, 8);
    const expected = (await runOnnxRuntime(network, { x })).get('y')!;
    const { y } = await run(network, { x }, backend);
    expect([y!.type, y!.dims]).toEqual(['float16', [2, 5]]);
    const [found, wanted] = [y!.data, expected.data].map((data) =>
      decodeFloat16(data as Uint16Array),
    );
    for (const [i, value] of wanted!.entries()) expect(found![i]).toBeCloseTo(value, 2);
  });
});

it('tells inputs and outputs in the types of the model', async () => {
  const session = await InferenceSession.create(network);
  expect([session.inputs[0]!.type, session.outputs[0]!.type]).toEqual(['float16', 'float16']);
  await expect(
    session.run({ x: { type: 'float32', dims: [1, 3, 8, 8], data: new Float32Array(192) } }),
  ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  session.dispose();
});

it('rounds at Casts and at the end, and nowhere else', async () => {
  const bytes = bytesOf(17, {
    nodes: [
      nodeProto('Mul', ['x', 'x'], ['square']),
      nodeProto('Sqrt', ['square'], ['root']),
      nodeProto('Cast', ['f'], ['rounded'], { to: a.int(10) }),
      nodeProto('Cast', ['rounded'], ['seen'], { to: a.int(1) }),
    ],
    inputs: { x: h(2), f: float32(2) },
    outputs: { root: h(2), seen: float32(2) },
  });
  const f = t('float32', [1 / 3, 100000]);
  // 300² overflows float16; its root does not.
  const { root, seen } = await run(bytes, { x: half([300, 0.5], [2]), f });
  expect(decodeFloat16(root!.data as Uint16Array)).toEqual(Float32Array.of(300, 0.5));
  expect(seen!.data).toEqual(decodeFloat16(encodeFloat16(f.data)));
});

it('does not round what a Cast to the same type hands on', async () => {
  const bytes = bytesOf(17, {
    nodes: [
      nodeProto('Div', ['x', 'three'], ['third']),
      nodeProto('Cast', ['third'], ['same'], { to: a.int(10) }),
      nodeProto('Cast', ['same'], ['y'], { to: a.int(1) }),
    ],
    inputs: { x: h(1) },
    outputs: { y: float32(1) },
    constants: { three: half([3], []) },
  });
  const { y } = await run(bytes, { x: half([1], [1]) });
  expect(y!.data).toEqual(Float32Array.of(1 / 3));
});

it('takes bfloat16, and constants as outputs', async () => {
  const two = { type: 'bfloat16', dims: [1], data: encodeBfloat16(Float32Array.of(2)) } as const;
  const bytes = bytesOf(22, {
    nodes: [nodeProto('Add', ['x', 'two'], ['y']), nodeProto('Identity', ['two'], ['z'])],
    inputs: { x: { type: 'bfloat16', dims: [1] } },
    outputs: { y: { type: 'bfloat16', dims: [1] }, z: { type: 'bfloat16', dims: [1] } },
    constants: { two },
  });
  const { y, z } = await run(bytes, { x: two });
  expect([y!.data, z!.data]).toEqual([encodeBfloat16(Float32Array.of(4)), two.data]);
});

it('reaches into the branches of an If, which read values around it', async () => {
  const branch = (op: string) =>
    ({
      name: `${op}_branch`,
      type: 5,
      g: graphProto({ nodes: [nodeProto(op, ['x', 'c'], [`${op}_out`])], outputs: [`${op}_out`] }),
    }) as const;
  const proto = nodeProto('If', ['which'], ['y']);
  const bytes = bytesOf(17, {
    nodes: [
      {
        ...proto,
        attribute: [
          { ...branch('Add'), name: 'then_branch' },
          { ...branch('Sub'), name: 'else_branch' },
        ],
      },
    ],
    inputs: { which: { type: 'bool', dims: [] }, x: h(1) },
    outputs: { y: h(1) },
    constants: { c: half([0.25], [1]) },
  });
  for (const [which, expected] of [
    [1, 1.25],
    [0, 0.75],
  ] as const) {
    const feeds = { which: t('bool', [which], []), x: half([1], [1]) };
    const { y } = await run(bytes, feeds);
    expect(decodeFloat16(y!.data as Uint16Array)).toEqual(Float32Array.of(expected));
  }
});

it('leaves no 16-bit float between the borders, and a graph without any as it is', () => {
  const { nodes } = createProgram(importModel(network).graph).graph;
  expect(nodes.filter(({ op }) => op === 'Cast')).toHaveLength(2);
  const plain = importModel(
    bytesOf(17, {
      nodes: [nodeProto('Relu', ['x'], ['y'])],
      inputs: { x: float32(1) },
      outputs: ['y'],
    }),
  ).graph;
  expect(widenHalves(plain)).toBe(plain);
});

it('is quantized like another', async () => {
  const samples = Array.from({ length: 8 }, () => ({ x: drawn(1, 3, 8, 8) }));
  const { model } = await quantizeStatic(network, { calibrationData: samples });
  expect(model.graph.nodes.some(({ op }) => op === 'QuantizeLinear')).toBe(true);
  const session = await InferenceSession.create(model);
  const [{ x }] = samples as [{ x: Tensor }];
  const [found, wanted] = [await session.run({ x }), await run(network, { x })].map(({ y }) =>
    decodeFloat16(y!.data as Uint16Array),
  );
  for (const [i, value] of wanted!.entries()) expect(found![i]).toBeCloseTo(value, 1);
  session.dispose();
});
