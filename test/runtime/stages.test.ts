/** Models whose shapes or branches depend on what they compute: onnxruntime's answers, on every backend. */
import { describe, expect, it } from 'vitest';
import { backendNames } from '../../src/backends/backend.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { InferenceSession } from '../../src/runtime/session.js';
import {
  bytesOf,
  float32,
  type GraphParts,
  graphProto,
  nodeProto,
  t,
} from '../helpers/onnx-builder.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom, type Random } from '../helpers/random.js';

const f32 = (values: readonly number[], dims?: readonly number[]) => t('float32', values, dims);
const i64 = (values: readonly number[], dims?: readonly number[]) => t('int64', values, dims);
const int64 = (...dims: (number | string)[]) => ({ type: 'int64', dims }) as const;
const bool = { type: 'bool', dims: [] } as const;

/** A node with bodies. */
function withBodies(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  bodies: Readonly<Record<string, GraphParts>>,
) {
  const proto = nodeProto(op, inputs, outputs);
  const attributes = Object.entries(bodies).map(([name, parts]) => ({
    name,
    type: 5,
    g: graphProto(parts),
  }));
  return { ...proto, attribute: attributes };
}

interface Case {
  readonly name: string;
  readonly parts: GraphParts;
  /** Runs, one after the other in one session. */
  readonly runs: readonly Readonly<Record<string, Tensor>>[];
}

const x = f32([1, -2, 3, -4, 5, -6], [2, 3]);

/** y = x · 2, or x − 1 behind a Relu that reads a captured value; z only in the first. */
const branches = {
  then_branch: {
    nodes: [nodeProto('Mul', ['x', 'two'], ['doubled'])],
    outputs: ['doubled'],
    constants: { two: f32([2]) },
  },
  else_branch: {
    nodes: [nodeProto('Relu', ['h'], ['r']), nodeProto('Sub', ['r', 'two'], ['less'])],
    outputs: ['less'],
    constants: { two: f32([1]) },
  },
};

/** i, go on, v → v > limit?, v + v · i, v: the sum grows until it passes the limit. */
const body = {
  nodes: [
    nodeProto('Cast', ['i'], ['number'], { to: attribute.int(1) }),
    nodeProto('Mul', ['v', 'number'], ['product']),
    nodeProto('Add', ['v', 'product'], ['sum']),
    nodeProto('ReduceMax', ['sum'], ['top'], { keepdims: attribute.int(0) }),
    nodeProto('Less', ['top', 'bound'], ['on']),
  ],
  inputs: { i: int64(), go: bool, v: float32(2, 3) },
  outputs: { on: bool, sum: float32(2, 3), product: float32(2, 3) },
};

/** Boxes that overlap, some of them twice, and scores that are often equal. */
function detections(random: Random, count: number): Record<string, Tensor> {
  const boxes = Array.from({ length: count }, () => {
    const [y, x] = [random.int(0, 12), random.int(0, 12)];
    return [y, x, y + random.int(1, 9), x + random.int(1, 9)];
  });
  const logits = Array.from({ length: 2 * count }, () => random.int(-6, 6) / 3);
  return {
    boxes: f32(boxes.flat(), [1, count, 4]),
    logits: f32(logits, [1, 2, count]),
  };
}

const cases: readonly Case[] = [
  {
    name: 'a shape that is fed',
    parts: {
      nodes: [nodeProto('Reshape', ['x', 'shape'], ['r']), nodeProto('Relu', ['r'], ['y'])],
      inputs: { x: float32(2, 3), shape: int64('rank') },
      outputs: { y: undefined },
    },
    runs: [
      { x, shape: i64([3, 2]) },
      { x, shape: i64([-1]) },
      { x, shape: i64([3, 2]) },
    ],
  },
  {
    name: 'a shape that is computed',
    parts: {
      nodes: [
        nodeProto('Relu', ['x'], ['h']),
        nodeProto('ReduceMax', ['h'], ['top'], { keepdims: attribute.int(0) }),
        nodeProto('Cast', ['top'], ['count'], { to: attribute.int(7) }),
        nodeProto('Range', ['zero', 'count', 'one'], ['numbers']),
        nodeProto('Cast', ['numbers'], ['floats'], { to: attribute.int(1) }),
        nodeProto('Mul', ['floats', 'top'], ['y']),
        nodeProto('Abs', ['h'], ['z']),
      ],
      inputs: { x: float32('n', 3) },
      outputs: { y: float32('m'), z: float32('n', 3) },
      constants: { zero: i64([0], []), one: i64([1], []) },
    },
    runs: [{ x }, { x: f32([0, 1, 2], [1, 3]) }, { x }],
  },
  {
    name: 'branches that capture values',
    parts: {
      nodes: [
        nodeProto('Neg', ['x'], ['h']),
        nodeProto('Equal', ['rate', 'sixteen'], ['wide']),
        withBodies('If', ['wide'], ['chosen'], branches),
        nodeProto('Add', ['chosen', 'h'], ['y']),
      ],
      inputs: { x: float32(2, 3), rate: int64() },
      outputs: { y: float32(2, 3) },
      constants: { sixteen: i64([16], []) },
    },
    runs: [16, 8, 16].map((rate) => ({ x, rate: i64([rate], []) })),
  },
  {
    name: 'a loop of so many iterations',
    parts: {
      nodes: [withBodies('Loop', ['count', '', 'x'], ['y', 'steps'], { body })],
      inputs: { x: float32(2, 3), count: int64(), bound: float32() },
      outputs: { y: float32(2, 3), steps: float32('n', 2, 3) },
    },
    runs: [1, 3].map((count) => ({ x, count: i64([count], []), bound: f32([1e9], []) })),
  },
  {
    name: 'a loop that ends by what it computes',
    parts: {
      nodes: [withBodies('Loop', ['', 'yes', 'x'], ['y', 'steps'], { body })],
      inputs: { x: float32(2, 3), bound: float32() },
      outputs: { y: float32(2, 3), steps: float32('n', 2, 3) },
      constants: { yes: t('bool', [1], []) },
    },
    runs: [0, 12, 70].map((bound) => ({ x, bound: f32([bound], []) })),
  },
  {
    name: 'coordinates of what is not zero',
    parts: {
      nodes: [
        nodeProto('Relu', ['x'], ['h']),
        nodeProto('NonZero', ['h'], ['places']),
        nodeProto('Transpose', ['places'], ['rows']),
        nodeProto('GatherND', ['h', 'rows'], ['y']),
        nodeProto('Shape', ['y'], ['count']),
      ],
      inputs: { x: float32('n', 3) },
      outputs: { y: float32('m'), rows: int64('m', 2), count: int64(1) },
    },
    runs: [{ x }, { x: f32([0, -1, 0], [1, 3]) }, { x: f32([0, 1, 2], [1, 3]) }],
  },
  {
    name: 'boxes of a detector',
    parts: {
      nodes: [
        nodeProto('Sigmoid', ['logits'], ['scores']),
        nodeProto('NonMaxSuppression', ['boxes', 'scores', 'most', 'overlap', 'least'], ['chosen']),
        nodeProto('Slice', ['chosen', 'two', 'three', 'one'], ['column']),
        nodeProto('Squeeze', ['column', 'one'], ['index']),
        nodeProto('Gather', ['boxes', 'index'], ['kept'], { axis: attribute.int(1) }),
        nodeProto('Mul', ['kept', 'half'], ['y']),
      ],
      inputs: { boxes: float32(1, 'n', 4), logits: float32(1, 2, 'n') },
      outputs: { chosen: int64('m', 3), y: float32(1, 'm', 4) },
      constants: {
        most: i64([3]),
        overlap: f32([0.5]),
        least: f32([0.4]),
        one: i64([1]),
        two: i64([2]),
        three: i64([3]),
        half: f32([0.5]),
      },
    },
    runs: [1, 2, 3].map((seed) => detections(createRandom(seed), 30)),
  },
];

describe.each(backendNames)('stages on %s', (backend) => {
  it.each(cases)('$name', async ({ parts, runs }) => {
    const bytes = bytesOf(18, parts);
    const session = await InferenceSession.create(bytes, { backend });
    for (const feeds of runs) {
      const expected = await runOnnxRuntime(bytes, feeds);
      for (const results of [await session.run(feeds), session.runSync(feeds)]) {
        for (const [name, { type, dims, data }] of expected) {
          expect(results[name]).toMatchObject({ type, dims: [...dims] });
          expect([...(results[name]!.data as Float32Array)]).toEqual([...(data as Float32Array)]);
        }
      }
    }
    session.dispose();
  });
});

describe('a run of several stages', () => {
  const [, computed] = cases;

  it('does not see what a caller does with its feeds meanwhile', async () => {
    const bytes = bytesOf(18, cases[2]!.parts);
    const session = await InferenceSession.create(bytes);
    const data = Float32Array.from(x.data as Float32Array);
    const running = session.run({ x: { ...x, data } as Tensor, rate: i64([8], []) });
    data.fill(99);
    const expected = await session.run({ x, rate: i64([8], []) });
    expect((await running)['y']!.data).toEqual(expected['y']!.data);
    session.dispose();
  });

  it('comes to its end when the session is disposed of', async () => {
    const session = await InferenceSession.create(bytesOf(18, computed!.parts));
    const running = session.run({ x });
    session.dispose();
    await expect(running).resolves.toMatchObject({ y: { dims: [5] } });
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  it('can be aborted', async () => {
    const session = await InferenceSession.create(bytesOf(18, computed!.parts));
    const signal = AbortSignal.abort();
    await expect(session.run({ x }, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
    session.dispose();
  });

  it('refuses a body that nothing can run, when the model is loaded', async () => {
    const strange = {
      ...branches,
      else_branch: { nodes: [nodeProto('Frobnicate', ['h'], ['f'])], outputs: ['f'] },
    };
    const parts = {
      ...cases[2]!.parts,
      nodes: [...cases[2]!.parts.nodes.slice(0, 2), withBodies('If', ['wide'], ['y'], strange)],
    };
    await expect(InferenceSession.create(bytesOf(18, parts))).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPERATOR',
    });
  });
});
