/**
 * The form of a WASM kernel: it prepares one step of a plan, packing weights and writing the fields
 * its WebAssembly function reads, and gives back what runs it. A form of the step that it doesn't
 * take it declines, with the reason; that step runs in plain TypeScript, by the reference's kernel.
 */
import type { TypedArrayOf } from '../../core/dtype.js';
import { decodeBfloat16, decodeFloat16 } from '../../core/half.js';
import type { PlanTensor, Step } from '../../runtime/plan.js';
import type { StepName } from '../../runtime/steps.js';
import type { PlanMemory } from '../reference/memory.js';
import type { WasmExports } from './exports.js';
import type { DotForm } from './probe.js';
import type { PartKernel } from './threads.js';

/** Runs a prepared step over the memory of one run. */
export type StepRun = (memory: PlanMemory) => void;

/** What a kernel declines with: the reason, in words that follow "in TypeScript:". */
export interface Declined {
  readonly declined: string;
}

export type WasmKernel<S extends StepName> = (
  step: Step<S>,
  context: PrepareContext,
) => StepRun | Declined;

/** The address of a tensor in the memory of one run. */
export type Operand = (memory: PlanMemory) => number;

type Elements = TypedArrayOf['uint8' | 'int8' | 'uint16' | 'int16' | 'int32' | 'float32'];

/** How work is cut into parts. */
export interface PartShape {
  readonly units: number;
  /** Units that a part has a whole multiple of: those of a tile, say. */
  readonly grain: number;
  /** Multiplications in all. */
  readonly work: number;
  /** Scratch that each thread needs. */
  readonly scratch: number;
}

/** Arguments of a function but the last three: scratch, and the range of units. */
export type LeadingArgs<F> = F extends (
  ...args: [...infer A extends number[], number, number, number]
) => void
  ? A
  : never;

/** What a kernel has at hand while it prepares a step. */
export interface PrepareContext {
  readonly exports: WasmExports;
  /** The relaxed dot product, where it may be used. */
  readonly dot: DotForm | undefined;
  /** Whether that of two bytes may, for small quads. */
  readonly hasSmallDot: boolean;
  readonly memory: WebAssembly.Memory;
  readonly tensors: readonly PlanTensor[];
  /** Elements of a constant tensor; undefined when it is computed by the plan, or absent. */
  readonly constant: <T extends Elements>(index: number | undefined) => T | undefined;
  /** A tensor that a WebAssembly function reads or writes; constants are copied into its memory. */
  readonly operand: (index: number | undefined) => Operand;
  /** The address of `bytes` bytes, not cleared, that the plan keeps. */
  readonly keep: (bytes: number) => number;
  /** The same, holding `words`: the fields of a class of assembly/. */
  readonly keepWords: (words: ArrayLike<number>) => number;
  /**
   * The address of what `fill` makes of the constant `index`, `bytes` bytes. Plans of a model that
   * ask for the same `form` of the same constant share it.
   */
  readonly share: (
    index: number,
    form: string,
    bytes: number,
    fill: (address: number) => void,
  ) => number;
  /** Asks for scratch, which all steps share; `address` is good until the step ends. */
  readonly scratch: (bytes: number) => { readonly address: number };
  /** What runs a function of the module over a range of units, on all threads if it is worth it. */
  readonly overParts: <K extends PartKernel>(
    kernel: K,
    parts: PartShape,
  ) => (...args: LeadingArgs<WasmExports[K]>) => void;
}

/** A constant of float32 or of a 16-bit float, as float32; undefined when it is computed. */
export function floatConstant(
  { constant, tensors }: PrepareContext,
  index: number | undefined,
): Float32Array | undefined {
  const type = tensors[index ?? -1]?.type;
  const halves = type === 'float16' || type === 'bfloat16';
  if (!halves) return constant<Float32Array>(index);
  const bits = constant<Uint16Array>(index);
  if (bits === undefined) return undefined;
  return type === 'float16' ? decodeFloat16(bits) : decodeBfloat16(bits);
}

/** An int32 word with the bits of a float32. */
export function floatBits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

export function declined(reason: string): Declined {
  return { declined: reason };
}

/** Whether all of `values` are zero points or bounds of uint8. */
export function areBytes(...values: readonly number[]): boolean {
  return values.every((value) => value >= 0 && value <= 255);
}

/**
 * The last fields of a product whose sums assembly/dot.ts makes: the address of an `Output` that asks
 * for int32, and that of eight int32 of 0.
 */
export function keepSumOutput({ keepWords }: PrepareContext): [number, number] {
  const address = keepWords([1, ...new Array<number>(13).fill(0)]);
  return [address, address + 24];
}
