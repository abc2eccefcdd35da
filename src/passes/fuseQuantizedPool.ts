/**
 * Means over cells of quantized images: AveragePool, GlobalAveragePool, and ReduceMean over all spatial
 * axes. The result is quantized again, or float.
 */
import { attribute, intOf } from '../graph/attributes.js';
import { type Dim, typeOf } from '../graph/ir.js';
import { epilogueOf } from './fuseQuantizedEpilogue.js';
import { type Dequantized, dequantizedFrom } from './fuseQuantizedMovement.js';
import { countsOverhang, enterPool } from './lower/pool.js';
import { isUint8 } from './lower/quantParams.js';
import { axesReduced } from './lower/reduce.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { type Rewrite, type Rule, rulePass, type Site } from './lower/rules.js';
import {
  channelsLastDims,
  enterChannelsLast,
  leaveChannelsLast,
  type StepWindow,
} from './lower/spatial.js';

/** Window over an image, and dims [N, C, …] of the pooled result. */
interface Mean {
  readonly image: string;
  readonly window: StepWindow;
  readonly yDims: readonly Dim[];
}

/** A rule for a mean of uint8 codes. */
function fuse(enter: (site: Site, to: Rewriting, codes: string) => Mean | undefined): Rule {
  return (site) => {
    const x = dequantizedFrom(site, site.node.inputs[0]!);
    if (x === undefined || !isUint8(x.coding) || site.graph.constants.has(x.codes))
      return undefined;
    const to = rewriting(site);
    const mean = enter(site, to, x.codes);
    return mean && addMean(site, to, x, mean);
  };
}

function addMean(site: Site, to: Rewriting, x: Dequantized, mean: Mean): Rewrite | undefined {
  const { node } = site;
  const { image, window, yDims } = mean;
  const { nodes, coding, output, min, max } = epilogueOf(site, node.outputs[0]!);
  // A float result has no bounds of its own: what clamps it stays.
  const target = coding === undefined ? node.outputs[0]! : output;
  if (coding !== undefined) to.remove(...nodes);
  const type = coding === undefined ? 'float32' : 'uint8';
  const { kernelH, kernelW } = window;
  const params = {
    kernelH,
    kernelW,
    ...window.params,
    countIncludePad: node.op === 'AveragePool' ? intOf(node, 'count_include_pad', 0) : 0,
    xZero: x.coding.zeroPoint,
    yZero: coding?.zeroPoint ?? 0,
    xScale: x.coding.scale,
    yScale: coding?.scale ?? 1,
    min,
    max,
  };
  const extra = { ...window.extra, outputType: attribute.string(type) };
  const dims = channelsLastDims(yDims);
  const y = to.step('QAveragePool', [image], params, { type, dims }, { extra });
  const written = typeOf(site.graph, target)?.dims;
  if (written === undefined) return undefined;
  const done =
    written.length === yDims.length
      ? leaveChannelsLast(to, y, yDims, target)
      : to.reshape(y, written, target); // a reduction that dropped the axes, all of size 1
  return done === undefined ? undefined : to.done(`fuse ${node.name} to QAveragePool`);
}

/** The whole image as one window; undefined while its size is free. */
function wholeImage(to: Rewriting, codes: string): Mean | undefined {
  const dims = to.typeOf(codes)?.dims;
  if (dims === undefined || (dims.length !== 3 && dims.length !== 4)) return undefined;
  const sizes = dims.slice(2);
  if (!sizes.every((size) => typeof size === 'number' && size > 0)) return undefined;
  const [kernelH, kernelW] = sizes.length === 1 ? [1, sizes[0]!] : (sizes as [number, number]);
  const image = enterChannelsLast(to, codes);
  if (image === undefined) return undefined;
  const none = { strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, padTop: 0, padLeft: 0 };
  const yDims = dims.map((dim, axis) => (axis < 2 ? dim : 1));
  return { image, window: { kernelH, kernelW: kernelW as number, params: none, extra: {} }, yDims };
}

const averagePool = fuse((site, to, codes) =>
  countsOverhang(site) ? undefined : enterPool(site, to, codes),
);

const globalAveragePool = fuse((_, to, codes) => wholeImage(to, codes));

const reduceMean = fuse((site, to, codes) => {
  const axes = axesReduced(site);
  const rank = to.typeOf(codes)?.dims?.length;
  const spatial = axes?.length === (rank ?? 0) - 2 && axes.every((axis, i) => axis === i + 2);
  return spatial ? wholeImage(to, codes) : undefined;
});

export const fuseQuantizedPool = rulePass('fuse quantized means', {
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  ReduceMean: reduceMean,
});
