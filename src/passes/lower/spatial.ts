/**
 * The way of spatial nodes into the channels-last vocabulary and back: x [N, C, H, W] to [N, H, W, C],
 * and one spatial axis, [N, C, W], to an image of one row, [N, 1, W, C].
 */
import { attribute } from '../../graph/attributes.js';
import type { Attribute, Dim, Node } from '../../graph/ir.js';
import { extentOf, resolveAxis, type Window, windowOf } from '../../graph/ops/window.js';
import type { Rewriting } from './rewriting.js';
import type { Site } from './rules.js';
import { permuteDims, toChannelsFirst, toChannelsLast } from './shapes.js';

/** Fields that all spatial steps share, and the attributes that only shape inference reads. */
export interface StepWindow {
  readonly kernelH: number;
  readonly kernelW: number;
  readonly params: {
    readonly strideH: number;
    readonly strideW: number;
    readonly dilationH: number;
    readonly dilationW: number;
    readonly padTop: number;
    readonly padLeft: number;
  };
  readonly extra: Readonly<Record<string, Attribute>>;
}

/**
 * Window of a convolution or pool of one or two spatial axes; undefined while its padding depends on
 * sizes that are not known, and for more axes, which are written in other operators once dims are known.
 */
export function stepWindow(
  site: Site,
  kernel: readonly number[],
  sizes: readonly Dim[],
): StepWindow | undefined {
  const { node } = site;
  if (kernel.length > 2) return undefined;
  const window = windowOf(node, kernel);
  const pads = kernel.map((_, axis) => padsOf(node, window, axis, sizes[axis]));
  if (pads.includes(undefined)) return undefined;
  const [top, bottom] = kernel.length === 1 ? [0, 0] : pads[0]!;
  const [left, right] = pads.at(-1)!;
  const [kernelH, kernelW] = planar(kernel);
  const [strideH, strideW] = planar(window.strides);
  const [dilationH, dilationW] = planar(window.dilations);
  return {
    kernelH,
    kernelW,
    params: { strideH, strideW, dilationH, dilationW, padTop: top, padLeft: left },
    extra: {
      padBottom: attribute.int(bottom),
      padRight: attribute.int(right),
      ...(window.ceilMode && { ceilMode: attribute.int(1) }),
    },
  };
}

/** A row of one axis is an image of height 1. */
function planar(values: readonly number[]): [number, number] {
  return values.length === 1 ? [1, values[0]!] : [values[0]!, values[1]!];
}

function padsOf(node: Node, window: Window, axis: number, size: Dim): [number, number] | undefined {
  if (!window.autoPad.startsWith('SAME')) {
    return [window.padsBefore[axis]!, window.padsAfter[axis]!];
  }
  // Without strides, what keeps the size is the same for all sizes.
  const known = typeof size === 'number' ? size : extentOf(window, axis);
  if (typeof size !== 'number' && window.strides[axis] !== 1) return undefined;
  const { before, after } = resolveAxis(node, window, axis, known);
  return [before, after];
}

/** x as [N, H, W, C]; undefined while free dims keep it from being said. */
export function enterChannelsLast(to: Rewriting, x: string): string | undefined {
  const dims = to.typeOf(x)?.dims;
  if (dims?.length !== 3) return to.transpose(x, toChannelsLast);
  const [n, c, w] = dims as [Dim, Dim, Dim];
  return to.reshape(to.transpose(x, [0, 2, 1]), [n, 1, w, c]);
}

/** y as the ONNX node had it, under the name `output` and with its `dims`. */
export function leaveChannelsLast(
  to: Rewriting,
  y: string,
  dims: readonly Dim[],
  output: string,
): string | undefined {
  if (dims.length !== 3) return to.transpose(y, toChannelsFirst, output);
  const [n, c, w] = dims as [Dim, Dim, Dim];
  const row = to.reshape(y, [n, w, c]);
  return row && to.transpose(row, [0, 2, 1], output);
}

/** Dims of an ONNX value of rank 3 or 4 when it is an image [N, H, W, C]. */
export function channelsLastDims(dims: readonly Dim[]): Dim[] {
  const [n, c, w] = dims;
  return dims.length === 3 ? [n, 1, w, c] : permuteDims(dims, toChannelsLast);
}
