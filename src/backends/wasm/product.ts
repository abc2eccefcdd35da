/** What all ways of multiplying uint8 windows with int8 weights have in common. */
import type { Step } from '../../runtime/plan.js';
import type { PlanMemory } from '../reference/memory.js';
import { floatBits, type Operand, type PrepareContext } from './kernel.js';

/** What tiles add to their codes: the fields of class Sum, and where the other codes are. */
interface Addend {
  readonly sum: number;
  readonly residual: Operand;
}

export const noAddend: Addend = { sum: 0, residual: () => 0 };

/** Values of `Output.kind`. */
export const outputKinds = { uint8: 0, int32: 1, float32: 2 } as const;

/** What a product does besides what its step says. */
export interface ProductOptions {
  /** The zero point of x, or what finds it in a run. */
  readonly xZero: number | ((memory: PlanMemory) => number);
  /** What results are written as. */
  readonly kind: (typeof outputKinds)[keyof typeof outputKinds];
  /** Of a single group, and of more than one pixel. */
  readonly addend: Addend;
}

/** The operands that are packed. */
export interface Constants {
  readonly weights: Int8Array;
  /** Undefined where all are 0. */
  readonly zeros: Int32Array | undefined;
  readonly bias: Int32Array | undefined;
  readonly multiplier: Float32Array | undefined;
}

/**
 * Keeps the bias less what the zero point of x, of which kernels take off `offset`, adds to each sum, laid out by `place`:
 * in a run, where the table is and the zero point.
 */
export function keepBias(
  { weights, zeros, bias }: Constants,
  channels: number,
  offset: number,
  { xZero }: ProductOptions,
  { keep, memory }: PrepareContext,
  place: (values: Int32Array) => Int32Array,
): (at: PlanMemory) => { readonly table: number; readonly xZero: number } {
  const sums = sumsOf(weights, zeros, channels);
  const own = place(bias ?? new Int32Array(channels));
  const ofZero = place(sums);
  const table = keep(own.byteLength);
  const fill = (zero: number) => {
    const to = new Int32Array(memory.buffer, table, own.length);
    for (let i = 0; i < to.length; i++) to[i] = own[i]! - Math.imul(zero - offset, ofZero[i]!);
    return { table, xZero: zero };
  };
  if (typeof xZero === 'number') {
    const filled = fill(xZero);
    return () => filled;
  }
  let filled = fill(0);
  return (at) => {
    const zero = xZero(at);
    if (zero !== filled.xZero) filled = fill(zero);
    return filled;
  };
}

/** The sum of the weights of each channel, less their zero points. */
function sumsOf(weights: Int8Array, zeros: Int32Array | undefined, channels: number): Int32Array {
  const sums = new Int32Array(channels);
  const depth = weights.length / channels;
  for (let channel = 0, k = 0; channel < channels; channel++) {
    let sum = -depth * (zeros?.[channel] ?? 0);
    for (const end = k + depth; k < end; k++) sum += weights[k]!;
    sums[channel] = sum;
  }
  return sums;
}

/** Of assembly/requantize.ts: what is taken off the bits of a float32 that has been rounded. */
const magicBits = 0x4b400000;

/** The address of the fields of class Output. */
export function keepOutput(
  { params }: Step<'QConv'>,
  context: PrepareContext,
  { kind }: ProductOptions,
): number {
  const { yZero, min, max, lower, upper } = params;
  return context.keepWords([
    ...[kind, yZero - magicBits, floatBits(min - yZero), floatBits(max - yZero)],
    ...[floatBits(lower), floatBits(upper)],
  ]);
}
