/**
 * Rounding over all inputs: quantizing 2^32 float32, requantizing 2^32 accumulators, by each build of the WASM module. The
 * native backend is what they are compared with; its kernels have been compared with the definition for all inputs, too.
 */
import { expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.js';
import { createNativeBackend } from '../../src/backends/native/index.js';
import { createWasmBackend, wasmIsas } from '../../src/backends/wasm/index.js';
import type { TypedArray } from '../../src/core/dtype.js';
import { singleStepPlan, type TestPlan } from '../helpers/singleStep.js';
import { available } from '../runners/run.js';

const native = available('native', () => createNativeBackend({ threads: 1 }), false);
const wasm = wasmIsas()
  .filter(({ usable }) => usable)
  .map(({ name: isa }) => createWasmBackend({ isa }));

/** Runs a plan on each backend for inputs from a generator; results must be the same bytes. */
function expectSame(backends: readonly Backend[], plan: TestPlan, inputs: Iterable<TypedArray>) {
  const models = backends.map((backend) => backend.open(plan.model));
  const plans = models.map((model) => model.prepare(plan));
  for (const input of inputs) {
    const [wanted, ...found] = plans.map((prepared) => bytesOf(prepared.runSync([input])[0]!));
    for (const [i, bytes] of found.entries()) {
      if (Buffer.compare(wanted!, bytes) === 0) continue;
      const at = bytes.findIndex((byte, j) => byte !== wanted![j]);
      expect.fail(`${backends[i + 1]!.isa}: value ${at} is ${bytes[at]}, not ${wanted![at]}`);
    }
  }
  for (const model of models) model.dispose();
}

function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

const parameters = (['uint8', 'int8'] as const).flatMap((type) =>
  [1, 3e-3, 1 / 255, 1e30].map((scale, i) => ({ type, scale, zero: i % 2 === 0 ? 0 : 100 })),
);

function* allFloats(length: number): Generator<TypedArray> {
  const bits = new Int32Array(length);
  for (let first = 0; first < 2 ** 32; first += length) {
    for (let i = 0; i < length; i++) bits[i] = first + i;
    yield new Float32Array(bits.buffer);
  }
}

it.skipIf(native === undefined).each(parameters)(
  'quantizes all float32 to $type by $scale',
  ({ type, scale, zero }) => {
    const length = 2 ** 22;
    const plan = singleStepPlan(
      'QuantizeLinear',
      [
        { type: 'float32', dims: [length] },
        { type: 'float32', dims: [], constant: Float32Array.of(scale) },
        { type, dims: [], constant: Uint8Array.of(zero) },
      ],
      [{ type, dims: [length] }],
    );
    expectSame([native!, ...wasm], plan, allFloats(length));
  },
);

const multipliers = [
  1,
  0.5,
  2 ** -8,
  1 / 3,
  1e-3,
  3e-8,
  2 ** -31,
  1e-38,
  0.0117,
  7,
  3e38,
  -0.01,
  7.77e-5,
  1e-6,
  2.3e-9,
  0,
];

it.skipIf(native === undefined).each(multipliers)(
  'requantizes all accumulators by %d',
  (multiplier) => {
    // Row x of a product with 1: the accumulator is a bias, a multiple of 256, and x.
    const rows = Uint8Array.from({ length: 256 }, (_, i) => i);
    const channels = 8192;
    for (let first = 0; first < 2 ** 32; first += 256 * channels) {
      const bias = Int32Array.from({ length: channels }, (_, i) => first + 256 * i);
      const plan = singleStepPlan(
        'QConv',
        [
          { type: 'uint8', dims: [1, 1, rows.length, 1] },
          { type: 'int8', dims: [channels, 1, 1, 1], constant: new Int8Array(channels).fill(1) },
          { type: 'int32', dims: [channels], constant: bias },
          {
            type: 'float32',
            dims: [channels],
            constant: new Float32Array(channels).fill(multiplier),
          },
        ],
        [{ type: 'uint8', dims: [1, 1, rows.length, channels] }],
        { yZero: 100 },
      );
      expectSame([native!, ...wasm], plan, [rows]);
    }
  },
);
