/** Rows of quantized tables, against ONNX Runtime, and what stays of the table. */
import { describe, expect, it } from 'vitest';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute } from '../../src/graph/ir.js';
import { node, t } from '../helpers/onnx-builder.js';
import { createRandom, floats, integers } from '../helpers/random.js';
import { build, lowered, runOracle, runReference } from './oracle.js';

const { int } = attribute;
const random = createRandom(41);
const rows = 9;

const codes = (type: 'int8' | 'uint8', dims: number[]) =>
  ({
    type,
    dims,
    data: integers(
      random,
      type,
      elementCount(dims),
      type === 'int8' ? -128 : 0,
      type === 'int8' ? 127 : 255,
    ),
  }) as Tensor;
const steps = (count: number) => t('float32', [...floats(random, count, 0.01, 1)], [count]);

interface Case {
  readonly what: string;
  readonly table: Tensor;
  readonly scale: Tensor;
  readonly zero?: Tensor;
  readonly axis?: number;
  readonly indices: Tensor;
}

const some = t('int64', [3, 0, -1, 3, 8, -9], [2, 3]);

const cases: readonly Case[] = [
  {
    what: 'one step',
    table: codes('int8', [rows, 5]),
    scale: t('float32', [0.3], []),
    indices: some,
  },
  {
    what: 'one step and zero point',
    table: codes('uint8', [rows, 5]),
    scale: t('float32', [0.3], []),
    zero: t('uint8', [131], []),
    indices: some,
  },
  {
    what: 'a step for each row',
    table: codes('int8', [rows, 5]),
    scale: steps(rows),
    axis: 0,
    indices: some,
  },
  {
    what: 'a step for each row of a cube',
    table: codes('int8', [rows, 2, 3]),
    scale: steps(rows),
    axis: -3,
    indices: some,
  },
  {
    what: 'zero points for each row',
    table: codes('uint8', [rows, 5]),
    scale: steps(rows),
    zero: codes('uint8', [rows]),
    axis: 0,
    indices: some,
  },
  {
    what: 'a step for each column',
    table: codes('int8', [rows, 5]),
    scale: steps(5),
    zero: codes('int8', [5]),
    axis: 1,
    indices: some,
  },
  {
    what: 'a step for each of the last axis, one index',
    table: codes('int8', [rows, 2, 5]),
    scale: steps(5),
    axis: -1,
    indices: t('int32', [4], []),
  },
];

function graphOf(
  { table, scale, zero, axis, indices }: Case,
  more: ReturnType<typeof node>[] = [],
) {
  const inputs = ['table', 'scale', ...(zero === undefined ? [] : ['zero'])];
  const attributes: Record<string, Attribute> = axis === undefined ? {} : { axis: int(axis) };
  return build({
    nodes: [
      node('DequantizeLinear', inputs, ['reals'], attributes),
      node('Gather', ['reals', 'indices'], ['y']),
      ...more,
    ],
    inputs: { indices },
    outputs: { y: 'y', ...(more.length > 0 && { z: 'z' }) },
    constants: { table, scale, ...(zero && { zero }) },
  });
}

/** How many float constants are as large as the table. */
const unfolded = (graph: ReturnType<typeof lowered>, table: Tensor) =>
  [...graph.constants.values()].filter(
    ({ type, data }) => type === 'float32' && data.length === table.data.length,
  ).length;

describe('a Gather of rows', () => {
  it.each(cases)('of codes with $what has the bits of the dequantized table', async (one) => {
    const graph = graphOf(one);
    const feeds = { indices: one.indices };
    const { y } = runReference(graph, feeds);
    const expected = (await runOracle(graph, feeds)).y!;
    expect(y!.dims).toEqual([...expected.dims]);
    expect(y!.data).toEqual(expected.data);
    expect(unfolded(lowered(graph, feeds), one.table)).toBe(0);
  });

  it('leaves a table that others read to be dequantized once', async () => {
    const [one] = cases as [Case];
    const graph = graphOf(one, [node('Neg', ['reals'], ['z'])]);
    const feeds = { indices: one.indices };
    const { y, z } = runReference(graph, feeds);
    const expected = await runOracle(graph, feeds);
    expect([y!.data, z!.data]).toEqual([expected.y!.data, expected.z!.data]);
    expect(unfolded(lowered(graph, feeds), one.table)).toBe(1);
  });
});
