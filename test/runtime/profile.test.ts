/** Profiles: a time for each step of every stage, on every backend. */
import { describe, expect, it } from 'vitest';
import { backendNames } from '../../src/backends/backend.js';
import { attribute } from '../../src/graph/attributes.js';
import { profilePage } from '../../src/report/profilePage.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { bytesOf, float32, nodeProto, t } from '../helpers/onnx-builder.js';

const x = t(
  'float32',
  Array.from({ length: 3 * 64 }, (_, i) => Math.sin(i)),
  [3, 64],
);
const weights = t(
  'float32',
  Array.from({ length: 64 * 32 }, (_, i) => Math.cos(i)),
  [64, 32],
);

const product = bytesOf(18, {
  nodes: [nodeProto('MatMul', ['x', 'w'], ['h']), nodeProto('Softmax', ['h'], ['y'])],
  inputs: { x: float32('n', 64) },
  outputs: { y: float32('n', 32) },
  constants: { w: weights },
});

/** As many numbers as the largest element says: the second stage depends on the first. */
const staged = bytesOf(18, {
  nodes: [
    nodeProto('ReduceMax', ['x'], ['top'], { keepdims: attribute.int(0) }),
    nodeProto('Cast', ['top'], ['count'], { to: attribute.int(7) }),
    nodeProto('Range', ['zero', 'count', 'one'], ['numbers']),
    nodeProto('Cast', ['numbers'], ['floats'], { to: attribute.int(1) }),
    nodeProto('Mul', ['floats', 'top'], ['y']),
  ],
  inputs: { x: float32('n', 64) },
  outputs: { y: float32('m') },
  constants: { zero: t('int64', [0], []), one: t('int64', [1], []) },
});

/** Numbers that are indices, and products in whose arena there is room for one more where these lay. */
const looked = bytesOf(18, {
  nodes: [
    nodeProto('Gather', ['table', 'ids'], ['h']),
    ...[0, 1, 2].map((i) => nodeProto('MatMul', [i ? `h${i}` : 'h', 'square'], [`h${i + 1}`])),
  ],
  inputs: { ids: { type: 'int64', dims: ['n'] } },
  outputs: { h3: float32('n', 2) },
  constants: {
    table: t('float32', Array.from({ length: 16 }, Math.sin), [8, 2]),
    square: t('float32', [7e10, -9e10, 3e10, 8e10], [2, 2]),
  },
});

describe.each(backendNames)('a profile on %s', (backend) => {
  it('has the steps of the plan, in order, and the operations of products', async () => {
    const session = await InferenceSession.create(product, { backend });
    const profile = await session.profile({ x }, { runs: 3, warmUp: 1 });
    const { isa, threads } = session.backend;
    expect(profile).toMatchObject({ backend, isa, threads, runs: 3 });
    expect(profile.steps.map(({ op }) => op)).toEqual(['MatMul', 'Softmax']);
    expect(profile.steps[1]!.output).toBe('float32 [3, 32]');
    expect(profile.steps[1]!.gops).toBeUndefined();
    const { ms, gops } = profile.steps[0]!;
    expect(gops! * ms * 1e6).toBeCloseTo(2 * 3 * 64 * 32, 3);
    expect(profile.steps.reduce((sum, step) => sum + step.share, 0)).toBeCloseTo(1, 6);
    expect(profile.operators.reduce((sum, one) => sum + one.ms, 0)).toBeCloseTo(profile.ms, 6);
    session.dispose();
  });

  it('goes through all stages', async () => {
    const session = await InferenceSession.create(staged, { backend });
    const shifted = { ...x, data: x.data.map((value) => value + 4) } as typeof x;
    const { steps } = await session.profile({ x: shifted });
    expect(steps.map(({ op }) => op)).toContain('Reduce');
    expect(steps.at(-1)).toMatchObject({ op: 'Binary' });
    session.dispose();
  });

  it('gives every run its inputs, whose memory later steps of the run before have taken', async () => {
    const session = await InferenceSession.create(looked, { backend });
    const ids = t(
      'int64',
      Array.from({ length: 64 }, (_, i) => i % 8),
      [64],
    );
    const { steps } = await session.profile({ ids }, { runs: 3, warmUp: 1 });
    expect(steps.map(({ op }) => op)).toEqual(['Gather', 'MatMul', 'MatMul', 'MatMul']);
    session.dispose();
  });

  it('refuses what is no number of runs, and can be aborted', async () => {
    const session = await InferenceSession.create(product, { backend });
    const invalid = { code: 'INVALID_ARGUMENT' };
    await expect(session.profile({ x }, { runs: 0 })).rejects.toMatchObject(invalid);
    await expect(session.profile({ x }, { warmUp: -1 })).rejects.toMatchObject(invalid);
    await expect(session.profile({ x }, { rounds: 3 } as never)).rejects.toMatchObject(invalid);
    const signal = AbortSignal.abort();
    await expect(session.profile({ x }, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
    session.dispose();
    await expect(session.profile({ x })).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});

it('names in a page are text', async () => {
  const session = await InferenceSession.create(product, { backend: 'reference' });
  const profile = await session.profile({ x }, { runs: 1, warmUp: 0 });
  session.dispose();
  const latency = { median: 1, lowest: 1, p95: 1 };
  const steps = profile.steps.map((step) => ({ ...step, node: '<script>alert("x")</script>' }));
  const page = profilePage('a & b', 'here', { ...profile, steps }, latency);
  expect(page).not.toContain('<script>');
  expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)');
  expect(page).toContain('a &amp; b');
});
