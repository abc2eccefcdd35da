/** Sliding windows as assembly/window.ts has them. */
import { bitsOf } from '../../core/dtype.js';
import type { PlanTensor, Step } from '../../runtime/plan.js';
import type { StepName, StepParams } from '../../runtime/steps.js';
import type { Declined, Operand, PrepareContext } from './kernel.js';
import { declined } from './kernel.js';

type WindowParams = Pick<
  StepParams<'QConv'>,
  'strideH' | 'strideW' | 'dilationH' | 'dilationW' | 'padTop' | 'padLeft'
>;

/** Where 32-bit positions end. */
const mostPositions = 2 ** 31;

/**
 * The address of the fields of class Window. y may have more channels than `outChannels`. Declines windows of which some
 * position, the padding included, does not fit 31 bits.
 */
export function keepWindow(
  { inputs, outputs }: Step<StepName>,
  params: WindowParams,
  kernelH: number,
  kernelW: number,
  groups: number,
  context: PrepareContext,
  outChannels?: number,
): number | Declined {
  const { strideH, strideW, dilationH, dilationW, padTop, padLeft } = params;
  const [batch, height, width, channels] = dimsOf(context.tensors[inputs[0]!]!);
  const [, outHeight, outWidth, yChannels] = dimsOf(context.tensors[outputs[0]!]!);
  const rows = padTop + height + outHeight * strideH + kernelH * dilationH;
  const columns = padLeft + width + outWidth * strideW + kernelW * dilationW;
  const most = Math.max(rows, columns, batch * outHeight * outWidth, kernelH * kernelW);
  if (most >= mostPositions) return declined('positions beyond 31 bits');
  return context.keepWords([
    ...[batch, height, width, channels, outHeight, outWidth, outChannels ?? yChannels],
    ...[kernelH, kernelW, strideH, strideW, dilationH, dilationW, padTop, padLeft, groups],
    yChannels,
  ]);
}

/** Where the step's own results begin. */
export function resultsOf(
  { outputs, params }: Step<'QConv' | 'Conv'>,
  { operand, tensors }: PrepareContext,
): Operand {
  const y = operand(outputs[0]);
  const at = (params.yFirst * bitsOf(tensors[outputs[0]!]!.type)) / 8;
  return (memory) => y(memory) + at;
}

type Four = [number, number, number, number];

/** Dims of a tensor that the step table says has four axes. */
export function dimsOf({ dims }: PlanTensor): Four {
  return dims as Four;
}

/** Pixels of a tensor, of all images. */
export function pixelsOf({ dims: [batch, height, width] }: PlanTensor): number {
  return batch! * height! * width!;
}

/** Rows of which any tile has a whole fraction: tiles have 4 or 6. */
export const tileGrain = 12;

/** A depthwise convolution is cut between rows of y. It multiplies less at a time, and moves more. */
export function depthwiseParts({ dims }: PlanTensor, channels: number, taps: number) {
  const [batch, height, width] = dims as Four;
  const units = batch * height;
  return { units, grain: 1, work: 4 * units * width * channels * taps };
}
