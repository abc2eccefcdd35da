/** Arithmetic on float32 vectors. */

/** a · b + c; rounded once where relaxed SIMD is there and the engine can. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD
    ? f32x4.relaxed_madd(a, b, c)
    : f32x4.add(c, f32x4.mul(a, b));
}

/** Within bounds; NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function bounded(value: v128, low: v128, high: v128): v128 {
  return f32x4.min(f32x4.max(value, low), high);
}
