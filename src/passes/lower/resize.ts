/** Resize, an axis at a time: the nearest cells are gathered, interpolated ones are sums of neighbours. */
import { allocate } from '../../core/dtype.js';
import type { Tensor } from '../../core/tensor.js';
import { type Node, staticDims } from '../../graph/ir.js';
import { type ResizeSettings, resizedAxes, resizeSettings } from '../../graph/ops/resize.js';
import { contextAt, isMovable } from './movement.js';
import { type AxisScaling, cellsOutside, interpolationTaps, nearestCells } from './resizeTaps.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules, type Site } from './rules.js';

interface Resized extends AxisScaling {
  readonly axis: number;
}

/**
 * The axes that change, those that shrink most first, and of others the last first: the more there is to do, the longer
 * are the rows of it. Undefined while anything about them is unknown.
 */
function changes(
  { graph, node }: Site,
  dims: readonly number[],
  settings: ResizeSettings,
): Resized[] | undefined {
  const axes = resizedAxes(contextAt({ graph, node }), dims);
  const crops = settings.placement === 'tf_crop_and_resize';
  const roi = crops ? graph.constants.get(node.inputs[1] ?? '')?.data : undefined;
  if (axes === undefined || (crops && roi?.length !== 2 * axes.length)) return undefined;
  const result: Resized[] = [];
  for (const [i, { axis, output, scale }] of axes.entries()) {
    if (typeof output !== 'number' || scale === undefined) return undefined;
    const part = [Number(roi?.[i] ?? 0), Number(roi?.[i + axes.length] ?? 1)] as const;
    const whole = part[0] === 0 && part[1] === 1;
    if (output === dims[axis] && scale === 1 && whole) continue;
    result.push({ axis, size: dims[axis]!, output, scale, roi: part });
  }
  const grown = ({ output, size }: Resized) => output / size;
  return result.sort((a, b) => grown(a) - grown(b) || b.axis - a.axis);
}

/** The cells of y that lie outside of x have a value of their own. */
function extrapolated(to: Rewriting, y: string, resized: Resized, settings: ResizeSettings) {
  const outside = cellsOutside(resized, settings);
  if (outside === undefined) return y;
  const { type, dims } = to.typeOf(y)!;
  const mask = to.constant('outside', {
    type: 'bool',
    dims: dims!.slice(resized.axis).map((_, i) => (i === 0 ? resized.output : 1)),
    data: Uint8Array.from(outside, Number),
  });
  const data = allocate(type, 1) as unknown as { [i: number]: number | bigint };
  const { extrapolationValue } = settings;
  data[0] =
    typeof data[0] === 'bigint' ? BigInt(Math.trunc(extrapolationValue)) : extrapolationValue;
  const value = to.constant('extrapolation', { type, dims: [], data } as unknown as Tensor);
  return to.step('Where', [mask, value, y], {}, { type, dims });
}

function resizeAlong(to: Rewriting, x: string, resized: Resized, settings: ResizeSettings): string {
  const { axis, output } = resized;
  const { type, dims } = to.typeOf(x)!;
  const turned = { type, dims: dims!.with(axis, output) };
  if (settings.mode === 'nearest') {
    const data = nearestCells(resized, settings);
    const cells = to.constant('cells', { type: 'int32', dims: [output], data });
    return to.step('Gather', [x, cells], { axis }, turned);
  }
  const { count, indices, weights } = interpolationTaps(resized, settings);
  const taps = [output, count];
  const cells = to.constant('cells', { type: 'int32', dims: taps, data: indices });
  const factors = to.constant('weights', { type: 'float32', dims: taps, data: weights });
  return to.step('Resample', [x, cells, factors], { axis }, turned);
}

const resize: Rule = (site) => {
  const { graph, node } = site;
  const x = node.inputs[0]!;
  const dims = staticDims(graph, x);
  const settings = resizeSettings(node);
  if (dims === undefined || !(chooses(node) ? isMovable(site, x) : areFloat(site, x))) {
    return undefined;
  }
  const axes = changes(site, dims, settings);
  if (axes === undefined) return undefined;
  const to = rewriting(site);
  let y = x;
  for (const axis of axes) {
    y = extrapolated(to, resizeAlong(to, y, axis, settings), axis, settings);
  }
  to.replace(node.outputs[0]!, y);
  return to.done(`lower ${node.name}`);
};

/** Whether a Resize chooses cells of x, and computes nothing. */
export function chooses(node: Node): boolean {
  return resizeSettings(node).mode === 'nearest';
}

export const resizeRules: Rules = { Resize: resize };
