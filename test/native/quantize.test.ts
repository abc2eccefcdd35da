/**
 * Quantizing where multiplying by 1 / scale would go wrong, and results too long for a cache. Kernels
 * multiply and divide only in doubt; here all is doubtful: quotients half way between two integers, their
 * neighbours, and scales whose reciprocal is no number.
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { exact, firstDifference } from '../suites/problem.js';
import { nativeBackends } from './contenders.js';

const reference = createReferenceBackend();
const backends = nativeBackends(1);

const scales = [
  0.1,
  0.5,
  1,
  0.023529412,
  3.3,
  -0.7,
  1 - 2 ** -24,
  1 + 2 ** -23,
  1e-40,
  2 ** -126,
  2 ** -128,
  2 ** 126,
  3.4e38,
  0,
  Number.POSITIVE_INFINITY,
  Number.NaN,
];
const specials = [0, 1e-45, 2 ** -126, 2 ** 22, 2 ** 24, 1e20, 3.4e38, Number.POSITIVE_INFINITY];

/** Halves times the scale and four float32 to either side, and what is special anywhere. */
function doubtful(scale: number): Float32Array {
  const values: number[] = [Number.NaN];
  const float = new Float32Array(1);
  const bits = new Int32Array(float.buffer);
  for (let q = -300; q <= 300; q++) {
    float[0] = (q + 0.5) * scale;
    bits[0]! -= 5;
    for (let i = 0; i < 9; i++) {
      bits[0]! += 1;
      values.push(float[0]!);
    }
  }
  return Float32Array.from([...values, ...specials, ...specials.map((x) => -x)]);
}

describe.runIf(backends.length > 0)('quantizing', () => {
  it.each(scales)('divides where it matters, by %d', (scale) => {
    const x = doubtful(scale);
    for (const [type, zero] of [
      ['uint8', Uint8Array.of(0)],
      ['uint8', Uint8Array.of(255)],
      ['int8', Int8Array.of(-128)],
      ['int8', Int8Array.of(3)],
    ] as const) {
      const plan = singleStepPlan(
        'QuantizeLinear',
        [
          { type: 'float32', dims: [x.length] },
          { type: 'float32', dims: [], constant: Float32Array.of(scale) },
          { type, dims: [], constant: zero },
        ],
        [{ type, dims: [x.length] }],
      );
      const expected = runSingle(reference, plan, [x]);
      for (const backend of backends) {
        const found = runSingle(backend, plan, [x]);
        expect(firstDifference(expected, found, exact), `${type} ${backend.isa}`).toBeUndefined();
      }
    }
  });
});

describe.runIf(backends.length > 0)('dequantizing', () => {
  it('writes what is too long for a cache to the last element', () => {
    const x = Uint8Array.from({ length: 4_300_037 }, (_, i) => (i * 167) >> 3);
    const plan = singleStepPlan(
      'DequantizeLinear',
      [
        { type: 'uint8', dims: [x.length] },
        { type: 'float32', dims: [], constant: Float32Array.of(0.1) },
        { type: 'uint8', dims: [], constant: Uint8Array.of(100) },
      ],
      [{ type: 'float32', dims: [x.length] }],
    );
    const expected = [Float32Array.from(x, (q) => (q - 100) * Math.fround(0.1))];
    for (const backend of [...backends, ...nativeBackends(3)]) {
      const found = runSingle(backend, plan, [x]);
      expect(firstDifference(expected, found, exact), backend.isa).toBeUndefined();
    }
  });
});
