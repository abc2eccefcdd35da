/**
 * Shapes. The only place that multiplies dims, so that a product is checked once and for all: every
 * dim is a whole number from 0, and the product stays an exact integer.
 */
import { OctavoError } from './errors.js';

/** Dims of a tensor, outermost first; the empty shape is a scalar. */
export type Shape = readonly number[];

/** Number of elements; throws `LIMIT_EXCEEDED` when it is not an exact integer. */
export function elementCount(shape: Shape, where?: string): number {
  let count = 1;
  for (let axis = 0; axis < shape.length; axis++) {
    const dim = shape[axis]!;
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new OctavoError('INVALID_TENSOR', 'bad dimension', {
        where,
        expected: 'whole numbers from 0',
        found: formatShape(shape),
      });
    }
    count *= dim;
    if (!Number.isSafeInteger(count)) {
      // A later zero would make the product small, but no sane model holds such a shape.
      throw new OctavoError('LIMIT_EXCEEDED', 'the dimensions multiply to more than 2^53', {
        where,
        found: formatShape(shape),
      });
    }
  }
  return count;
}

/** Elements between neighbours along each axis, row-major. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Turns a possibly negative axis into 0 … rank − 1. */
export function normalizeAxis(axis: number, rank: number, where?: string): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= Math.max(rank, 1)) {
    throw new OctavoError('INVALID_ARGUMENT', 'axis out of range', {
      where,
      expected: `-${rank} to ${rank - 1}`,
      found: String(axis),
    });
  }
  return normalized;
}

/** The shape both broadcast to by the rules of NumPy and ONNX. */
export function broadcastShapes(a: Shape, b: Shape, where?: string): number[] {
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new OctavoError('INVALID_GRAPH', 'shapes do not broadcast', {
        where,
        found: `${formatShape(a)} and ${formatShape(b)}`,
      });
    }
    result[i] = x === 1 ? y : x;
  }
  return result;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** A known size, the name of a free dimension, or unknown. */
export type Dim = number | string | undefined;

/**
 * A name for a dim of a computed value that inference cannot tell: dims of one name have one size, as with free dimensions.
 * It means nothing outside of the graph: see `shownDim`.
 */
export function inventedDim(value: string, axis: number): Dim {
  return `?${value}.${axis}`;
}

/** A dim for those who look from outside, for whom invented ones are unknown. */
export function shownDim(dim: Dim): Dim {
  return typeof dim === 'string' && dim.startsWith('?') ? undefined : dim;
}

/** Unknown sizes as '?'. */
export function formatShape(shape: readonly Dim[]): string {
  return `[${shape.map((dim) => shownDim(dim) ?? '?').join(', ')}]`;
}
