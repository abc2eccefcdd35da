/**
 * Pooling over windows, channels side by side. Only cells on the input are visited; a window on
 * padding alone gives the lowest value, or the average of nothing, 0.
 */
import { copyEdge, edge } from './edge';
import { narrowToBytes } from './output';
import { boundOf, magicOf, requantize, shiftOf } from './requantize';
import { endTap, firstTap, Window } from './window';

/** Element types of `maxPool`. */
const uint8: i32 = 0;
const int8: i32 = 1;
const float32: i32 = 2;

/** The part of a window that lies on the input, in cells; `rows` and `columns` may be 0. */
@unmanaged
class Patch {
  from: usize;
  rows: i32;
  columns: i32;
}

const patch = changetype<Patch>(memory.data(12, 4));

/**
 * Sets `patch` to what lies under the window of output pixel (n, oy, ox); cells are `cell` bytes.
 */
function locate(window: Window, x: usize, cell: usize, n: i32, oy: i32, ox: i32): void {
  const top = oy * window.strideH - window.padTop;
  const left = ox * window.strideW - window.padLeft;
  const firstY = firstTap(top, window.dilationH, window.kernelH);
  const firstX = firstTap(left, window.dilationW, window.kernelW);
  const iy = top + firstY * window.dilationH;
  const ix = left + firstX * window.dilationW;
  patch.from = x + ((<usize>n * window.height + iy) * window.width + ix) * cell;
  patch.rows = max(endTap(top, window.dilationH, window.kernelH, window.height) - firstY, 0);
  patch.columns = max(endTap(left, window.dilationW, window.kernelW, window.width) - firstX, 0);
}

// @ts-ignore: decorator
@inline
function higher(a: v128, b: v128, type: i32): v128 {
  if (type == uint8) return i8x16.max_u(a, b);
  if (type == int8) return i8x16.max_s(a, b);
  return f32x4.max(a, b);
}

/** Maximum; `type` is one of the above. */
export function maxPool(window: Window, x: usize, y: usize, type: i32): void {
  const size: usize = type == float32 ? 4 : 1;
  const cell = <usize>window.channels * size;
  const columnStep = <usize>window.dilationW * cell;
  const rowStep = <usize>window.dilationH * window.width * cell;
  const lowest =
    type == uint8 ? i8x16.splat(0) : type == int8 ? i8x16.splat(-128) : f32x4.splat(-Infinity);
  for (let n = 0; n < window.batch; n++) {
    for (let oy = 0; oy < window.outHeight; oy++) {
      for (let ox = 0; ox < window.outWidth; ox++, y += cell) {
        locate(window, x, cell, n, oy, ox);
        for (let c: usize = 0; c < cell; c += 16) {
          let best = lowest;
          let row = patch.from + c;
          for (let ky = patch.rows; ky > 0; ky--, row += rowStep) {
            let at = row;
            for (let kx = patch.columns; kx > 0; kx--, at += columnStep) {
              best = higher(best, v128.load(at), type);
            }
          }
          if (c + 16 <= cell) {
            v128.store(y + c, best);
          } else {
            v128.store(edge, best);
            copyEdge(y + c, edge, cell - c);
          }
        }
      }
    }
  }
}

/** Fields of 32 bits, which the host writes. */
@unmanaged
export class Average {
  /** Whether padding counts. */
  countPadding: i32;
  xZero: i32;
  yZero: i32;
  xScale: f32;
  yScale: f32;
  min: i32;
  max: i32;
  /** Whether y is float32. */
  toFloat: i32;
}

/** Average of uint8, padding being x = xZero: requantized, or as float32. */
export function qaveragePool(window: Window, average: Average, x: usize, y: usize): void {
  const cell = <usize>window.channels;
  const columnStep = <usize>window.dilationW * cell;
  const rowStep = <usize>window.dilationH * window.width * cell;
  const low = boundOf(average.min, average.yZero);
  const high = boundOf(average.max, average.yZero);
  const shift = shiftOf(average.yZero);
  const magic = magicOf();
  const size: usize = average.toFloat ? 4 : 1;
  for (let n = 0; n < window.batch; n++) {
    for (let oy = 0; oy < window.outHeight; oy++) {
      for (let ox = 0; ox < window.outWidth; ox++, y += cell * size) {
        locate(window, x, cell, n, oy, ox);
        const cells = patch.rows * patch.columns;
        const counted = max(average.countPadding ? window.kernelH * window.kernelW : cells, 1);
        const multiplier = f32x4.splat(
          average.toFloat
            ? average.xScale / <f32>counted
            : average.xScale / (average.yScale * <f32>counted),
        );
        const start = i32x4.splat(-average.xZero * cells);
        for (let c: usize = 0; c < cell; c += 16) {
          let c0 = start;
          let c1 = start;
          let c2 = start;
          let c3 = start;
          let row = patch.from + c;
          for (let ky = patch.rows; ky > 0; ky--, row += rowStep) {
            let at = row;
            for (let kx = patch.columns; kx > 0; kx--, at += columnStep) {
              const bytes = v128.load(at);
              const first = i16x8.extend_low_i8x16_u(bytes);
              const second = i16x8.extend_high_i8x16_u(bytes);
              c0 = i32x4.add(c0, i32x4.extend_low_i16x8_u(first));
              c1 = i32x4.add(c1, i32x4.extend_high_i16x8_u(first));
              c2 = i32x4.add(c2, i32x4.extend_low_i16x8_u(second));
              c3 = i32x4.add(c3, i32x4.extend_high_i16x8_u(second));
            }
          }
          const whole = c + 16 <= cell;
          const to = whole ? y + c * size : edge;
          if (average.toFloat) {
            v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(c0), multiplier));
            v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(c1), multiplier), 16);
            v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(c2), multiplier), 32);
            v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(c3), multiplier), 48);
          } else {
            const bytes = narrowToBytes(
              requantize(c0, multiplier, low, high, shift, magic),
              requantize(c1, multiplier, low, high, shift, magic),
              requantize(c2, multiplier, low, high, shift, magic),
              requantize(c3, multiplier, low, high, shift, magic),
            );
            v128.store(to, bytes);
          }
          if (!whole) copyEdge(y + c * size, edge, (cell - c) * size);
        }
      }
    }
  }
}

/** Average of float32; padding counts, as 0, where `countPadding` is not 0. */
export function averagePool(window: Window, x: usize, y: usize, countPadding: i32): void {
  const cell = <usize>window.channels * 4;
  const columnStep = <usize>window.dilationW * cell;
  const rowStep = <usize>window.dilationH * window.width * cell;
  for (let n = 0; n < window.batch; n++) {
    for (let oy = 0; oy < window.outHeight; oy++) {
      for (let ox = 0; ox < window.outWidth; ox++, y += cell) {
        locate(window, x, cell, n, oy, ox);
        const cells = patch.rows * patch.columns;
        const counted = max(countPadding ? window.kernelH * window.kernelW : cells, 1);
        const divisor = f32x4.splat(<f32>counted);
        for (let c: usize = 0; c < cell; c += 16) {
          let sum = f32x4.splat(0);
          let row = patch.from + c;
          for (let ky = patch.rows; ky > 0; ky--, row += rowStep) {
            let at = row;
            for (let kx = patch.columns; kx > 0; kx--, at += columnStep) {
              sum = f32x4.add(sum, v128.load(at));
            }
          }
          const mean = f32x4.div(sum, divisor);
          if (c + 16 <= cell) {
            v128.store(y + c, mean);
          } else {
            v128.store(edge, mean);
            copyEdge(y + c, edge, cell - c);
          }
        }
      }
    }
  }
}
