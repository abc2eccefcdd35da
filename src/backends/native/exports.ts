/** What the addon exports (native/binding), as TypeScript sees it. */
import type { TypedArray } from '../../core/dtype.js';

export interface IsaInfo {
  readonly name: string;
  /** The compiler knew it. */
  readonly built: boolean;
  /** This CPU, and the operating system, have it. */
  readonly supported: boolean;
}

export interface NativePlanHandle {
  /** `id` is for `cancel`; no other run in flight of this thread has it. */
  run(inputs: readonly TypedArray[]): { id: number; outputs: Promise<ArrayBuffer[]> };
  cancel(id: number): void;
  runSync(inputs: readonly TypedArray[]): ArrayBuffer[];
  memoryBytes(): number;
  dispose(): void;
}

export interface NativeModelHandle {
  prepare(words: Int32Array, constants: Uint8Array, threads: number): NativePlanHandle;
  packedBytes(): number;
  dispose(): void;
}

export interface AddonExports {
  readonly NativeModel: new (constants: Uint8Array, isa: string) => NativeModelHandle;
  /** The step vocabulary it was built with: equals `schemaText()` or the build is another one. */
  readonly schema: string;
  readonly isas: readonly IsaInfo[];
  readonly bestIsa: string;
  /** CPUs by affinity and cgroup quota. */
  readonly usableCpus: number;
}
