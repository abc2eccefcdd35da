/**
 * The WASM backend as an object: options, plans that share memory, runs at the same time, disposal.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { regionOf } from '../../src/backends/reference/memory.js';
import { loadBuild } from '../../src/backends/wasm/builds.js';
import { createWasmBackend, wasmIsas, wasmSteps } from '../../src/backends/wasm/index.js';
import { prepareWasmPlan } from '../../src/backends/wasm/plan.js';
import { createStore } from '../../src/backends/wasm/store.js';
import { binaryKinds, reduceKinds, unaryKinds } from '../../src/runtime/kinds.js';
import { type StepName, stepNames } from '../../src/runtime/steps.js';
import { createRandom, integers } from '../helpers/random.js';
import { runSingle, singleStepPlan, type TestPlan } from '../helpers/singleStep.js';
import { suites } from '../suites/index.js';
import { drawProblem } from '../suites/problem.js';

/** A product [rows, depth] × [depth, columns] of quantized values. */
function productPlan(rows: number, depth: number, columns: number, zero = 0): TestPlan {
  const random = createRandom(rows + depth + columns);
  const weights = integers(random, 'int8', columns * depth);
  return singleStepPlan(
    'QConv',
    [
      { type: 'uint8', dims: [1, 1, rows, depth] },
      { type: 'int8', dims: [columns, 1, 1, depth], constant: weights },
      undefined,
      { type: 'float32', dims: [columns], constant: new Float32Array(columns).fill(0.002) },
      zero === 0
        ? undefined
        : { type: 'int32', dims: [columns], constant: new Int32Array(columns).fill(zero) },
    ],
    [{ type: 'uint8', dims: [1, 1, rows, columns] }],
    { xZero: 100, yZero: 128 },
    'model',
  );
}

/** Has models take `Memory` for WebAssembly.Memory, until globals are unstubbed. */
function stubMemory(Memory: unknown): void {
  vi.stubGlobal('WebAssembly', Object.create(WebAssembly, { Memory: { value: Memory } }));
}

const withCode = (code: string) => expect.objectContaining({ code });

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('options', () => {
  it('has one thread and one instruction set', () => {
    const backend = createWasmBackend();
    const usable = wasmIsas().filter((isa) => isa.usable);
    expect(backend).toMatchObject({ name: 'wasm', isa: usable.at(-1)!.name, threads: 1 });
  });

  it.each(wasmIsas())('$name is used where it is asked for and usable', ({ name, ...found }) => {
    const create = () => createWasmBackend({ isa: name, threads: 1 });
    if (found.usable) expect(create().isa).toBe(name);
    else expect(create).toThrow(expect.objectContaining({ code: 'BACKEND_UNAVAILABLE' }));
    expect(found.reason).toMatch(/\S/);
  });

  it.each([
    [{ threads: 65 }, 'INVALID_ARGUMENT'],
    [{ threads: 0 }, 'INVALID_ARGUMENT'],
    [{ threads: 1.5 }, 'INVALID_ARGUMENT'],
    [{ threads: Number.NaN }, 'INVALID_ARGUMENT'],
    [{ isa: 'avx2' }, 'BACKEND_UNAVAILABLE'],
    [{ isa: 'toString' }, 'BACKEND_UNAVAILABLE'],
  ])('%o is %s', (options, code) => {
    expect(() => createWasmBackend(options)).toThrow(withCode(code));
  });
});

describe('an engine that lacks something', () => {
  /** The backend as a process sees it that has not compiled the module yet. */
  async function freshBackend() {
    vi.resetModules();
    return import('../../src/backends/wasm/index.js');
  }

  it('has no SIMD', async () => {
    const { createWasmBackend: create } = await freshBackend();
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    expect(() => create()).toThrow(/simd128 cannot be used: WebAssembly lacks/);
    expect(() => create()).toThrow(withCode('BACKEND_UNAVAILABLE'));
  });

  it('has no WebAssembly', async () => {
    const { createWasmBackend: create } = await freshBackend();
    vi.stubGlobal('WebAssembly', undefined);
    expect(() => create()).toThrow(withCode('BACKEND_UNAVAILABLE'));
  });

  it('has no memory for another model', async () => {
    const backend = createWasmBackend();
    stubMemory(
      class {
        constructor() {
          throw new RangeError('could not allocate memory');
        }
      },
    );
    expect(() => backend.open(new Uint8Array(64))).toThrow(withCode('LIMIT_EXCEEDED'));
  });
});

describe('memory', () => {
  it('is a limit, found when a plan is prepared', () => {
    const model = createWasmBackend().open(new Uint8Array(64));
    const plan = productPlan(4, 4, 4);
    const huge = { ...plan, steps: [], arenaBytes: 2 ** 33, inputs: [], outputs: [] };
    const own = { ...huge, tensors: [] };
    expect(() => model.prepare(own)).toThrow(withCode('LIMIT_EXCEEDED'));
    model.dispose();
  });

  it('has packed weights once for all plans of a model', () => {
    const [one, more] = [productPlan(8, 512, 512), productPlan(8, 512, 512)];
    const build = loadBuild();
    const store = createStore(build);
    const region = regionOf(one.model);
    prepareWasmPlan(one, region, store, () => {});
    const shared = [...store.shared];
    // Small quads: where each panel's end, and the quads themselves.
    expect(shared.length).toBe(build.hasSmallDot ? 2 : 1);
    const size = store.heap.memory.buffer.byteLength;
    const again = Array.from({ length: 8 }, () => prepareWasmPlan(more, region, store, () => {}));
    expect([...store.shared]).toEqual(shared);
    expect(store.heap.memory.buffer.byteLength - size).toBeLessThan(8 * 512 * 512);
    const input = integers(createRandom(1), 'uint8', 8 * 512);
    const expected = runSingle(createReferenceBackend(), one, [input]);
    for (const plan of again) expect(plan.runSync([input])).toEqual(expected);
  });

  it('is given back by plans that are disposed of', () => {
    const plan = productPlan(64, 64, 64);
    const store = createStore(loadBuild());
    const prepare = () => prepareWasmPlan(plan, regionOf(plan.model), store, () => {});
    prepare().dispose();
    const size = store.heap.memory.buffer.byteLength;
    for (let i = 0; i < 200; i++) prepare().dispose();
    expect(store.heap.memory.buffer.byteLength).toBe(size);
  });

  it('goes when the model is disposed of, although the plan is still held', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const memories: WeakRef<WebAssembly.Memory>[] = [];
    stubMemory(
      class extends WebAssembly.Memory {
        constructor(descriptor: { initial: number }) {
          super(descriptor);
          memories.push(new WeakRef(this));
        }
      },
    );
    const plan = productPlan(4, 16, 8);
    const model = createWasmBackend().open(plan.model);
    const prepared = model.prepare(plan);
    prepared.runSync([new Uint8Array(64)]);
    vi.unstubAllGlobals();
    expect(memories[0]!.deref()).toBeDefined();
    model.dispose();
    for (let turn = 0; turn < 20 && memories[0]!.deref() !== undefined; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 0)); // WeakRefs hold on until a turn ends
      gc();
    }
    expect(memories[0]!.deref()).toBeUndefined();
    expect(() => prepared.runSync([new Uint8Array(64)])).toThrow(withCode('DISPOSED'));
  });

  it('that a faulty plan reaches beyond is a failure, not a crash', () => {
    const plan = productPlan(4, 16, 8);
    const output = plan.outputs[0]!.tensor;
    const tensors = plan.tensors.map((tensor, i) =>
      i === output ? { ...tensor, offset: 2 ** 30 } : tensor,
    );
    const store = createStore(loadBuild());
    const faulty = { ...plan, tensors, outputs: [] };
    const prepared = prepareWasmPlan(faulty, regionOf(plan.model), store, () => {});
    expect(() => prepared.runSync([new Uint8Array(64)])).toThrow(withCode('BACKEND_FAILURE'));
    // and through the backend, which checks plans, it does not get that far
    expect(() => createWasmBackend().open(plan.model).prepare(faulty)).toThrow(
      withCode('INTERNAL'),
    );
  });
});

describe('runs', () => {
  it('at the same time, of several plans, do not meet', async () => {
    const plans = [productPlan(3, 700, 40), productPlan(200, 64, 64), productPlan(1, 900, 33)];
    const random = createRandom(5);
    const reference = createReferenceBackend();
    const wasm = createWasmBackend();
    await Promise.all(
      plans.map(async (plan) => {
        const model = wasm.open(plan.model);
        const prepared = model.prepare(plan);
        const { bytes } = plan.tensors[plan.inputs[0]!.tensor]!;
        const inputs = Array.from({ length: 6 }, () => integers(random, 'uint8', bytes));
        const running = inputs.map((input) => prepared.run([input]));
        const expected = inputs.map((input) => runSingle(reference, plan, [input]));
        for (const input of inputs) input.fill(0); // copied by now
        expect(await Promise.all(running)).toEqual(expected);
        model.dispose();
      }),
    );
  });

  it('end by their signal', async () => {
    const plan = productPlan(4, 16, 8);
    const prepared = createWasmBackend().open(plan.model).prepare(plan);
    const running = prepared.run([new Uint8Array(64)], { signal: AbortSignal.abort() });
    await expect(running).rejects.toThrow(withCode('ABORTED'));
  });

  it('do not start after disposal', async () => {
    const plan = productPlan(4, 16, 8);
    const model = createWasmBackend().open(plan.model);
    const prepared = model.prepare(plan);
    model.dispose();
    model.dispose();
    await expect(prepared.run([new Uint8Array(64)])).rejects.toThrow(withCode('DISPOSED'));
    expect(() => model.prepare(plan)).toThrow(withCode('DISPOSED'));
  });
});

describe('where steps run', () => {
  const backend = createWasmBackend();
  const placementOf = (plan: TestPlan) => {
    const model = backend.open(plan.model);
    const [placement] = model.prepare(plan).placements;
    model.dispose();
    return placement!;
  };

  it('is told by kind', () => {
    const expected: readonly StepName[] = [
      ...(['QuantizeLinear', 'DequantizeLinear', 'DynamicQuantizeLinear', 'QConv'] as const),
      ...(['QAdd', 'QMul', 'QAveragePool', 'Lookup', 'MaxPool', 'AveragePool'] as const),
      ...(['Conv', 'MatMul', 'Attention', 'Binary', 'Unary', 'Concat', 'Transpose'] as const),
      ...(['MatMulInt1', 'MatMulInt4', 'MatMulInt16', 'DynamicQuantizeRows'] as const),
      ...(['QConvDynamic', 'Lrn', 'Reduce'] as const),
      ...(['Softmax', 'LayerNorm'] as const),
    ];
    expect(wasmSteps).toEqual(stepNames.filter((name) => expected.includes(name)));
  });

  /** Suites that have problems which WebAssembly declines. */
  const partly = ['quantize', 'dequantize', 'binary', 'unary', 'lrn', 'reduce', 'reduce integers'];
  const wholly = suites.filter((suite) => {
    const { op } = drawProblem(suite, 0).plan.steps[0]!;
    return wasmSteps.includes(op) && !partly.includes(suite.name);
  });
  it.each(wholly)('$name: WebAssembly', (suite) => {
    for (let index = 0; index < 50; index++) {
      const { plan, seed } = drawProblem(suite, index);
      expect(placementOf(plan), `seed ${seed}`).toMatchObject({ runs: 'wasm' });
    }
  });

  it('is TypeScript, with the reason, for what has no kernel or not that form', () => {
    const f32 = { type: 'float32', dims: [4] } as const;
    const pow = singleStepPlan('Binary', [f32, f32], [f32], { kind: binaryKinds.Pow });
    expect(placementOf(pow)).toEqual({
      op: 'Binary',
      node: 'test Binary',
      runs: 'typescript',
      reason: 'a power',
    });
    const copy = singleStepPlan('Copy', [f32], [f32]);
    expect(placementOf(copy)).toMatchObject({ runs: 'typescript', reason: 'no kernel' });
    const lrn = singleStepPlan('Lrn', [f32], [f32], { size: 1, beta: 0.5 });
    expect(placementOf(lrn)).toMatchObject({ runs: 'typescript', reason: 'a power' });
    const product = singleStepPlan('Reduce', [f32], [f32], { kind: reduceKinds.Prod });
    expect(placementOf(product)).toMatchObject({ runs: 'typescript', reason: 'a product' });
    const dims = { type: 'float32', dims: [2, 3, 2] } as const;
    const apart = singleStepPlan('Reduce', [dims], [{ ...dims, dims: [1, 3, 1] }], {
      axes: [1, 0, 1, 0, 0, 0, 0, 0],
    });
    expect(placementOf(apart)).toMatchObject({ runs: 'typescript', reason: 'axes apart' });
  });

  it.each(Object.entries(unaryKinds))('Unary %s', (name, kind) => {
    const isHosts = /^A?(Sin|Cos|Tan)h?$/i.test(name) && name !== 'Tanh';
    const f32 = { type: 'float32', dims: [4] } as const;
    const plan = singleStepPlan('Unary', [f32], [f32], { kind });
    expect(placementOf(plan).runs).toBe(isHosts ? 'typescript' : 'wasm');
  });

  it('and forms that are declined have the same answer', () => {
    const x = { type: 'uint8', dims: [1, 1, 5, 6] } as const;
    const plan = singleStepPlan(
      'QConv',
      [
        x,
        { type: 'int8', dims: [7, 1, 1, 6] },
        undefined,
        { type: 'float32', dims: [7], constant: new Float32Array(7).fill(0.01) },
      ],
      [{ type: 'uint8', dims: [1, 1, 5, 7] }],
      { xZero: 3, yZero: 9 },
    );
    expect(placementOf(plan)).toMatchObject({ runs: 'typescript' });
    const random = createRandom(3);
    const inputs = [integers(random, 'uint8', 30), integers(random, 'int8', 42)];
    const expected = runSingle(createReferenceBackend(), plan, inputs);
    expect(runSingle(backend, plan, inputs)).toEqual(expected);
  });
});

describe('one row', () => {
  const reference = createReferenceBackend();
  const wasm = createWasmBackend();
  it.each([1, 2, 7, 8, 9, 31, 32, 33, 64, 65])('× %i columns', (columns) => {
    for (const depth of [1, 2, 3, 8, 15, 16, 17, 257]) {
      for (const zero of [0, -128, 127]) {
        const plan = productPlan(1, depth, columns, zero);
        const inputs = [integers(createRandom(depth), 'uint8', depth)];
        const what = `${depth} × ${columns}, zero ${zero}`;
        expect(runSingle(wasm, plan, inputs), what).toEqual(runSingle(reference, plan, inputs));
      }
    }
  });

  it('that is a window over all of x', () => {
    const random = createRandom(9);
    for (const [type, kernel] of [
      ['uint8', [5, 4]],
      ['int32', [2, 4]],
      ['float32', [1, 3]],
    ] as const) {
      const [height, width] = [5, 4];
      const plan = singleStepPlan(
        'QConv',
        [
          { type: 'uint8', dims: [1, height, width, 3] },
          {
            type: 'int8',
            dims: [10, ...kernel, 3],
            constant: integers(random, 'int8', 30 * kernel[0] * kernel[1]),
          },
          { type: 'int32', dims: [10], constant: integers(random, 'int32', 10, -9999, 9999) },
          { type: 'float32', dims: [10], constant: new Float32Array(10).fill(0.003) },
        ],
        [{ type, dims: [1, 1, 1, 10] }],
        { xZero: 77, yZero: 5, strideH: 9, strideW: 9 },
      );
      const inputs = [integers(random, 'uint8', height * width * 3)];
      expect(runSingle(wasm, plan, inputs)).toEqual(runSingle(reference, plan, inputs));
    }
  });
});
