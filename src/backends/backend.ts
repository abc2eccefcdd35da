/**
 * The interface of a backend: what runs a plan. Three exist: `native` (the C++ addon), `wasm` and
 * `reference` (plain TypeScript, the specification). Integer results are the same bits on all.
 *
 * A backend opens a model once, with the constants that all its plans share (so that packed weights
 * are kept once), and prepares a plan for each set of input shapes.
 */
import type { TypedArray } from '../core/dtype.js';
import type { ModelConstants, Plan } from '../runtime/plan.js';

export const backendNames = ['native', 'wasm', 'reference'] as const;
export type BackendName = (typeof backendNames)[number];

export interface BackendOptions {
  /** Forces an instruction set, e.g. 'avx2'; the best one there is by default. */
  readonly isa?: string | undefined;
  /** Threads that one run may use, from 1; by default what affinity and cgroup quota allow. */
  readonly threads?: number | undefined;
}

export interface Backend {
  readonly name: BackendName;
  /** Instruction set in use: a native one ('avx512vnni', 'avx2', 'portable' …), one of WASM or 'none'. */
  readonly isa: string;
  readonly threads: number;
  /** Zeroed memory for the file of a model that will be opened here; any will do where this is absent. */
  allocate?(bytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Takes a model's constants (space 'model' of its plans). The bytes must not change afterwards. Those that lie in parts
   * are read until the model is sealed.
   */
  open(constants: ModelConstants): BackendModel;
}

export interface BackendModel {
  /** Checks the plan and packs the weights that no earlier plan of this model packed. */
  prepare(plan: Plan): PreparedPlan;
  /**
   * The same off the event loop, for a model whose constants nobody else has: until the promise settles they must be
   * neither changed nor transferred. Absent where plans are prepared on this thread in any case.
   */
  prepareAside?(plan: Plan): Promise<PreparedPlan>;
  /**
   * No plan will be prepared any more: lets go of constants that nothing but packing reads. Of `own`, memory that only
   * they are in and nobody else has, a backend may give back what it can rather than leave it to be collected.
   */
  seal(own: readonly ArrayBuffer[]): void;
  /** Frees everything; runs in flight end first. Idempotent. */
  dispose(): void;
}

export interface PreparedPlan {
  /**
   * Runs the plan once. `inputs` are the storage arrays of the plan's inputs, in order, already
   * checked for type and length; they are copied before the promise is returned. Resolves to fresh
   * arrays, one per plan output. Re-entrant. Rejects with `ABORTED` when the signal fires (checked
   * between steps) and `DISPOSED` after dispose().
   */
  run(inputs: readonly TypedArray[], options?: RunPlanOptions): Promise<TypedArray[]>;
  /** The same, blocking the calling thread. */
  runSync(inputs: readonly TypedArray[]): TypedArray[];
  /**
   * Nanoseconds of every step of `repeats` runs, one after the other: those of the first run, then of the second …
   * The inputs are copied once; where steps reuse their memory, later runs compute with what is there.
   */
  profile(
    inputs: readonly TypedArray[],
    repeats: number,
    options?: RunPlanOptions,
  ): Promise<Float64Array>;
  dispose(): void;
}

export interface RunPlanOptions {
  readonly signal?: AbortSignal | undefined;
}
