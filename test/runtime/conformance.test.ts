/**
 * ONNX's node cases through the whole way: import, passes, stages, reference backend. A case counts when
 * all its operators are lowered, evaluated or folded; each of those passes, or stands below with the reason.
 * Inputs of integers and bools are given as constants, as models have them.
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { bitsOf, isInteger } from '../../src/core/dtype.js';
import { OctavoError } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor.js';
import { inferTypes } from '../../src/graph/infer.js';
import { type Graph, qualifiedOp } from '../../src/graph/ir.js';
import { importModel } from '../../src/onnx/import.js';
import { isEvaluated } from '../../src/passes/evaluate/index.js';
import { expandedOperators } from '../../src/passes/expand/index.js';
import { loweredOperators } from '../../src/passes/lower/index.js';
import { qOperators } from '../../src/passes/lower/qOperators.js';
import { createProgram } from '../../src/runtime/program.js';
import { StageRunner } from '../../src/runtime/stageRunner.js';
import { loadNodeCases, type NodeCase, noNodeCases } from '../helpers/nodeCases.js';
import type { Results } from '../passes/oracle.js';

/** Names of cases that are refused, and why. Each is an `UNSUPPORTED_OPERATOR` or `UNSUPPORTED_TYPE` error. */
const refused: readonly (readonly [RegExp, string])[] = [
  [/^test_cast(like)?_.*(INT4|INT2)/, 'elements below a byte'],
  [/^test_(de)?quantizelinear_u?int[24]$/, 'elements below a byte'],
  [/^test_(max|min)_float16$|_fp16_expanded/, 'arithmetic in 16-bit floats'],
  [/^test_range_bfloat16_type_positive_delta$/, 'ranges of 16-bit floats'],
  [/^test_reduce_(max|min)_bool/, 'reductions of bools'],
  [/^test_qlinearmatmul_.*_float16$/, 'scales in float16'],
  [/^test_dropout_default_mask/, 'a mask as output'],
  [/^test_layer_normalization_(?!.*_expanded)/, 'mean and deviation as outputs'],
  [/^test_reshape_allowzero/, 'an empty axis that changes place'],
];

/** Operators of sizes, which folding alone knows. */
const sizes = new Set(['Shape', 'Size']);

function isClaimed(graph: Graph): boolean {
  return graph.nodes.every((node) => {
    const op = qualifiedOp(node);
    return (
      loweredOperators.has(op) ||
      expandedOperators.has(op) ||
      qOperators.has(op) ||
      sizes.has(op) ||
      isEvaluated(node)
    );
  });
}

interface Prepared {
  readonly graph: Graph;
  readonly feeds: Record<string, Tensor>;
}

/** The case's graph with inputs `from` and those of wide integers and bools turned into constants. */
function prepare(graph: Graph, inputs: readonly Tensor[], from: number): Prepared {
  const constants = new Map(graph.constants);
  const feeds: Record<string, Tensor> = {};
  graph.inputs.forEach((name, i) => {
    const input = inputs[i]!;
    const sized = input.type === 'bool' || (isInteger(input.type) && bitsOf(input.type) >= 32);
    if (i > 0 && (i >= from || sized)) constants.set(name, input);
    else feeds[name] = input;
  });
  const types = new Map([...graph.types].filter(([name]) => !constants.has(name)));
  return { graph: { ...graph, inputs: Object.keys(feeds), constants, types }, feeds };
}

const backend = createReferenceBackend();

/** Results by the names of the graph's outputs, of as many stages as it takes. */
function runProgram({ graph, feeds }: Prepared): Results {
  const program = createProgram(inferTypes(graph));
  const model = backend.open(program.constants);
  try {
    const dims = new Map(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
    const runner = new StageRunner(model, program.specialize(dims), 4);
    const { outputs, data } = runner.runSync(new Map(Object.entries(feeds)));
    return Object.fromEntries(
      outputs.map(({ name, type, dims }, i) => [name, { type, dims, data: data[i]! } as Tensor]),
    );
  } finally {
    model.dispose();
  }
}

/** As it is; or, where that is refused, with parameters known beforehand, as models have them. */
function run(graph: Graph, inputs: readonly Tensor[]): Results {
  const open = prepare(graph, inputs, Number.POSITIVE_INFINITY);
  try {
    return runProgram(open);
  } catch (error) {
    if (!(error instanceof OctavoError) || error.code !== 'UNSUPPORTED_OPERATOR') throw error;
    return runProgram(prepare(graph, inputs, 1));
  }
}

function expectClose(found: Tensor | undefined, expected: Tensor, name: string): void {
  expect([found?.type, found?.dims], name).toEqual([expected.type, expected.dims]);
  const b = expected.data as ArrayLike<number | bigint>;
  const a = found!.data as ArrayLike<number | bigint>;
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    const close = Object.is(x, y) || x === y || Math.abs(x - y) <= 1e-6 + 1e-3 * Math.abs(y);
    if (!close) expect.fail(`${name}[${i}] is ${x}, not ${y}`);
  }
}

interface Claimed {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
  readonly outputs: NodeCase['outputs'];
}

function claimedCases(): Claimed[] {
  if (noNodeCases) return [];
  return loadNodeCases().flatMap(({ name, model, inputs, outputs }) => {
    try {
      const { graph } = importModel(model);
      if (!isClaimed(graph) || inputs.some((input) => input === undefined)) return [];
      return [{ name, graph, inputs: inputs as Tensor[], outputs }];
    } catch {
      return []; // types and operators that import refuses are import's to test
    }
  });
}

describe.skipIf(noNodeCases !== undefined)(
  `ONNX node cases${noNodeCases ? `: ${noNodeCases}` : ''}`,
  () => {
    const cases = claimedCases();
    const isRefused = ({ name }: Claimed) => refused.some(([pattern]) => pattern.test(name));
    const passing = cases.filter((one) => !isRefused(one));

    it.each(passing.map((one) => [one.name, one] as const))(
      '%s',
      (_, { graph, inputs, outputs }) => {
        const results = run(graph, inputs);
        graph.outputs.forEach(({ name }, i) => {
          const expected = outputs[i];
          if (expected !== undefined) expectClose(results[name], expected, name);
        });
      },
    );

    it.each(refused.map(([pattern, why]) => [why, pattern] as const))(
      'refuses %s: %s',
      (_, pattern) => {
        const bad = cases.filter(({ name }) => pattern.test(name));
        expect(bad).not.toEqual([]);
        for (const { name, graph, inputs } of bad) {
          expect(() => run(graph, inputs), name).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^UNSUPPORTED_/) }),
          );
        }
      },
    );

    it('are many', () => {
      expect(passing.length).toBeGreaterThan(300);
    });
  },
);
