/** Convolutions with fewer multiplications: sums as large as they can be, and the bits of strips and parts. */
import { expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { regionOf } from '../../src/backends/reference/memory.js';
import { loadBuild } from '../../src/backends/wasm/builds.js';
import { createWasmBackend } from '../../src/backends/wasm/index.js';
import { prepareWasmPlan } from '../../src/backends/wasm/plan.js';
import { createStore } from '../../src/backends/wasm/store.js';
import { createRandom, integers } from '../helpers/random.js';
import { runSingle, singleStepPlan, type TestPlan } from '../helpers/singleStep.js';

const random = createRandom(3);
const columns = 16;
const isa = 'simd128';

/** A convolution 3×3 of a picture of `size`², padded, that gives int32. */
function convolution(size: number, channels: number, weights: Int8Array, zero: number): TestPlan {
  const zeros = new Int32Array(columns).fill(zero);
  return singleStepPlan(
    'QConv',
    [
      { type: 'uint8', dims: [1, size, size, channels] },
      { type: 'int8', dims: [columns, 3, 3, channels], constant: weights },
      undefined,
      undefined,
      zero === 0 ? undefined : { type: 'int32', dims: [columns], constant: zeros },
    ],
    [{ type: 'int32', dims: [1, size, size, columns] }],
    { padTop: 1, padLeft: 1, xZero: 255 },
    'model',
  );
}

/** Whether the WASM backend takes the way under test. */
function isShort(plan: TestPlan): boolean {
  const store = createStore(loadBuild(isa));
  prepareWasmPlan(plan, regionOf(plan.model), store, () => {});
  return [...store.shared.keys()].some((form) => form.includes('Winograd'));
}

function expectSame(plan: TestPlan, x: Uint8Array): void {
  const [expected] = runSingle(createReferenceBackend(), plan, [x]);
  expect(runSingle(createWasmBackend({ isa }), plan, [x])[0]).toEqual(expected);
}

it.each([
  { name: 'all weights at the lowest', channels: 512, weight: () => -128, zero: 0 },
  { name: 'all at the highest', channels: 512, weight: () => 127, zero: 0 },
  {
    name: 'signs that alternate',
    channels: 512,
    weight: (i: number) => (i & 1 ? 127 : -128),
    zero: 0,
  },
  { name: 'the lowest less the highest zero point', channels: 917, weight: () => -128, zero: 127 },
  { name: 'the highest less the lowest', channels: 917, weight: () => 127, zero: -128 },
  { name: 'the most channels without zero points', channels: 1827, weight: () => -128, zero: 0 },
])('$name', ({ channels, weight, zero }) => {
  const weights = Int8Array.from({ length: columns * 9 * channels }, (_, i) => weight(i));
  const plan = convolution(4, channels, weights, zero);
  expect(isShort(plan)).toBe(true);
  expectSame(plan, new Uint8Array(16 * channels).fill(255));
  const far = (_: unknown, i: number) => ((i / channels) & 1 ? 255 : 0);
  expectSame(plan, Uint8Array.from({ length: 16 * channels }, far));
});

it.each([
  [917, 1, true],
  [918, 1, false],
  [1827, 0, true],
  [1828, 0, false],
])('of %i channels, four times a sum fits where zero points are %i: %s', (channels, zero, fits) => {
  const plan = convolution(4, channels, new Int8Array(columns * 9 * channels).fill(5), zero);
  expect(isShort(plan)).toBe(fits);
});

it.each([
  [1, false],
  [2, true],
  [3, true],
  [7, true],
])('a picture of %i² is less work: %s', (size, isLess) => {
  const plan = convolution(size, 32, new Int8Array(columns * 9 * 32).fill(1), 0);
  expect(isShort(plan)).toBe(isLess);
});

it.each([
  [61, 40],
  [40, 200],
  [9, 600],
])('strips of a picture of %i² of %i channels', (size, channels) => {
  const weights = integers(random, 'int8', columns * 9 * channels);
  const plan = convolution(size, channels, weights, 0);
  expect(isShort(plan)).toBe(true);
  expectSame(plan, integers(random, 'uint8', size * size * channels));
});
