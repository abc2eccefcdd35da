/**
 * Runs plans from TypeScript: the loop over steps, and the `PreparedPlan` around it. Shared with
 * the WASM backend, which differs in its kernels and in where the memory of a run comes from.
 */
import type { TypedArray } from '../../core/dtype.js';
import { invariant, OctavoError, throwIfAborted } from '../../core/errors.js';
import { nextTurn, Turns } from '../../core/turns.js';
import type { Plan, Step } from '../../runtime/plan.js';
import type { PreparedPlan } from '../backend.js';
import type { StepKernel, StepKernels } from './kernel.js';
import type { PlanMemory } from './memory.js';

/** Runs every step of `plan`. */
export function runPlanSync(plan: Plan, memory: PlanMemory, kernels: StepKernels): void {
  for (const step of plan.steps) runStep(step, memory, kernels);
}

/**
 * The same, letting the event loop turn between steps, so that `signal` can fire. Rejects with
 * `ABORTED` before the next step once it has.
 */
export async function runPlan(
  plan: Plan,
  memory: PlanMemory,
  kernels: StepKernels,
  signal?: AbortSignal,
): Promise<void> {
  const turns = new Turns();
  for (const step of plan.steps) {
    if (turns.isDue) await turns.take();
    throwIfAborted(signal, step.node);
    runStep(step, memory, kernels);
  }
}

function runStep(step: Step, memory: PlanMemory, kernels: StepKernels): void {
  (kernels[step.op] as StepKernel)(step, memory);
}

/** Where the memory of each run comes from. */
export interface MemoryPool {
  /** Settles when an asynchronous run may begin; absent where it may at once. */
  readonly ready?: () => Promise<void> | undefined;
  /** Memory that no other run has until it is released. */
  readonly acquire: () => PlanMemory;
  readonly release: (memory: PlanMemory) => void;
  /** Called once, when the plan is disposed of and its last run has ended. */
  readonly close: () => void;
}

/** `plan` as a PreparedPlan: inputs copied in, steps run, outputs copied out. */
export function preparePlan(plan: Plan, kernels: StepKernels, pool: MemoryPool): PreparedPlan {
  let running = 0;
  let disposed = false;

  const begin = (inputs: readonly TypedArray[]): PlanMemory => {
    if (disposed) throw new OctavoError('DISPOSED', 'the plan was disposed of');
    invariant(inputs.length === plan.inputs.length, 'one array for each input of the plan');
    const memory = pool.acquire();
    running++;
    try {
      fill(memory, inputs);
    } catch (error) {
      end(memory);
      throw error;
    }
    return memory;
  };
  const fill = (memory: PlanMemory, inputs: readonly TypedArray[]): void => {
    plan.inputs.forEach((port, i) => {
      copyInto(memory.view(port.tensor), inputs[i]!, port.name);
    });
  };
  const end = (memory: PlanMemory): void => {
    pool.release(memory);
    running--;
    if (disposed && running === 0) pool.close();
  };
  const outputsOf = (memory: PlanMemory): TypedArray[] =>
    plan.outputs.map((port) => memory.view(port.tensor).slice());

  return {
    async run(inputs, options = {}) {
      const memory = begin(inputs);
      try {
        await pool.ready?.();
        await runPlan(plan, memory, kernels, options.signal);
        return outputsOf(memory);
      } finally {
        end(memory);
      }
    },
    async profile(inputs, repeats, options = {}) {
      const memory = begin(inputs);
      // Steps may write over inputs that nothing reads any more, and callers over their own.
      const kept = inputs.map((input) => input.slice());
      try {
        await pool.ready?.();
        const times = new Float64Array(repeats * plan.steps.length);
        let at = 0;
        for (let run = 0; run < repeats; run++) {
          await nextTurn();
          throwIfAborted(options.signal, 'profile');
          if (run > 0) fill(memory, kept);
          for (const step of plan.steps) {
            const start = performance.now();
            runStep(step, memory, kernels);
            times[at++] = (performance.now() - start) * 1e6;
          }
        }
        return times;
      } finally {
        end(memory);
      }
    },
    runSync(inputs) {
      const memory = begin(inputs);
      try {
        runPlanSync(plan, memory, kernels);
        return outputsOf(memory);
      } finally {
        end(memory);
      }
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      if (running === 0) pool.close();
    },
  };
}

/**
 * Copies an input whose type and length were checked; a wrong one would leave stale bytes behind.
 */
function copyInto(view: TypedArray, input: TypedArray, name: string): void {
  const fits = view.length === input.length && view.BYTES_PER_ELEMENT === input.BYTES_PER_ELEMENT;
  invariant(fits, `input '${name}' has the plan's type and length`);
  bytesOf(view).set(bytesOf(input));
}

function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
