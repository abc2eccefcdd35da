/**
 * Sliding windows: kernel, strides, dilations and padding of convolutions and pools, read from
 * attributes, checked, and resolved to paddings and output sizes. Inference and lowering both go
 * through here, so they cannot disagree. Everything comes from a model and is untrusted.
 */
import { OctavoError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import { intOf, intsOf, stringOf } from '../attributes.js';
import type { Dim, Node } from '../ir.js';
import { contradiction } from './context.js';

const autoPads = ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'] as const;
type AutoPad = (typeof autoPads)[number];

/** A window over any number of spatial axes, its attributes checked. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros unless `autoPad` is 'NOTSET'. */
  readonly padsBefore: readonly number[];
  readonly padsAfter: readonly number[];
  readonly autoPad: AutoPad;
  readonly ceilMode: boolean;
}

/** One axis of a window over an input of known size. */
export interface WindowAxis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Cells of padding; the last window may reach beyond `after` when rounding up (ceil_mode). */
  readonly before: number;
  readonly after: number;
  readonly output: number;
}

/** Reads the attributes of an ONNX convolution or pool with this kernel. Throws `INVALID_GRAPH`. */
export function windowOf(node: Node, kernel: readonly number[]): Window {
  const rank = kernel.length;
  const read = (name: string, length: number, fallback: number, least: number) => {
    const values = intsOf(node, name) ?? new Array<number>(length).fill(fallback);
    if (values.length !== length) {
      throw contradiction(node, `wrong length of '${name}'`, String(length), String(values.length));
    }
    return checkInts(node, name, values, least);
  };
  checkInts(node, 'kernel', kernel, 1);
  const autoPad = stringOf(node, 'auto_pad', 'NOTSET') || 'NOTSET';
  if (!isAutoPad(autoPad)) {
    throw contradiction(node, "unknown 'auto_pad'", autoPads.join(', '), autoPad);
  }
  const pads = read('pads', 2 * rank, 0, 0);
  const none = new Array<number>(rank).fill(0);
  return {
    kernel,
    strides: read('strides', rank, 1, 1),
    dilations: read('dilations', rank, 1, 1),
    padsBefore: autoPad === 'NOTSET' ? pads.slice(0, rank) : none,
    padsAfter: autoPad === 'NOTSET' ? pads.slice(rank) : none,
    autoPad,
    ceilMode: intOf(node, 'ceil_mode', 0) !== 0,
  };
}

function isAutoPad(name: string): name is AutoPad {
  return (autoPads as readonly string[]).includes(name);
}

/** Whole numbers from `least` up to 2^31 − 1, what a plan's parameters hold. */
export function checkInts(
  node: Node,
  name: string,
  values: readonly number[],
  least: number,
): readonly number[] {
  if (values.every((value) => isWithin(value, least))) return values;
  throw outOfRange(node, name, values, least);
}

/** The same for one number. */
export function checkInt(node: Node, name: string, value: number, least: number): number {
  if (isWithin(value, least)) return value;
  throw outOfRange(node, name, [value], least);
}

function isWithin(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least && value < 2 ** 31;
}

function outOfRange(node: Node, name: string, values: readonly number[], least: number) {
  return contradiction(
    node,
    `'${name}' out of range`,
    `whole numbers from ${least}`,
    formatShape(values),
  );
}

/** Cells from the first to the last tap of a window, both counted. */
export function extentOf(window: Window, axis: number): number {
  return window.dilations[axis]! * (window.kernel[axis]! - 1) + 1;
}

/** Resolves one axis for an input of `size` cells. Throws `INVALID_GRAPH` when no window fits. */
export function resolveAxis(node: Node, window: Window, axis: number, size: number): WindowAxis {
  const kernel = window.kernel[axis]!;
  const stride = window.strides[axis]!;
  const dilation = window.dilations[axis]!;
  const extent = extentOf(window, axis);
  let before = window.padsBefore[axis]!;
  let after = window.padsAfter[axis]!;
  let output: number;
  if (window.autoPad === 'SAME_UPPER' || window.autoPad === 'SAME_LOWER') {
    output = Math.ceil(size / stride);
    const total = Math.max((output - 1) * stride + extent - size, 0);
    const half = Math.floor(total / 2);
    before = window.autoPad === 'SAME_UPPER' ? half : total - half;
    after = total - before;
  } else {
    const steps = (size + before + after - extent) / stride;
    output = (window.ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window that starts in the padding after the input would see nothing of it.
    if (window.ceilMode && (output - 1) * stride >= size + before) output--;
  }
  if (!Number.isSafeInteger(before + size + after)) {
    throw new OctavoError('LIMIT_EXCEEDED', 'the padded input is too long', { where: node.name });
  }
  if (output < 1) {
    throw contradiction(
      node,
      'the window does not fit the padded input',
      `at least ${extent} cells`,
      String(size + before + after),
    );
  }
  return { kernel, stride, dilation, before, after, output };
}

/** All axes of an ONNX convolution or pool over spatial `sizes`. Throws `INVALID_GRAPH`. */
export function resolveWindow(
  node: Node,
  kernel: readonly number[],
  sizes: readonly number[],
): WindowAxis[] {
  if (kernel.length !== sizes.length) {
    throw contradiction(
      node,
      'wrong rank of the kernel',
      String(sizes.length),
      String(kernel.length),
    );
  }
  const window = windowOf(node, kernel);
  return sizes.map((size, axis) => resolveAxis(node, window, axis, size));
}

/** Output dims of the spatial axes; a free size goes through where the window keeps it. */
export function windowOutputs(node: Node, window: Window, sizes: readonly Dim[]): Dim[] {
  return sizes.map((size, axis) => {
    if (typeof size === 'number') return resolveAxis(node, window, axis, size).output;
    const padding = window.padsBefore[axis]! + window.padsAfter[axis]!;
    const same = window.autoPad.startsWith('SAME') || extentOf(window, axis) === padding + 1;
    return same && window.strides[axis] === 1 ? size : undefined;
  });
}
