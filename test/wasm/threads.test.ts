/**
 * Threads of the WASM backend: the same bits on any number of them, whether workers are up or not;
 * what becomes of them when models are disposed of, processes end, and workers fail.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { createWasmBackend, wasmIsas } from '../../src/backends/wasm/index.js';
import type { TypedArray } from '../../src/core/dtype.js';
import { createRandom, integers } from '../helpers/random.js';
import { runSingle, singleStepPlan, type TestPlan } from '../helpers/singleStep.js';
import { chainBytes } from '../lifecycle/nets.js';
import { firstDifference } from '../suites/problem.js';

const random = createRandom(11);
const floats = (count: number) =>
  Float32Array.from({ length: count }, () => random.int(-999, 999) / 1000);
const count = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);

/** A convolution large enough to be cut into parts. */
function convolution(
  x: readonly [number, number, number, number],
  weight: readonly [number, number, number, number],
  type: 'uint8' | 'float32',
  params: Parameters<typeof singleStepPlan<'QConv'>>[3] = {},
): TestPlan {
  const [batch, height, width] = x;
  const { padTop = 0, padLeft = 0 } = params!;
  const dims = [
    batch,
    height + 2 * padTop - weight[1] + 1,
    width + 2 * padLeft - weight[2] + 1,
    weight[0],
  ];
  const factor = new Float32Array(weight[0]).fill(0.5 / Math.sqrt(count(weight)));
  return singleStepPlan(
    'QConv',
    [
      { type: 'uint8', dims: x },
      { type: 'int8', dims: weight, constant: integers(random, 'int8', count(weight)) },
      { type: 'int32', dims: [weight[0]], constant: integers(random, 'int32', weight[0], -99, 99) },
      { type: 'float32', dims: [weight[0]], constant: factor },
    ],
    [{ type, dims }],
    { xZero: 7, yZero: 99, ...params },
    'model',
  );
}

const plans: readonly [string, TestPlan][] = [
  ['product', convolution([1, 1, 301, 130], [133, 1, 1, 130], 'uint8')],
  ['row', convolution([1, 1, 1, 1100], [1000, 1, 1, 1100], 'float32')],
  ['convolution', convolution([2, 19, 21, 24], [40, 3, 3, 24], 'uint8', { padTop: 1, padLeft: 1 })],
  [
    'depthwise',
    convolution([1, 57, 61, 72], [72, 3, 3, 1], 'uint8', { groups: 72, padTop: 1, padLeft: 1 }),
  ],
  ['grouped', convolution([1, 30, 33, 32], [64, 3, 3, 16], 'uint8', { groups: 2 })],
];

function inputOf(plan: TestPlan): TypedArray {
  return integers(random, 'uint8', plan.tensors[plan.inputs[0]!.tensor]!.bytes);
}

function expectSame(found: readonly TypedArray[], expected: readonly TypedArray[]): void {
  expect(firstDifference(expected, found, undefined)).toBeUndefined();
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const usable = wasmIsas().filter((isa) => isa.usable);

describe.each(usable)('$name', ({ name: isa }) => {
  describe.each(plans)('%s', (_, plan) => {
    it.each([2, 3])('is the same bits on %i threads', async (threads) => {
      const input = inputOf(plan);
      const expected = runSingle(createReferenceBackend(), plan, [input]);
      const model = createWasmBackend({ isa, threads }).open(plan.model);
      const prepared = model.prepare(plan);
      expectSame(prepared.runSync([input]), expected); // workers may not be up
      for (let run = 0; run < 20; run++) expectSame(await prepared.run([input]), expected);
      model.dispose();
    });
  });

  it('floats are the same bits as on one thread', async () => {
    const dims = { a: [200, 90], b: [90, 110], y: [200, 110] };
    const plan = singleStepPlan(
      'MatMul',
      [
        { type: 'float32', dims: dims.a },
        { type: 'float32', dims: dims.b },
      ],
      [{ type: 'float32', dims: dims.y }],
    );
    const inputs = [floats(count(dims.a)), floats(count(dims.b))];
    const expected = runSingle(createWasmBackend({ isa }), plan, inputs);
    const model = createWasmBackend({ isa, threads: 2 }).open(plan.model);
    const prepared = model.prepare(plan);
    for (let run = 0; run < 20; run++) expectSame(await prepared.run(inputs), expected);
    model.dispose();
  });
});

const [, product] = plans[0]!;

describe('lifecycle', () => {
  it('a model that is disposed of while it runs ends its runs, then its workers', async () => {
    const model = createWasmBackend({ threads: 2 }).open(product.model);
    const prepared = model.prepare(product);
    const input = inputOf(product);
    const running = [prepared.run([input]), prepared.run([input])];
    model.dispose();
    const expected = runSingle(createReferenceBackend(), product, [input]);
    for (const found of await Promise.all(running)) expectSame(found, expected);
    await expect(prepared.run([input])).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  it('several models have workers at the same time', async () => {
    const backend = createWasmBackend({ threads: 2 });
    const models = plans.map(([, plan]) => backend.open(plan.model));
    await Promise.all(
      plans.map(async ([, plan], i) => {
        const input = inputOf(plan);
        const expected = runSingle(createReferenceBackend(), plan, [input]);
        expectSame(await models[i]!.prepare(plan).run([input]), expected);
      }),
    );
    for (const model of models) model.dispose();
  });

  it('workers that nobody disposed of keep no process alive', async () => {
    const program = `
      import { InferenceSession } from './dist/esm/index.js';
      const options = { backend: 'wasm', intraOpNumThreads: 3 };
      const model = Buffer.from(process.argv[1], 'base64');
      const session = await InferenceSession.create(model, options);
      const data = new Float32Array(2000 * 140).fill(0.5);
      await session.run({ x: { type: 'float32', dims: [2000, 140], data } });
      console.log('done on', session.backend.threads);`;
    const model = Buffer.from(chainBytes(3, 140)).toString('base64');
    const args = ['--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)(process.execPath, [...args, model], {
      timeout: 20_000,
    });
    expect(stdout).toBe('done on 3\n');
  });
});

describe('failures', () => {
  it('of workers that do not start are told by the run', async () => {
    const builtin = process.getBuiltinModule('node:worker_threads');
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue({
      ...builtin,
      Worker: class extends builtin.Worker {
        constructor(_program: string, options: object) {
          super("throw new Error('no room for a worker')", options);
        }
      },
    });
    const model = createWasmBackend({ threads: 2 }).open(product.model);
    const prepared = model.prepare(product);
    const failing = prepared.run([inputOf(product)]);
    await expect(failing).rejects.toMatchObject({ code: 'BACKEND_FAILURE' });
    await expect(failing).rejects.toThrow(/no room for a worker/);
    expect(() => prepared.runSync([inputOf(product)])).toThrow(/no room for a worker/);
    model.dispose();
  });

  it('of pages that may not share memory are told at once', () => {
    vi.stubGlobal('crossOriginIsolated', false);
    expect(() => createWasmBackend({ threads: 2 })).toThrow(/cross-origin isolated/);
    expect(createWasmBackend({ threads: 1 }).threads).toBe(1);
  });
});
