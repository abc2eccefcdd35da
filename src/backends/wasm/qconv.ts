/**
 * QConv: dense and grouped convolution as products of tiles with packed panels (assembly/qconv.ts),
 * depthwise convolution along the channels (assembly/depthwise.ts).
 */
import type { Step } from '../../runtime/plan.js';
import {
  areBytes,
  type Declined,
  declined,
  floatBits,
  type PrepareContext,
  type WasmKernel,
} from './kernel.js';
import {
  type Columns,
  depthwiseBlock,
  packDepthwise,
  packPanels,
  padTable,
  panelColumns,
  panelLength,
  roundUp,
  tableLength,
} from './pack.js';
import { dimsOf, keepWindow } from './window.js';

/** Values of `Output.kind`. */
const outputKinds: Readonly<Record<string, number>> = { uint8: 0, int32: 1, float32: 2 };

export const qconv: WasmKernel<'QConv'> = (step, context) => {
  const { inputs, outputs, params } = step;
  const { tensors, exports } = context;
  const constants = constantsOf(step, context);
  if ('declined' in constants) return constants;
  const { groups, xZero, yZero, min, max, lower, upper } = params;
  const [outChannels, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const window = keepWindow(step, params, kernelH, kernelW, groups, context);
  if (typeof window !== 'number') return window;
  const kind = outputKinds[tensors[outputs[0]!]!.type]!;
  const output = context.keepWords([kind, yZero, min, max, floatBits(lower), floatBits(upper)]);

  const taps = kernelH * kernelW;
  const isDepthwise = channels === 1 && groups === outChannels && groups > 1;
  const { weights, bias, multiplier } = isDepthwise
    ? keepDepthwise(inputs[1]!, constants, outChannels, taps, context)
    : keepPanels(
        inputs[1]!,
        constants,
        { groups, columns: outChannels / groups, depth: taps * channels },
        context,
      );
  const scratchBytes = isDepthwise ? exports.depthwiseScratch : exports.qconvScratch;
  const scratch = context.scratch(scratchBytes(window) >>> 0);
  const run = isDepthwise ? exports.depthwise : exports.qconv;
  const x = context.operand(inputs[0]);
  const y = context.operand(outputs[0]);
  return (at) => {
    run(window, output, x(at), xZero, weights, bias, multiplier, y(at), scratch.address);
  };
};

interface Constants {
  readonly xZero: number;
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
    xZero,
    weights,
    zeros: zeros?.some((zero) => zero !== 0) ? zeros : undefined,
    bias: constant<Int32Array>(inputs[2]),
    multiplier: constant<Float32Array>(inputs[3]),
  };
}

/** Where a kernel finds its weights and the tables of its columns. */
interface Packed {
  readonly weights: number;
  readonly bias: number;
  readonly multiplier: number;
}

function keepPanels(
  index: number,
  { weights, zeros, bias, multiplier }: Constants,
  shape: Columns & { readonly depth: number },
  context: PrepareContext,
): Packed {
  const length = panelLength(shape);
  const form = `panels of int16, ${shape.groups} × ${shape.columns} × ${shape.depth}, less ${zeros}`;
  const fill = (to: number) =>
    packPanels(new Int16Array(context.memory.buffer, to, length), weights, zeros, shape);
  return {
    weights: context.share(index, form, 2 * length, fill),
    ...keepTables(bias, multiplier, shape, panelColumns, context),
  };
}

/** The kernel takes x as it is, so what xZero adds to each sum is taken off the bias. */
function keepDepthwise(
  index: number,
  { weights, zeros, bias, multiplier, xZero }: Constants,
  channels: number,
  taps: number,
  context: PrepareContext,
): Packed {
  const length = roundUp(channels, depthwiseBlock) * roundUp(taps, 2);
  const form = `depthwise of int16, ${channels} × ${taps}, less ${zeros}`;
  const fill = (to: number) =>
    packDepthwise(new Int16Array(context.memory.buffer, to, length), weights, zeros, taps);
  const corrected = Int32Array.from({ length: channels }, (_, channel) => {
    const own = weights.subarray(channel * taps, (channel + 1) * taps);
    const sum = own.reduce((total, weight) => total + weight, 0) - taps * (zeros?.[channel] ?? 0);
    return (bias?.[channel] ?? 0) - Math.imul(xZero, sum);
  });
  return {
    weights: context.share(index, form, 2 * length, fill),
    ...keepTables(corrected, multiplier, { groups: 1, columns: channels }, depthwiseBlock, context),
  };
}

function keepTables(
  bias: Int32Array | undefined,
  multiplier: Float32Array | undefined,
  columns: Columns,
  unit: number,
  context: PrepareContext,
): Omit<Packed, 'weights'> {
  const length = tableLength(columns, unit);
  const addresses = { bias: context.keep(4 * length), multiplier: context.keep(4 * length) };
  const { buffer } = context.memory;
  padTable(new Int32Array(buffer, addresses.bias, length), bias, columns, unit);
  padTable(new Float32Array(buffer, addresses.multiplier, length), multiplier, columns, unit);
  return addresses;
}
