/**
 * Memory plans under poison: random networks are run step by step, and before each step every byte of
 * the arena that no live tensor holds is overwritten. Who may be alive is worked out here anew. A
 * result that changes read something that was not there any more, or never was.
 */
import { describe, expect, it } from 'vitest';
import type { StepKernel } from '../../src/backends/reference/kernel.js';
import { referenceKernels } from '../../src/backends/reference/kernels.js';
import { allocateRegion, createPlanMemory, regionOf } from '../../src/backends/reference/memory.js';
import type { TypedArray } from '../../src/core/dtype.js';
import { compile } from '../../src/runtime/compile.js';
import type { Plan, PlanTensor } from '../../src/runtime/plan.js';
import { mayWriteWider } from '../../src/runtime/steps.js';
import { lowered, type Results, runPlan } from '../passes/oracle.js';
import { randomNetwork } from '../passes/randomNetwork.js';

const firstSeed = 5000;
const count = 500;

/** Steps between which each tensor's bytes must stay: [first written, last read], -1 for plan inputs. */
function lifetimesOf({ steps, inputs, outputs, tensors }: Plan): Map<PlanTensor, [number, number]> {
  // Tensors at one offset that are the same bytes under other dims live and die together.
  const keyOf = (index: number) => `${tensors[index]!.offset} ${tensors[index]!.bytes}`;
  const spans: { key: string; birth: number; death: number; tensors: PlanTensor[] }[] = [];
  const open = new Map<string, (typeof spans)[number]>();
  const write = (index: number, time: number, isPart = false) => {
    // What nobody has read yet is still being written, part by part.
    const begun = open.get(keyOf(index));
    if (isPart && begun !== undefined && begun.birth === begun.death) {
      begun.tensors.push(tensors[index]!);
      return;
    }
    const span = { key: keyOf(index), birth: time, death: time, tensors: [tensors[index]!] };
    spans.push(span);
    open.set(span.key, span);
  };
  const read = (index: number, time: number) => {
    if (index < 0 || tensors[index]!.space !== 'arena') return;
    const span = open.get(keyOf(index))!;
    span.death = time;
    span.tensors.push(tensors[index]!);
  };
  for (const { tensor } of inputs) write(tensor, -1);
  steps.forEach((step, time) => {
    for (const index of step.inputs) read(index, time);
    for (const index of step.outputs) write(index, time, mayWriteWider(step.op));
  });
  for (const { tensor } of outputs) read(tensor, steps.length);
  return new Map(
    spans.flatMap(({ birth, death, tensors }) =>
      tensors.map((tensor) => [tensor, [birth, death]] as const),
    ) as [PlanTensor, [number, number]][],
  );
}

/** Runs a plan with all bytes that nobody owns set to 0xff: NaN in floats, the extreme in codes. */
function runPoisoned(plan: Plan, feeds: Results): TypedArray[] {
  const arena = allocateRegion(plan.arenaBytes);
  const bytes = new Uint8Array(arena.buffer, 0, plan.arenaBytes);
  const memory = createPlanMemory(plan, {
    arena,
    model: regionOf(new Uint8Array(64)),
    plan: regionOf(plan.constants),
  });
  const lifetimes = lifetimesOf(plan);
  const poison = (time: number) => {
    const held = new Uint8Array(plan.arenaBytes);
    for (const [{ space, offset, bytes: size }, [birth, death]] of lifetimes) {
      const alive = birth < time && time <= death;
      if (space === 'arena' && alive) held.fill(1, offset, offset + size);
    }
    held.forEach((isHeld, at) => {
      if (isHeld === 0) bytes[at] = 0xff;
    });
  };
  bytes.fill(0xff);
  for (const { name, tensor } of plan.inputs) memory.view(tensor).set(feeds[name]!.data as never);
  plan.steps.forEach((step, time) => {
    poison(time);
    (referenceKernels[step.op] as StepKernel)(step, memory);
  });
  poison(plan.steps.length);
  return plan.outputs.map(({ tensor }) => memory.view(tensor).slice());
}

describe(`a poisoned arena, seeds from ${firstSeed}`, () => {
  it.each([
    ['float', false],
    ['quantized', true],
  ])('changes nothing in %s networks', (_, quantized) => {
    let saved = 0;
    for (let seed = firstSeed; seed < firstSeed + count / 2; seed++) {
      const { graph, feeds } = randomNetwork(seed, 14, quantized);
      const plan = compile(lowered(graph, feeds));
      const expected = Object.values(runPlan(plan, feeds)).map((tensor) => tensor.data);
      expect(runPoisoned(plan, feeds), `seed ${seed}`).toEqual(expected);
      const all = plan.tensors.filter((tensor) => tensor.space === 'arena');
      saved += all.reduce((sum, tensor) => sum + tensor.bytes, 0) / plan.arenaBytes;
    }
    // The point of it all: tensors do share bytes.
    expect(saved / (count / 2)).toBeGreaterThan(1.5);
  });
});
