/**
 * What the tests of this folder share: layouts of every granularity, each with the scale index of
 * an element written out from the definition, and a seeded source of numbers.
 */
import { elementCount, type Shape } from '../../src/core/shape.js';
import {
  type Granularity,
  integerRange,
  type QuantizedType,
  type QuantParams,
} from '../../src/numerics/index.js';

export interface LayoutCase {
  readonly granularity: Granularity;
  readonly dims: Shape;
  readonly axis?: number;
  readonly blockSize?: number;
}

export const layoutCases: readonly LayoutCase[] = [
  { granularity: 'tensor', dims: [] },
  { granularity: 'tensor', dims: [37] },
  { granularity: 'tensor', dims: [3, 5, 7] },
  { granularity: 'row', dims: [5, 7], axis: 0 },
  { granularity: 'row', dims: [1, 7], axis: 0 },
  { granularity: 'column', dims: [5, 7], axis: 1 },
  { granularity: 'column', dims: [5, 1], axis: 1 },
  { granularity: { channel: 0 }, dims: [9], axis: 0 },
  { granularity: { channel: 0 }, dims: [4, 3, 3, 3], axis: 0 },
  { granularity: { channel: 1 }, dims: [2, 3, 5], axis: 1 },
  { granularity: { channel: 2 }, dims: [2, 3, 5], axis: 2 },
  { granularity: { channel: -2 }, dims: [2, 3, 5, 7], axis: 2 },
  { granularity: { block: 4, axis: 0 }, dims: [8], axis: 0, blockSize: 4 },
  { granularity: { block: 4, axis: 0 }, dims: [10], axis: 0, blockSize: 4 },
  { granularity: { block: 3, axis: 0 }, dims: [7, 5], axis: 0, blockSize: 3 },
  { granularity: { block: 3, axis: 1 }, dims: [5, 7], axis: 1, blockSize: 3 },
  { granularity: { block: 1, axis: 1 }, dims: [5, 7], axis: 1, blockSize: 1 },
  { granularity: { block: 1, axis: 0 }, dims: [5, 7], axis: 0, blockSize: 1 },
  { granularity: { block: 16, axis: 1 }, dims: [5, 7], axis: 1, blockSize: 16 },
  { granularity: { block: 2, axis: -2 }, dims: [2, 5, 3], axis: 1, blockSize: 2 },
  { granularity: { block: 2, axis: 0 }, dims: [3, 2, 2, 1], axis: 0, blockSize: 2 },
];

export function nameOf({ granularity, dims }: LayoutCase): string {
  return `${JSON.stringify(granularity)} of [${dims.join(', ')}]`;
}

/** Dims of the scale tensor, from the definition. */
export function scaleDimsOf({ dims, axis, blockSize }: LayoutCase): number[] {
  if (axis === undefined) return [];
  if (blockSize === undefined) return [dims[axis]!];
  return dims.map((dim, i) => (i === axis ? Math.ceil(dim / blockSize) : dim));
}

/** Index of the scale of element `flat`, by way of its coordinates. */
export function scaleIndexOf(layout: LayoutCase, flat: number): number {
  const { dims, axis, blockSize } = layout;
  if (axis === undefined) return 0;
  const coordinates: number[] = [];
  let rest = flat;
  for (const dim of [...dims].reverse()) {
    coordinates.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  if (blockSize === undefined) return coordinates[axis]!;
  coordinates[axis] = Math.floor(coordinates[axis]! / blockSize);
  return scaleDimsOf(layout).reduce((index, dim, i) => index * dim + coordinates[i]!, 0);
}

/** Uniform numbers in [0, 1) from a seed (a 32-bit mix of a counter). */
export function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let x = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Random parameters of a layout: scales of many magnitudes, zero points over the whole type. */
export function randomParams<T extends QuantizedType>(
  type: T,
  layout: LayoutCase,
  random: () => number,
): QuantParams<T> {
  const count = elementCount(scaleDimsOf(layout));
  const { min, max } = integerRange(type);
  const centred = type === 'int32' || type === 'int1';
  const { axis, blockSize } = layout;
  return {
    type,
    scale: Float32Array.from({ length: count }, () => 2 ** (8 * random() - 6)),
    zeroPoint: Int32Array.from({ length: count }, () =>
      centred ? 0 : min + Math.floor(random() * (max - min + 1)),
    ),
    ...(axis !== undefined && { axis }),
    ...(blockSize !== undefined && { blockSize }),
  };
}

export const specialValues = [0, -0, Infinity, -Infinity, Number.NaN, 3e38, -3e38, 1e-45];

/** Values that cover the type's integers and beyond: general ones, ties, and some of `special`. */
export function randomValues(
  layout: LayoutCase,
  params: QuantParams,
  random: () => number,
  special = specialValues,
): Float32Array {
  const { min, max } = integerRange(params.type);
  return Float32Array.from({ length: elementCount(layout.dims) }, (_, i) => {
    const index = scaleIndexOf(layout, i);
    const steps = min - params.zeroPoint[index]! + random() * 1.2 * (max - min);
    const kind = random();
    if (kind < 0.1) return special[Math.floor(random() * special.length)]!;
    if (kind < 0.4) return (Math.floor(steps) + 0.5) * params.scale[index]!;
    return steps * params.scale[index]!;
  });
}
