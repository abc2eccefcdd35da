/**
 * Which scale belongs to which element. Every granularity (tensor, row, column, channel, block) is
 * a way to walk a row-major tensor seen as [outer, axis, inner]; it is walked here, once, for all
 * of them, and handed on as runs short enough to explain and long enough to loop over quickly.
 *
 * The layout of the scales is that of ONNX QuantizeLinear (opset 21): none of the axes, the axis,
 * or all dims with the axis cut to ceil(D / blockSize).
 */
import { elementCount, normalizeAxis, type Shape } from '../core/shape.js';

/** How scales are spread: over nothing, over an axis, or over blocks along an axis. */
export interface Spread {
  /** Axis along which the scale varies, negative from the end; none: one scale for the tensor. */
  readonly axis?: number | undefined;
  /** Elements along the axis that share a scale, the last block may be shorter; needs `axis`. */
  readonly blockSize?: number | undefined;
}

/**
 * Dims of the tensor of scales for a tensor of `dims`: [], [D], or dims with ceil(D / blockSize).
 */
export function scaleDims(dims: Shape, { axis, blockSize }: Spread, where?: string): number[] {
  if (axis === undefined) return [];
  const along = normalizeAxis(axis, dims.length, where);
  const length = dims[along] ?? 1;
  if (blockSize === undefined) return [length];
  return dims.map((dim, i) => (i === along ? Math.ceil(length / blockSize) : dim));
}

/**
 * What to do with the elements start … end − 1, which are neighbours: the scale of the first has
 * index `index`, and each next one's lies `step` (0 or 1) further.
 */
export type Visit = (start: number, end: number, index: number, step: 0 | 1) => void;

/** Visits every element of a tensor of `dims` once, in order, in runs. */
export function forEachRun(dims: Shape, { axis, blockSize }: Spread, visit: Visit): void {
  const count = elementCount(dims);
  if (count === 0) return;
  if (axis === undefined) {
    visit(0, count, 0, 0);
    return;
  }

  const along = normalizeAxis(axis, dims.length);
  const length = dims[along] ?? 1;
  const inner = elementCount(dims.slice(along + 1));
  const stride = length * inner;
  const block = blockSize ?? 1;
  const blocks = Math.ceil(length / block);

  // Blocks keep the other dims, so their scales differ along `outer` and `inner` as well.
  const outerScales = blockSize === undefined ? 0 : blocks * inner;
  const axisScales = blockSize === undefined ? 1 : inner;
  const innerStep = blockSize === undefined ? 0 : 1;

  for (let base = 0, first = 0; base < count; base += stride, first += outerScales) {
    if (inner === 1 && block === 1) {
      visit(base, base + length, first, 1);
    } else if (inner === 1) {
      for (let d = 0; d < length; d += block) {
        visit(base + d, base + Math.min(d + block, length), first + d / block, 0);
      }
    } else {
      for (let d = 0; d < length; d++) {
        const start = base + d * inner;
        const index = first + Math.floor(d / block) * axisScales;
        visit(start, start + inner, index, innerStep);
      }
    }
  }
}
