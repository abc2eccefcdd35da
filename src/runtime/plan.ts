/**
 * A plan: a graph for one set of input shapes, flattened. Steps in the order in which they run, each
 * with tensors and parameters; every tensor at a fixed offset of one of three spaces. No graph, no
 * control flow. `encodePlan` writes it as 32-bit words for the native executor.
 */
import type { DataType } from '../core/dtype.js';
import { type Storage, Turned } from '../core/turned.js';
import type { StepName, StepParams } from './steps.js';

/**
 * Where a tensor lives: the run's arena, the constants shared by all plans of a model, or the
 * constants that only this plan has.
 */
export const spaces = ['arena', 'model', 'plan'] as const;
export type Space = (typeof spaces)[number];

/** Every tensor starts at a multiple of this, in every space. */
export const tensorAlignment = 64;

/** Readable bytes that every space keeps behind its last tensor, so that kernels may load whole vectors. */
export const tensorSlack = 64;

/** The 'model' space: in one block, or as constants that lie where they lie, each with its place in that block. */
export type ModelConstants = Uint8Array | ConstantParts;

export interface ConstantParts {
  /** Of the block, `tensorSlack` included. */
  readonly bytes: number;
  /** Where each begins, ascending multiples of `tensorAlignment`. */
  readonly offsets: Float64Array;
  readonly data: readonly Storage[];
}

/** The block itself. */
export function blockOf(constants: ModelConstants): Uint8Array {
  if (constants instanceof Uint8Array) return constants;
  const block = new Uint8Array(constants.bytes);
  for (const [i, data] of constants.data.entries()) {
    const place = block.subarray(constants.offsets[i]!);
    if (data instanceof Turned) data.writeTo(place);
    else place.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return block;
}

export interface PlanTensor {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly space: Space;
  /** In bytes, a multiple of `tensorAlignment`. */
  readonly offset: number;
  readonly bytes: number;
}

export interface Step<S extends StepName = StepName> {
  readonly op: S;
  /** Name of the graph node it came from: for errors, profiles and prints; no backend decides by it. */
  readonly node: string;
  /** Indexes into `tensors`; -1 for an absent optional input. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly params: StepParams<S>;
}

export interface PlanPort {
  readonly name: string;
  readonly tensor: number;
}

export interface Plan {
  readonly tensors: readonly PlanTensor[];
  readonly steps: readonly Step[];
  readonly inputs: readonly PlanPort[];
  readonly outputs: readonly PlanPort[];
  /** Bytes of the arena, `tensorSlack` included. */
  readonly arenaBytes: number;
  /** The 'plan' space, `tensorSlack` included. */
  readonly constants: Uint8Array;
}
