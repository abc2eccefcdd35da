/** Plans that are prepared off the event loop: what happens meanwhile. */
import { describe, expect, it, vi } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { loadModel } from '../../src/onnx/model.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { noNative } from './backends.js';
import { bitsOf, chainBytes, rowsOf } from './nets.js';

const size = 256;
const bytes = chainBytes(3, size);

const open = (options: { maxPlans?: number } = {}) =>
  InferenceSession.create(bytes, { backend: 'native', ...options });
const answerOf = async (running: Promise<Record<string, Tensor>>) =>
  Buffer.from(bitsOf((await running)['y']!));

/** Turns of the event loop until the promise has settled. */
async function turnsDuring(promise: Promise<unknown>): Promise<number> {
  let turns = 0;
  let settled = false;
  const turn = () => {
    turns++;
    if (!settled) setImmediate(turn);
  };
  setImmediate(turn);
  await promise;
  settled = true;
  return turns;
}

describe.skipIf(noNative !== undefined)('while a plan is prepared', () => {
  it('the event loop turns, also while a session is made', async () => {
    const options = { backend: 'native' };
    // Whose constants are the caller's is packed at once: what turns there are has nothing to do with packing.
    const model = await loadModel(chainBytes(1, 2047, 1));
    const atOnce = await turnsDuring(InferenceSession.create(model, options));
    // Other weights: those would be packed already.
    const large = chainBytes(1, 2048, 1);
    const aside = await turnsDuring(InferenceSession.create(large, options));
    expect(aside).toBeGreaterThan(20 * atOnce);
  });

  it('the event loop turns between passes', async () => {
    const options = { backend: 'reference' };
    const [short, long] = [chainBytes(1, 8), chainBytes(10_000, 8)];
    await turnsDuring(InferenceSession.create(short, options));
    const few = await turnsDuring(InferenceSession.create(short, options));
    expect(await turnsDuring(InferenceSession.create(long, options))).toBeGreaterThan(few + 1);
  });

  it('timers of a test framework may stand in for those of the system', async () => {
    vi.useFakeTimers();
    try {
      const session = await open();
      expect((await answerOf(session.run({ x: rowsOf(5, size) }))).length).toBe(5 * size * 4);
      session.dispose();
    } finally {
      vi.useRealTimers();
    }
  });

  it('feeds may be changed', async () => {
    const session = await open();
    const expected = Buffer.from(bitsOf(session.runSync({ x: rowsOf(5, size) })['y']!));
    session.dispose();
    const fresh = await open();
    const x = rowsOf(5, size);
    const running = fresh.run({ x });
    x.data.fill(Number.NaN);
    expect((await answerOf(running)).equals(expected)).toBe(true);
    fresh.dispose();
  });

  it.each([1, 2, 64])(
    'other runs begin, of the same dims and of others: %i plans kept',
    async (maxPlans) => {
      const session = await open({ maxPlans });
      const rows = [3, 4, 3, 5, 3, 4, 6, 3];
      const together = rows.map((count) => answerOf(session.run({ x: rowsOf(count, size) })));
      const answers = await Promise.all(together);
      for (const [i, count] of rows.entries()) {
        const alone = Buffer.from(bitsOf(session.runSync({ x: rowsOf(count, size) })['y']!));
        expect(answers[i]!.equals(alone)).toBe(true);
      }
      session.dispose();
    },
  );

  it('runSync does not wait', async () => {
    const session = await open();
    const x = rowsOf(7, size);
    const running = answerOf(session.run({ x }));
    const alone = Buffer.from(bitsOf(session.runSync({ x })['y']!));
    expect((await running).equals(alone)).toBe(true);
    session.dispose();
  });

  it('the session may be disposed of: the run ends, later ones are refused', async () => {
    const session = await open();
    const running = answerOf(session.run({ x: rowsOf(8, size) }));
    session.dispose();
    await expect(session.run({ x: rowsOf(8, size) })).rejects.toMatchObject({ code: 'DISPOSED' });
    expect((await running).length).toBe(8 * size * 4);
  });

  it('a run may be aborted, and leaves the plan to the next one', async () => {
    const session = await open();
    const controller = new AbortController();
    const x = rowsOf(9, size);
    const running = session.run({ x }, { signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await answerOf(session.run({ x }))).length).toBe(9 * size * 4);
    session.dispose();
  });
});
