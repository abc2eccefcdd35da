/**
 * What the relaxed dot product computes is the engine's choice: the host asks before it relies on
 * it. Operands are read from memory, where compilers can't compute the answer themselves.
 */

/**
 * Of `count` cases, how many have another result than `expected`. Each has 16 bytes in a and in b,
 * and four int32 in c, to which the products are added, and in `expected`.
 */
export function countWrongDots(a: usize, b: usize, c: usize, expected: usize, count: i32): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return count;
  let wrong = 0;
  for (const end = a + 16 * <usize>count; a < end; a += 16, b += 16, c += 16, expected += 16) {
    const sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a), v128.load(b), v128.load(c));
    wrong += i32(!i32x4.all_true(i32x4.eq(sums, v128.load(expected))));
  }
  return wrong;
}

/** Of `count` pairs of bytes in a and in b, for how many any lane has another sum of products than `expected`, an int16. */
export function countWrongPairs(a: usize, b: usize, expected: usize, count: i32): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return count;
  let wrong = 0;
  for (const end = a + 2 * <usize>count; a < end; a += 2, b += 2, expected += 2) {
    const sums = i16x8.relaxed_dot_i8x16_i7x16_s(v128.load16_splat(a), v128.load16_splat(b));
    wrong += i32(!i16x8.all_true(i16x8.eq(sums, v128.load16_splat(expected))));
  }
  return wrong;
}
