/** The promises of the Backend interface, as the reference keeps them, and the check of plans. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { OctavoError } from '../../src/core/errors.js';
import type { Plan, PlanTensor, Step } from '../../src/runtime/plan.js';
import { mayWriteWider } from '../../src/runtime/steps.js';
import { perAxis, runSingle, singleStepPlan, type TestPlan } from '../helpers/singleStep.js';
import { suites } from '../suites/index.js';
import { partSuites } from '../suites/parts.js';
import { describeProblem, drawProblem } from '../suites/problem.js';

const backend = createReferenceBackend();

/** y = −x, over four floats. */
const negation = singleStepPlan(
  'Unary',
  [{ type: 'float32', dims: [4] }],
  [{ type: 'float32', dims: [4] }],
  { kind: 9 },
);

function errorOf(call: () => unknown, what = 'the call'): OctavoError {
  try {
    call();
  } catch (error) {
    if (error instanceof OctavoError) return error;
    throw error;
  }
  throw new Error(`no error from ${what}`);
}

describe('the reference backend', () => {
  it('names itself', () => {
    expect(backend).toMatchObject({ name: 'reference', isa: 'none', threads: 1 });
    expect(createReferenceBackend({ isa: 'none', threads: 1 })).toMatchObject({ isa: 'none' });
  });

  it.each([{ isa: 'avx2' }, { threads: 2 }, { threads: 0 }])('refuses %j', (options) => {
    const error = errorOf(() => createReferenceBackend(options));
    expect(error.code).toBe('BACKEND_UNAVAILABLE');
    expect(error.where).toBe(Object.keys(options)[0]);
  });

  it('copies inputs before run returns and hands out fresh outputs', async () => {
    const prepared = backend.open(negation.model).prepare(negation);
    const input = Float32Array.of(1, 2, 3, 4);
    const first = prepared.run([input]);
    input.fill(0);
    const second = prepared.run([input]);
    expect([...(await first)[0]!]).toEqual([-1, -2, -3, -4]);
    expect([...(await second)[0]!]).toEqual([-0, -0, -0, -0]);
    expect((await first)[0]!.buffer.byteLength).toBe(16);
  });

  it('reads constants that begin at an odd byte', () => {
    const plan = singleStepPlan(
      'Binary',
      [
        { type: 'float32', dims: [2] },
        { type: 'float32', dims: [2], constant: Float32Array.of(3, 4) },
      ],
      [{ type: 'float32', dims: [2] }],
      { kind: 0 },
      'model',
    );
    const shifted = new Uint8Array(plan.model.length + 1).subarray(1);
    shifted.set(plan.model);
    const moved = { ...plan, model: shifted };
    expect([...runSingle(backend, moved, [Float32Array.of(1, 1)])[0]!]).toEqual([4, 5]);
  });

  it('rejects a run whose signal fired, and runs again after', async () => {
    const prepared = backend.open(negation.model).prepare(negation);
    const input = [Float32Array.of(1, 2, 3, 4)];
    const reason = new Error('enough');
    await expect(prepared.run(input, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'ABORTED',
      cause: reason,
    });
    expect([...(await prepared.run(input))[0]!]).toEqual([-1, -2, -3, -4]);
  });

  it('lets a signal fire between steps', async () => {
    const step = negation.steps[0]!;
    const long: Plan = { ...negation, steps: new Array<Step>(200_000).fill(step) };
    const prepared = backend.open(negation.model).prepare(long);
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const run = prepared.run([new Float32Array(4)], { signal: controller.signal });
    await expect(run).rejects.toMatchObject({ code: 'ABORTED', where: 'test Unary' });
  });

  it('refuses to run or prepare after dispose, which may be called twice', async () => {
    const model = backend.open(negation.model);
    const [kept, dropped] = [model.prepare(negation), model.prepare(negation)];
    const running = kept.run([new Float32Array(4)]);
    dropped.dispose();
    dropped.dispose();
    expect(errorOf(() => dropped.runSync([new Float32Array(4)])).code).toBe('DISPOSED');
    model.dispose();
    model.dispose();
    await expect(running).resolves.toHaveLength(1);
    await expect(kept.run([new Float32Array(4)])).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(errorOf(() => model.prepare(negation)).code).toBe('DISPOSED');
  });

  it.each([
    ['too few inputs', []],
    ['a short input', [new Float32Array(3)]],
    ['a detached input', [structuredClone(new Float32Array(0))]],
  ])('fails on %s rather than read stale bytes', (_, inputs) => {
    const prepared = backend.open(negation.model).prepare(negation);
    expect(errorOf(() => prepared.runSync(inputs)).code).toBe('INTERNAL');
    expect([...prepared.runSync([Float32Array.of(1, 2, 3, 4)])[0]!]).toEqual([-1, -2, -3, -4]);
  });
});

/** Constants that any tensor of the suites fits in. */
const room = new Uint8Array(2 ** 24);

describe('the check of plans', () => {
  const prepare = (plan: TestPlan) => backend.open(plan.model).prepare(plan);

  const withTensor = (index: number, change: Partial<PlanTensor>): TestPlan => ({
    ...negation,
    tensors: negation.tensors.map((tensor, i) => (i === index ? { ...tensor, ...change } : tensor)),
  });
  const withStep = (change: object): TestPlan => ({
    ...negation,
    steps: [{ ...negation.steps[0]!, ...change } as Step],
  });

  it.each<[string, TestPlan]>([
    ['a tensor behind its space', withTensor(1, { offset: 128 })],
    ['a negative offset', withTensor(1, { offset: -64 })],
    ['an offset out of line', withTensor(1, { offset: 4 })],
    ['bytes that are not those of the shape', withTensor(1, { bytes: 8 })],
    ['an unknown type', withTensor(1, { type: 'float12' as 'float32' })],
    ['an unknown space', withTensor(1, { space: '__proto__' as 'arena' })],
    ['a rank above the highest', withTensor(1, { dims: [4, 1, 1, 1, 1, 1, 1, 1, 1] })],
    ['a constant that is written', withTensor(1, { space: 'plan', offset: 0 })],
    ['another type than the step writes', withTensor(1, { type: 'int32' })],
    ['another shape than the step writes', withTensor(1, { dims: [2, 2] })],
    ['an arena of no size', { ...negation, arenaBytes: Number.NaN }],
    ['an arena without slack', { ...negation, arenaBytes: 64 + 16 + 63 }],
    ['an unknown step', withStep({ op: 'constructor' })],
    ['an input that is not there', withStep({ inputs: [7] })],
    ['an absent input that is needed', withStep({ inputs: [-1] })],
    ['too many inputs', withStep({ inputs: [0, 0] })],
    ['no output', withStep({ outputs: [] })],
    ['a kind that is not in the table', withStep({ params: { kind: 99, alpha: 0, beta: 0 } })],
    ['a parameter of the wrong form', withStep({ params: { kind: 1.5, alpha: 0, beta: 0 } })],
    ['a parameter too few', withStep({ params: { kind: 9, alpha: 0 } })],
    ['an output port to nowhere', { ...negation, outputs: [{ name: 'y', tensor: 2 }] }],
  ])('refuses %s', (_, plan) => {
    expect(errorOf(() => prepare(plan)).code).toBe('INTERNAL');
  });

  it.each([
    { starts: perAxis([4]), steps: perAxis([1], 1) },
    { starts: perAxis([-1]), steps: perAxis([1], 1) },
    { starts: perAxis([2]), steps: perAxis([2], 1) },
    { starts: perAxis([0]), steps: perAxis([-1], 1) },
  ])('refuses a slice that leaves its input: %j', (params) => {
    const x = { type: 'uint8', dims: [4] } as const;
    const plan = singleStepPlan('Slice', [x], [{ type: 'uint8', dims: [2] }], params);
    expect(errorOf(() => prepare(plan)).code).toBe('INTERNAL');
  });

  it.each([
    [{ yFirst: -1 }, 12],
    [{ yFirst: 5 }, 12],
    [{ yFirst: 2 ** 31 - 1 }, 12],
    [{ yFirst: 0 }, 7],
  ])('refuses parts that do not lie in y: %j of %i', (params, room) => {
    const reads = [
      { type: 'float32', dims: [1, 2, 2, 4] },
      { type: 'float32', dims: [8, 1, 1, 4] },
    ] as const;
    const y = { type: 'float32', dims: [1, 2, 2, room] } as const;
    const conv = singleStepPlan('Conv', reads, [y], params);
    expect(errorOf(() => prepare(conv)).code).toBe('INTERNAL');
    const x = { type: 'float32', dims: [2, 8] } as const;
    const axis = { axis: 1, ...params };
    const concat = singleStepPlan('Concat', [x], [{ ...x, dims: [2, room] }], axis);
    expect(errorOf(() => prepare(concat)).code).toBe('INTERNAL');
  });

  /**
   * Sizes that the table leaves open: beyond the input lies padding, any length can be reduced, and a
   * row may end anywhere in its last block.
   */
  function isOpen({ tensors, steps }: Plan, tensor: number, axis: number): boolean {
    const { op, inputs, outputs, params } = steps[0]!;
    const rank = tensors[tensor]!.dims.length;
    // y may have room for more.
    if (tensor === outputs[0] && mayWriteWider(op)) {
      if (axis === (op === 'Concat' ? (params as Step<'Concat'>['params']).axis : 3)) return true;
    }
    // An axis of y may be one that x was repeated along; along the axis of the indices x may have any length.
    if (op === 'Expand') return tensor === outputs[0];
    if (op === 'Gather' || op === 'Resample')
      return (
        tensor === inputs[0] && axis === (params as Step<'Gather' | 'Resample'>['params']).axis
      );
    // Indices address any cell of x, and may be fewer than it has along other axes.
    if (op === 'GatherElements') return tensor === inputs[0];
    if (op === 'GatherND') {
      const { batchDims } = params as Step<'GatherND'>['params'];
      const depth = tensors[inputs[1]!]!.dims.at(-1)!;
      return tensor === inputs[0] && axis >= batchDims && axis < batchDims + depth;
    }
    if (op === 'TopK' || op === 'ArgReduce') {
      return tensor === inputs[0] && axis === (params as Step<'TopK'>['params']).axis;
    }
    if (op === 'MatMulInt4') return tensor === inputs[0] && axis === rank - 1;
    if (op === 'Reduce') return tensor === inputs[0] && (params as AxesOf).axes[axis] === 1;
    const spatial = [inputs[0], op.includes('Conv') ? inputs[1] : undefined, outputs[0]];
    const slides = op.endsWith('Pool') || op.includes('Conv');
    return slides && spatial.includes(tensor) && (axis === 1 || axis === 2);
  }
  type AxesOf = Step<'Reduce'>['params'];

  // Where more than one step writes to y, any of them may write more.
  const open = ['slice', 'pad', ...partSuites.map(({ name }) => name)];
  const closed = suites.filter(({ name }) => !open.includes(name));
  it.each(closed)('refuses any other dim that is off by one: $name', (suite) => {
    let refused = 0;
    for (let index = 0; index < 40; index++) {
      const problem = drawProblem(suite, index);
      const { plan } = problem;
      for (const [at, tensor] of plan.tensors.entries()) {
        for (const [axis, dim] of tensor.dims.entries()) {
          // A length of 1 or 0 might still broadcast, or not matter.
          if (dim <= 1 || isOpen(plan, at, axis)) continue;
          const dims = tensor.dims.with(axis, dim + 1);
          const bytes = (tensor.bytes / dim) * (dim + 1);
          const tensors = plan.tensors.with(at, { ...tensor, dims, bytes, offset: 0 });
          const changed = { ...plan, tensors, arenaBytes: 2 ** 30, constants: room, model: room };
          const where = `seed ${problem.seed}: ${describeProblem({ ...problem, plan: changed })}`;
          expect(['INTERNAL', 'INVALID_GRAPH'], where).toContain(
            errorOf(() => prepare(changed), where).code,
          );
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});
