/** The runner finds faults: backends that are the reference but for one thing. */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.js';
import { preparePlan } from '../../src/backends/reference/executor.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import type { StepKernel, StepKernels } from '../../src/backends/reference/kernel.js';
import { referenceKernels } from '../../src/backends/reference/kernels.js';
import { allocateRegion, createPlanMemory, regionOf } from '../../src/backends/reference/memory.js';
import { blockOf, type Plan } from '../../src/runtime/plan.js';
import type { StepName } from '../../src/runtime/steps.js';
import { suites } from '../suites/index.js';
import { reportOf } from './run.js';

const problems = 12;

/** The reference with `spoil` called on the bytes of every output of a plan's last step. */
function spoiled(spoil: (bytes: Uint8Array) => void): Backend {
  const kernelsOf = ({ steps }: Plan) =>
    Object.fromEntries(
      Object.entries(referenceKernels).map(([name, kernel]) => [
        name,
        ((step, memory) => {
          (kernel as StepKernel)(step, memory);
          for (const output of step === steps.at(-1) ? step.outputs : []) {
            const { buffer, byteOffset, byteLength } = memory.view(output);
            spoil(new Uint8Array(buffer, byteOffset, byteLength));
          }
        }) satisfies StepKernel<StepName>,
      ]),
    ) as unknown as StepKernels;
  return {
    ...createReferenceBackend(),
    open: (constants) => ({
      prepare: (plan) =>
        preparePlan(plan, kernelsOf(plan), {
          acquire: () =>
            createPlanMemory(plan, {
              arena: allocateRegion(plan.arenaBytes),
              model: regionOf(blockOf(constants)),
              plan: regionOf(plan.constants),
            }),
          release: () => {},
          close: () => {},
        }),
      seal: () => {},
      dispose: () => {},
    }),
  };
}

describe.each(suites)('$name', (suite) => {
  it('passes the reference itself', async () => {
    const contenders = [{ label: 'itself', backend: spoiled(() => {}) }];
    expect(await reportOf(suite, contenders, problems)).toBe('');
  });

  it('finds the last element wrong', async () => {
    // A high bit of the last byte: beyond any tolerance, whatever the type.
    const backend = spoiled((bytes) => {
      if (bytes.length > 0) bytes[bytes.length - 1]! ^= 0x40;
    });
    const report = await reportOf(suite, [{ label: 'spoiled', backend }], problems);
    expect(report).toMatch(/^spoiled, problem 0 \(seed -?\d+\): output 0\[\d+\]: expected/);
  });

  it('reports what a backend throws', async () => {
    const backend = spoiled(() => {
      throw new Error('out of order');
    });
    const report = await reportOf(suite, [{ label: 'broken', backend }], problems);
    expect(report).toContain('Error: out of order');
    expect(report).toContain(`and ${problems - 1} more on broken`);
  });
});
