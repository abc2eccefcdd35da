/** How long the plans of stages live: as long as they are kept, or a run is in them. */
import { describe, expect, it } from 'vitest';
import type { BackendModel } from '../../src/backends/backend.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import type { Tensor } from '../../src/core/tensor.js';
import { importModel } from '../../src/onnx/import.js';
import { createProgram } from '../../src/runtime/program.js';
import { StageRunner } from '../../src/runtime/stageRunner.js';
import { bytesOf, float32, nodeProto, t } from '../helpers/onnx-builder.js';

/** y = relu(x) repeated along an axis as often as `count`, twice over: three stages. */
const parts = {
  nodes: [
    nodeProto('Relu', ['x'], ['h']),
    nodeProto('Expand', ['h', 'first'], ['wide']),
    nodeProto('Add', ['first', 'one'], ['second']),
    nodeProto('Expand', ['wide', 'second'], ['y']),
  ],
  inputs: { x: float32(1), first: { type: 'int64', dims: [1] } as const },
  outputs: { y: undefined },
  constants: { one: t('int64', [0], [1]) },
};

/** A model that counts the plans which live. */
function counted(model: BackendModel) {
  const plans = { live: 0, made: 0 };
  const counting: BackendModel = {
    ...model,
    prepare(plan) {
      const prepared = model.prepare(plan);
      let disposed = false;
      plans.live++;
      plans.made++;
      return {
        ...prepared,
        dispose() {
          if (!disposed) plans.live--;
          disposed = true;
          prepared.dispose();
        },
      };
    },
  };
  return { plans, counting };
}

function open(mostPlans: number) {
  const program = createProgram(importModel(bytesOf(18, parts)).graph);
  const { plans, counting } = counted(createReferenceBackend().open(program.constants));
  const context = { model: counting, isOwn: true, mostPlans };
  const dims = new Map([
    ['x', [1]],
    ['first', [1]],
  ]);
  return { plans, runner: StageRunner.prepare(context, program.specialize(dims)) };
}

const feeds = (count: number): ReadonlyMap<string, Tensor> =>
  new Map<string, Tensor>([
    ['x', t('float32', [2], [1])],
    ['first', t('int64', [count], [1])],
  ]);

describe('plans of stages', () => {
  it('are freed when they are no longer kept, also those that runs in flight prepare', async () => {
    const { plans, runner } = open(1);
    const counts = [1, 2, 3, 4, 5, 6];
    const runs = counts.map((count) => runner.run(feeds(count), {}));
    const lengths = (await Promise.all(runs)).map(({ data }) => data[0]!.length);
    expect(lengths).toEqual(counts);
    expect(plans.made).toBeGreaterThan(counts.length);
    expect(runner.runSync(feeds(6)).data[0]).toEqual(new Float32Array(6).fill(2));
    expect(plans.live).toBeLessThanOrEqual(3);
    runner.dispose();
    expect(plans.live).toBe(0);
  });

  it('outlive dispose() for the runs that are in them, and no longer', async () => {
    const { plans, runner } = open(1);
    const runs = [1, 2, 3].map((count) => runner.run(feeds(count), {}));
    runner.dispose();
    const lengths = (await Promise.all(runs)).map(({ data }) => data[0]!.length);
    expect(lengths).toEqual([1, 2, 3]);
    expect(plans.live).toBe(0);
  });

  it('are freed behind a run that is aborted', async () => {
    const { plans, runner } = open(1);
    const controller = new AbortController();
    const running = runner.run(feeds(3), { signal: controller.signal });
    runner.dispose();
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect(plans.live).toBe(0);
  });
});
