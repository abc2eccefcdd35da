/** What each method of a session does in each state that it can be in, on each backend. */
import { describe, expect, it } from 'vitest';
import { OctavoError } from '../../src/core/errors.js';
import type { Feeds } from '../../src/runtime/feeds.js';
import { createSession, InferenceSession } from '../../src/runtime/session.js';
import { backends } from './backends.js';
import { bitsOf, chainBytes, quantizedChain, rowsOf } from './nets.js';

const size = 64;
const graph = quantizedChain(60, size);

/** Rows of a run that is over before an event loop turns, of one that is not, of one that is far from it. */
const rows: Record<string, { short: number; medium: number; long: number }> = {
  native: { short: 5, medium: 1000, long: 20_000 },
  wasm: { short: 5, medium: 1000, long: 4000 },
  reference: { short: 5, medium: 60, long: 300 },
};

// Rows do not know of each other: the answer to a few is the beginning of the answer to many.
const most = 1000;
const oracle = await createSession(graph, { backend: 'reference' });
const answers = Buffer.from(bitsOf(oracle.runSync({ x: rowsOf(most, size) })['y']!));

type Outcome = 'right' | 'nothing' | OctavoError['code'];

/** 'right' for the one right answer, 'nothing' for none, else the code of the error. */
async function outcomeOf(call: () => unknown): Promise<Outcome> {
  try {
    const result = await call();
    if (result === undefined) return 'nothing';
    const answer = bitsOf((result as Awaited<ReturnType<InferenceSession['run']>>)['y']!);
    expect(answer.length).toBeGreaterThan(0);
    expect(answers.subarray(0, answer.length).equals(answer)).toBe(true);
    return 'right';
  } catch (error) {
    if (error instanceof OctavoError) return error.code;
    throw error;
  }
}

/** A session with feeds for it. */
interface Subject {
  readonly session: InferenceSession;
  readonly short: Feeds;
  readonly medium: Feeds;
  readonly long: Feeds;
}

/** Runs that are under way, and what is to come of them. */
type Runs = (readonly [ended: Promise<Outcome>, expected: Outcome])[];

function abortedRun({ session, long }: Subject): Promise<unknown> {
  const controller = new AbortController();
  const running = session.run(long, { signal: controller.signal });
  controller.abort();
  return running;
}

/** How a session comes to be in a state. */
const states: Record<string, (subject: Subject) => Runs | Promise<Runs>> = {
  idle: () => [],
  running: ({ session, medium }) => [
    [outcomeOf(() => session.run(medium)), 'right'],
    [outcomeOf(() => session.run(medium)), 'right'],
  ],
  'running, one run aborted': (subject) => [
    [outcomeOf(() => subject.session.run(subject.medium)), 'right'],
    [outcomeOf(() => abortedRun(subject)), 'ABORTED'],
  ],
  failed: async (subject) => {
    const { session } = subject;
    const wide = { x: rowsOf(1, size + 1) };
    expect(await outcomeOf(() => session.run({}))).toBe('INVALID_INPUT');
    expect(await outcomeOf(() => session.runSync(wide))).toBe('INVALID_INPUT');
    expect(await outcomeOf(() => abortedRun(subject))).toBe('ABORTED');
    return [];
  },
  disposed: ({ session }) => {
    session.dispose();
    return [];
  },
  'disposed while running': ({ session, medium }) => {
    const running = outcomeOf(() => session.run(medium));
    session.dispose();
    return [[running, 'right']];
  },
};

const actions: Record<string, (subject: Subject) => unknown> = {
  run: ({ session, short }) => session.run(short),
  runSync: ({ session, short }) => session.runSync(short),
  dispose: ({ session }) => session.dispose(),
  'run, then abort': abortedRun,
  'abort, then run': ({ session, short }) => session.run(short, { signal: AbortSignal.abort() }),
};

/** Outcome of each action, in the order of `actions`. */
const usable: Outcome[] = ['right', 'right', 'nothing', 'ABORTED', 'ABORTED'];
const gone: Outcome[] = ['DISPOSED', 'DISPOSED', 'nothing', 'DISPOSED', 'DISPOSED'];

describe.each(backends)('on %s', (backend) => {
  const feedsOf = (length: 'short' | 'medium' | 'long') => ({
    x: rowsOf(rows[backend]![length], size),
  });
  const feeds = { short: feedsOf('short'), medium: feedsOf('medium'), long: feedsOf('long') };

  describe.each(Object.keys(states))('a session that is %s', (state) => {
    const outcomes = state.startsWith('disposed') ? gone : usable;
    it.each(Object.keys(actions).map((action, i) => [action, outcomes[i]!] as const))(
      '%s: %s',
      async (action, outcome) => {
        const session = await createSession(graph, { backend });
        const subject = { session, ...feeds };
        const runs = await states[state]!(subject);
        const done = outcomeOf(() => actions[action]!(subject));
        const afterwards = outcomeOf(() => session.run(feeds.short));
        expect(await done).toBe(outcome);
        for (const [ended, expected] of runs) expect(await ended).toBe(expected);
        const disposed = outcomes === gone || action === 'dispose';
        expect(await afterwards).toBe(disposed ? 'DISPOSED' : 'right');
        session.dispose();
      },
    );
  });

  it('sessions that load side by side do not know of each other', async () => {
    const bytes = chainBytes(3, size);
    const loading = [1, 2, 3].map(() => InferenceSession.create(bytes, { backend }));
    const failing = InferenceSession.create(bytes.subarray(0, 100), { backend });
    expect(await outcomeOf(() => failing)).toBe('INVALID_MODEL');
    const [first, ...others] = await Promise.all(loading);
    first!.dispose();
    for (const session of others) {
      expect((await session.run(feeds.short))['y']!.dims).toEqual([5, size]);
      session.dispose();
    }
  });
});
