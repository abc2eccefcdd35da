/** Seeded random numbers and fills for tests. The same seed gives the same numbers everywhere. */
import { allocate, type DataType, type TypedArrayOf } from '../../src/core/dtype.js';

export interface Random {
  readonly seed: number;
  /** From 0 up to 1, not included, in steps of 2^-32. */
  readonly next: () => number;
  /** A whole number from `low` to `high`, both included. */
  readonly int: (low: number, high: number) => number;
  readonly real: (low: number, high: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(choices: readonly T[]) => T;
}

/** Mulberry32: 32 bits of state, every seed a good one. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    seed,
    next,
    int,
    real: (low, high) => low + next() * (high - low),
    chance: (probability) => next() < probability,
    pick: (choices) => choices[int(0, choices.length - 1)]!,
  };
}

/** Lowest and highest value of the small integer types. */
export const limits = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
} as const;

type SmallInteger = keyof typeof limits;

/**
 * `count` integers from `low` to `high`: mostly uniform; one fill in four is extreme: all lowest,
 * all highest, or a random mixture of the two.
 */
export function integers<T extends SmallInteger>(
  random: Random,
  type: T,
  count: number,
  low: number = limits[type][0],
  high: number = limits[type][1],
): TypedArrayOf[T] {
  const values = allocate(type, count);
  const draw = random.chance(0.25)
    ? random.pick([() => low, () => high, () => random.pick([low, high])])
    : () => random.int(low, high);
  for (let i = 0; i < count; i++) (values as unknown as number[])[i] = draw();
  return values;
}

/** `count` float32 from `low` to `high`, one fill in eight all `high`. */
export function floats(random: Random, count: number, low = -1, high = 1): Float32Array {
  const constant = random.chance(0.125);
  return Float32Array.from({ length: count }, () => (constant ? high : random.real(low, high)));
}

/** Multiples of 2^-6 from −1 to 1. */
export function gridFloats(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => random.int(-64, 64) / 64);
}

/** Elements of any whole-byte type, bits at random. */
export function randomBits<T extends DataType>(
  random: Random,
  type: T,
  count: number,
): TypedArrayOf[T] {
  const values = allocate(type, count);
  const bytes = new Uint8Array(values.buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.int(0, 255);
  if (type === 'bool') for (let i = 0; i < bytes.length; i++) bytes[i]! &= 1;
  return values;
}
