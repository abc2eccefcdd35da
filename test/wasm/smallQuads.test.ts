/**
 * Small quads: that they cover all weights and reach no bounds, on any engine; and products by them, where the engine's
 * relaxed dot product saturates (Node 24 on x86 without VNNI; skipped elsewhere).
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { loadBuild, wasmIsas } from '../../src/backends/wasm/builds.js';
import { createWasmBackend } from '../../src/backends/wasm/index.js';
import { createStore } from '../../src/backends/wasm/store.js';
import { createRandom, integers, type Random } from '../helpers/random.js';
import { runSingle, singleStepPlan } from '../helpers/singleStep.js';

const ofPanel = 8;

interface Quad {
  readonly at: number;
  readonly isPaired: boolean;
  /** Four weights of each column. */
  readonly weights: Int8Array;
}

/** What packing makes of weights [group][column][depth]: the quads of each panel. */
function pack(weights: Int8Array, groups: number, columns: number, depth: number): Quad[][] {
  const { exports, heap } = createStore(loadBuild('simd128'));
  const panels = groups * Math.ceil(columns / ofPanel);
  const from = heap.allocate(weights.length + 32) + 16;
  const to = heap.allocate(8 * (panels + 1));
  const memory = () => new Uint8Array(heap.memory.buffer);
  memory().fill(85, from - 16, from + weights.length + 16);
  memory().set(new Uint8Array(weights.buffer), from);
  const count = exports.countSmallQuads(from, groups, columns, depth, to + 8);
  const at = heap.allocate(36 * count);
  new Uint32Array(heap.memory.buffer, to, 2).set([at, at + 32 * count]);
  exports.packSmallQuads(from, groups, columns, depth, to);
  const ends = new Uint32Array(heap.memory.buffer, to + 8, 2 * panels);
  const order = new Int32Array(heap.memory.buffer, at + 32 * count, count);
  expect(ends.at(-1)).toBe(count);
  return Array.from({ length: panels }, (_, panel) => {
    const [first, twos, end] = [ends[2 * panel - 1] ?? 0, ends[2 * panel]!, ends[2 * panel + 1]!];
    expect((twos - first) % 2).toBe(0);
    return Array.from({ length: end - first }, (_, i) => ({
      at: order[first + i]!,
      isPaired: first + i < twos,
      weights: new Int8Array(heap.memory.buffer, at + 32 * (first + i), 32),
    }));
  });
}

/** The largest sum of one sign of the weights of a pair, all quads together. */
function mostOfPair(quads: readonly Quad[]): number {
  let most = 0;
  for (let i = 0; i < 32; i += 2) {
    for (const sign of [1, -1]) {
      const sizes = quads.flatMap(({ weights }) => [weights[i]! * sign, weights[i + 1]! * sign]);
      most = Math.max(
        most,
        sizes.reduce((sum, size) => sum + Math.max(size, 0), 0),
      );
    }
  }
  return most;
}

const extremes = [-128, -127, 127, 126, 64, -64, 65, 1, 0, -1];

const kinds: readonly { name: string; draw: (random: Random, length: number) => Int8Array }[] = [
  { name: 'any', draw: (random, length) => integers(random, 'int8', length) },
  {
    name: 'extreme',
    draw: (random, length) => Int8Array.from({ length }, () => random.pick(extremes)),
  },
  { name: 'the lowest', draw: (_, length) => new Int8Array(length).fill(-128) },
  { name: 'the highest', draw: (_, length) => new Int8Array(length).fill(127) },
  {
    name: 'small but for a few',
    draw: (random, length) =>
      integers(random, 'int8', length).map((value) => (random.chance(0.02) ? value : value >> 3)),
  },
];

describe.each(kinds)('weights: $name', ({ draw }) => {
  const random = createRandom(7);
  const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 64, 147, 333];

  it.each(sizes)('%i deep, are the sums of small quads', (depth) => {
    for (const [groups, columns] of [
      [1, 8],
      [1, 3],
      [2, 9],
      [1, 40],
    ] as const) {
      const weights = draw(random, groups * columns * depth);
      const panels = pack(weights, groups, columns, depth);
      const found = new Int32Array(weights.length);
      const ofGroup = Math.ceil(columns / ofPanel);
      panels.forEach((quads, panel) => {
        const group = Math.floor(panel / ofGroup);
        const first = (panel % ofGroup) * ofPanel;
        for (const { at, weights: own } of quads) {
          own.forEach((weight, i) => {
            const [column, k] = [first + (i >> 2), at + (i & 3)];
            if (column < columns && k >= 0 && k < depth) {
              found[(group * columns + column) * depth + k]! += weight;
            } else expect(weight).toBe(0);
          });
        }
        quads.forEach((quad, i) => {
          const isFirst = quad.isPaired && i % 2 === 0;
          const together = isFirst ? [quad, quads[i + 1]!] : [quad];
          expect(mostOfPair(together)).toBeLessThanOrEqual(128);
        });
      });
      expect(found).toEqual(Int32Array.from(weights));
    }
  });
});

it('pairs most quads of weights that are small', () => {
  const random = createRandom(8);
  const weights = integers(random, 'int8', 64 * 576).map((value) => value >> 2);
  const quads = pack(weights, 1, 64, 576).flat();
  expect(quads.length).toBe((64 / ofPanel) * (576 / 4));
  expect(quads.filter(({ isPaired }) => isPaired).length).toBeGreaterThan(0.9 * quads.length);
});

const isa = 'relaxed-simd';
const isUsed =
  wasmIsas().some(({ name, usable }) => name === isa && usable) && loadBuild(isa).hasSmallDot;

describe.skipIf(!isUsed)('products on an engine that saturates', () => {
  const random = createRandom(9);
  const windows = [
    { name: 'in place', size: [7, 9], kernel: 1, stride: 1, pad: 0, groups: 1 },
    { name: 'in place, every other pixel', size: [7, 9], kernel: 1, stride: 2, pad: 0, groups: 1 },
    { name: 'of groups', size: [7, 9], kernel: 1, stride: 1, pad: 0, groups: 3 },
    { name: 'beyond the picture', size: [5, 6], kernel: 1, stride: 1, pad: 1, groups: 1 },
    { name: 'in strips', size: [9, 8], kernel: 3, stride: 2, pad: 1, groups: 1 },
    { name: 'of groups in strips', size: [9, 8], kernel: 5, stride: 1, pad: 2, groups: 2 },
  ] as const;

  describe.each(windows)('$name', ({ size, kernel, stride, pad, groups }) => {
    it.each(kinds)('weights: $name', ({ draw }) => {
      for (const [channels, columns] of [
        [1, 1],
        [7, 8],
        [64, 24],
        [130, 17],
      ] as const) {
        const [height, width] = size;
        const out = (length: number) => Math.floor((length + 2 * pad - kernel) / stride) + 1;
        const depth = kernel * kernel * channels;
        const plan = singleStepPlan(
          'QConv',
          [
            { type: 'uint8', dims: [2, height, width, groups * channels] },
            {
              ...{ type: 'int8', dims: [groups * columns, kernel, kernel, channels] },
              constant: draw(random, groups * columns * depth),
            },
            undefined,
            undefined,
          ],
          [{ type: 'int32', dims: [2, out(height), out(width), groups * columns] }],
          {
            ...{ strideH: stride, strideW: stride, padTop: pad, padLeft: pad },
            ...{ groups, xZero: 255 },
          },
          'model',
        );
        const length = 2 * height * width * groups * channels;
        for (const x of [new Uint8Array(length).fill(255), integers(random, 'uint8', length)]) {
          const [expected] = runSingle(createReferenceBackend(), plan, [x]);
          expect(runSingle(createWasmBackend({ isa }), plan, [x])[0]).toEqual(expected);
        }
      }
    });
  });
});
