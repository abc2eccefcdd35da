/**
 * A plan prepared for WebAssembly: each step bound to what runs it, a function of the module or the
 * reference's kernel, and the executor of the reference over an arena in WebAssembly memory.
 */
import { invariant, OctavoError } from '../../core/errors.js';
import type { Plan, Step } from '../../runtime/plan.js';
import { type StepName, stepNames } from '../../runtime/steps.js';
import type { PreparedPlan } from '../backend.js';
import { type MemoryPool, preparePlan } from '../reference/executor.js';
import type { StepKernel, StepKernels } from '../reference/kernel.js';
import { referenceKernels } from '../reference/kernels.js';
import { createPlanMemory, type PlanMemory, type Region, regionOf } from '../reference/memory.js';
import { type ConstantRegions, createContext, type PlanContext } from './context.js';
import type { PrepareContext, StepRun, WasmKernel } from './kernel.js';
import { wasmKernels } from './kernels.js';
import type { Arena, Store } from './store.js';

/** Where one step of a plan runs. */
export interface StepPlacement {
  readonly op: StepName;
  readonly node: string;
  readonly runs: 'wasm' | 'typescript';
  /** Why it runs in TypeScript. */
  readonly reason?: string | undefined;
}

export interface WasmPreparedPlan extends PreparedPlan {
  /** One for each step, in order. */
  readonly placements: readonly StepPlacement[];
}

/**
 * Prepares `plan`, which has been checked; `closed` is called when its last run after dispose()
 * ends. From then on nothing here refers to the memory of the model, so that it can go although a
 * caller still holds the plan.
 */
export function prepareWasmPlan(
  plan: Plan,
  model: Region,
  store: Store,
  closed: () => void,
): WasmPreparedPlan {
  const regions = { model, plan: regionOf(plan.constants) };
  const bound = new Map<Step, StepRun>();
  const placements: StepPlacement[] = [];
  let context: PlanContext | undefined = createContext(plan, regions, store);
  try {
    for (const step of plan.steps) {
      const { op, node } = step;
      const prepared = prepareStep(step, context);
      if (typeof prepared === 'string') {
        placements.push({ op, node, runs: 'typescript', reason: prepared });
      } else {
        bound.set(step, prepared);
        placements.push({ op, node, runs: 'wasm' });
      }
    }
    // An arena that can't be had is found out now, not in the first run.
    store.releaseArena(store.acquireArena(plan.arenaBytes));
  } catch (error) {
    context.dispose();
    throw error;
  }
  const pool = createPool(plan, regions, store, () => {
    context?.dispose();
    context = undefined;
    bound.clear();
    closed();
  });
  return { ...preparePlan(plan, kernelsOf(bound), pool), placements };
}

/** What runs a step in WebAssembly, or why nothing does. */
function prepareStep(step: Step, context: PrepareContext): StepRun | string {
  const kernel = wasmKernels[step.op] as WasmKernel<StepName> | undefined;
  if (kernel === undefined) return 'no kernel';
  const prepared = kernel(step, context);
  return typeof prepared === 'function' ? prepared : prepared.declined;
}

/** A table of kernels that runs steps as they were bound, and the others by the reference. */
function kernelsOf(bound: ReadonlyMap<Step, StepRun>): StepKernels {
  const entries = stepNames.map((op): [StepName, StepKernel] => {
    const fallback = referenceKernels[op] as StepKernel;
    return [op, (step, memory) => runBound(step, memory, bound.get(step), fallback)];
  });
  return Object.fromEntries(entries) as unknown as StepKernels;
}

function runBound(
  step: Step,
  memory: PlanMemory,
  run: StepRun | undefined,
  fallback: StepKernel,
): void {
  if (run === undefined) {
    fallback(step, memory);
    return;
  }
  try {
    run(memory);
  } catch (cause) {
    if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
    throw new OctavoError('BACKEND_FAILURE', `${step.op} failed in WebAssembly: ${cause.message}`, {
      where: step.node,
      cause,
    });
  }
}

/** A run takes an arena of the model; the views of one arena are made once for each plan. */
function createPool(
  plan: Plan,
  regions: ConstantRegions,
  store: Store,
  close: () => void,
): MemoryPool {
  let source: Store | undefined = store;
  const arenas = new Map<PlanMemory, Arena>();
  const known = new Map<number, PlanMemory>();
  return {
    ready: () => source?.threads?.ready(),
    acquire() {
      invariant(source !== undefined, 'a plan that was disposed of does not run');
      const arena = source.acquireArena(plan.arenaBytes);
      let memory = known.get(arena.address);
      if (memory === undefined) {
        const region = growingRegion(source.heap.memory, arena.address);
        memory = createPlanMemory(plan, { ...regions, arena: region });
        known.set(arena.address, memory);
      }
      arenas.set(memory, arena);
      return memory;
    },
    release(memory) {
      source?.releaseArena(arenas.get(memory)!);
      arenas.delete(memory);
    },
    close() {
      source = undefined;
      known.clear();
      close();
    },
  };
}

/** A region whose buffer is another one after the memory has grown. */
function growingRegion(memory: WebAssembly.Memory, offset: number): Region {
  return {
    offset,
    get buffer() {
      return memory.buffer;
    },
  };
}
