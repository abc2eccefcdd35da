/**
 * Pooling over windows. Padding is never the maximum; an average counts it, as zeros, when
 * `countIncludePad` is 1. A window that lies on padding alone gives the lowest value of the type
 * (MaxPool; −Infinity for float32) or the average of nothing, 0.
 */
import type { TypedArrayOf } from '../../core/dtype.js';
import type { Step } from '../../runtime/plan.js';
import { requantized } from './arithmetic.js';
import { dimsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { endTap, firstTap, originOf, windowAxes } from './window.js';

const { fround } = Math;

const lowest: Record<string, number> = { uint8: 0, int8: -128, float32: Number.NEGATIVE_INFINITY };

export const maxPool: StepKernel<'MaxPool'> = (step, memory) => {
  const start = lowest[typeOf(memory, step.inputs[0])]!;
  poolWindows(step, memory, start, Math.max, (best) => best);
};

/** The sum is kept in double and rounded once, then divided. */
export const averagePool: StepKernel<'AveragePool'> = (step, memory) => {
  poolWindows(step, memory, 0, add, (sum, cells) => (cells === 0 ? 0 : fround(sum) / cells));
};

export const qaveragePool: StepKernel<'QAveragePool'> = (step, memory) => {
  const { xZero, yZero, xScale, yScale, min, max } = step.params;
  const add = (sum: number, x: number) => sum + x - xZero;
  const toByte = (sum: number, cells: number) =>
    requantized(sum, fround(xScale / fround(yScale * cells)), yZero, min, max);
  const toFloat = (sum: number, cells: number) => fround(sum) * fround(xScale / cells);
  const finish = typeOf(memory, step.outputs[0]) === 'uint8' ? toByte : toFloat;
  poolWindows(step, memory, 0, add, (sum, cells) => finish(sum, Math.max(cells, 1)));
};

function add(sum: number, x: number): number {
  return sum + x;
}

/**
 * For each window and channel: folds the cells on the input into a value that begins as `start`,
 * and stores what `finish` makes of it and of the number of cells that count.
 */
function poolWindows(
  { inputs, outputs, params }: Step<'MaxPool' | 'AveragePool' | 'QAveragePool'>,
  memory: PlanMemory,
  start: number,
  fold: (value: number, x: number) => number,
  finish: (value: number, cells: number) => number,
): void {
  type Elements = TypedArrayOf['uint8' | 'int8' | 'float32'];
  const x = memory.view(inputs[0]!) as Elements;
  const y = memory.view(outputs[0]!) as Elements;
  const [batch, height, width, channels] = dimsOf(memory, inputs[0]) as [
    number,
    number,
    number,
    number,
  ];
  const [, outHeight, outWidth] = dimsOf(memory, outputs[0]) as [number, number, number, number];
  const { kernelH, kernelW, dilationH, dilationW } = params;
  const countPadding = 'countIncludePad' in params && params.countIncludePad === 1;
  const [rows, columns] = windowAxes(params, kernelH, kernelW, height, width);
  const values = new Float64Array(channels);

  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const firstY = firstTap(rows, oy);
      const endY = endTap(rows, oy);
      for (let ox = 0; ox < outWidth; ox++) {
        const firstX = firstTap(columns, ox);
        const endX = endTap(columns, ox);
        values.fill(start);
        for (let ky = firstY; ky < endY; ky++) {
          for (let kx = firstX; kx < endX; kx++) {
            const row = n * height + originOf(rows, oy) + ky * dilationH;
            const from = (row * width + originOf(columns, ox) + kx * dilationW) * channels;
            for (let c = 0; c < channels; c++) values[c] = fold(values[c]!, x[from + c]!);
          }
        }
        const onInput = Math.max(0, endY - firstY) * Math.max(0, endX - firstX);
        const cells = countPadding ? kernelH * kernelW : onInput;
        for (let c = 0; c < channels; c++) y[at++] = finish(values[c]!, cells);
      }
    }
  }
}
