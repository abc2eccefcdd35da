/** How dims change when elements are only moved; shared by ONNX's operators, Octavo's and folding. */
import { formatShape } from '../../core/shape.js';
import type { Dim, Node } from '../ir.js';
import { contradiction } from './context.js';
import { areStatic, axesOf, axisOf, type Dims, productOf, quotientOf, unifyDims } from './dims.js';

/** Dims after a transposition; axis i of the result is axis perm[i]. Reverses them without perm. */
export function permuted(node: Node, dims: Dims, perm: readonly number[] | undefined): Dim[] {
  if (perm === undefined) return [...dims].reverse();
  if (perm.length !== dims.length || !dims.every((_, axis) => perm.includes(axis))) {
    throw contradiction(
      node,
      "'perm' is not a permutation of the axes",
      `${dims.length} axes`,
      formatShape(perm),
    );
  }
  return perm.map((axis) => dims[axis]);
}

/** Dims after a concatenation along `axis`; undefined when no input's rank is known. */
export function concatenated(
  node: Node,
  inputs: readonly (Dims | undefined)[],
  axis: number,
): Dim[] | undefined {
  const first = inputs.find((dims) => dims !== undefined);
  if (first === undefined) return undefined;
  const along = axisOf(node, axis, first.length);
  const result: Dim[] = [...first];
  let total: Dim = 0;
  for (const dims of inputs) {
    if (dims === undefined) {
      total = undefined;
      continue;
    }
    if (dims.length !== first.length) {
      throw contradiction(node, 'inputs differ in rank', formatShape(first), formatShape(dims));
    }
    dims.forEach((dim, i) => {
      if (i !== along) result[i] = unifyDims(node, `dims of axis ${i}`, result[i], dim);
    });
    const dim = dims[along];
    total = typeof total === 'number' && typeof dim === 'number' ? total + dim : undefined;
  }
  result[along] = inputs.length === 1 ? first[along] : total;
  return result;
}

/**
 * Dims after a reshape to `target`, whose elements are sizes, −1 (what is left) or, unless
 * `allowZero`, 0 (the size the input has there).
 */
export function reshaped(
  node: Node,
  dims: Dims | undefined,
  target: readonly Dim[],
  allowZero: boolean,
): Dim[] {
  const result = target.map((size, i): Dim => {
    if (typeof size !== 'number') return size;
    if (!Number.isSafeInteger(size) || size < -1) {
      throw contradiction(node, 'bad target shape', 'sizes from -1', formatShape(target));
    }
    if (size !== 0 || allowZero) return size;
    if (dims !== undefined && i >= dims.length) {
      throw contradiction(node, `no axis ${i} to copy`, undefined, formatShape(target));
    }
    return dims?.[i];
  });
  const unknown = result.indexOf(undefined);
  const rest = result.filter((_, i) => i !== unknown);
  if (unknown >= 0 && areStatic(dims) && areStatic(rest) && !rest.includes(0)) {
    // Whatever it says, it is what is left.
    result[unknown] = -1;
  }
  const open = result.indexOf(-1);
  if (open !== result.lastIndexOf(-1)) {
    throw contradiction(node, 'more than one -1', undefined, formatShape(target));
  }
  if (open >= 0) {
    const others = result.filter((_, i) => i !== open);
    result[open] = dims && quotientOf(node, dims, others);
  } else if (areStatic(dims) && areStatic(result)) {
    if (productOf(node, dims) !== productOf(node, result)) {
      throw contradiction(
        node,
        'the number of elements changes',
        formatShape(dims),
        formatShape(result),
      );
    }
  }
  return result;
}

/** Dims without the given axes, which must be 1; without every 1 when no axes are given. */
export function squeezed(
  node: Node,
  dims: Dims,
  axes: readonly number[] | undefined,
): Dim[] | undefined {
  if (axes === undefined) return areStatic(dims) ? dims.filter((dim) => dim !== 1) : undefined;
  const gone = axesOf(node, axes, dims.length);
  for (const axis of gone) unifyDims(node, `dim of axis ${axis} and 1`, 1, dims[axis]);
  return dims.filter((_, i) => !gone.includes(i));
}

/** Dims with a 1 at each of the given axes of the result. */
export function unsqueezed(node: Node, dims: Dims, axes: readonly number[]): Dim[] {
  const fresh = axesOf(node, axes, dims.length + axes.length);
  const old = dims[Symbol.iterator]();
  return Array.from({ length: dims.length + axes.length }, (_, i) =>
    fresh.includes(i) ? 1 : (old.next().value as Dim),
  );
}

/** One axis of a slice, resolved: elements start, start + step, … of which there are `count`. */
export interface SliceRange {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Resolves ONNX's start, end (exclusive) and step, which may count from the end or overshoot. */
export function sliceRange(
  node: Node,
  start: number,
  end: number,
  step: number,
  size: number,
): SliceRange {
  if (step === 0) throw contradiction(node, 'a step of 0');
  const least = step > 0 ? 0 : -1;
  const most = step > 0 ? size : size - 1;
  const clamp = (i: number, low: number) => Math.min(Math.max(i < 0 ? i + size : i, low), most);
  const first = clamp(start, 0);
  const count = Math.max(0, Math.ceil((clamp(end, least) - first) / step));
  return { start: count === 0 ? 0 : first, step, count };
}
