/** Pools. Pooling to one cell is a reduction, in whatever layout; the others slide over images. */
import { attribute, intOf } from '../../graph/attributes.js';
import { type Dim, staticDims } from '../../graph/ir.js';
import { checkPoolPads, poolKernel } from '../../graph/ops/pool.js';
import { windowOf } from '../../graph/ops/window.js';
import { padModes, type ReduceKind, reduceKinds } from '../../runtime/kinds.js';
import { isDequantize } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules, type Site } from './rules.js';
import {
  channelsLastDims,
  enterChannelsLast,
  leaveChannelsLast,
  type StepWindow,
  stepWindow,
} from './spatial.js';

/** An image that a pool reads, and its window over it. */
export interface PoolSite {
  readonly image: string;
  readonly window: StepWindow;
  readonly yDims: readonly Dim[];
}

/** Brings the pool's input x into the channels-last vocabulary; undefined while dims are missing. */
export function enterPool(site: Site, to: Rewriting, x: string): PoolSite | undefined {
  const { node } = site;
  const xDims = to.typeOf(x)?.dims;
  const yDims = to.typeOf(node.outputs[0]!)?.dims;
  if (xDims === undefined || yDims === undefined) return undefined;
  const kernel = poolKernel(node, xDims.length - 2);
  checkPoolPads(node, windowOf(node, kernel));
  const window = stepWindow(site, kernel, xDims.slice(2));
  const image = window && enterChannelsLast(to, x);
  return image === undefined ? undefined : { image, window: window!, yDims };
}

/** Whether cells beyond the padding, which rounding the size up brings in, would count as padding. */
export function countsOverhang(site: Site): boolean {
  return intOf(site.node, 'count_include_pad', 0) === 1 && intOf(site.node, 'ceil_mode', 0) !== 0;
}

const maxPool: Rule = (site) => {
  const { node } = site;
  const [x] = node.inputs as [string];
  // With places, it waits to be written in other operators.
  if ((node.outputs[1] ?? '') !== '') return undefined;
  const to = rewriting(site);
  const type = to.typeOf(x)?.type;
  if (type !== 'uint8' && type !== 'int8' && type !== 'float32') return undefined;
  const pool = enterPool(site, to, x);
  if (pool === undefined) return undefined;
  const { image, window, yDims } = pool;
  const { kernelH, kernelW, params, extra } = window;
  const dims = channelsLastDims(yDims);
  const y = to.step('MaxPool', [image], { kernelH, kernelW, ...params }, { type, dims }, { extra });
  if (leaveChannelsLast(to, y, yDims, node.outputs[0]!) === undefined) return undefined;
  return to.done(`lower ${node.name}`);
};

const averagePool: Rule = (site) => {
  if (countsOverhang(site)) return averageOfPadded(site);
  const { node } = site;
  const [x] = node.inputs as [string];
  if (!areFloat(site, x)) return undefined;
  const to = rewriting(site);
  const pool = enterPool(site, to, x);
  if (pool === undefined) return undefined;
  const { image, window, yDims } = pool;
  const { kernelH, kernelW, params, extra } = window;
  const countIncludePad = intOf(node, 'count_include_pad', 0);
  const y = to.step(
    'AveragePool',
    [image],
    { kernelH, kernelW, ...params, countIncludePad },
    { type: 'float32', dims: channelsLastDims(yDims) },
    { extra },
  );
  if (leaveChannelsLast(to, y, yDims, node.outputs[0]!) === undefined) return undefined;
  return to.done(`lower ${node.name}`);
};

/**
 * Padding made real is counted as the cells it now is, and what lies beyond is not. A last window that
 * starts in the padding, which ONNX leaves out, is cut off again.
 */
const averageOfPadded: Rule = (site) => {
  const { graph, node } = site;
  const [x] = node.inputs as [string];
  const to = rewriting(site);
  const pool = enterPool(site, to, x);
  const yDims = staticDims(graph, node.outputs[0]!);
  if (!areFloat(site, x) || pool === undefined || yDims === undefined) return undefined;
  const { image, window } = pool;
  const { kernelH, kernelW, params } = window;
  const padded = padImage(to, image, window);
  const [batch, height, width, channels] = to.typeOf(padded)!.dims as number[];
  const outputs = (size: number, extent: number, stride: number) => {
    const count = Math.ceil((size - extent) / stride) + 1;
    return (count - 1) * stride >= size ? count - 1 : count;
  };
  const dims = [
    batch,
    outputs(height!, params.dilationH * (kernelH - 1) + 1, params.strideH),
    outputs(width!, params.dilationW * (kernelW - 1) + 1, params.strideW),
    channels,
  ];
  const whole = to.step(
    'AveragePool',
    [padded],
    { kernelH, kernelW, ...params, padTop: 0, padLeft: 0, countIncludePad: 0 },
    { type: 'float32', dims },
    { extra: { ceilMode: attribute.int(1) } },
  );
  const sizes = channelsLastDims(yDims) as number[];
  const lists = { starts: sizes.map(() => 0), steps: sizes.map(() => 1) };
  const type = { type: 'float32', dims: sizes } as const;
  const y = sizes.every((size, axis) => size === dims[axis])
    ? whole
    : to.step('Slice', [whole], lists, type, { extra: { sizes: attribute.ints(sizes) } });
  if (leaveChannelsLast(to, y, yDims, node.outputs[0]!) === undefined) return undefined;
  return to.done(`lower ${node.name}`);
};

function padImage(to: Rewriting, image: string, { params, extra }: StepWindow): string {
  const { type, dims } = to.typeOf(image)!;
  const after = [0, extra.padBottom, extra.padRight, 0].map((pad) =>
    typeof pad === 'object' && pad.kind === 'int' ? pad.value : 0,
  );
  const before = [0, params.padTop, params.padLeft, 0];
  return to.step(
    'Pad',
    [image],
    { before, value: 0, mode: padModes.constant },
    { type, dims: dims!.map((dim, axis) => (dim as number) + before[axis]! + after[axis]!) },
    { extra: { after: attribute.ints(after) } },
  );
}

/** Pools every spatial cell into one. Where the input was quantized, an integer form may come yet. */
const globalPool =
  (kind: ReduceKind): Rule =>
  (site) => {
    const { node, index } = site;
    const [x] = node.inputs as [string];
    if (!areFloat(site, x)) return undefined;
    const to = rewriting(site);
    const dims = to.typeOf(x)?.dims;
    if (dims === undefined) return undefined;
    const free = dims.slice(2).some((dim) => typeof dim !== 'number');
    if (free && isDequantize(index.producer(x))) return undefined;
    const axes = dims.map((_, axis) => (axis < 2 ? 0 : 1));
    const type = { type: 'float32', dims: dims.map((dim, axis) => (axis < 2 ? dim : 1)) } as const;
    to.step('Reduce', [x], { kind: reduceKinds[kind], axes }, type, { output: node.outputs[0]! });
    return to.done(`lower ${node.name}`);
  };

export const poolRules: Rules = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalPool('Mean'),
  GlobalMaxPool: globalPool('Max'),
};
