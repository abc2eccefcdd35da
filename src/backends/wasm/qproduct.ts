/**
 * Products of uint8 windows with int8 weights, in one of five ways: along the channels where the convolution is
 * depthwise (assembly/depthwise.ts), with fewer multiplications where that is less work (assembly/winograd.ts), as a
 * matrix times a vector where there is one output pixel (assembly/row.ts), by small quads where the engine's dot product
 * of bytes saturates (assembly/qconvSmall.ts), and else as the product of tiles and panels (assembly/qconv.ts). Where
 * the relaxed dot product is exact, it does all but what has zero points of weights.
 */
import type { Step } from '../../runtime/plan.js';
import { areBytes, type Declined, declined, type PrepareContext, type StepRun } from './kernel.js';
import {
  depthwiseBlock,
  inBlocks,
  keepTable,
  layouts,
  packDepthwise,
  packPanels,
  packRowPanels,
  pairDepth,
  panelColumns,
  panelLength,
  quadDepth,
  roundUp,
  rowPanelColumns,
  tableOf,
} from './pack.js';
import type { DotForm } from './probe.js';
import {
  type Constants,
  keepBias,
  keepOutput,
  outputKinds,
  type ProductOptions,
} from './product.js';
import { prepareSmallQuads } from './smallQuads.js';
import { depthwiseParts, dimsOf, keepWindow, pixelsOf, resultsOf, tileGrain } from './window.js';
import { prepareWinograd, savesProducts } from './winograd.js';

/** Prepares the step, without its residual. Declines what would not be computed to the bit. */
export function prepareProduct(
  step: Step<'QConv'>,
  context: PrepareContext,
  options: ProductOptions,
): StepRun | Declined {
  const constants = constantsOf(step, context, options);
  if ('declined' in constants) return constants;
  const [outChannels, , , channels] = dimsOf(context.tensors[step.inputs[1]!]!);
  const { groups } = step.params;
  const dot = dotFor(constants, context);
  if (channels === 1 && groups === outChannels && groups > 1) {
    return prepareDepthwise(step, constants, dot, context, options);
  }
  if (dot === undefined && savesProducts(step, constants, context)) {
    return prepareWinograd(step, constants, context, options);
  }
  // int8 panels hold weights as they are
  const isRow = constants.zeros === undefined && isSingleRow(step, context);
  if (isRow) return prepareRow(step, constants, dot, context, options);
  const useSmall = context.hasSmallDot && constants.zeros === undefined;
  const small = useSmall ? prepareSmallQuads(step, constants, context, options) : undefined;
  return small ?? prepareTiles(step, constants, dot, context, options);
}

/** The operands that are packed. Declines what would not be computed to the bit. */
function constantsOf(
  { inputs, params }: Step<'QConv'>,
  { constant, tensors }: PrepareContext,
  { xZero, kind }: ProductOptions,
): Constants | Declined {
  const computed = inputs.slice(1).some((i) => tensors[i]?.space === 'arena');
  const weights = constant<Int8Array>(inputs[1]);
  if (computed || weights === undefined) return declined('weights or tables that are computed');
  const zeros = constant<Int32Array>(inputs[4]);
  if (zeros?.some((zero) => zero < -128 || zero > 127)) {
    return declined('zero points of weights beyond int8');
  }
  const { yZero, min, max } = params;
  const isByte = typeof xZero !== 'number' || areBytes(xZero);
  const toBytes = kind === outputKinds.uint8;
  if (!isByte || (toBytes && (!areBytes(yZero, min, max) || min > max))) {
    return declined('zero points or bounds beyond uint8');
  }
  return {
    weights,
    zeros: zeros?.some((zero) => zero !== 0) ? zeros : undefined,
    bias: constant<Int32Array>(inputs[2]),
    multiplier: constant<Float32Array>(inputs[3]),
  };
}

/** Whether there is one output pixel, whose window is all of a stretch of x, padding left out. */
export function isSingleRow(
  { inputs, outputs, params }: Step<'QConv'>,
  { tensors }: PrepareContext,
) {
  const [, height, width] = dimsOf(tensors[inputs[0]!]!);
  const [, kernelH, kernelW] = dimsOf(tensors[inputs[1]!]!);
  const [batch, outHeight, outWidth] = dimsOf(tensors[outputs[0]!]!);
  const { groups, padTop, padLeft, dilationH, dilationW } = params;
  return (
    groups === 1 &&
    batch * outHeight * outWidth === 1 &&
    padTop === 0 &&
    padLeft === 0 &&
    kernelH <= height &&
    kernelW <= width &&
    (kernelH === 1 || (kernelW === width && dilationH === 1)) &&
    (kernelW === 1 || dilationW === 1)
  );
}

/** The relaxed dot product, if its answers are right for these weights. */
function dotFor({ weights, zeros }: Constants, { dot }: PrepareContext): DotForm | undefined {
  if (dot === undefined || zeros !== undefined) return undefined;
  return weights.every((weight) => weight >= dot.lowestWeight) ? dot : undefined;
}

function prepareTiles(
  step: Step<'QConv'>,
  constants: Constants,
  dot: DotForm | undefined,
  context: PrepareContext,
  options: ProductOptions,
): StepRun | Declined {
  const { inputs, outputs, params } = step;
  const { exports, operand, tensors } = context;
  const { weights, zeros, multiplier } = constants;
  const [outChannels, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const { groups } = params;
  const window = keepWindow(step, params, kernelH, kernelW, groups, context, outChannels);
  if (typeof window !== 'number') return window;
  // Runs are those of packStrip.
  const isJoined = groups === 1 && params.dilationW === 1;
  const shape = {
    ...{ groups, columns: outChannels / groups },
    runs: isJoined ? kernelH : kernelH * kernelW,
    depth: isJoined ? kernelW * channels : channels,
  };
  const unit = dot === undefined ? pairDepth : quadDepth;
  const length = panelLength(shape, panelColumns, unit);
  const Elements = dot === undefined ? Int16Array : Int8Array;
  const form = `panels of ${Elements.name}, ${Object.values(shape)}, less ${zeros}`;
  const bytes = length * Elements.BYTES_PER_ELEMENT;
  const panels = context.share(inputs[1]!, form, bytes, (address) => {
    packPanels(address, weights, zeros, shape, panelColumns, unit, context);
  });
  const output = keepOutput(step, context, options);
  const bias = keepBias(constants, outChannels, dot?.offset ?? 0, options, context, (values) =>
    tableOf(values, shape, panelColumns),
  );
  const m = keepTable(multiplier, Float32Array, shape, panelColumns, context);
  const layout = dot === undefined ? layouts.pairs : layouts.quads;
  const flip = dot?.flip ?? 0;
  const pixels = pixelsOf(tensors[outputs[0]!]!);
  const run = context.overParts('qconv', {
    ...{ units: pixels, grain: tileGrain, work: pixels * weights.length },
    scratch: exports.qconvScratch(window, layout) >>> 0,
  });
  const [x, y] = [operand(inputs[0]), resultsOf(step, context)];
  const { sum, residual } = options.addend;
  return (at) => {
    const { table, xZero } = bias(at);
    run(
      ...([window, output, layout, flip, x(at), xZero, panels, table, m, y(at)] as const),
      ...([sum, residual(at)] as const),
    );
  };
}

function prepareRow(
  step: Step<'QConv'>,
  constants: Constants,
  dot: DotForm | undefined,
  context: PrepareContext,
  options: ProductOptions,
): StepRun {
  const { inputs } = step;
  const { exports, memory, operand, tensors } = context;
  const { weights, multiplier } = constants;
  const [columns, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const depth = kernelH * kernelW * channels;
  const shape = { groups: 1, columns, runs: 1, depth };
  const unit = dot === undefined ? pairDepth : quadDepth;
  const length = panelLength(shape, rowPanelColumns, unit);
  const form = `panels for a row, ${unit}, ${Object.values(shape)}`;
  const panels = context.share(inputs[1]!, form, length, (address) => {
    if (dot === undefined) {
      packRowPanels(new Uint8Array(memory.buffer, address, length), weights, shape);
    } else {
      packPanels(address, weights, undefined, shape, rowPanelColumns, unit, context);
    }
  });
  const output = keepOutput(step, context, options);
  const bias = keepBias(constants, columns, dot?.offset ?? 0, options, context, (values) =>
    tableOf(values, shape, rowPanelColumns),
  );
  const m = keepTable(multiplier, Float32Array, shape, rowPanelColumns, context);
  const parts = {
    ...{ units: Math.ceil(columns / rowPanelColumns), grain: 1, work: depth * columns },
    scratch: exports.rowScratch(depth) >>> 0,
  };
  const [x, y] = [operand(inputs[0]), resultsOf(step, context)];
  if (dot === undefined) {
    const run = context.overParts('multiplyRow', parts);
    return (at) => run(output, x(at), depth, columns, panels, bias(at).table, m, y(at));
  }
  const { flip } = dot;
  const run = context.overParts('multiplyRowQuads', parts);
  return (at) => run(output, flip, x(at), depth, columns, panels, bias(at).table, m, y(at));
}

function prepareDepthwise(
  step: Step<'QConv'>,
  constants: Constants,
  dot: DotForm | undefined,
  context: PrepareContext,
  options: ProductOptions,
): StepRun | Declined {
  const { inputs, outputs, params } = step;
  const { exports, memory, operand, tensors } = context;
  const { weights, zeros, multiplier } = constants;
  const [channels, kernelH, kernelW] = dimsOf(tensors[inputs[1]!]!);
  const window = keepWindow(step, params, kernelH, kernelW, channels, context, channels);
  if (typeof window !== 'number') return window;
  const taps = kernelH * kernelW;
  // The kernel reads x as it is.
  const useQuads = dot !== undefined && dot.flip === 0;
  const unit = useQuads ? quadDepth : pairDepth;
  const length = roundUp(channels, depthwiseBlock) * roundUp(taps, unit);
  const Elements = useQuads ? Int8Array : Int16Array;
  const form = `depthwise of ${Elements.name}, ${channels},${taps}, less ${zeros}`;
  const bytes = length * Elements.BYTES_PER_ELEMENT;
  const packed = context.share(inputs[1]!, form, bytes, (address) => {
    packDepthwise(new Elements(memory.buffer, address, length), weights, zeros, taps, unit);
  });
  const shape = { groups: 1, columns: roundUp(channels, depthwiseBlock) };
  const output = keepOutput(step, context, options);
  const bias = keepBias(constants, channels, 0, options, context, (values) =>
    inBlocks(values, unit),
  );
  const multipliers = multiplier && inBlocks(multiplier, unit);
  const m = keepTable(multipliers, Float32Array, shape, depthwiseBlock, context);
  const layout = useQuads ? layouts.quads : layouts.pairs;
  const run = context.overParts('depthwise', {
    ...depthwiseParts(tensors[outputs[0]!]!, channels, taps),
    scratch: exports.depthwiseScratch(window, layout) >>> 0,
  });
  const [x, y] = [operand(inputs[0]), resultsOf(step, context)];
  return (at) => {
    const { table, xZero } = bias(at);
    run(window, output, layout, x(at), xZero, packed, table, m, y(at));
  };
}
