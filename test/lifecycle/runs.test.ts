/** Many runs at once, runs that are aborted, and the event loop meanwhile: the native backend above all. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { createSession } from '../../src/runtime/session.js';
import { backends, noNative } from './backends.js';
import { bitsOf, chain, long, quantizedChain, rowsOf } from './nets.js';

type Session = Awaited<ReturnType<typeof createSession>>;

const native = { backend: 'native' };
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const outcomeOf = (running: Promise<unknown>): Promise<string> =>
  running.then(
    () => 'ended',
    ({ code }) => code,
  );
const answerOf = async (running: Promise<Record<string, Tensor>>) =>
  Buffer.from(bitsOf((await running)['y']!));

describe.skipIf(noNative !== undefined)('runs at once', () => {
  it.each([
    ['integers', quantizedChain(12, 256)],
    ['floats', chain(12, 256)],
  ])('give the bits that they give one by one: %s', async (_, graph) => {
    const session = await createSession(graph, native);
    const feeds = Array.from({ length: 8 }, (_, i) => ({ x: rowsOf(200 + 31 * i, 256, i) }));
    const alone: Buffer[] = [];
    for (const feed of feeds) alone.push(await answerOf(session.run(feed)));
    for (let round = 0; round < 5; round++) {
      const together = await Promise.all(feeds.map((feed) => answerOf(session.run(feed))));
      for (const [i, answer] of together.entries()) expect(answer.equals(alone[i]!)).toBe(true);
    }
    session.dispose();
  });

  it('share the process with runs of other sessions, and with runSync', async () => {
    const sessions = await Promise.all([1, 2, 3].map(() => createSession(chain(20, 96), native)));
    const feeds = { x: rowsOf(50, 96) };
    const [first] = sessions.map((session) => bitsOf(session.runSync(feeds)['y']!));
    const running = sessions.flatMap((session) => [session.run(feeds), session.run(feeds)]);
    const sync = sessions.map((session) => bitsOf(session.runSync(feeds)['y']!));
    for (const session of sessions) session.dispose();
    for (const answer of [...sync, ...(await Promise.all(running.map(answerOf)))]) {
      expect(answer.length).toBe(first!.length);
      expect(Buffer.compare(answer, first!)).toBe(0);
    }
  });

  it('end when the session is disposed of, however many', async () => {
    const session = await createSession(chain(20, 96), native);
    const feeds = { x: rowsOf(50, 96) };
    const expected = await answerOf(session.run(feeds));
    const running = Array.from({ length: 50 }, () => answerOf(session.run(feeds)));
    session.dispose();
    for (const answer of await Promise.all(running)) expect(answer.equals(expected)).toBe(true);
  });
});

describe.skipIf(noNative !== undefined)('runs too short for another thread', () => {
  const feeds = { x: rowsOf(3, 16) };

  /** A session that has found out how short its runs are, and their answer. */
  async function open() {
    const session = await createSession(chain(3, 16), native);
    const expected = Buffer.from(bitsOf(session.runSync(feeds)['y']!));
    return { session, expected };
  }

  it('let the event loop turn, and read their feeds before they do', async () => {
    const { session, expected } = await open();
    for (let i = 0; i < 20; i++) {
      let turned = false;
      const turn = nextTurn().then(() => {
        turned = true;
      });
      const x = { ...feeds.x, data: feeds.x.data.slice() };
      const running = session.run({ x });
      x.data.fill(Number.NaN);
      const answer = await answerOf(running);
      expect(answer.equals(expected)).toBe(true);
      expect(turned).toBe(true);
      await turn;
    }
    session.dispose();
  });

  it('are over at once when they are aborted, and others go on', async () => {
    const { session, expected } = await open();
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const aborted = outcomeOf(session.run(feeds, { signal: controller.signal }));
      const others = [session.run(feeds), session.run(feeds)];
      controller.abort();
      expect(await aborted).toBe('ABORTED');
      for (const other of others) expect((await answerOf(other)).equals(expected)).toBe(true);
    }
    session.dispose();
  });

  it('end when the session is disposed of', async () => {
    const { session, expected } = await open();
    const running = session.run(feeds);
    session.dispose();
    expect((await answerOf(running)).equals(expected)).toBe(true);
  });

  it('fail as longer ones do', async () => {
    const { session } = await open();
    const x = { ...feeds.x, data: feeds.x.data.slice() };
    structuredClone(x.data.buffer, { transfer: [x.data.buffer as ArrayBuffer] });
    expect(await outcomeOf(session.run({ x }))).toBe('INVALID_INPUT');
    expect(await outcomeOf(session.run(feeds))).toBe('ended');
    session.dispose();
  });
});

describe.each(backends.filter((backend) => backend !== 'reference'))(
  '1,000 runs, 8 in flight: %s',
  (backend) => {
    it('give the bits of the first ones, and no memory grows with them', async () => {
      const session = await createSession(quantizedChain(12, 256), { backend });
      const feeds = Array.from({ length: 8 }, (_, i) => ({ x: rowsOf(64, 256, i) }));
      const expected: Buffer[] = [];
      for (const feed of feeds) expected.push(await answerOf(session.run(feed)));
      const memory: number[] = [];
      let wrong = 0;
      await Promise.all(
        feeds.map(async (feed, i) => {
          for (let run = 0; run < 125; run++) {
            if (!(await answerOf(session.run(feed))).equals(expected[i]!)) wrong++;
            if (i === 0 && run % 25 === 24) memory.push(process.memoryUsage.rss());
          }
        }),
      );
      session.dispose();
      expect(wrong).toBe(0);
      // Behind the warm-up; outputs are garbage until a collection, so some megabytes come and go.
      expect(memory.at(-1)! - memory[1]!).toBeLessThan(64 * 2 ** 20);
    });
  },
);

describe.skipIf(noNative !== undefined)('models of the same constants', () => {
  it('hold them once in a process', async () => {
    const { createNativeBackend } = await import('../../src/backends/native/index.js');
    const constants = new Uint8Array(64 * 2 ** 20);
    for (let i = 0; i < constants.length; i += 4096) constants[i] = i >> 12;
    const backend = createNativeBackend();
    const before = process.memoryUsage.rss();
    const models = Array.from({ length: 8 }, () => backend.open(constants));
    expect(process.memoryUsage.rss() - before).toBeLessThan(3 * constants.length);
    constants[4096] = 77;
    const other = backend.open(constants);
    expect(process.memoryUsage.rss() - before).toBeGreaterThan(1.5 * constants.length);
    for (const model of [...models, other]) model.dispose();
  });
});

describe.skipIf(noNative !== undefined)('a long run', () => {
  let session: Session | undefined;
  const open = async () => {
    session ??= await createSession(chain(long.products, long.size), native);
    return session;
  };
  const feeds = { x: rowsOf(long.rows, long.size) };
  afterAll(() => session?.dispose());

  it('leaves the event loop alone', async () => {
    const running = (await open()).run(feeds);
    let ended = false;
    void running.finally(() => {
      ended = true;
    });
    let turns = 0;
    for (; !ended; turns++) await nextTurn();
    expect(turns).toBeGreaterThan(2000);
    await running;
  });

  it.runIf(process.platform === 'linux')('makes way for the event loop', async () => {
    const running = (await open()).run(feeds);
    const niceOf = (thread: string) => {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
      // Behind the name, which may hold anything, from the third field on: nice is the 19th.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    };
    const own = niceOf(String(process.pid));
    const others = readdirSync('/proc/self/task').map(niceOf);
    expect(others.filter((nice) => nice === Math.min(own + 10, 19)).length).toBeGreaterThan(0);
    await running;
  });

  it('rejects when it is aborted, at any moment, and its neighbours do not', async () => {
    const opened = await open();
    const neighbour = opened.run(feeds);
    for (const turns of [0, 1, 10, 100]) {
      const controller = new AbortController();
      const running = opened.run(feeds, { signal: controller.signal });
      const reason = new Error(`after ${turns}`);
      const rejected = expect(running).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
      for (let i = 0; i < turns; i++) await nextTurn();
      controller.abort(reason);
      await rejected;
    }
    expect((await neighbour)['y']!.dims).toEqual([long.rows, long.size]);
  });

  it('is over at once when it is aborted before its turn, however many are in front of it', async () => {
    const opened = await open();
    // More than there are threads to run them: all but the first ones wait.
    const controllers = Array.from({ length: 40 }, () => new AbortController());
    const outcomes: string[] = [];
    const running = controllers.map(async ({ signal }) => {
      const outcome = await outcomeOf(opened.run(feeds, { signal }));
      outcomes.push(outcome);
      return outcome;
    });
    for (const controller of controllers.slice(-8)) controller.abort();
    expect(await Promise.all(running.slice(-8))).toEqual(new Array(8).fill('ABORTED'));
    // On a busy machine the first ones may have ended meanwhile; those that are in front have not had their turn.
    expect(outcomes.length).toBeLessThan(24);
    for (const controller of controllers) controller.abort();
    const ended = (await Promise.all(running)).filter((outcome) => outcome === 'ended');
    expect(ended.length).toBeLessThan(16);
  });

  it('is deaf to its signal once it is over, and takes its listener off', async () => {
    const small = await createSession(chain(2, 8), native);
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, 'addEventListener');
    const remove = vi.spyOn(controller.signal, 'removeEventListener');
    const { y } = await small.run({ x: rowsOf(1, 8) }, { signal: controller.signal });
    controller.abort();
    await nextTurn();
    expect(y!.dims).toEqual([1, 8]);
    expect(add).toHaveBeenCalledOnce();
    expect(remove).toHaveBeenCalledOnce();
    expect(remove.mock.calls[0]!.slice(0, 2)).toEqual(add.mock.calls[0]!.slice(0, 2));
    small.dispose();
  });

  it('is not aborted by the signal of another, not even of another copy of the package', async () => {
    const copies: Session[] = [];
    for (let i = 0; i < 2; i++) {
      vi.resetModules();
      const copy = await import('../../src/runtime/session.js');
      expect(copy.createSession).not.toBe(createSession);
      copies.push(await copy.createSession(chain(long.products, long.size), native));
    }
    const controllers = copies.map(() => new AbortController());
    const runs = copies.map((copy, i) =>
      outcomeOf(copy.run(feeds, { signal: controllers[i]!.signal })),
    );
    controllers[1]!.abort();
    expect(await Promise.all(runs)).toEqual(['ended', 'ABORTED']);
    for (const copy of copies) copy.dispose();
  });
});
