/**
 * ONNX's node cases, as far as they are made of operators with a definition: inference must find the
 * types of their outputs, and folding, with all inputs constant, must find the values, wherever there is
 * an evaluator. Evaluators round once where ONNX's implementation rounds step by step: hence 1e-6.
 */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { inferTypes } from '../../src/graph/infer.js';
import { type Graph, typeOf } from '../../src/graph/ir.js';
import { definitionOf } from '../../src/graph/ops/index.js';
import { importModel } from '../../src/onnx/import.js';
import { constantFolding } from '../../src/passes/constantFolding.js';
import { runPasses } from '../../src/passes/pass.js';
import { loadNodeCases, noNodeCases } from '../helpers/nodeCases.js';

interface Case {
  readonly name: string;
  /** The model with its inputs turned into constants. */
  readonly graph: Graph;
  readonly inputTypes: Graph;
  readonly outputs: readonly (Tensor | undefined)[];
}

function usableCases(): Case[] {
  return loadNodeCases().flatMap(({ name, model, inputs, outputs }) => {
    let graph: Graph;
    try {
      ({ graph } = importModel(model));
    } catch {
      return []; // types and operators that import refuses are import's to test
    }
    const known = graph.nodes.every((node) => definitionOf(node) !== undefined);
    if (!known || inputs.some((input) => input === undefined)) return [];
    const constants = new Map(graph.constants);
    graph.inputs.forEach((input, i) => {
      constants.set(input, inputs[i]!);
    });
    return [
      {
        name,
        graph: { ...graph, inputs: [], constants, types: new Map() },
        inputTypes: graph,
        outputs,
      },
    ];
  });
}

function isClose(a: number, b: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b));
}

describe.skipIf(noNodeCases)(
  `ONNX node cases${noNodeCases ? `, skipped: ${noNodeCases}` : ''}`,
  () => {
    const cases = noNodeCases === undefined ? usableCases() : [];

    it('are there', () => {
      expect(cases.length).toBeGreaterThanOrEqual(530);
    });

    it('have the inferred types, where they follow from the types of the inputs', () => {
      const wrong: string[] = [];
      for (const { name, inputTypes, outputs } of cases) {
        const typed = inferTypes(inputTypes);
        outputs.forEach((expected, i) => {
          const found = typeOf(typed, typed.outputs[i]!.value);
          if (expected === undefined || found === undefined) return;
          const fits =
            found.type === expected.type &&
            (found.dims === undefined ||
              (found.dims.length === expected.dims.length &&
                found.dims.every((dim, k) => typeof dim !== 'number' || dim === expected.dims[k])));
          if (!fits) wrong.push(`${name}: ${found.type} [${found.dims}]`);
        });
      }
      expect(wrong).toEqual([]);
    });

    it('fold to the expected values and types', () => {
      const wrong: string[] = [];
      let folded = 0;
      for (const { name, graph, outputs } of cases) {
        const after = runPasses(inferTypes(graph), [constantFolding()]);
        after.outputs.forEach(({ value }, i) => {
          const expected = outputs[i];
          const found = after.constants.get(value);
          const type = typeOf(after, value);
          if (expected === undefined) return;
          // What a Loop carries has whatever shape its last iteration gave it, and so has what an If chooses.
          const bodies = graph.nodes.some(({ op }) => op === 'Loop' || op === 'If');
          const open = type?.dims === undefined && bodies;
          if (open && type === undefined) return;
          const dims = open ? expected.dims : type?.dims;
          if (type?.type !== expected.type || String(dims) !== String(expected.dims)) {
            wrong.push(`${name}: ${type?.type} [${type?.dims}] for [${expected.dims}]`);
          }
          if (found === undefined) return;
          folded++;
          const [a, b] = [found, expected].map(({ data }) =>
            Array.from(data as ArrayLike<number | bigint>, Number),
          );
          if (a!.length !== b!.length || a!.some((x, k) => !isClose(x, b![k]!))) {
            wrong.push(`${name}: ${a!.slice(0, 8)} for ${b!.slice(0, 8)}`);
          }
        });
      }
      expect(wrong).toEqual([]);
      expect(folded).toBeGreaterThanOrEqual(440);
    });
  },
);
