/**
 * The WASM kernels keep to their tensors: in an arena full of garbage they give the same answers,
 * and they write nothing but the outputs. Nor does it matter where in the 4 GiB of addresses they
 * work.
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { regionOf } from '../../src/backends/reference/memory.js';
import { loadBuild, wasmIsas } from '../../src/backends/wasm/builds.js';
import { createMemory } from '../../src/backends/wasm/heap.js';
import { createWasmBackend } from '../../src/backends/wasm/index.js';
import { prepareWasmPlan } from '../../src/backends/wasm/plan.js';
import { createStore } from '../../src/backends/wasm/store.js';
import type { TypedArray } from '../../src/core/dtype.js';
import { runSingle, type TestPlan } from '../helpers/singleStep.js';
import { suites } from '../suites/index.js';
import { describeProblem, drawProblem, firstDifference, type Problem } from '../suites/problem.js';

const problems = 60;
const poisons = [0xff, 0x7f, 0xa5];

/** Runs in an arena filled with `poison`; the outputs, and where else the arena was written. */
function runPoisoned(
  { plan, inputs }: Problem,
  isa: string,
  poison: number,
): [TypedArray[], string] {
  const store = createStore(loadBuild(isa));
  const prepared = prepareWasmPlan(plan, regionOf(plan.model), store, () => {});
  const { address } = store.acquireArena(plan.arenaBytes);
  const arena = new Uint8Array(store.heap.memory.buffer, address, plan.arenaBytes).fill(poison);
  store.releaseArena({ address, bytes: plan.arenaBytes });
  const outputs = prepared.runSync(inputs);
  for (const { tensor } of [...plan.inputs, ...plan.outputs]) {
    const { offset, bytes } = plan.tensors[tensor]!;
    arena.fill(poison, offset, offset + bytes);
  }
  const stray = arena.findIndex((byte) => byte !== poison);
  prepared.dispose();
  return [outputs, stray < 0 ? '' : `arena at byte ${stray}`];
}

/** The same plan with its activations `by` bytes further up. */
function moved(plan: TestPlan, by: number): TestPlan {
  return {
    ...plan,
    arenaBytes: plan.arenaBytes + by,
    tensors: plan.tensors.map((tensor) =>
      tensor.space === 'arena' ? { ...tensor, offset: tensor.offset + by } : tensor,
    ),
  };
}

const isas = wasmIsas().filter(({ usable }) => usable);

describe.each(isas)('WASM kernels keep to their tensors: $name', ({ name: isa }) => {
  const reference = createReferenceBackend();
  it.each(suites)('$name', (suite) => {
    for (let index = 0; index < problems; index++) {
      const problem = drawProblem(suite, index);
      const expected = runSingle(reference, problem.plan, problem.inputs);
      const [outputs, written] = runPoisoned(problem, isa, poisons[index % poisons.length]!);
      const what = `seed ${problem.seed}: ${describeProblem(problem)}`;
      expect(firstDifference(expected, outputs, problem.tolerance), what).toBeUndefined();
      expect(written, `written besides the outputs, ${what}`).toBe('');
    }
  });
});

/** Whether this machine promises a process that much memory; little of it is touched. */
function canReserve(bytes: number): boolean {
  try {
    createMemory().grow(bytes / 65536);
    return true;
  } catch {
    return false;
  }
}

const distance = 2 ** 31 + 2 ** 20;
const reason = canReserve(distance) ? '' : ' (skipped: no 2 GiB of address space)';

const above = `addresses above 2 GiB${reason}: $name`;

describe.skipIf(reason !== '').each(isas)(above, ({ name: isa }) => {
  const wasm = createWasmBackend({ isa });
  it.each(suites)('$name', (suite) => {
    for (let index = 0; index < 3; index++) {
      const { plan, inputs, seed } = drawProblem(suite, index);
      const expected = runSingle(wasm, plan, inputs);
      const found = runSingle(wasm, moved(plan, distance), inputs);
      expect(firstDifference(expected, found, undefined), `seed ${seed}`).toBeUndefined();
    }
  });
});
