/**
 * The same build in a page of Chromium: the same bits as the reference, on each instruction set that
 * its engine has, and on threads where the page may share memory. Reads dist/.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import type { WasmBackend, WasmIsa } from '../../src/backends/wasm/index.js';
import type { TypedArray } from '../../src/core/dtype.js';
import type * as Octavo from '../../src/index.js';
import { noChromium } from '../helpers/chromium.js';
import { runSingle, type TestPlan } from '../helpers/singleStep.js';
import { chainBytes } from '../lifecycle/nets.js';
import { suites } from '../suites/index.js';
import { drawProblem, firstDifference } from '../suites/problem.js';
import { type Browser, startBrowser } from './page.js';
import { inputOf, largePlans } from './plans.js';

/** What a page has as `octavo`; functions given to `evaluate` run there. */
interface OnPage {
  readonly octavo: typeof Octavo & {
    readonly createWasmBackend: (options: object) => WasmBackend;
    readonly wasmIsas: () => readonly WasmIsa[];
  };
}

const problems = 12;

interface Question {
  readonly plan: TestPlan;
  readonly inputs: readonly TypedArray[];
}

/** The answers of a backend of the page, one run each. */
function answersOf(page: Page, options: object, questions: readonly Question[], runs = 1) {
  return page.evaluate(
    async ({ options, questions, runs }) => {
      const { createWasmBackend } = (globalThis as unknown as OnPage).octavo;
      const backend = createWasmBackend(options);
      const answers: TypedArray[][] = [];
      for (const { plan, inputs } of questions) {
        const model = backend.open(plan.model);
        const prepared = model.prepare(plan);
        for (let run = 0; run < runs; run++) answers.push(await prepared.run(inputs));
        model.dispose();
      }
      return answers;
    },
    { options, questions, runs },
  );
}

if (noChromium !== undefined) process.stderr.write(`skipped: Chromium: ${noChromium}\n`);

describe.skipIf(noChromium !== undefined)(`Chromium${noChromium ? `: ${noChromium}` : ''}`, () => {
  let browser: Browser;
  let plain: Page;
  let isolated: Page;
  let isas: readonly string[];
  beforeAll(async () => {
    browser = await startBrowser();
    plain = await browser.open('plain');
    isolated = await browser.open('isolated');
    const all = await plain.evaluate(() => (globalThis as unknown as OnPage).octavo.wasmIsas());
    isas = all.filter(({ usable }) => usable).map(({ name }) => name);
    for (const { name, usable, reason } of all) {
      if (!usable) process.stderr.write(`skipped: Chromium ${name}: ${reason}\n`);
    }
  });
  afterAll(() => browser?.close());

  it('runs what any engine with SIMD runs', () => {
    expect(isas).toContain('simd128');
  });

  const reference = createReferenceBackend();
  it.each(suites)('$name', async (suite) => {
    const drawn = Array.from({ length: problems }, (_, index) => drawProblem(suite, index));
    for (const isa of isas) {
      const answers = await answersOf(plain, { isa }, drawn);
      for (const [i, { plan, inputs, seed, tolerance }] of drawn.entries()) {
        const expected = runSingle(reference, plan, inputs);
        const difference = firstDifference(expected, answers[i]!, tolerance);
        expect(difference, `${isa}, seed ${seed}`).toBeUndefined();
      }
    }
  });

  it.each(largePlans)('$name on two threads', async ({ plan }) => {
    const inputs = [inputOf(plan)];
    const expected = runSingle(reference, plan, inputs);
    for (const isa of isas) {
      const answers = await answersOf(isolated, { isa, threads: 2 }, [{ plan, inputs }], 10);
      for (const found of answers) {
        expect(firstDifference(expected, found, undefined), isa).toBeUndefined();
      }
    }
  });

  it('refuses threads to a page that may not share memory', async () => {
    await expect(answersOf(plain, { threads: 2 }, [])).rejects.toThrow(/cross-origin isolated/);
  });

  it.each([1, 2])('runs a session on %i threads', async (threads) => {
    const model = chainBytes(4, 300);
    const data = new Float32Array(200 * 300).fill(0.5);
    const found = await isolated.evaluate(
      async ({ model, data, threads }) => {
        const { InferenceSession } = (globalThis as unknown as OnPage).octavo;
        const options = { intraOpNumThreads: threads };
        const session = await InferenceSession.create(model, options);
        const feeds = { x: { type: 'float32', dims: [200, 300], data } } as const;
        const { y } = await session.run(feeds);
        session.dispose();
        return { backend: session.backend.name, threads: session.backend.threads, y: y!.data };
      },
      { model, data, threads },
    );
    expect(found).toMatchObject({ backend: 'wasm', threads });
    const { InferenceSession } = await import('../../src/index.js');
    const session = await InferenceSession.create(model, { backend: 'reference' });
    const { y } = await session.run({ x: { type: 'float32', dims: [200, 300], data } });
    const tolerance = { absolute: 1e-6, relative: 1e-5 };
    const wanted = [y!.data as TypedArray];
    expect(firstDifference(wanted, [found.y as TypedArray], tolerance)).toBeUndefined();
  });
});
