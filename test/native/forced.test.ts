/** Kernels that are forced by name, and what benchmarks measure with: plan.measure and the register loops. */
import { describe, expect, it } from 'vitest';
import {
  createNativeBackend,
  nativeKernels,
  nativePeaks,
  runNativePeak,
} from '../../src/backends/native/index.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { OctavoError } from '../../src/core/errors.js';
import { encodeBfloat16 } from '../../src/core/half.js';
import { runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { available } from '../runners/run.js';

const backend = available(
  'native kernels by name',
  () => createNativeBackend({ threads: 1 }),
  false,
);

/** A 3×3 convolution of 5×6 pixels with 48 channels, full or depthwise. */
function convolution(depthwise: boolean, { stride = 1, smallest = -127, adds = false } = {}) {
  const depth = depthwise ? 1 : 48;
  const bytes = (count: number, seed: number) =>
    Uint8Array.from({ length: count }, (_, i) => (i * 7919 + seed) % 251);
  const weight = Int8Array.from(bytes(48 * 9 * depth, 3), (value) => Math.max(value - 127, -127));
  weight[5] = smallest;
  const out = stride === 1 ? [1, 5, 6, 48] : [1, 2, 2, 48];
  const plan = singleStepPlan(
    'QConv',
    [
      { type: 'uint8', dims: [1, 5, 6, 48] },
      { type: 'int8', dims: [48, 3, 3, depth], constant: weight },
      undefined,
      { type: 'float32', dims: [48], constant: new Float32Array(48).fill(depthwise ? 0.01 : 5e-4) },
      ...(adds
        ? [undefined, { type: 'uint8', dims: out, constant: bytes(5 * 6 * 48, 29) } as const]
        : []),
    ],
    [{ type: 'uint8', dims: out }],
    {
      padTop: 1,
      padLeft: 1,
      strideH: stride,
      strideW: stride,
      groups: 48 / depth,
      xZero: 120,
      yZero: 128,
      ...(adds ? { codeZero: 117, codeMin: 3, codeMax: 252, residualZero: 130 } : {}),
      ...(adds ? { codeMultiplier: 0.75, residualMultiplier: 0.4375 } : {}),
    },
    'model',
  );
  return { plan, x: bytes(5 * 6 * 48, 11) };
}

const full = convolution(false);
const adding = convolution(false, { adds: true });
const depthwise = convolution(true);

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'none';
  } catch (error) {
    return error instanceof OctavoError ? error.code : String(error);
  }
}

function forced(kernel: string, { plan, x }: typeof full) {
  return runSingle(createNativeBackend({ threads: 1, kernel }), plan, [x]);
}

describe.skipIf(backend === undefined)('a forced kernel', () => {
  const named = (family: string) =>
    nativeKernels().filter((kernel) => kernel.family === family && !kernel.name.includes('rowsum'));

  it('of dot products computes every QConv, as the reference does, where this CPU has it', () => {
    let ran = 0;
    for (const layer of [full, adding, depthwise]) {
      const expected = runSingle(createReferenceBackend(), layer.plan, [layer.x]);
      for (const { name } of named('dot')) {
        const code = codeOf(() => expect(forced(name, layer), name).toEqual(expected));
        expect(['none', 'BACKEND_UNAVAILABLE'], name).toContain(code);
        if (code === 'none') ran++;
      }
    }
    expect(ran).toBeGreaterThanOrEqual(3);
  });

  it('of depthwise convolution computes what it fits', () => {
    const expected = runSingle(createReferenceBackend(), depthwise.plan, [depthwise.x]);
    let ran = 0;
    for (const { name } of named('depthwise')) {
      const code = codeOf(() => expect(forced(name, depthwise), name).toEqual(expected));
      expect(['none', 'BACKEND_UNAVAILABLE'], name).toContain(code);
      if (code === 'none') ran++;
    }
    expect(ran).toBeGreaterThanOrEqual(1);
  });

  it.each(['float32', 'bfloat16'] as const)(
    'of float products computes every MatMul of %s that it fits, within rounding, where this CPU has it',
    (type) => {
      const numbers = (count: number, seed: number) => {
        const drawn = new Float32Array(count).map((_, i) => ((i * 7919 + seed) % 251) / 251 - 0.5);
        return type === 'float32' ? drawn : encodeBfloat16(drawn);
      };
      const plan = singleStepPlan(
        'MatMul',
        [
          { type, dims: [5, 33] },
          { type, dims: [33, 71], constant: numbers(33 * 71, 3) },
        ],
        [{ type: 'float32', dims: [5, 71] }],
        {},
        'model',
      );
      const x = numbers(5 * 33, 11);
      const [expected] = runSingle(createReferenceBackend(), plan, [x]) as Float32Array[];
      let ran = 0;
      for (const { name } of named('f32dot')) {
        const code = codeOf(() => {
          const kernel = createNativeBackend({ threads: 1, kernel: name });
          const [answer] = runSingle(kernel, plan, [x]) as Float32Array[];
          for (const [i, value] of expected!.entries())
            expect(answer![i], name).toBeCloseTo(value, 4);
        });
        const misfit = name.startsWith('dot_bf16') && type === 'float32';
        const fits = misfit ? 'INVALID_ARGUMENT' : 'none';
        expect([fits, 'BACKEND_UNAVAILABLE'], name).toContain(code);
        if (code === 'none') ran++;
      }
      expect(ran).toBeGreaterThanOrEqual(1);
    },
  );

  it('is refused where it does not fit', () => {
    const strided = convolution(true, { stride: 3 });
    const minus128 = convolution(false, { smallest: -128 });
    const usable = (kernel: string) =>
      codeOf(() => forced(kernel, kernel.startsWith('dot') ? full : depthwise)) === 'none';
    const rows = named('depthwise').filter(({ name }) => name.includes('rows') && usable(name));
    for (const { name } of rows) {
      expect(
        codeOf(() => forced(name, strided)),
        name,
      ).toBe('INVALID_ARGUMENT');
    }
    const symmetric = named('dot').filter(({ name }) => name.includes('symmetric') && usable(name));
    for (const { name } of symmetric) {
      expect(
        codeOf(() => forced(name, minus128)),
        name,
      ).toBe('INVALID_ARGUMENT');
    }
    for (const { name } of named('depthwise')) {
      expect(
        codeOf(() => forced(name, full)),
        name,
      ).toBe('INVALID_ARGUMENT');
    }
  });

  it('that does not exist is refused', () => {
    expect(codeOf(() => createNativeBackend({ kernel: 'dot_fastest' }))).toBe('INVALID_ARGUMENT');
  });
});

describe.skipIf(backend === undefined)('measuring', () => {
  it('runs a plan so many times, on its inputs', () => {
    const model = backend!.open(full.plan.model);
    const prepared = model.prepare(full.plan);
    expect(prepared.measure([full.x], 3)).toBeGreaterThan(0);
    expect(prepared.measure([full.x], 0)).toBeGreaterThanOrEqual(0);
    expect(codeOf(() => prepared.measure([], 1))).toBe('INTERNAL');
    expect(codeOf(() => prepared.measure([full.x.subarray(1)], 1))).toBe('INVALID_INPUT');
    prepared.dispose();
    expect(codeOf(() => prepared.measure([full.x], 1))).toBe('DISPOSED');
    model.dispose();
  });

  it('runs the register loops of this CPU', () => {
    for (const { name, isa, ops } of nativePeaks()) {
      expect(nativeKernels()).toContainEqual({ family: 'peak', name, isa });
      expect(ops).toBeGreaterThan(0);
      expect(runNativePeak(name, 10), name).toBeGreaterThan(0);
    }
    expect(() => runNativePeak('peak_none', 1)).toThrow('peak_none');
  });
});
