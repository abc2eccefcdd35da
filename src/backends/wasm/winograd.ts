/** Convolutions of 3×3 and stride 1 that take fewer multiplications after Winograd: assembly/winograd.ts. */
import type { Step } from '../../runtime/plan.js';
import { type Declined, keepSumOutput, type PrepareContext, type StepRun } from './kernel.js';
import { inScratch, keepTable, panelColumns, tableOf } from './pack.js';
import { type Constants, keepBias, keepOutput, type ProductOptions } from './product.js';
import { dimsOf, keepWindow, resultsOf } from './window.js';

/** Products of a tile of 2 × 2 outputs, for each channel, and of each of its pixels otherwise. */
const productsOfTile = 16;
const productsOfPixel = 9;

/** Channels from which on what is saved outweighs what becomes of inputs and sums. */
const leastChannels = 16;

/** Tiles from which on a part is worth reading all weights for. */
const leastTiles = 8;

/** Whether the step has that form, is less work, and keeps four times its sums within int32. */
export function savesProducts(
  { inputs, outputs, params }: Step<'QConv'>,
  { zeros }: Constants,
  { tensors }: PrepareContext,
): boolean {
  const [outChannels, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const [, outHeight, outWidth] = dimsOf(tensors[outputs[0]!]!);
  const { strideH, strideW, dilationH, dilationW, groups } = params;
  const largestWeight = zeros === undefined ? 128 : 255;
  const tiles = Math.ceil(outHeight / 2) * Math.ceil(outWidth / 2);
  return (
    kernelH === 3 &&
    kernelW === 3 &&
    [strideH, strideW, dilationH, dilationW, groups].every((value) => value === 1) &&
    Math.min(channels, outChannels) >= leastChannels &&
    4 * productsOfPixel * channels * 255 * largestWeight < 2 ** 31 &&
    tiles * productsOfTile <= 0.8 * outHeight * outWidth * productsOfPixel
  );
}

export function prepareWinograd(
  step: Step<'QConv'>,
  constants: Constants,
  context: PrepareContext,
  options: ProductOptions,
): StepRun | Declined {
  const { inputs, outputs, params } = step;
  const { exports, memory, operand, tensors } = context;
  const { weights, zeros, multiplier } = constants;
  const [columns, , , channels] = dimsOf(tensors[inputs[1]!]!);
  const [batch, outHeight, outWidth] = dimsOf(tensors[outputs[0]!]!);
  const window = keepWindow(step, params, 3, 3, 1, context, columns);
  if (typeof window !== 'number') return window;
  const bytes = exports.winogradPanelBytes(channels, columns) >>> 0;
  const form = `panels after Winograd, ${channels},${columns}, less ${zeros}`;
  const panels = context.share(inputs[1]!, form, bytes, (address) => {
    const from = inScratch(weights, zeros, context);
    new Uint8Array(memory.buffer, address, bytes).fill(0);
    exports.packWinograd(from.weights, from.zeros, channels, columns, address);
  });
  const shape = { groups: 1, columns };
  const output = keepOutput(step, context, options);
  const [sums, noBias] = keepSumOutput(context);
  const bias = keepBias(constants, columns, 0, options, context, (values) =>
    tableOf(values, shape, panelColumns),
  );
  const m = keepTable(multiplier, Float32Array, shape, panelColumns, context);
  const units = batch * Math.ceil(outHeight / 2);
  const across = Math.ceil(outWidth / 2);
  const run = context.overParts('winograd', {
    ...{ units, grain: Math.ceil(leastTiles / across) },
    work: units * across * productsOfTile * channels * columns,
    scratch: exports.winogradScratch(window) >>> 0,
  });
  const [x, y] = [operand(inputs[0]), resultsOf(step, context)];
  const { sum, residual } = options.addend;
  return (at) => {
    const { table, xZero } = bias(at);
    run(
      ...([window, output, sums, noBias, x(at), xZero, panels, table, m, y(at)] as const),
      ...([sum, residual(at)] as const),
    );
  };
}
