/** Arithmetic on float32 vectors. */

/** a · b + c; rounded once where relaxed SIMD is there and the engine can. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD
    ? f32x4.relaxed_madd(a, b, c)
    : f32x4.add(c, f32x4.mul(a, b));
}

/** Within bounds, which are no NaN; NaN stays NaN. A pseudo-maximum is one instruction. */
// @ts-ignore: decorator
@inline
export function bounded(value: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(value, low), high);
}
