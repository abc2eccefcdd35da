/**
 * The kernels of the reference keep to their tensors: an arena full of garbage gives the same
 * answers as one full of zeros, and nothing but the outputs is written.
 */
import { describe, expect, it } from 'vitest';
import { runPlanSync } from '../../src/backends/reference/executor.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { referenceKernels } from '../../src/backends/reference/kernels.js';
import { allocateRegion, createPlanMemory, regionOf } from '../../src/backends/reference/memory.js';
import type { TypedArray } from '../../src/core/dtype.js';
import { runSingle } from '../helpers/singleStep.js';
import { suites } from '../suites/index.js';
import { describeProblem, drawProblem, firstDifference, type Problem } from '../suites/problem.js';

const problems = 60;
const poisons = [0xff, 0x7f, 0xa5];

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Runs in an arena filled with `poison`; the outputs, and whether anything else was written. */
function runPoisoned({ plan, inputs }: Problem, poison: number): [TypedArray[], string] {
  const arena = allocateRegion(plan.arenaBytes);
  const bytes = new Uint8Array(arena.buffer).fill(poison);
  const memory = createPlanMemory(plan, {
    arena,
    model: regionOf(plan.model),
    plan: regionOf(plan.constants),
  });
  const constants = [plan.model, plan.constants].map((space) => Buffer.from(space));
  plan.inputs.forEach(({ tensor }, i) => {
    bytesOf(memory.view(tensor)).set(bytesOf(inputs[i]!));
  });
  runPlanSync(plan, memory, referenceKernels);

  const outputs = plan.outputs.map(({ tensor }) => memory.view(tensor).slice());
  const written: string[] = [];
  plan.inputs.forEach(({ tensor }, i) => {
    if (!bytesOf(memory.view(tensor)).equals(bytesOf(inputs[i]!))) written.push(`input ${i}`);
  });
  if (!constants[0]!.equals(plan.model)) written.push('model');
  if (!constants[1]!.equals(plan.constants)) written.push('plan');
  for (const { tensor } of [...plan.inputs, ...plan.outputs]) {
    bytesOf(memory.view(tensor)).fill(poison);
  }
  const stray = bytes.findIndex((byte) => byte !== poison);
  if (stray >= 0) written.push(`arena at byte ${stray}`);
  return [outputs, written.join(', ')];
}

describe('reference kernels keep to their tensors', () => {
  const backend = createReferenceBackend();
  it.each(suites)('$name', (suite) => {
    for (let index = 0; index < problems; index++) {
      const problem = drawProblem(suite, index);
      const poison = poisons[index % poisons.length]!;
      const expected = runSingle(backend, problem.plan, problem.inputs);
      const [outputs, written] = runPoisoned(problem, poison);
      const what = `seed ${problem.seed}: ${describeProblem(problem)}`;
      expect(firstDifference(expected, outputs, undefined), what).toBeUndefined();
      expect(written, `written besides the outputs, ${what}`).toBe('');
    }
  });
});
