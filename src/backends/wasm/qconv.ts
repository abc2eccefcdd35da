/**
 * QConv, in one of three ways: along the channels where it is depthwise (assembly/depthwise.ts), as
 * a matrix times a vector where there is one output pixel (assembly/row.ts), and else as the
 * product of tiles and panels (assembly/qconv.ts). The last two use the relaxed dot product where it
 * is exact. A residual is added to each strip of tiles, and behind the step of the other two.
 */
import type { Step } from '../../runtime/plan.js';
import { sumOf } from '../../runtime/steps.js';
import { keepSum, qadd } from './elementwise.js';
import {
  areBytes,
  type Declined,
  declined,
  floatBits,
  type Operand,
  type PrepareContext,
  type StepRun,
  type WasmKernel,
} from './kernel.js';
import {
  depthwiseBlock,
  inBlocks,
  keepTable,
  packDepthwise,
  packPanels,
  packRowPanels,
  pairDepth,
  panelColumns,
  panelLength,
  quadDepth,
  roundUp,
  rowPanelColumns,
} from './pack.js';
import type { DotForm } from './probe.js';
import { depthwiseParts, dimsOf, keepWindow, pixelsOf, tileGrain } from './window.js';

export const qconv: WasmKernel<'QConv'> = (given, context) => {
  const [y, residual = -1] = [given.outputs[0]!, given.inputs[5]];
  if (residual < 0) return prepareProduct(given, context, none);
  const { params } = given;
  const step = codesOf(given);
  const sum: Step<'QAdd'> = { ...given, op: 'QAdd', inputs: [y, residual], params: sumOf(params) };
  const add = qadd(sum, context);
  if ('declined' in add) return add;
  if (params.groups === 1 && !isSingleRow(step, context)) {
    const addend = { sum: keepSum(sum.params, context), residual: context.operand(residual) };
    return prepareProduct(step, context, addend);
  }
  const run = prepareProduct(step, context, none);
  if ('declined' in run) return run;
  return (memory) => {
    run(memory);
    add(memory);
  };
};

/** What tiles add to their codes: the fields of class Sum, and where the other codes are. */
interface Addend {
  readonly sum: number;
  readonly residual: Operand;
}

const none: Addend = { sum: 0, residual: () => 0 };

/** The step up to the codes that a residual is added to. */
function codesOf(step: Step<'QConv'>): Step<'QConv'> {
  const { codeZero: yZero, codeMin: min, codeMax: max } = step.params;
  const params = { ...step.params, yZero, min, max };
  return { ...step, inputs: step.inputs.slice(0, 5), params };
}

function prepareProduct(
  step: Step<'QConv'>,
  context: PrepareContext,
  addend: Addend,
): StepRun | Declined {
  const constants = constantsOf(step, context);
  if ('declined' in constants) return constants;
  const [outChannels, , , channels] = dimsOf(context.tensors[step.inputs[1]!]!);
  const { groups } = step.params;
  const dot = dotFor(constants, context);
  if (channels === 1 && groups === outChannels && groups > 1) {
    return prepareDepthwise(step, constants, dot, context);
  }
  // int8 panels hold weights as they are
  const isRow = constants.zeros === undefined && isSingleRow(step, context);
  return isRow
    ? prepareRow(step, constants, dot, context)
    : prepareTiles(step, constants, dot, context, addend);
}

interface Constants {
  readonly weights: Int8Array;
  /** Undefined where all are 0. */
  readonly zeros: Int32Array | undefined;
  readonly bias: Int32Array | undefined;
  readonly multiplier: Float32Array | undefined;
}

/** The operands that are packed. Declines what would not be computed to the bit. */
function constantsOf(
  { inputs, outputs, params }: Step<'QConv'>,
  { constant, tensors }: PrepareContext,
): Constants | Declined {
  const computed = inputs.slice(1).some((i) => tensors[i]?.space === 'arena');
  const weights = constant<Int8Array>(inputs[1]);
  if (computed || weights === undefined) return declined('weights or tables that are computed');
  const zeros = constant<Int32Array>(inputs[4]);
  if (zeros?.some((zero) => zero < -128 || zero > 127)) {
    return declined('zero points of weights beyond int8');
  }
  const { xZero, yZero, min, max } = params;
  const toBytes = tensors[outputs[0]!]!.type === 'uint8';
  if (!areBytes(xZero) || (toBytes && (!areBytes(yZero, min, max) || min > max))) {
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
function isSingleRow({ inputs, outputs, params }: Step<'QConv'>, { tensors }: PrepareContext) {
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

/** Values of `layout` (assembly/tile.ts). */
const layouts = { pairs: 0, quads: 1 };

function prepareTiles(
  step: Step<'QConv'>,
  constants: Constants,
  dot: DotForm | undefined,
  context: PrepareContext,
  { sum, residual }: Addend,
): StepRun | Declined {
  const { inputs, outputs, params } = step;
  const { exports, memory, operand, tensors } = context;
  const { weights, zeros, multiplier } = constants;
  const [outChannels, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const { groups, xZero } = params;
  const window = keepWindow(step, params, kernelH, kernelW, groups, context);
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
    const to = new Elements(memory.buffer, address, length);
    packPanels(to, weights, zeros, shape, panelColumns, unit);
  });
  const output = keepOutput(step, context);
  const bias = biasFor(constants, outChannels, xZero - (dot?.offset ?? 0));
  const b = keepTable(bias, Int32Array, shape, panelColumns, context);
  const m = keepTable(multiplier, Float32Array, shape, panelColumns, context);
  const layout = dot === undefined ? layouts.pairs : layouts.quads;
  const flip = dot?.flip ?? 0;
  const pixels = pixelsOf(tensors[outputs[0]!]!);
  const run = context.overParts('qconv', {
    ...{ units: pixels, grain: tileGrain, work: pixels * weights.length },
    scratch: exports.qconvScratch(window, layout) >>> 0,
  });
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (at) => {
    run(
      ...([window, output, layout, flip, x(at), xZero, panels, b, m, y(at)] as const),
      ...([sum, residual(at)] as const),
    );
  };
}

function prepareRow(
  step: Step<'QConv'>,
  constants: Constants,
  dot: DotForm | undefined,
  context: PrepareContext,
): StepRun {
  const { inputs, outputs, params } = step;
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
      const to = new Int8Array(memory.buffer, address, length);
      packPanels(to, weights, undefined, shape, rowPanelColumns, unit);
    }
  });
  const output = keepOutput(step, context);
  const bias = biasFor(constants, columns, params.xZero - (dot?.offset ?? 0));
  const b = keepTable(bias, Int32Array, shape, rowPanelColumns, context);
  const m = keepTable(multiplier, Float32Array, shape, rowPanelColumns, context);
  const parts = {
    ...{ units: Math.ceil(columns / rowPanelColumns), grain: 1, work: depth * columns },
    scratch: exports.rowScratch(depth) >>> 0,
  };
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  if (dot === undefined) {
    const run = context.overParts('multiplyRow', parts);
    return (at) => run(output, x(at), depth, columns, panels, b, m, y(at));
  }
  const { flip } = dot;
  const run = context.overParts('multiplyRowQuads', parts);
  return (at) => run(output, flip, x(at), depth, columns, panels, b, m, y(at));
}

/** The bias less what `zero`, which the kernel leaves in x, adds to each sum. */
function biasFor({ weights, zeros, bias }: Constants, channels: number, zero: number): Int32Array {
  const depth = weights.length / channels;
  return Int32Array.from({ length: channels }, (_, channel) => {
    let sum = -depth * (zeros?.[channel] ?? 0);
    for (let k = channel * depth; k < (channel + 1) * depth; k++) sum += weights[k]!;
    return (bias?.[channel] ?? 0) - Math.imul(zero, sum);
  });
}

function prepareDepthwise(
  step: Step<'QConv'>,
  constants: Constants,
  dot: DotForm | undefined,
  context: PrepareContext,
): StepRun | Declined {
  const { inputs, outputs, params } = step;
  const { exports, memory, operand, tensors } = context;
  const { weights, zeros, multiplier } = constants;
  const [channels, kernelH, kernelW] = dimsOf(tensors[inputs[1]!]!);
  const { xZero } = params;
  const window = keepWindow(step, params, kernelH, kernelW, channels, context);
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
  const output = keepOutput(step, context);
  const bias = inBlocks(biasFor(constants, channels, xZero), unit);
  const multipliers = multiplier && inBlocks(multiplier, unit);
  const b = keepTable(bias, Int32Array, shape, depthwiseBlock, context);
  const m = keepTable(multipliers, Float32Array, shape, depthwiseBlock, context);
  const layout = useQuads ? layouts.quads : layouts.pairs;
  const run = context.overParts('depthwise', {
    ...depthwiseParts(tensors[outputs[0]!]!, taps),
    scratch: exports.depthwiseScratch(window, layout) >>> 0,
  });
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (at) => run(window, output, layout, x(at), xZero, packed, b, m, y(at));
}

/** Values of `Output.kind`. */
const outputKinds: Readonly<Record<string, number>> = { uint8: 0, int32: 1, float32: 2 };

/** Of assembly/requantize.ts: what is taken off the bits of a float32 that has been rounded. */
const magicBits = 0x4b400000;

/** The address of the fields of class Output. */
function keepOutput({ outputs, params }: Step<'QConv'>, context: PrepareContext): number {
  const kind = outputKinds[context.tensors[outputs[0]!]!.type]!;
  const { yZero, min, max, lower, upper } = params;
  return context.keepWords([
    ...[kind, yZero - magicBits, floatBits(min - yZero), floatBits(max - yZero)],
    ...[floatBits(lower), floatBits(upper)],
  ]);
}
