/**
 * docs/conformance.json holds what Octavo claims: every operator it takes, and every one of ONNX's node cases that does
 * not pass, with the reason. Here both are held against the code and the data: a case passes or is listed, what is listed
 * still fails, and the facts about operators are those found out. `npm run test:unit -- test/conformance -u` brings facts
 * up to date and takes stale exclusions out; new ones, and the notes, are written by hand.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { wasmKernels } from '../../src/backends/wasm/kernels.js';
import { loadNodeCases, noNodeCases } from '../helpers/nodeCases.js';
import { judge, type Verdict } from './cases.js';
import { knownOperators, typesTaken, type Way } from './facts.js';

interface OperatorEntry {
  readonly operator: string;
  /** The oldest operator set whose form of it is read. */
  readonly since: number;
  readonly runs: Way;
  readonly types: readonly string[];
  /** Kinds of steps that its cases became. */
  readonly steps: readonly string[];
  /** Node cases of this operator alone. */
  readonly passed: number;
  readonly excluded: number;
  readonly note?: string;
}

interface Conformance {
  readonly operators: readonly OperatorEntry[];
  /** Kinds of steps that have a WASM kernel. */
  readonly webAssembly: readonly string[];
  readonly excluded: readonly { readonly reason: string; readonly cases: readonly string[] }[];
  /** Node cases of several operators that pass. */
  readonly composed: number;
}

const docs = new URL('../../docs/', import.meta.url);
const renderer = new URL('../../scripts/operators.mjs', import.meta.url).href;
const path = fileURLToPath(new URL('conformance.json', docs));
const stated: Conformance = JSON.parse(readFileSync(path, 'utf8'));
const entries = new Map(stated.operators.map((entry) => [entry.operator, entry]));
const excluded = new Set(stated.excluded.flatMap(({ cases }) => cases));

it('lists every operator that is taken, and no other', () => {
  expect([...entries.keys()]).toEqual([...knownOperators().keys()]);
  expect([...entries.values()].map(({ runs }) => runs)).toEqual([...knownOperators().values()]);
});

it('is what docs/OPERATORS.md is made of', async () => {
  const { renderOperators } = await import(renderer);
  const rendered = readFileSync(fileURLToPath(new URL('OPERATORS.md', docs)), 'utf8');
  expect(rendered, 'node scripts/operators.mjs brings it up to date').toBe(renderOperators(stated));
});

it('lists no case twice', () => {
  expect(stated.excluded.flatMap(({ cases }) => cases)).toHaveLength(excluded.size);
});

describe.skipIf(noNodeCases !== undefined)(
  `ONNX node cases${noNodeCases ? `: ${noNodeCases}` : ''}`,
  () => {
    const cases = noNodeCases === undefined ? loadNodeCases() : [];
    const verdicts = cases.map(judge);
    const passing = verdicts.filter(({ failure }) => failure === undefined);

    it.each(
      verdicts.filter(({ name }) => !excluded.has(name)).map((one) => [one.name, one] as const),
    )('%s', (_, { failure }) => {
      expect(failure).toBeUndefined();
    });

    it.each(stated.excluded.map(({ reason, cases: names }) => [reason, names] as const))(
      'still refuses for: %s',
      (_, names) => {
        const failures = new Map(verdicts.map(({ name, failure }) => [name, failure ?? 'passes']));
        const wrong = names.filter(
          (name) => !/^UNSUPPORTED_|no tensor$/.test(failures.get(name) ?? ''),
        );
        expect(wrong.map((name) => `${name}: ${failures.get(name)}`)).toEqual([]);
      },
    );

    it('are as many as there are', () => {
      expect(passing.length + excluded.size).toBe(cases.length);
    });

    it('are summed up in docs/conformance.json', async () => {
      await expect(`${JSON.stringify(summary(), null, 2)}\n`).toMatchFileSnapshot(path);
    }, 120_000);

    /** What is stated, with the facts as they are. */
    function summary(): Conformance {
      const single = (operator: string) => (verdict: Verdict) =>
        verdict.operators.length === 1 && verdict.operators[0] === operator;
      const byName = new Map(cases.map((one) => [one.name, one]));
      const operators = [...knownOperators()].map(([operator, runs]): OperatorEntry => {
        const entry = entries.get(operator);
        const own = passing.filter(single(operator));
        const found = typesTaken(
          operator,
          own.map(({ name }) => byName.get(name)!),
        );
        const note = entry?.note;
        return {
          operator,
          since: entry?.since ?? 1,
          runs,
          types: own.length > 0 ? found : (entry?.types ?? []),
          steps:
            own.length > 0
              ? [...new Set(own.flatMap(({ steps }) => steps))].sort()
              : (entry?.steps ?? []),
          passed: own.length,
          excluded: verdicts.filter(single(operator)).length - own.length,
          ...(note === undefined ? {} : { note }),
        };
      });
      const failing = new Set(verdicts.filter(({ failure }) => failure).map(({ name }) => name));
      return {
        operators,
        webAssembly: Object.keys(wasmKernels).sort(),
        excluded: stated.excluded
          .map(({ reason, cases: names }) => ({
            reason,
            cases: names.filter((name) => failing.has(name)).sort(),
          }))
          .filter(({ cases: names }) => names.length > 0),
        composed: passing.filter(({ operators: own }) => own.length !== 1).length,
      };
    }
  },
);
