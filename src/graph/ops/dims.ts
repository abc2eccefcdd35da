/**
 * Arithmetic on dims that may be free. A name stands for one unknown number: equal names are equal
 * numbers, and nothing else is known of them.
 */
import { OctavoError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import type { Dim, Node } from '../ir.js';
import { contradiction } from './context.js';

export type Dims = readonly Dim[];

/** Whether two dims are certainly equal. */
export function equalDims(a: Dim, b: Dim): boolean {
  return a !== undefined && a === b;
}

/** Whether two shapes are certainly equal. */
export function equalShapes(a: Dims | undefined, b: Dims | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.length === b.length &&
    a.every((dim, i) => equalDims(dim, b[i]))
  );
}

export function areStatic(dims: Dims | undefined): dims is readonly number[] {
  return dims?.every((dim) => typeof dim === 'number') ?? false;
}

/** The dim that two dims which must be equal share: a number if either is one. */
export function unifyDims(node: Node, what: string, a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) {
    throw contradiction(node, `${what} differ`, String(a), String(b));
  }
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return a ?? b;
}

/** Shape that both broadcast to by the rules of NumPy; undefined when either rank is unknown. */
export function broadcastDims(
  node: Node,
  a: Dims | undefined,
  b: Dims | undefined,
): Dims | undefined {
  if (a === undefined || b === undefined) return undefined;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i): Dim => {
    const x = i < rank - a.length ? 1 : a[i - rank + a.length];
    const y = i < rank - b.length ? 1 : b[i - rank + b.length];
    if (x === 1) return y;
    if (y === 1) return x;
    if (typeof x === 'number' && typeof y === 'number' && x !== y) {
      throw contradiction(
        node,
        'shapes do not broadcast',
        undefined,
        `${formatShape(a)} and ${formatShape(b)}`,
      );
    }
    // A free dim next to a number above 1 is that number or 1: the result is the number.
    if (typeof x === 'number') return x;
    if (typeof y === 'number') return y;
    return x === y ? x : undefined;
  });
}

/** Product: the number, or the one free dim that is left, or unknown. */
export function productOf(node: Node, dims: Dims): Dim {
  const { known, free } = factorize(node, dims);
  if (known === 0 || free.length === 0) return known;
  return known === 1 && free.length === 1 ? free[0] : undefined;
}

/** The dim d with d · product(b) = product(a), free dims cancelled; undefined when it depends on them. */
export function quotientOf(node: Node, a: Dims, b: Dims): Dim {
  const over = factorize(node, a);
  const under = factorize(node, b);
  const left = [...over.free];
  for (const dim of under.free) {
    const i = dim === undefined ? -1 : left.indexOf(dim);
    if (i < 0) return undefined;
    left.splice(i, 1);
  }
  if (under.known === 0) {
    throw contradiction(node, 'a dimension of -1 next to one of 0 could be anything');
  }
  if (left.length === 0) {
    if (over.known % under.known !== 0) {
      throw contradiction(node, 'the elements do not divide', formatShape(a), formatShape(b));
    }
    return over.known / under.known;
  }
  return left.length === 1 && over.known === under.known ? left[0] : undefined;
}

function factorize(node: Node, dims: Dims): { known: number; free: Dim[] } {
  let known = 1;
  const free: Dim[] = [];
  for (const dim of dims) {
    if (typeof dim !== 'number') free.push(dim);
    else known *= dim;
  }
  if (!Number.isSafeInteger(known)) {
    throw new OctavoError('LIMIT_EXCEEDED', 'the dimensions multiply to more than 2^53', {
      where: node.name,
      found: formatShape(dims),
    });
  }
  return { known, free };
}

/** An axis of 0 … rank − 1 from one that may count from the end. Throws `INVALID_GRAPH`. */
export function axisOf(node: Node, axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank) {
    throw contradiction(node, 'axis out of range', `-${rank} to ${rank - 1}`, String(axis));
  }
  return normalized;
}

/** Axes of 0 … rank − 1, ascending. Throws `INVALID_GRAPH` for one out of range or given twice. */
export function axesOf(node: Node, axes: readonly number[], rank: number): number[] {
  const normalized = axes.map((axis) => axisOf(node, axis, rank)).sort((a, b) => a - b);
  if (new Set(normalized).size !== normalized.length) {
    throw contradiction(node, 'an axis is given twice', undefined, formatShape(axes));
  }
  return normalized;
}
