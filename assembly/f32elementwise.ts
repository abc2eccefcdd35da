/**
 * Float operations of one or two operands that take a vector instruction or a few: what is a function of
 * the C library elsewhere is left to the host. `kind` is that of the step table.
 */
import { copyEdge, edge } from './edge';
import { bounded } from './f32dot';
import { Rows } from './rows';

// @ts-ignore: decorator
@inline
function combine(a: v128, b: v128, kind: i32): v128 {
  if (kind == 0) return f32x4.add(a, b);
  if (kind == 1) return f32x4.sub(a, b);
  if (kind == 2) return f32x4.mul(a, b);
  if (kind == 3) return f32x4.div(a, b);
  if (kind == 5) return f32x4.min(a, b);
  return f32x4.max(a, b);
}

/** y = a kind b; kinds are Add 0, Sub 1, Mul 2, Div 3, Min 5 and Max 6. y may be a. */
export function binary(rows: Rows, a: usize, b: usize, y: usize, kind: i32): void {
  const rowBytes = <usize>rows.columns * 4;
  for (let row = rows.count; row > 0; row--, a += rows.aRow, b += rows.bRow, y += rowBytes) {
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const as = rows.aStep ? v128.load(a + i) : v128.load32_splat(a);
      const bs = rows.bStep ? v128.load(b + i) : v128.load32_splat(b);
      const value = combine(as, bs, kind);
      if (i + 16 <= rowBytes) {
        v128.store(y + i, value);
      } else {
        v128.store(edge, value);
        copyEdge(y + i, edge, rowBytes - i);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function apply(x: v128, kind: i32, alpha: v128, beta: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  switch (kind) {
    case 0: // Clip
      return bounded(x, alpha, beta);
    case 1: // LeakyRelu
      return v128.bitselect(f32x4.mul(alpha, x), x, f32x4.lt(x, zero));
    case 3: // HardSigmoid
      return bounded(f32x4.add(f32x4.mul(alpha, x), beta), zero, one);
    case 4: {
      // HardSwish
      const gate = f32x4.add(f32x4.div(x, f32x4.splat(6)), f32x4.splat(0.5));
      return f32x4.mul(x, bounded(gate, zero, one));
    }
    case 8: // Sqrt
      return f32x4.sqrt(x);
    case 9: // Neg
      return f32x4.neg(x);
    case 10: // Abs
      return f32x4.abs(x);
    case 11: // Reciprocal
      return f32x4.div(one, x);
    case 13: // Floor
      return f32x4.floor(x);
    case 14: // Ceil
      return f32x4.ceil(x);
    default: // Round, half to even
      return f32x4.nearest(x);
  }
}

/** y = kind(x), for the kinds above; y may be x. */
export function unary(x: usize, y: usize, count: i32, kind: i32, alpha: f32, beta: f32): void {
  const alphas = f32x4.splat(alpha);
  const betas = f32x4.splat(beta);
  for (let i = 0; i < count; i += 4, x += 16, y += 16) {
    const value = apply(v128.load(x), kind, alphas, betas);
    if (i + 4 <= count) {
      v128.store(y, value);
    } else {
      v128.store(edge, value);
      copyEdge(y, edge, 4 * (count - i));
    }
  }
}
