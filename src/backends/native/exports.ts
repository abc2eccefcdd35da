/** What the addon exports (native/binding), as TypeScript sees it. */
import type { TypedArray } from '../../core/dtype.js';
import type { ConstantParts, ModelConstants } from '../../runtime/plan.js';

export interface IsaInfo {
  readonly name: string;
  /** The compiler knew it. */
  readonly built: boolean;
  /** This CPU, and the operating system, have it. */
  readonly supported: boolean;
}

export interface KernelInfo {
  /** Its folder in native/kernels. */
  readonly family: string;
  readonly name: string;
  readonly isa: string;
}

/** A register loop: the most that a core does of one kind of multiplication and addition. */
export interface PeakInfo {
  /** `peak_<types>_<isa>`, such as peak_u8s8s32_avx512vnni. */
  readonly name: string;
  readonly isa: string;
  /** Operations of one iteration, a multiplication and an addition counting as two. */
  readonly ops: number;
}

export interface NativePlanHandle {
  /** `id` is for `cancel`; no other run in flight of this thread has it. */
  run(inputs: readonly TypedArray[]): { id: number; outputs: Promise<ArrayBuffer[]> };
  /**
   * The same, of `repeats` runs one after the other; in place of the outputs one buffer of float64, the nanoseconds
   * of every step of every run.
   */
  profile(
    inputs: readonly TypedArray[],
    repeats: number,
  ): { id: number; outputs: Promise<ArrayBuffer[]> };
  cancel(id: number): void;
  /**
   * Whether the next run is likely to be over sooner than another thread would have taken it, and no other is in flight.
   * Then the inputs are copied, and `runHeld` or `dropHeld` has to follow.
   */
  hold(inputs: readonly TypedArray[]): boolean;
  runHeld(): ArrayBuffer[];
  dropHeld(): void;
  runSync(inputs: readonly TypedArray[]): ArrayBuffer[];
  /** Nanoseconds of `repeats` runs on this thread, the inputs copied once and no outputs. */
  measure(inputs: readonly TypedArray[], repeats: number): number;
  memoryBytes(): number;
  dispose(): void;
}

/** `parts`: the model's constants once more, where they were no block; those that this plan is the first to read. */
export type PrepareArguments = [
  words: Int32Array,
  constants: Uint8Array,
  threads: number,
  parts?: ConstantParts,
];

export interface NativeModelHandle {
  prepare(...args: PrepareArguments): NativePlanHandle;
  /** The same on another thread. Until it settles nobody may write to the arrays, or detach their buffers. */
  prepareAside(...args: PrepareArguments): Promise<NativePlanHandle>;
  packedBytes(): number;
  dispose(): void;
}

export interface AddonExports {
  readonly NativeModel: new (
    constants: ModelConstants,
    isa: string,
    kernel?: string,
  ) => NativeModelHandle;
  /** The step vocabulary it was built with: equals `schemaText()` or the build is another one. */
  readonly schema: string;
  readonly isas: readonly IsaInfo[];
  /** Detaches buffers, which gives their memory back at once. */
  detach(buffers: readonly ArrayBuffer[]): void;
  /** Takes the pages of the memory from `begin` to `end`. Nobody may write to it or detach it until this settles. */
  supplyPages(memory: Uint8Array, begin: number, end: number): Promise<void>;
  /** All kernels that were built. */
  readonly kernels: readonly KernelInfo[];
  /** The register loops that this CPU can run. */
  peaks(): readonly PeakInfo[];
  /** Nanoseconds of so many iterations of a register loop on this thread. */
  runPeak(name: string, iterations: number): number;
  readonly bestIsa: string;
  /** CPUs by affinity and cgroup quota. */
  readonly usableCpus: number;
}
