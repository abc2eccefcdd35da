/**
 * Float operations of one or two operands. Powers, trigonometric functions and what is made of them are
 * left to the host. `kind` is that of the step table.
 */
import { storeVector } from './edge';
import { bounded } from './float';
import {
  errorFunction,
  exponential,
  exponentialUnit,
  gelu,
  geluTanh,
  hyperbolicTangent,
  logarithm,
  sigmoid,
  softplus,
} from './functions';
import { Rows } from './rows';

/** Values of `kind` of `binary`; 4, Pow, is not among them. */
const add: i32 = 0;
const sub: i32 = 1;
const mul: i32 = 2;
const div: i32 = 3;
const min: i32 = 5;

/** Values of `kind` of `unary`. */
const clip: i32 = 0;
const leakyRelu: i32 = 1;
const logistic: i32 = 2;
const hardSigmoid: i32 = 3;
const hardSwish: i32 = 4;
const tanh: i32 = 5;
const exp: i32 = 6;
const log: i32 = 7;
const sqrt: i32 = 8;
const neg: i32 = 9;
const abs: i32 = 10;
const reciprocal: i32 = 11;
const erf: i32 = 12;
const floor: i32 = 13;
const ceil: i32 = 14;
const elu: i32 = 16;
const softPlus: i32 = 17;
const geluErf: i32 = 18;
const geluOfTanh: i32 = 19;
const sign: i32 = 31;
const softsign: i32 = 32;
const thresholdedRelu: i32 = 33;
const affine: i32 = 34;
const scaledTanh: i32 = 35;

// @ts-ignore: decorator
@inline
function combine(a: v128, b: v128, kind: i32): v128 {
  if (kind == add) return f32x4.add(a, b);
  if (kind == sub) return f32x4.sub(a, b);
  if (kind == mul) return f32x4.mul(a, b);
  if (kind == div) return f32x4.div(a, b);
  if (kind == min) return f32x4.min(a, b);
  return f32x4.max(a, b);
}

/** y = a kind b, for the kinds above or else the maximum; y may be a. */
export function binary(rows: Rows, a: usize, b: usize, y: usize, kind: i32): void {
  const rowBytes = <usize>rows.columns * 4;
  for (let row = rows.count; row > 0; row--, a += rows.aRow, b += rows.bRow, y += rowBytes) {
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const as = rows.aStep ? v128.load(a + i) : v128.load32_splat(a);
      const bs = rows.bStep ? v128.load(b + i) : v128.load32_splat(b);
      storeVector(y + i, combine(as, bs, kind), rowBytes - i);
    }
  }
}

// @ts-ignore: decorator
@inline
function apply(x: v128, kind: i32, alpha: v128, beta: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  switch (kind) {
    case clip:
      return bounded(x, alpha, beta);
    case leakyRelu:
      return v128.bitselect(f32x4.mul(alpha, x), x, f32x4.lt(x, zero));
    case hardSigmoid:
      return bounded(f32x4.add(f32x4.mul(alpha, x), beta), zero, one);
    case hardSwish: {
      const gate = f32x4.add(f32x4.div(x, f32x4.splat(6)), f32x4.splat(0.5));
      return f32x4.mul(x, bounded(gate, zero, one));
    }
    case logistic:
      return sigmoid(x);
    case tanh:
      return hyperbolicTangent(x);
    case exp:
      return exponential(x);
    case log:
      return logarithm(x);
    case sqrt:
      return f32x4.sqrt(x);
    case neg:
      return f32x4.neg(x);
    case abs:
      return f32x4.abs(x);
    case reciprocal:
      return f32x4.div(one, x);
    case erf:
      return errorFunction(x);
    case floor:
      return f32x4.floor(x);
    case ceil:
      return f32x4.ceil(x);
    case elu:
      return exponentialUnit(x, alpha);
    case softPlus:
      return softplus(x);
    case geluErf:
      return gelu(x);
    case geluOfTanh:
      return geluTanh(x);
    case sign: {
      const above = v128.bitselect(one, x, f32x4.gt(x, zero));
      return v128.bitselect(f32x4.neg(one), above, f32x4.lt(x, zero));
    }
    case softsign:
      return f32x4.div(x, f32x4.add(one, f32x4.abs(x)));
    case thresholdedRelu:
      return v128.andnot(x, f32x4.le(x, alpha));
    case affine:
      return f32x4.add(f32x4.mul(alpha, x), beta);
    case scaledTanh:
      return f32x4.mul(alpha, hyperbolicTangent(f32x4.mul(beta, x)));
    default: // half to even
      return f32x4.nearest(x);
  }
}

/** y = kind(x), for the kinds above or else Round, in elements `begin` … `end − 1`; y may be x. */
export function unary(
  x: usize,
  y: usize,
  kind: i32,
  alpha: f32,
  beta: f32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const alphas = f32x4.splat(alpha);
  const betas = f32x4.splat(beta);
  x += 4 * <usize>begin;
  y += 4 * <usize>begin;
  for (let i = begin; i < end; i += 4, x += 16, y += 16) {
    storeVector(y, apply(v128.load(x), kind, alphas, betas), 4 * <usize>(end - i));
  }
}
