/** Rounding over the whole range of its inputs: every 65,537th float32, every 65,537th int32. */
import { expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { createWasmBackend, wasmIsas } from '../../src/backends/wasm/index.js';
import type { TypedArray } from '../../src/core/dtype.js';
import { runSingle, singleStepPlan, type TestPlan } from '../helpers/singleStep.js';
import { firstDifference } from '../suites/problem.js';

const reference = createReferenceBackend();
const contenders = wasmIsas()
  .filter(({ usable }) => usable)
  .map(({ name: isa }) => createWasmBackend({ isa }));

function expectSame(plan: TestPlan, input: TypedArray): void {
  const expected = runSingle(reference, plan, [input]);
  for (const wasm of contenders) {
    const found = runSingle(wasm, plan, [input]);
    expect(firstDifference(expected, found, undefined), wasm.isa).toBeUndefined();
  }
}

/** Numbers whose bits are spread over all 2^32: infinities, NaNs, subnormals among them. */
const bits = Int32Array.from({ length: 65_536 }, (_, i) => Math.imul(i, 65_537));
const floats = new Float32Array(bits.buffer.slice(0));

const scales = [1, 0.5, 3e-3, 0.1, 1e-30, 1e30, 1e-45, Infinity];
const parameters = (['uint8', 'int8', 'uint16', 'int16'] as const).flatMap((type) =>
  scales.map((scale, i) => ({ type, scale, zero: i % 2 === 0 ? 0 : 100 })),
);

it.each(parameters)('quantizes to $type by $scale, zero point $zero', ({ type, scale, zero }) => {
  const x = { type: 'float32', dims: [floats.length] } as const;
  const plan = singleStepPlan(
    'QuantizeLinear',
    [
      x,
      { type: 'float32', dims: [], constant: Float32Array.of(scale) },
      { type, dims: [], constant: (type.endsWith('8') ? Uint8Array : Uint16Array).of(zero) },
    ],
    [{ type, dims: x.dims }],
  );
  expectSame(plan, floats);
});

const multipliers = [1, 0.5, 2 ** -8, 1 / 3, 1e-3, 3e-8, 2 ** -31, 1e-38, 7, 3e38, -0.01, NaN];

/** Accumulators are the biases of a product with 0: of one row, and of a tile. */
const problems = multipliers.flatMap((multiplier, i) =>
  [1, 2].map((rows) => ({ multiplier, rows, zero: [0, 255, 128][i % 3]! })),
);

it.each(problems)('requantizes by $multiplier, zero point $zero, in $rows rows', (problem) => {
  const { multiplier, rows, zero } = problem;
  const channels = 8192;
  for (let first = 0; first < bits.length; first += channels) {
    const plan = singleStepPlan(
      'QConv',
      [
        { type: 'uint8', dims: [1, 1, rows, 1] },
        { type: 'int8', dims: [channels, 1, 1, 1], constant: new Int8Array(channels).fill(1) },
        { type: 'int32', dims: [channels], constant: bits.slice(first, first + channels) },
        {
          type: 'float32',
          dims: [channels],
          constant: new Float32Array(channels).fill(multiplier),
        },
      ],
      [{ type: 'uint8', dims: [1, 1, rows, channels] }],
      { yZero: zero },
    );
    expectSame(plan, new Uint8Array(rows));
  }
});
