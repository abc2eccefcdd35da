/**
 * Folding of axes: broadcasts to rows, transposes to runs; the folded walk visits the same
 * elements.
 */
import { expect, test } from 'vitest';
import { broadcastStrides, forEachRow, gather } from '../../src/backends/reference/strided.js';
import { foldBroadcast } from '../../src/backends/wasm/broadcast.js';
import { foldTranspose } from '../../src/backends/wasm/movement.js';
import { broadcastShapes, elementCount, stridesOf } from '../../src/core/shape.js';
import { createRandom } from '../helpers/random.js';

test.each([
  { a: [2, 3, 4], b: [2, 3, 4], columns: 24, rows: 1, outer: 0 },
  { a: [2, 3, 4], b: [], columns: 24, rows: 1, outer: 0 },
  { a: [1, 7, 7, 16], b: [16], columns: 16, rows: 49, outer: 0 },
  { a: [1, 7, 7, 16], b: [1, 1, 1, 16], columns: 16, rows: 49, outer: 0 },
  { a: [5, 6], b: [5, 1], columns: 6, rows: 5, outer: 0 },
  { a: [2, 3, 4], b: [2, 1, 4], columns: 4, rows: 3, outer: 1 },
  { a: [], b: [], columns: 1, rows: 1, outer: 0 },
])('$a and $b are rows of $columns', ({ a, b, columns, rows, outer }) => {
  const folded = foldBroadcast(a, b, broadcastShapes(a, b));
  expect(folded.columns.length).toBe(columns);
  expect(folded.rows.length).toBe(rows);
  expect(folded.outer.length).toBe(outer);
});

/** Offsets of the elements of a and b, in the order of y. */
function offsetsOf(
  dims: readonly number[],
  a: readonly number[],
  b: readonly number[],
): number[][] {
  const offsets: number[][] = [];
  forEachRow(dims, a, b, (aFrom, bFrom, length) => {
    for (let i = 0; i < length; i++) {
      offsets.push([aFrom + i * (a.at(-1) ?? 0), bFrom + i * (b.at(-1) ?? 0)]);
    }
  });
  return offsets;
}

test('a folded broadcast visits what the broadcast visits', () => {
  const random = createRandom(11);
  for (let i = 0; i < 500; i++) {
    const y = Array.from({ length: random.int(0, 5) }, () => random.int(1, 4));
    const thin = () => y.map((dim) => (random.chance(0.4) ? 1 : dim));
    const [a, b] = [thin(), thin()];
    const dims = broadcastShapes(a, b);
    const { columns, rows, outer } = foldBroadcast(a, b, dims);
    const axes = [...outer, rows, columns];
    const found = offsetsOf(
      axes.map(({ length }) => length),
      axes.map((axis) => axis.a),
      axes.map((axis) => axis.b),
    );
    const expected = offsetsOf(dims, broadcastStrides(a, dims), broadcastStrides(b, dims));
    expect(found, `${a} and ${b}`).toEqual(expected);
  }
});

test('a folded transpose moves what the transpose moves', () => {
  const random = createRandom(12);
  for (let i = 0; i < 500; i++) {
    const dims = Array.from({ length: random.int(0, 5) }, () => random.int(1, 4));
    const perm = dims.map((_, axis) => axis).sort(() => random.next() - 0.5);
    const x = Array.from({ length: elementCount(dims) }, (_, at) => at);
    const strides = stridesOf(dims);
    const expected: number[] = [];
    gather(
      expected,
      x,
      perm.map((axis) => dims[axis]!),
      perm.map((axis) => strides[axis]!),
    );
    const axes = foldTranspose(dims, perm);
    const found: number[] = [];
    gather(
      found,
      x,
      axes.map(({ length }) => length),
      axes.map(({ stride }) => stride),
    );
    expect(found, `${dims} by ${perm}`).toEqual(expected);
    expect(axes.length).toBeLessThanOrEqual(dims.length);
  }
});

test('NHWC to NCHW is one matrix for each image', () => {
  expect(foldTranspose([2, 7, 5, 3], [0, 3, 1, 2])).toEqual([
    { length: 2, stride: 105 },
    { length: 3, stride: 1 },
    { length: 35, stride: 3 },
  ]);
});
