/** Sums in the normalizations behind them: which become residuals, and that they compute what ONNX Runtime does. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { float32, node } from '../helpers/onnx-builder.js';
import { grid } from './lowerCases.js';
import { build, countOps, lowered, runOracle, runReference } from './oracle.js';

const dims = [2, 3, 5];

function network(other: readonly number[], outputs: readonly string[]) {
  const feeds: Record<string, Tensor> = { a: grid(...dims), b: grid(...other) };
  const graph = build({
    nodes: [
      node('Add', ['b', 'a'], ['s']),
      node('LayerNormalization', ['s', 'scale', 'bias'], ['y']),
    ],
    inputs: { a: float32(...dims), b: float32(...other) },
    outputs: Object.fromEntries(outputs.map((output) => [output, output])),
    constants: { scale: grid(5), bias: grid(5) },
  });
  return { graph, feeds };
}

describe('sums of normalizations', () => {
  it.each([
    { name: 'a residual', other: dims, outputs: ['y'], ops: { LayerNorm: 1 } },
    {
      name: 'a sum that is read',
      other: dims,
      outputs: ['y', 's'],
      ops: { LayerNorm: 1, Binary: 1 },
    },
    { name: 'a row for all', other: [5], outputs: ['y'], ops: { LayerNorm: 1, Binary: 1 } },
  ])('$name', async ({ other, outputs, ops }) => {
    const { graph, feeds } = network(other, outputs);
    expect(countOps(lowered(graph, feeds))).toEqual(ops);
    const found = runReference(graph, feeds);
    const expected = await runOracle(graph, feeds);
    for (const output of outputs) {
      const values = expected[output]!.data as Float32Array;
      expect([...(found[output]!.data as Float32Array)]).toEqual(
        [...values].map((value) => expect.closeTo(value, 5)),
      );
    }
  });
});
