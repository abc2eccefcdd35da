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
import { runSingle } from '../helpers/singleStep.js';
import { chainBytes } from '../lifecycle/nets.js';
import { firstDifference } from '../suites/problem.js';
import { inputOf, inputsOf, largeFloatPlans, largePlans } from './plans.js';

function expectSame(found: readonly TypedArray[], expected: readonly TypedArray[]): void {
  expect(firstDifference(expected, found, undefined)).toBeUndefined();
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const usable = wasmIsas().filter((isa) => isa.usable);

describe.each(usable)('$name', ({ name: isa }) => {
  describe.each(largePlans)('$name', ({ plan }) => {
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

  it.each(largeFloatPlans)('$name: the same bits as on one thread', async ({ plan }) => {
    const inputs = inputsOf(plan);
    const expected = runSingle(createWasmBackend({ isa }), plan, inputs);
    const near = { absolute: 1e-2, relative: 1e-3 };
    const reference = runSingle(createReferenceBackend(), plan, inputs);
    expect(firstDifference(reference, expected, near)).toBeUndefined();
    const model = createWasmBackend({ isa, threads: 2 }).open(plan.model);
    const prepared = model.prepare(plan);
    for (let run = 0; run < 20; run++) expectSame(await prepared.run(inputs), expected);
    model.dispose();
  });
});

const product = largePlans[0]!.plan;

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
    const models = largePlans.map(({ plan }) => backend.open(plan.model));
    await Promise.all(
      largePlans.map(async ({ plan }, i) => {
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
