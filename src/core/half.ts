/**
 * Casts between float32 and the two 16-bit floats. Both are kept as raw bits in a Uint16Array:
 * float16 is IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits), bfloat16 the upper half of a
 * float32 (1, 8, 7).
 *
 * Narrowing rounds to nearest, ties to even, once: subnormals are rounded to their own grid, what
 * is beyond the largest finite value becomes an infinity, and NaN stays NaN: made quiet, its sign
 * and upper payload bits kept. Widening is exact. The array forms work on bits throughout; the
 * scalar forms take any number, rounded to float32 first, and may lose the payload of a NaN to the
 * engine.
 */

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The bits of a float32 `data`, shared. */
function wordsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

function narrowToFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and above
  if (magnitude >= 0x38800000) {
    // 2^-14 and above: normal. A carry out of the fraction raises the exponent, up to infinity.
    const rebased = magnitude - (112 << 23);
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  // Subnormal: the significand counted in units of 2^-24. Below 2^-25 everything rounds to zero.
  const shift = 126 - (magnitude >>> 23);
  if (shift > 24) return sign;
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const quotient = significand >>> shift;
  const remainder = significand & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (quotient + (remainder > half || (remainder === half && quotient & 1) ? 1 : 0));
}

function widenFloat16(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction ? 0x400000 | (fraction << 13) : 0);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // fraction · 2^-24, its leading one moved to the implied place.
  const shift = Math.clz32(fraction) - 8;
  return sign | ((126 - shift) << 23) | ((fraction << shift) & 0x7fffff);
}

function narrowToBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function widenBfloat16(bits: number): number {
  const quiet = (bits & 0x7fff) > 0x7f80 ? 0x400000 : 0;
  return (bits << 16) | quiet;
}

/** The 16 bits of `value` as a float16. */
export function float32ToFloat16(value: number): number {
  float[0] = value;
  return narrowToFloat16(word[0]!);
}

/** The value of 16 bits read as a float16. */
export function float16ToFloat32(bits: number): number {
  word[0] = widenFloat16(bits);
  return float[0]!;
}

/** The 16 bits of `value` as a bfloat16. */
export function float32ToBfloat16(value: number): number {
  float[0] = value;
  return narrowToBfloat16(word[0]!);
}

/** The value of 16 bits read as a bfloat16. */
export function bfloat16ToFloat32(bits: number): number {
  word[0] = widenBfloat16(bits);
  return float[0]!;
}

/** A new array with the float16 bits of every element. */
export function encodeFloat16(data: Float32Array): Uint16Array {
  const words = wordsOf(data);
  const out = new Uint16Array(words.length);
  for (let i = 0; i < out.length; i++) out[i] = narrowToFloat16(words[i]!);
  return out;
}

/** A new array with the values of float16 bits. */
export function decodeFloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < words.length; i++) words[i] = widenFloat16(bits[i]!);
  return new Float32Array(words.buffer);
}

/** A new array with the bfloat16 bits of every element. */
export function encodeBfloat16(data: Float32Array): Uint16Array {
  const words = wordsOf(data);
  const out = new Uint16Array(words.length);
  for (let i = 0; i < out.length; i++) out[i] = narrowToBfloat16(words[i]!);
  return out;
}

/** A new array with the values of bfloat16 bits. */
export function decodeBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < words.length; i++) words[i] = widenBfloat16(bits[i]!);
  return new Float32Array(words.buffer);
}
