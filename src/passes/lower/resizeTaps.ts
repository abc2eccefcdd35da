/**
 * Which cells of x a cell of y is made of when an axis is resized, and with which weights. Coordinates are
 * float32, as in other runtimes: the nearest cell depends on their last bit.
 */
import type { ResizeSettings } from '../../graph/ops/resize.js';

export interface AxisScaling {
  /** Cells of x and y along the axis, from 1. */
  readonly size: number;
  readonly output: number;
  readonly scale: number;
  /** Part of x that tf_crop_and_resize takes, from 0 to 1. */
  readonly roi: readonly [number, number];
}

export interface Taps {
  /** Of one output, next to each other. */
  readonly count: number;
  readonly indices: Int32Array;
  readonly weights: Float32Array;
}

const f32 = Math.fround;

/** Where cell i of y lies on x. */
function coordinate(i: number, axis: AxisScaling, { placement }: ResizeSettings): number {
  const { size, output, scale, roi } = axis;
  const halfPixel = (offset = 0) => f32(f32(offset + f32((i + 0.5) / f32(scale))) - 0.5);
  switch (placement) {
    case 'half_pixel':
      return halfPixel();
    case 'half_pixel_symmetric': {
      const adjustment = f32(output / f32(f32(scale) * size));
      return halfPixel(f32((size / 2) * f32(1 - adjustment)));
    }
    case 'pytorch_half_pixel':
      return output > 1 ? halfPixel() : 0;
    case 'align_corners':
      return output > 1 ? f32(f32(i * (size - 1)) / (output - 1)) : 0;
    case 'asymmetric':
      return f32(i / f32(scale));
    case 'tf_crop_and_resize': {
      const [start, end] = roi;
      if (output === 1) return f32(0.5 * (start + end) * (size - 1));
      return f32(start * (size - 1) + (i * (end - start) * (size - 1)) / (output - 1));
    }
  }
}

/** Cells of y that lie outside of x, where they have a value of their own; undefined when there are none. */
export function cellsOutside(
  axis: AxisScaling,
  settings: ResizeSettings,
): readonly boolean[] | undefined {
  if (settings.placement !== 'tf_crop_and_resize') return undefined;
  const outside = Array.from({ length: axis.output }, (_, i) => {
    const x = coordinate(i, axis, settings);
    return x < 0 || x > axis.size - 1;
  });
  return outside.includes(true) ? outside : undefined;
}

const roundings: Readonly<Record<ResizeSettings['rounding'], (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** For each cell of y the one cell of x. */
export function nearestCells(axis: AxisScaling, settings: ResizeSettings): Int32Array {
  const round = roundings[settings.rounding];
  return Int32Array.from({ length: axis.output }, (_, i) =>
    clampedTo(axis.size, round(coordinate(i, axis, settings))),
  );
}

function clampedTo(size: number, cell: number): number {
  return Math.min(Math.max(cell, 0), size - 1);
}

/** Cells and weights for linear and cubic interpolation; when shrinking with antialias, over as many cells as become one. */
export function interpolationTaps(axis: AxisScaling, settings: ResizeSettings): Taps {
  const { mode, excludeOutside, antialias } = settings;
  const stretch = antialias ? Math.min(axis.scale, 1) : 1;
  const filter = mode === 'linear' ? linear : cubic(settings.cubicCoefficient);
  const reach = Math.floor(-(mode === 'linear' ? 1 : 2) / stretch) + 1;
  const count = 2 - 2 * reach;
  const indices = new Int32Array(axis.output * count);
  const weights = new Float32Array(axis.output * count);
  for (let i = 0; i < axis.output; i++) {
    const x = coordinate(i, axis, settings);
    const first = Math.ceil(x) - 1 + reach;
    const cells = Array.from({ length: count }, (_, t) => first + t);
    const parts = cells.map((cell) =>
      excludeOutside && (cell < 0 || cell >= axis.size) ? 0 : filter((cell - x) * stretch),
    );
    const sum = antialias || excludeOutside ? parts.reduce((a, b) => a + b) : 1;
    cells.forEach((cell, t) => {
      indices[i * count + t] = clampedTo(axis.size, cell);
      weights[i * count + t] = parts[t]! / sum;
    });
  }
  return { count, indices, weights };
}

function linear(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

/** Keys' cubic convolution; `a` is its slope at 1. */
function cubic(a: number): (x: number) => number {
  return (signed) => {
    const x = Math.abs(signed);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
  };
}
