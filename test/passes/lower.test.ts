import { describe, expect, it } from 'vitest';
import type { DataType } from '../../src/core/dtype.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { Dim } from '../../src/graph/ir.js';
import { float32, node } from '../helpers/onnx-builder.js';
import { type Case, cases, grid, positive } from './lowerCases.js';
import { build, countOps, lowered, runOracle, runReference } from './oracle.js';

function isTensor(input: Case['inputs'][number]): input is Tensor {
  return input !== undefined && 'data' in input;
}

function graphAndFeeds(
  { op, attributes = {}, inputs, outputs = 1, positive: above }: Case,
  free: boolean,
) {
  const names = inputs.map((input, i) => (input === undefined ? '' : `x${i}`));
  while (names.at(-1) === '') names.pop();
  const feeds: Record<string, Tensor> = {};
  const types: Record<string, { type: DataType; dims: Dim[] }> = {};
  const constants: Record<string, Tensor> = {};
  inputs.forEach((input, i) => {
    if (input === undefined) return;
    if (isTensor(input)) {
      constants[names[i]!] = input;
      return;
    }
    feeds[names[i]!] = above ? positive(...input) : grid(...input);
    const dims = input.map((dim, axis): Dim => (free ? `d${i}_${axis}` : dim));
    types[names[i]!] = { type: 'float32', dims };
  });
  const values = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const graph = build({
    nodes: [node(op, names, values, attributes)],
    inputs: types,
    outputs: Object.fromEntries(values.map((value) => [value, value])),
    constants,
  });
  return { graph, feeds };
}

function expectClose(found: Tensor, expected: Tensor, name: string): void {
  expect([found.type, found.dims], name).toEqual([expected.type, [...expected.dims]]);
  const a = found.data as Float32Array;
  const b = expected.data as Float32Array;
  for (let i = 0; i < b.length; i++) {
    const far = Math.abs(Number(a[i]) - Number(b[i])) > 2e-6 + 2e-6 * Math.abs(Number(b[i]));
    if (far) expect.fail(`${name}[${i}] is ${a[i]}, not ${b[i]}`);
  }
}

describe('lowering', () => {
  it.each(cases.map((one) => [`${one.op} ${one.name}`, one] as const))(
    '%s computes what ONNX Runtime does',
    async (_, one) => {
      const { graph, feeds } = graphAndFeeds(one, false);
      const found = runReference(graph, feeds);
      const expected = await runOracle(graph, feeds);
      for (const { name } of graph.outputs) expectClose(found[name]!, expected[name]!, name);
      const counts = countOps(lowered(graph, feeds));
      expect(counts).toMatchObject(one.steps ?? {});
      expect(Object.keys(counts).filter((op) => one.steps && !(op in one.steps))).toEqual([]);
    },
  );

  it.each(cases.map((one) => [`${one.op} ${one.name}`, one] as const))(
    '%s gives the same when dims become known later',
    (_, one) => {
      const fixed = graphAndFeeds(one, false);
      const expected = runReference(fixed.graph, fixed.feeds);
      const open = graphAndFeeds(one, true);
      const once = { ...open.graph };
      // The program's way: all passes on the open graph, then again with dims.
      const found = runReference(runOpen(once), fixed.feeds);
      for (const { name } of fixed.graph.outputs) {
        expect(found[name], name).toEqual(expected[name]);
      }
    },
  );
});

function runOpen(graph: Parameters<typeof lowered>[0]) {
  return lowered(graph, {});
}

it('keeps float32 types for dims that stay open', () => {
  const graph = build({
    nodes: [node('Conv', ['x', 'w'], ['y'])],
    inputs: { x: float32('N', 3, 'H', 'W') },
    outputs: { y: 'y' },
    constants: { w: grid(2, 3, 3, 3) },
  });
  const open = lowered(graph, {});
  expect(countOps(open)).toEqual({ Transpose: 2, Conv: 1 });
  expect(open.constants.get([...open.constants.keys()][0]!)!.dims).toEqual([2, 3, 3, 3]);
  expect(open.types.get('y')).toEqual({ type: 'float32', dims: ['N', 2, '?y.2', '?y.3'] });
});
