import { describe, expect, it } from 'vitest';
import { OctavoError } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph } from '../../src/graph/ir.js';
import { createSession, InferenceSession, type SessionOptions } from '../../src/runtime/session.js';
import { bytesOf, float32, node, nodeProto, t } from '../helpers/onnx-builder.js';
import { build } from '../passes/oracle.js';

const reference: SessionOptions = { backend: 'reference' };

/** y = relu(x · w) with free batch, and the sum of integers next to it. */
function twoInputs(): Graph {
  return build({
    nodes: [
      node('MatMul', ['x', 'w'], ['m']),
      node('Relu', ['m'], ['r']),
      node('Concat', ['ids', 'ids'], ['twice'], { axis: attribute.int(0) }),
    ],
    inputs: { x: float32('N', 3), ids: { type: 'int64', dims: ['L'] } },
    outputs: { y: 'r', ids2: 'twice' },
    constants: { w: t('float32', [1, 0, 0, 1, -1, -1], [3, 2]) },
  });
}

const x = (rows: number): Tensor<'float32'> => {
  const data = Float32Array.from({ length: 3 * rows }, (_, i) => i);
  return { type: 'float32', dims: [rows, 3], data };
};
const ids = t('int64', [7, 8]);

const open = (options: SessionOptions = {}) =>
  createSession(twoInputs(), { ...reference, ...options });

describe('a session', () => {
  it('tells its inputs, outputs and backend', async () => {
    const session = await open();
    expect(session.inputs).toEqual([
      { name: 'x', type: 'float32', dims: ['N', 3] },
      { name: 'ids', type: 'int64', dims: ['L'] },
    ]);
    expect(session.outputs[0]).toEqual({ name: 'y', type: 'float32', dims: ['N', 2] });
    expect(session.outputs[1]).toMatchObject({ name: 'ids2', type: 'int64' });
    expect(session.backend).toEqual({ name: 'reference', isa: 'none', threads: 1 });
    expect(session.report.chosen).toBe('reference');
  });

  it('runs any batch, at once or not', async () => {
    const session = await open();
    const runs = [1, 2, 1, 3].map((rows) => session.run({ x: x(rows), ids }));
    const results = await Promise.all(runs);
    expect(results.map(({ y }) => y!.dims)).toEqual([
      [1, 2],
      [2, 2],
      [1, 2],
      [3, 2],
    ]);
    expect([...results[1]!.y!.data]).toEqual([0, 0, 0, 0]);
    expect(results[0]!.ids2).toEqual(t('int64', [7, 8, 7, 8]));
    expect(session.runSync({ x: x(2), ids })).toEqual(results[1]);
  });

  it('copies feeds before run() returns', async () => {
    const session = await open();
    const feed = x(1);
    feed.data[0] = 50;
    const running = session.run({ x: feed, ids });
    feed.data.fill(0);
    expect([...(await running).y!.data]).toEqual([48, 0]);
  });

  it('returns the outputs asked for', async () => {
    const session = await open();
    expect(Object.keys(await session.run({ x: x(1), ids }, { outputs: ['ids2'] }))).toEqual([
      'ids2',
    ]);
    expect(Object.keys(session.runSync({ x: x(1), ids }, { outputs: [] }))).toEqual([]);
  });

  it('takes names that mean something in JavaScript', async () => {
    const session = await createSession(
      build({
        nodes: [node('Relu', ['__proto__'], ['r']), node('Neg', ['constructor'], ['n'])],
        inputs: JSON.parse(
          '{"__proto__":{"type":"float32","dims":[1]},"constructor":{"type":"float32","dims":[1]}}',
        ),
        outputs: JSON.parse('{"__proto__":"r","toString":"n"}'),
      }),
      reference,
    );
    const feeds = Object.create(null);
    Object.defineProperty(feeds, '__proto__', { value: t('float32', [-1]), enumerable: true });
    feeds.constructor = t('float32', [2]);
    const results = await session.run(feeds);
    expect(Object.getPrototypeOf(results)).toBe(null);
    expect(Object.keys(results).sort()).toEqual(['__proto__', 'toString']);
    expect([...(results['toString'] as unknown as Tensor<'float32'>).data]).toEqual([-2]);
    await expect(session.run({} as never)).rejects.toMatchObject({ where: '__proto__' });
  });

  it('passes inputs, constants and repeated values through as outputs', async () => {
    const session = await createSession(
      build({
        nodes: [node('Identity', ['x'], ['same']), node('Flatten', ['x'], ['flat'])],
        inputs: { x: float32(2, 1, 2) },
        outputs: { a: 'x', b: 'same', c: 'flat', d: 'k', e: 'k' },
        constants: { k: t('float32', [9]) },
      }),
      reference,
    );
    const feed = t('float32', [1, 2, 3, 4], [2, 1, 2]);
    const { a, b, c, d, e } = await session.run({ x: feed });
    expect(a).toEqual(feed);
    expect(b).toEqual(feed);
    expect(c).toEqual({ ...feed, dims: [2, 2] });
    expect([d, e]).toEqual([t('float32', [9]), t('float32', [9])]);
    expect(a!.data).not.toBe(b!.data);
    expect(d!.data.buffer).not.toBe(e!.data.buffer);
  });

  it('has outputs for any values of a graph', async () => {
    const graph = twoInputs();
    const watched = { ...graph, outputs: [{ name: 'before', value: 'm' }] };
    const session = await createSession(watched, reference);
    expect([...(await session.run({ x: x(1), ids })).before!.data]).toEqual([-2, -1]);
    const none = await createSession({ ...graph, outputs: [] }, reference);
    expect(Object.keys(await none.run({ x: x(1), ids }))).toEqual([]);
  });

  it('loads bytes', async () => {
    const bytes = bytesOf(21, {
      nodes: [nodeProto('Relu', ['x'], ['y'])],
      inputs: { x: float32(2) },
      outputs: { y: float32(2) },
    });
    const session = await InferenceSession.create(bytes, reference);
    expect([...(await session.run({ x: t('float32', [-1, 5]) })).y!.data]).toEqual([0, 5]);
  });
});

describe('feeds that do not fit', () => {
  const fine = { x: x(1), ids };
  const cases: [string, unknown, string | undefined][] = [
    ['not an object', null, undefined],
    ['missing', { x: x(1) }, 'ids'],
    ['undefined', { ...fine, x: undefined }, 'x'],
    ['unknown', { ...fine, z: x(1) }, 'z'],
    ['of the wrong type', { ...fine, x: t('int64', [1, 2, 3], [1, 3]) }, 'x'],
    ['of no known type', { ...fine, x: { ...x(1), type: 'float33' } }, 'x'],
    ['of the wrong rank', { ...fine, x: { ...x(1), dims: [3] } }, 'x'],
    ['of the wrong size', { ...fine, x: t('float32', [1, 2], [1, 2]) }, 'x'],
    ['with a negative size', { ...fine, x: { ...x(1), dims: [-1, 3] } }, 'x'],
    ['with half a size', { ...fine, x: { ...x(1), dims: [0.5, 3] } }, 'x'],
    ['with a hole in dims', { ...fine, x: { ...x(1), dims: new Array(2) } }, 'x'],
    ['with dims that are no array', { ...fine, x: { ...x(1), dims: '1,3' } }, 'x'],
    ['with huge dims', { ...fine, x: { ...x(1), dims: [2 ** 52, 3] } }, 'x'],
    ['with too little data', { ...fine, x: { ...x(1), data: new Float32Array(2) } }, 'x'],
    ['in the wrong container', { ...fine, x: { ...x(1), data: [1, 2, 3] } }, 'x'],
    ['in the wrong typed array', { ...fine, x: { ...x(1), data: new Float64Array(3) } }, 'x'],
    ['without data', { ...fine, x: { type: 'float32', dims: [1, 3] } }, 'x'],
    ['that are numbers', { ...fine, x: 5 }, 'x'],
  ];

  it.each(cases)('are refused: %s', async (_, feeds, where) => {
    const session = await open();
    const error = { code: 'INVALID_INPUT', ...(where && { where }) };
    await expect(session.run(feeds as never)).rejects.toMatchObject(error);
    expect(() => session.runSync(feeds as never)).toThrow(expect.objectContaining(error));
  });

  it('are refused when their buffer was transferred', async () => {
    const session = await open();
    const feed = x(1);
    structuredClone(feed.data, { transfer: [feed.data.buffer as ArrayBuffer] });
    await expect(session.run({ x: feed, ids })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      where: 'x',
      message: expect.stringContaining('transferred'),
    });
  });

  it('leave the session as it was', async () => {
    const session = await open();
    await expect(session.run({} as never)).rejects.toBeInstanceOf(OctavoError);
    expect((await session.run(fine)).y!.dims).toEqual([1, 2]);
  });

  it('are refused where two inputs must agree', async () => {
    const session = await createSession(
      build({
        nodes: [node('Add', ['a', 'b'], ['y'])],
        inputs: { a: float32('N'), b: float32('N') },
        outputs: { y: 'y' },
      }),
      reference,
    );
    const feeds = { a: t('float32', [1, 2]), b: t('float32', [1, 2, 3]) };
    await expect(session.run(feeds)).rejects.toMatchObject({ code: 'INVALID_INPUT', where: 'b' });
  });
});

describe('options', () => {
  it.each([
    ['unknown', { nodesToExclude: [] }, 'INVALID_ARGUMENT'],
    ['null', null, 'INVALID_ARGUMENT'],
    ['no plans', { ...reference, maxPlans: 0 }, 'INVALID_ARGUMENT'],
    ['half a plan', { ...reference, maxPlans: 1.5 }, 'INVALID_ARGUMENT'],
    ['a backend that is no name', { backend: 5 }, 'INVALID_ARGUMENT'],
    ['an unknown limit', { ...reference, limits: { memory: 5 } }, 'INVALID_ARGUMENT'],
    ['a limit that is none', { ...reference, limits: { nodes: '5' } }, 'INVALID_ARGUMENT'],
    ['sizes that are none', { ...reference, freeDimensionOverrides: 5 }, 'INVALID_ARGUMENT'],
    ['data of no path', { ...reference, externalData: [{}] }, 'INVALID_ARGUMENT'],
    ['a listener that is none', { ...reference, onPatch: true }, 'INVALID_ARGUMENT'],
    ['no such backend', { backend: 'gpu' }, 'INVALID_ARGUMENT'],
    ['no number of threads', { ...reference, intraOpNumThreads: -1 }, 'INVALID_ARGUMENT'],
    ['threads it has not', { ...reference, intraOpNumThreads: 4 }, 'BACKEND_UNAVAILABLE'],
    ['an instruction set it has not', { ...reference, isa: 'avx2' }, 'BACKEND_UNAVAILABLE'],
    ['no such free dimension', { ...reference, freeDimensionOverrides: { M: 1 } }, 'NO_MATCH'],
    [
      'a size that is none',
      { ...reference, freeDimensionOverrides: { N: -1 } },
      'INVALID_ARGUMENT',
    ],
  ])('that are refused: %s', async (_, options, code) => {
    await expect(createSession(twoInputs(), options as never)).rejects.toMatchObject({ code });
  });

  it('of a run that are refused', async () => {
    const session = await open();
    const feeds = { x: x(1), ids };
    const code = 'INVALID_ARGUMENT';
    await expect(session.run(feeds, { tag: 1 } as never)).rejects.toMatchObject({
      code,
      where: 'tag',
    });
    await expect(session.run(feeds, { outputs: ['z'] })).rejects.toMatchObject({
      code,
      where: 'z',
    });
    await expect(session.run(feeds, { signal: {} } as never)).rejects.toMatchObject({ code });
    await expect(session.run(feeds, { outputs: 'y' } as never)).rejects.toMatchObject({ code });
    const signal = new AbortController().signal;
    expect(() => session.runSync(feeds, { signal } as never)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('freeDimensionOverrides fixes dims', async () => {
    const session = await open({ freeDimensionOverrides: { N: 2 }, intraOpNumThreads: 0 });
    expect(session.inputs[0]!.dims).toEqual([2, 3]);
    expect((await session.run({ x: x(2), ids })).y!.dims).toEqual([2, 2]);
    await expect(session.run({ x: x(1), ids })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('limits hold for each run', async () => {
    const session = await open({ limits: { tensorBytes: 1000 } });
    await session.run({ x: x(10), ids });
    await expect(session.run({ x: x(100), ids })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    const small = await open({ limits: { arenaBytes: 200 } });
    await expect(small.run({ x: x(10), ids })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      where: 'arenaBytes',
    });
  });

  it('onPatch hears of every rewrite', async () => {
    const heard: string[] = [];
    await open({ onPatch: ({ index, pass }) => heard.push(`${index} ${pass}`) });
    expect(heard).toContain('1 lower');
    expect(heard.length).toBeGreaterThan(2);
  });
});

describe('plans', () => {
  /** Counts the plans a session makes, through the passes that making one runs. */
  async function counted(maxPlans?: number) {
    let made = 0;
    const session = await open({
      ...(maxPlans !== undefined && { maxPlans }),
      onPatch: ({ what }) => {
        if (what === 'lower Concat_twice') made++;
      },
    });
    const run = async (rows: number) => {
      await session.run({ x: x(rows), ids });
      return made;
    };
    return run;
  }

  it('are made once for the same dims', async () => {
    const run = await counted();
    expect([await run(1), await run(2), await run(1), await run(2)]).toEqual([1, 2, 2, 2]);
  });

  it('last used are kept', async () => {
    const run = await counted(2);
    expect([await run(1), await run(2), await run(1), await run(3)]).toEqual([1, 2, 2, 3]);
    // 2 was the one not used for longest.
    expect([await run(1), await run(3), await run(2)]).toEqual([3, 3, 4]);
  });

  it('that go out of use end their runs first', async () => {
    const session = await open({ maxPlans: 1 });
    const results = await Promise.all([1, 2, 3, 4].map((rows) => session.run({ x: x(rows), ids })));
    expect(results.map(({ y }) => y!.dims[0])).toEqual([1, 2, 3, 4]);
  });
});

describe('disposing', () => {
  it('refuses every run after it, any number of times', async () => {
    const session = await open();
    session.dispose();
    session.dispose();
    await expect(session.run({ x: x(1), ids })).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(() => session.runSync({ x: x(1), ids })).toThrow(
      expect.objectContaining({ code: 'DISPOSED' }),
    );
    expect(session.inputs.length).toBe(2);
  });

  it('lets runs under way end', async () => {
    const session = await open();
    const running = session.run({ x: x(2), ids });
    session.dispose();
    expect((await running).y!.dims).toEqual([2, 2]);
  });

  it('comes with using and await using', async () => {
    const sync = await open();
    sync[Symbol.dispose]();
    const later = await open();
    await later[Symbol.asyncDispose]();
    for (const session of [sync, later]) {
      await expect(session.run({ x: x(1), ids })).rejects.toMatchObject({ code: 'DISPOSED' });
    }
  });
});

describe('aborting', () => {
  it('rejects a run whose signal has fired', async () => {
    const session = await open();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(session.run({ x: x(1), ids }, { signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect((await session.run({ x: x(1), ids })).y!.dims).toEqual([1, 2]);
  });
});
