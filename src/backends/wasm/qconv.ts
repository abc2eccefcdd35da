/**
 * QConv, in one of three ways: along the channels where it is depthwise (assembly/depthwise.ts), as
 * a matrix times a vector where there is one output pixel (assembly/row.ts), and else as the
 * product of tiles and panels (assembly/qconv.ts).
 */
import type { Step } from '../../runtime/plan.js';
import {
  areBytes,
  type Declined,
  declined,
  floatBits,
  type PrepareContext,
  type StepRun,
  type WasmKernel,
} from './kernel.js';
import {
  depthwiseBlock,
  keepTable,
  packDepthwise,
  packPanels,
  panelColumns,
  panelLength,
  roundUp,
  rowPanelColumns,
} from './pack.js';
import { dimsOf, keepWindow } from './window.js';

export const qconv: WasmKernel<'QConv'> = (step, context) => {
  const constants = constantsOf(step, context);
  if ('declined' in constants) return constants;
  const [outChannels, , , channels] = dimsOf(context.tensors[step.inputs[1]!]!);
  const { groups } = step.params;
  if (channels === 1 && groups === outChannels && groups > 1) {
    return prepareDepthwise(step, constants, context);
  }
  // int8 panels hold weights as they are
  const isRow = constants.zeros === undefined && isSingleRow(step, context);
  return isRow ? prepareRow(step, constants, context) : prepareTiles(step, constants, context);
};

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

function prepareTiles(
  step: Step<'QConv'>,
  constants: Constants,
  context: PrepareContext,
): StepRun | Declined {
  const { inputs, outputs, params } = step;
  const { exports, memory, operand, tensors } = context;
  const { weights, zeros, bias } = constants;
  const [outChannels, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const { groups, xZero } = params;
  const window = keepWindow(step, params, kernelH, kernelW, groups, context);
  if (typeof window !== 'number') return window;
  const shape = { groups, columns: outChannels / groups, depth: kernelH * kernelW * channels };
  const length = panelLength(shape, panelColumns);
  const form = `panels of int16, ${Object.values(shape)}, less ${zeros}`;
  const panels = context.share(inputs[1]!, form, 2 * length, (address) => {
    const to = new Int16Array(memory.buffer, address, length);
    packPanels(to, weights, zeros, shape, panelColumns);
  });
  const output = keepOutput(step, context);
  const b = keepTable(bias, Int32Array, shape, panelColumns, context);
  const m = keepTable(constants.multiplier, Float32Array, shape, panelColumns, context);
  const scratch = context.scratch(exports.qconvScratch(window) >>> 0);
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (at) => exports.qconv(window, output, x(at), xZero, panels, b, m, y(at), scratch.address);
}

function prepareRow(
  step: Step<'QConv'>,
  { weights, bias, multiplier }: Constants,
  context: PrepareContext,
): StepRun {
  const { inputs, outputs, params } = step;
  const { exports, memory, operand, tensors } = context;
  const [columns, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const { xZero } = params;
  const depth = kernelH * kernelW * channels;
  const shape = { groups: 1, columns, depth };
  const length = panelLength(shape, rowPanelColumns);
  const form = `panels of int8, ${Object.values(shape)}`;
  const panels = context.share(inputs[1]!, form, length, (address) => {
    const to = new Int8Array(memory.buffer, address, length);
    packPanels(to, weights, undefined, shape, rowPanelColumns);
  });
  const output = keepOutput(step, context);
  const b = keepTable(bias, Int32Array, shape, rowPanelColumns, context);
  const m = keepTable(multiplier, Float32Array, shape, rowPanelColumns, context);
  const scratch = context.scratch(exports.rowScratch(depth) >>> 0);
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (at) => {
    const [from, to] = [x(at), y(at)];
    exports.multiplyRow(output, from, xZero, depth, columns, panels, b, m, to, scratch.address);
  };
}

/** The kernel takes x as it is, so what xZero adds to each sum is taken off the bias. */
function prepareDepthwise(
  step: Step<'QConv'>,
  { weights, zeros, bias, multiplier }: Constants,
  context: PrepareContext,
): StepRun | Declined {
  const { inputs, outputs, params } = step;
  const { exports, memory, operand, tensors } = context;
  const [channels, kernelH, kernelW] = dimsOf(tensors[inputs[1]!]!);
  const { xZero } = params;
  const window = keepWindow(step, params, kernelH, kernelW, channels, context);
  if (typeof window !== 'number') return window;
  const taps = kernelH * kernelW;
  const length = roundUp(channels, depthwiseBlock) * roundUp(taps, 2);
  const form = `depthwise of int16, ${channels},${taps}, less ${zeros}`;
  const packed = context.share(inputs[1]!, form, 2 * length, (address) => {
    packDepthwise(new Int16Array(memory.buffer, address, length), weights, zeros, taps);
  });
  const corrected = Int32Array.from({ length: channels }, (_, channel) => {
    const own = weights.subarray(channel * taps, (channel + 1) * taps);
    const sum = own.reduce((total, weight) => total + weight, 0) - taps * (zeros?.[channel] ?? 0);
    return (bias?.[channel] ?? 0) - Math.imul(xZero, sum);
  });
  const shape = { groups: 1, columns: channels };
  const output = keepOutput(step, context);
  const b = keepTable(corrected, Int32Array, shape, depthwiseBlock, context);
  const m = keepTable(multiplier, Float32Array, shape, depthwiseBlock, context);
  const scratch = context.scratch(exports.depthwiseScratch(window) >>> 0);
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (at) => {
    exports.depthwise(window, output, x(at), xZero, packed, b, m, y(at), scratch.address);
  };
}

/** Values of `Output.kind`. */
const outputKinds: Readonly<Record<string, number>> = { uint8: 0, int32: 1, float32: 2 };

/** The address of the fields of class Output. */
function keepOutput({ outputs, params }: Step<'QConv'>, context: PrepareContext): number {
  const kind = outputKinds[context.tensors[outputs[0]!]!.type]!;
  const { yZero, min, max, lower, upper } = params;
  return context.keepWords([kind, yZero, min, max, floatBits(lower), floatBits(upper)]);
}
