/**
 * Operations on two numbers of one type, and comparisons: what the steps `Arithmetic` and `Compare` compute, and what
 * constant folding does with sizes.
 *
 * Integers wrap, as the arrays that hold them do. A quotient is cut towards zero; a division by zero gives 0, and so
 * does a remainder. Mod has the sign of the divisor, Remainder that of the dividend. An integer to a negative power is
 * the quotient 1 / xⁿ. Shifts by the width and more give 0. Floats are computed in double and rounded by storing them.
 */
import { bitsOf, type DataType, isInteger, isSigned } from '../core/dtype.js';

type OnNumbers = (a: number, b: number) => number;
type OnBigints = (a: bigint, b: bigint) => bigint;

interface Operation {
  /** Absent where floats have no such operation. */
  readonly float?: OnNumbers;
  /** Integers of up to 32 bits; only the low bits count. */
  readonly integer: OnNumbers;
  readonly bigint: OnBigints;
}

const mod = (a: number, b: number): number => {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
};

const operations = {
  Add: { float: (a, b) => a + b, integer: (a, b) => a + b, bigint: (a, b) => a + b },
  Sub: { float: (a, b) => a - b, integer: (a, b) => a - b, bigint: (a, b) => a - b },
  Mul: { float: (a, b) => a * b, integer: Math.imul, bigint: (a, b) => a * b },
  Div: {
    float: (a, b) => a / b,
    integer: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
    bigint: (a, b) => (b === 0n ? 0n : a / b),
  },
  Min: { float: Math.min, integer: Math.min, bigint: (a, b) => (a < b ? a : b) },
  Max: { float: Math.max, integer: Math.max, bigint: (a, b) => (a > b ? a : b) },
  Mod: {
    float: mod,
    integer: (a, b) => (b === 0 ? 0 : mod(a, b)),
    bigint: (a, b) => {
      if (b === 0n) return 0n;
      const rest = a % b;
      return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
    },
  },
  Remainder: {
    float: (a, b) => a % b,
    integer: (a, b) => (b === 0 ? 0 : a % b),
    bigint: (a, b) => (b === 0n ? 0n : a % b),
  },
  Pow: { float: (a, b) => a ** b, integer: integerPower, bigint: bigintPower },
  And: { integer: (a, b) => a & b, bigint: (a, b) => a & b },
  Or: { integer: (a, b) => a | b, bigint: (a, b) => a | b },
  Xor: { integer: (a, b) => a ^ b, bigint: (a, b) => a ^ b },
  ShiftLeft: {
    integer: (a, b) => (b < 32 ? a << b : 0),
    bigint: (a, b) => (b < 64n ? a << b : 0n),
  },
  ShiftRight: {
    integer: (a, b) => (b < 32 ? a >>> b : 0),
    bigint: (a, b) => (b < 64n ? a >> b : 0n),
  },
} satisfies Record<string, Operation>;

export type ArithmeticOperation = keyof typeof operations;

/** xⁿ in the low 32 bits. */
function integerPower(x: number, n: number): number {
  if (n < 0) return x === 1 ? 1 : x === -1 ? (n % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  for (let base = x, rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}

function bigintPower(x: bigint, n: bigint): bigint {
  if (n < 0n) return x === 1n ? 1n : x === -1n ? (n % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  for (let base = x, rest = n; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = BigInt.asIntN(64, result * base);
    base = BigInt.asIntN(64, base * base);
  }
  return result;
}

/** A result for two elements as their typed array has them: both numbers, or both bigints. */
export type OnElements<R> = (a: number | bigint, b: number | bigint) => R;

/**
 * The operation on elements of `type`, to be stored in an array of it; undefined where the type has no such operation:
 * bool has And, Or and Xor, the 16-bit floats and the types below a byte none, and unsigned shifts are for unsigned
 * integers.
 */
export function arithmeticOn(
  name: ArithmeticOperation,
  type: DataType,
): OnElements<number | bigint> | undefined {
  const operation: Operation = operations[name];
  const of = (f: OnNumbers | OnBigints | undefined) => f as OnElements<number | bigint> | undefined;
  if (type === 'float32' || type === 'float64') return of(operation.float);
  if (type === 'bool') {
    return name === 'And' || name === 'Or' || name === 'Xor' ? of(operation.integer) : undefined;
  }
  if (!isInteger(type) || bitsOf(type) < 8) return undefined;
  if ((name === 'ShiftLeft' || name === 'ShiftRight') && isSigned(type)) return undefined;
  return of(bitsOf(type) === 64 ? operation.bigint : operation.integer);
}

const comparisons = {
  Equal: (a, b) => a === b,
  Less: (a, b) => a < b,
  LessOrEqual: (a, b) => a <= b,
} satisfies Record<string, OnElements<boolean>>;

export type Comparison = keyof typeof comparisons;

/** The comparison of elements of one type; NaN compares false. */
export function comparisonOf(name: Comparison): OnElements<boolean> {
  return comparisons[name];
}
