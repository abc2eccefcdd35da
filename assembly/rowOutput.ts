/** What becomes of the 32 accumulators that a kernel for one row keeps in registers. */
import { copyEdge, edge } from './edge';
import {
  bytesOf,
  highOf,
  lowerOf,
  lowOf,
  narrowToBytes,
  Output,
  scaled,
  shiftOf,
  toFloat32,
  toUint8,
  upperOf,
} from './output';
import { magicOf, requantize } from './requantize';

/**
 * Stores the first `columns` of them at y, of the type that `output` names. `multiplier` has 32
 * elements. Returns where the next ones belong.
 */
// @ts-ignore: decorator
@inline
export function storeRow(
  c0: v128,
  c1: v128,
  c2: v128,
  c3: v128,
  c4: v128,
  c5: v128,
  c6: v128,
  c7: v128,
  multiplier: usize,
  y: usize,
  columns: i32,
  output: Output,
): usize {
  const kind = output.kind;
  const size = bytesOf(kind);
  const whole = columns >= 32;
  const to = whole ? y : edge;
  const m0 = v128.load(multiplier);
  const m1 = v128.load(multiplier, 16);
  const m2 = v128.load(multiplier, 32);
  const m3 = v128.load(multiplier, 48);
  const m4 = v128.load(multiplier, 64);
  const m5 = v128.load(multiplier, 80);
  const m6 = v128.load(multiplier, 96);
  const m7 = v128.load(multiplier, 112);
  if (kind == toUint8) {
    const low = lowOf(output);
    const high = highOf(output);
    const shift = shiftOf(output);
    const magic = magicOf();
    const low16 = narrowToBytes(
      requantize(c0, m0, low, high, shift, magic),
      requantize(c1, m1, low, high, shift, magic),
      requantize(c2, m2, low, high, shift, magic),
      requantize(c3, m3, low, high, shift, magic),
    );
    const high16 = narrowToBytes(
      requantize(c4, m4, low, high, shift, magic),
      requantize(c5, m5, low, high, shift, magic),
      requantize(c6, m6, low, high, shift, magic),
      requantize(c7, m7, low, high, shift, magic),
    );
    v128.store(to, low16);
    v128.store(to, high16, 16);
  } else {
    if (kind == toFloat32) {
      const lower = lowerOf(output);
      const upper = upperOf(output);
      c0 = scaled(c0, m0, lower, upper);
      c1 = scaled(c1, m1, lower, upper);
      c2 = scaled(c2, m2, lower, upper);
      c3 = scaled(c3, m3, lower, upper);
      c4 = scaled(c4, m4, lower, upper);
      c5 = scaled(c5, m5, lower, upper);
      c6 = scaled(c6, m6, lower, upper);
      c7 = scaled(c7, m7, lower, upper);
    }
    v128.store(to, c0);
    v128.store(to, c1, 16);
    v128.store(to, c2, 32);
    v128.store(to, c3, 48);
    v128.store(to, c4, 64);
    v128.store(to, c5, 80);
    v128.store(to, c6, 96);
    v128.store(to, c7, 112);
  }
  if (!whole) copyEdge(y, edge, size * columns);
  return y + size * 32;
}
