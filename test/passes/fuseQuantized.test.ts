/**
 * Quantized islands. Whatever fusing makes of them must be what the QDQ form says in float: codes
 * equal to ONNX Runtime's running the graph as it is written, but for ties that float rounds otherwise;
 * and the steps must be the integer ones.
 */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { inferTypes } from '../../src/graph/infer.js';
import type { Graph, ValueType } from '../../src/graph/ir.js';
import { cases } from './islandCases.js';
import { island } from './islands.js';
import { countOps, lowered, runOracle, runReference } from './oracle.js';

/** Steps that belong to no island: what borders it, and what only moves. */
function stepsOf(graph: Graph): Record<string, number> {
  const { QuantizeLinear, DequantizeLinear, Transpose, ...rest } = countOps(graph);
  return rest;
}

function expectSameCodes(found: Tensor, expected: Tensor, step: number | undefined): void {
  expect([found.type, found.dims]).toEqual([expected.type, [...expected.dims]]);
  const a = found.data as Float32Array;
  const b = expected.data as Float32Array;
  let unequal = 0;
  for (let i = 0; i < b.length; i++) {
    const off = Math.abs(a[i]! - b[i]!);
    if (step === undefined) {
      // A tie that the float form, which rounds each product and sum, decides otherwise.
      if (off > 1) expect.fail(`code ${i} is ${a[i]}, not ${b[i]}`);
      if (off > 0) unequal++;
    } else if (off > step * Math.max(1, Math.abs(b[i]!)))
      expect.fail(`${i} is ${a[i]}, not ${b[i]}`);
  }
  expect(unequal).toBeLessThanOrEqual(b.length / 1000 + 1);
}

describe('fusing quantized islands', () => {
  it.each(cases.map((one) => [one.name, one] as const))(
    '%s',
    async (_, { make, steps, tolerance }) => {
      for (let seed = 1; seed <= 3; seed++) {
        const g = island(seed);
        const outputs = make(g);
        // The codes themselves are compared, where there are any.
        const shown = outputs.map((output) => (output.endsWith('_dq') ? `${output}_q` : output));
        const graph = g.graph(...shown);
        const found = runReference(graph, g.feeds);
        const expected = await runOracle(graph, g.feeds);
        for (const name of shown) expectSameCodes(found[name]!, expected[name]!, tolerance);
        const counts = stepsOf(lowered(g.graph(...outputs), g.feeds));
        const { Reshape, ...moved } = counts;
        expect('Reshape' in steps ? counts : moved).toEqual(steps);
      }
    },
  );

  it.each(cases.map((one) => [one.name, one] as const))(
    '%s: the same, where dims become known later',
    (_, { make, steps }) => {
      const g = island(1);
      const outputs = make(g);
      const graph = g.graph(...outputs);
      const freed = (name: string, { type, dims = [] }: ValueType): [string, ValueType] => {
        const free = graph.inputs.includes(name);
        return [name, { type, dims: free ? dims.map((_, axis) => `${name}${axis}`) : undefined }];
      };
      const types = [...graph.types].map(([name, type]) => freed(name, type));
      const open = lowered(inferTypes({ ...graph, types: new Map(types) }), {});
      const { Reshape, ...moved } = stepsOf(lowered(open, g.feeds));
      const { Reshape: _reshapes, ...expected } = steps;
      expect(moved).toEqual(expected);
      expect(runReference(open, g.feeds)).toEqual(runReference(graph, g.feeds));
    },
  );
});
