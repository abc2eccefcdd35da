/**
 * Runs every suite on several backends at once and compares each answer with the reference's. A
 * problem is drawn, solved by the reference, and put to all backends before the next one is drawn,
 * so that any number of problems takes the memory of one.
 */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { OctavoError } from '../../src/core/errors.js';
import { runSingle } from '../helpers/singleStep.js';
import { problemsPerSuite, suites } from '../suites/index.js';
import {
  describeProblem,
  drawProblem,
  firstDifference,
  type Problem,
  type Suite,
} from '../suites/problem.js';

/** A backend that is tested if this machine has it. */
export interface Candidate {
  readonly label: string;
  /** To lack it is a failure, not a reason to skip. */
  readonly required: boolean;
  readonly create: () => Backend;
}

export interface Contender {
  readonly label: string;
  readonly backend: Backend;
}

/** Problems on which `run` is tried as well as `runSync`, two runs at a time: one in this many. */
const asyncEvery = 5;

const millisecondsPerProblem = 200;

/** What the environment forces: a backend, an instruction set, a number of threads. */
export const forced = {
  backend: process.env['OCTAVO_BACKEND'],
  isa: process.env['OCTAVO_ISA'],
  threads: process.env['OCTAVO_THREADS'],
};

/** Numbers of threads to test. */
export const threadCounts: readonly number[] =
  forced.threads === undefined ? [1, 2] : [Number(forced.threads)];

/**
 * Declares the tests of all candidates. Those that this machine lacks are skipped, which is said.
 */
export function testBackends(candidates: readonly Candidate[]): void {
  const contenders: Contender[] = [];
  for (const { label, create, required } of candidates) {
    const backend = available(label, create, required);
    if (backend !== undefined) contenders.push({ label, backend });
  }
  if (contenders.length === 0) return;
  describe(`equal to the reference: ${contenders.map(({ label }) => label).join(', ')}`, () => {
    for (const suite of suites) {
      it(
        suite.name,
        async () => {
          const report = await reportOf(suite, contenders, problemsPerSuite);
          expect(report, `${suite.name}: ${problemsPerSuite} problems`).toBe('');
        },
        problemsPerSuite * millisecondsPerProblem,
      );
    }
  });
}

/** What `create` makes; undefined, and a skipped test, if it is not available here. */
export function available<T>(label: string, create: () => T, required: boolean): T | undefined {
  try {
    return create();
  } catch (error) {
    const missing = error instanceof OctavoError && error.code === 'BACKEND_UNAVAILABLE';
    if (!missing || required) throw error;
    skip(label, error.message);
    return undefined;
  }
}

/** A skipped test that says why, in the count of tests and on a line of its own. */
export function skip(label: string, reason: string): void {
  process.stderr.write(`skipped: ${label}: ${reason}\n`);
  it.skip(`${label}: ${reason}`);
}

/**
 * The first wrong answer of each contender, and how many more there are; empty when all are right.
 */
export async function reportOf(
  suite: Suite,
  contenders: readonly Contender[],
  problems: number,
): Promise<string> {
  const reference = createReferenceBackend();
  const failures = new Map<string, string[]>();
  for (let index = 0; index < problems; index++) {
    const problem = drawProblem(suite, index);
    const { plan, inputs, seed } = problem;
    const expected = runSingle(reference, plan, inputs);
    for (const { label, backend } of contenders) {
      const fault = await faultOf(backend, problem, expected, index % asyncEvery === 0);
      if (fault === undefined) continue;
      const where = `${label}, problem ${index} (seed ${seed}): ${fault}`;
      const known = failures.get(label) ?? [];
      failures.set(label, [...known, `${where}\n    ${describeProblem(problem)}`]);
    }
  }
  return [...failures]
    .map(([label, [first, ...more]]) => `${first}\n    and ${more.length} more on ${label}`)
    .join('\n');
}

/** What is wrong with a backend's answers to one problem, or undefined. */
async function faultOf(
  backend: Backend,
  { plan, inputs, tolerance }: Problem,
  expected: ReturnType<typeof runSingle>,
  alsoAsync: boolean,
): Promise<string | undefined> {
  const model = backend.open(plan.model);
  try {
    const prepared = model.prepare(plan);
    const answers = [prepared.runSync(inputs)];
    if (alsoAsync)
      answers.push(...(await Promise.all([prepared.run(inputs), prepared.run(inputs)])));
    return answers
      .map((answer) => firstDifference(expected, answer, tolerance))
      .find((difference) => difference !== undefined);
  } catch (error) {
    return error instanceof OctavoError ? `${error.code}: ${error.message}` : String(error);
  } finally {
    model.dispose();
  }
}
