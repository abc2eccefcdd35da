/**
 * Exponentials, logarithms and what is made of them, on vectors of float32: within a few units in
 * the last place over the whole range, infinities, subnormals and NaN included. Polynomials and
 * reductions are those of native/kernels/simd/functions.h, but that products need not be fused with
 * sums: ln 2 comes in two parts of which the first has 10 bits, so that its multiples are exact.
 */
import { bounded, multiplyAdd } from './float';

/**
 * Element `i` of a table, in all lanes. A table is in memory, since of constants compilers build the
 * vector anew at each use.
 */
// @ts-ignore: decorator
@inline
function at(table: usize, i: usize): v128 {
  return v128.load32_splat(table + 4 * i);
}

/** value · x + element `i`: one step of a polynomial, from the highest power down. */
// @ts-ignore: decorator
@inline
function next(value: v128, x: v128, table: usize, i: usize): v128 {
  return multiplyAdd(value, x, at(table, i));
}

/**
 * 1 / ln 2; ln 2 in two parts, negated; (e^r − 1 − r) / r² for |r| up to ln 2 / 2, weighted so that
 * e^r − 1 is right relative to itself.
 */
const ofPower: usize = memory.data<f32>([
  1.4426950408889634, -0.693359375, 0.00021219444005469058,
  0.5, 0.1666654, 0.041666273, 0.008366911, 0.0013947017,
]);

/**
 * 1.5 · 2²³, which leaves no bits for a fraction, plus the exponents of 1 or of 1 · 1: the low bits of a sum
 * with it are the exponent of a power of two, or of two powers.
 */
const toExponents: usize = memory.data<f32>([12583039, 12583166]);

/** Which of `toExponents` is added. */
const one: usize = 0;
const two: usize = 1;

/** x / ln 2, rounded to an integer and with its exponent in the low bits. */
// @ts-ignore: decorator
@inline
function exponentOf(x: v128, powers: usize): v128 {
  return multiplyAdd(x, at(ofPower, 0), at(toExponents, powers));
}

/** e^x − 1 less the power of two that `exponent` tells: e^x = 2^n (1 + this). */
// @ts-ignore: decorator
@inline
function minusOne(x: v128, exponent: v128, powers: usize): v128 {
  const n = f32x4.sub(exponent, at(toExponents, powers));
  const r = multiplyAdd(n, at(ofPower, 2), multiplyAdd(n, at(ofPower, 1), x));
  let p = next(at(ofPower, 7), r, ofPower, 6);
  p = next(p, r, ofPower, 5);
  p = next(p, r, ofPower, 4);
  p = next(p, r, ofPower, 3);
  return multiplyAdd(f32x4.mul(r, r), p, r);
}

/** The power of two whose exponent is in the low bits. */
// @ts-ignore: decorator
@inline
function powerOfTwo(exponent: v128): v128 {
  return i32x4.shl(exponent, 23);
}

const ofExponential: usize = memory.data<f32>([1, -104, 89]);

/**
 * e^x for x up to 89, from where it is infinite; below −104 it is 0. The power of two is multiplied by
 * in two steps, so that neither factor leaves the range of normal numbers.
 */
// @ts-ignore: decorator
@inline
export function exponentialUpTo89(x: v128): v128 {
  x = f32x4.pmax(x, at(ofExponential, 1));
  const exponents = exponentOf(x, two);
  const value = f32x4.add(at(ofExponential, 0), minusOne(x, exponents, two));
  const half = i32x4.shr_s(exponents, 1);
  const rest = i32x4.sub(exponents, half);
  return f32x4.mul(f32x4.mul(value, powerOfTwo(half)), powerOfTwo(rest));
}

// @ts-ignore: decorator
@inline
export function exponential(x: v128): v128 {
  return exponentialUpTo89(f32x4.pmin(x, at(ofExponential, 2)));
}

/** e^x − 1 for x from −80 to 80. */
// @ts-ignore: decorator
@inline
function exponentialMinusOne(x: v128): v128 {
  const exponent = exponentOf(x, one);
  const scale = powerOfTwo(exponent);
  const off = minusOne(x, exponent, one);
  return multiplyAdd(scale, off, f32x4.sub(scale, at(ofExponential, 0)));
}

/** Bits: of √½; of NaN; the lowest normal number; infinity; 2²⁵. */
const ofSplit: usize = memory.data<u32>([0x3f3504f3, 0x7fc00000, 0x00800000, 0x7f800000, 0x4c000000]);

/** log(1 + f) = f − (f²/2 − s (f²/2 + R)), s = f / (2 + f), R = z P(z), z = s² < 0.0295. */
const ofLogarithm: usize = memory.data<f32>([
  0.6666666, 0.40000337, 0.2853717, 0.23584992, -0.00021219444005469058, 0.693359375, 25, 1, 2, 0.5,
]);

// @ts-ignore: decorator
@inline
export function logarithm(x: v128): v128 {
  const zero = f32x4.splat(0);
  const tiny = f32x4.lt(x, at(ofSplit, 2));
  const bits = v128.bitselect(f32x4.mul(x, at(ofSplit, 4)), x, tiny);
  const whole = i32x4.shr_s(i32x4.sub(bits, at(ofSplit, 0)), 23);
  const fraction = i32x4.sub(bits, i32x4.shl(whole, 23));
  const e = f32x4.sub(f32x4.convert_i32x4_s(whole), v128.and(tiny, at(ofLogarithm, 6)));
  const f = f32x4.sub(fraction, at(ofLogarithm, 7));
  const s = f32x4.div(f, f32x4.add(at(ofLogarithm, 8), f));
  const z = f32x4.mul(s, s);
  let p = next(at(ofLogarithm, 3), z, ofLogarithm, 2);
  p = next(p, z, ofLogarithm, 1);
  p = next(p, z, ofLogarithm, 0);
  const half = f32x4.mul(f32x4.mul(at(ofLogarithm, 9), f), f);
  const correction = f32x4.mul(s, multiplyAdd(z, p, half));
  const low = f32x4.sub(multiplyAdd(e, at(ofLogarithm, 4), correction), half);
  const log = multiplyAdd(e, at(ofLogarithm, 5), f32x4.add(low, f));
  // Infinity and NaN, then 0 and what is below it.
  const infinity = at(ofSplit, 3);
  const ordinary = v128.bitselect(log, x, f32x4.lt(x, infinity));
  const beyond = v128.bitselect(at(ofSplit, 1), f32x4.neg(infinity), f32x4.lt(x, zero));
  return v128.bitselect(beyond, ordinary, f32x4.le(x, zero));
}

/** log(1 + x) for x from 0 to 1: 2s + s z P(z), s = x / (2 + x), z = s² up to 1/9. */
const ofOnePlus: usize = memory.data<f32>([
  0.6666667, 0.40000054, 0.28568384, 0.22301714, 0.1714593, 0.21798772, 2,
]);

// @ts-ignore: decorator
@inline
function logarithmOfOnePlus(x: v128): v128 {
  const s = f32x4.div(x, f32x4.add(at(ofOnePlus, 6), x));
  const z = f32x4.mul(s, s);
  let p = next(at(ofOnePlus, 5), z, ofOnePlus, 4);
  p = next(p, z, ofOnePlus, 3);
  p = next(p, z, ofOnePlus, 2);
  p = next(p, z, ofOnePlus, 1);
  p = next(p, z, ofOnePlus, 0);
  return multiplyAdd(f32x4.mul(s, z), p, f32x4.add(s, s));
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const e = exponentialUpTo89(f32x4.neg(f32x4.abs(x)));
  const one = at(ofExponential, 0);
  const above = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(above, f32x4.add(one, e));
}

/** `value`, which has no sign, with that of x. */
// @ts-ignore: decorator
@inline
function withSign(value: v128, x: v128): v128 {
  return v128.or(value, v128.xor(x, f32x4.abs(x)));
}

const ofTangent: usize = memory.data<f32>([10, 2]);

/** From 9.02 on the nearest float32 is 1. */
// @ts-ignore: decorator
@inline
export function hyperbolicTangent(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), at(ofTangent, 0));
  const t = exponentialMinusOne(f32x4.add(a, a));
  return withSign(f32x4.div(t, f32x4.add(t, at(ofTangent, 1))), x);
}

/** erf(a) / a in a², up to a = 1. */
const ofNearError: usize = memory.data<f32>([
  1.1283791, -0.37612626, 0.112835854, -0.026853813, 0.0051883277, -0.00080101955, 7.853867e-5,
]);

/** log(1 − erf(a)), from 1 to 4.2, above which the nearest float32 is 1. */
const ofFarError: usize = memory.data<f32>([
  5.1552242e-6, -1.1287769, -0.6346858, -0.10697002, 0.024373574, -0.0039241686, 0.00039048138,
  -1.784303e-5, 4.2, 1,
]);

// @ts-ignore: decorator
@inline
export function errorFunction(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), at(ofFarError, 8));
  const square = f32x4.mul(a, a);
  let p = next(at(ofNearError, 6), square, ofNearError, 5);
  p = next(p, square, ofNearError, 4);
  p = next(p, square, ofNearError, 3);
  p = next(p, square, ofNearError, 2);
  p = next(p, square, ofNearError, 1);
  const near = f32x4.mul(a, next(p, square, ofNearError, 0));
  let q = next(at(ofFarError, 7), a, ofFarError, 6);
  q = next(q, a, ofFarError, 5);
  q = next(q, a, ofFarError, 4);
  q = next(q, a, ofFarError, 3);
  q = next(q, a, ofFarError, 2);
  q = next(q, a, ofFarError, 1);
  q = next(q, a, ofFarError, 0);
  const one = at(ofFarError, 9);
  const far = f32x4.sub(one, exponentialUpTo89(q));
  return withSign(v128.bitselect(near, far, f32x4.lt(a, one)), x);
}

const ofElu: usize = memory.data<f32>([-80]);

/** x, or below 0 alpha (e^x − 1). */
// @ts-ignore: decorator
@inline
export function exponentialUnit(x: v128, alpha: v128): v128 {
  const zero = f32x4.splat(0);
  const low = bounded(x, at(ofElu, 0), zero);
  return v128.bitselect(f32x4.mul(alpha, exponentialMinusOne(low)), x, f32x4.lt(x, zero));
}

/** log(1 + e^x), its larger part taken out. */
// @ts-ignore: decorator
@inline
export function softplus(x: v128): v128 {
  const e = exponentialUpTo89(f32x4.neg(f32x4.abs(x)));
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), logarithmOfOnePlus(e));
}

/** log2(erfc(√2 h)) / h up to 6.25; 2^r for |r| up to ½. */
const ofGelu: usize = memory.data<f32>([
  -2.30225539, -1.83600736, -0.424841732, 0.126170814, -0.0227524079, 0.00170070317,
  1, 0.693147004, 0.240222424, 0.0555073358, 0.00967151299, 0.00132647273,
  6.25, 0.5,
]);

/**
 * x / 2 · (1 + erf(x / √2)) = max(x, 0) − h erfc(√2 h), h = |x| / 2: no digits cancel. The polynomial
 * is right to within what h erfc(√2 h) < 0.09 needs; beyond h = 6.25 that is 0 next to x.
 */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  const half = f32x4.mul(x, at(ofGelu, 13));
  const h = f32x4.abs(half);
  const near = f32x4.pmin(h, at(ofGelu, 12));
  let p = next(at(ofGelu, 5), near, ofGelu, 4);
  p = next(p, near, ofGelu, 3);
  p = next(p, near, ofGelu, 2);
  p = next(p, near, ofGelu, 1);
  p = next(p, near, ofGelu, 0);
  const power = f32x4.mul(near, p);
  const exponent = f32x4.add(power, at(toExponents, one));
  const r = f32x4.sub(power, f32x4.sub(exponent, at(toExponents, one)));
  let q = next(at(ofGelu, 11), r, ofGelu, 10);
  q = next(q, r, ofGelu, 9);
  q = next(q, r, ofGelu, 8);
  q = next(q, r, ofGelu, 7);
  q = next(q, r, ofGelu, 6);
  const tail = f32x4.mul(q, powerOfTwo(exponent));
  // Infinity less infinity is NaN, as x / 2 · (1 + erf(x / √2)) is.
  return f32x4.sub(f32x4.add(half, h), f32x4.mul(near, tail));
}

/** 2 √(2/π), and that times 0.044715. */
const ofGeluTanh: usize = memory.data<f32>([1.5957691216057308, 0.07135481627260025]);

/** x / 2 · (1 + tanh(u)) = x · sigmoid(2u), in which no digits cancel. */
// @ts-ignore: decorator
@inline
export function geluTanh(x: v128): v128 {
  const factor = next(at(ofGeluTanh, 1), f32x4.mul(x, x), ofGeluTanh, 0);
  return f32x4.mul(x, sigmoid(f32x4.mul(x, factor)));
}
