/** QAveragePool, MaxPool and AveragePool (assembly/pool.ts). */
import { areBytes, declined, floatBits, type WasmKernel } from './kernel.js';
import { keepWindow } from './window.js';

/** Element types of `maxPool`. */
const maxTypes: Readonly<Record<string, number>> = { uint8: 0, int8: 1, float32: 2 };

/** Cells of a window whose sum of bytes fits int32 and whose number is a float32. */
const mostCells = 2 ** 23;

export const maxPool: WasmKernel<'MaxPool'> = (step, context) => {
  const { inputs, outputs, params } = step;
  const { exports, operand, tensors } = context;
  const window = keepWindow(step, params, params.kernelH, params.kernelW, 1, context);
  if (typeof window !== 'number') return window;
  const type = maxTypes[tensors[outputs[0]!]!.type]!;
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (memory) => exports.maxPool(window, x(memory), y(memory), type);
};

export const averagePool: WasmKernel<'AveragePool'> = (step, context) => {
  const { inputs, outputs, params } = step;
  const { exports, operand } = context;
  const { kernelH, kernelW, countIncludePad } = params;
  if (kernelH * kernelW > mostCells) return tooManyCells;
  const window = keepWindow(step, params, kernelH, kernelW, 1, context);
  if (typeof window !== 'number') return window;
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  const countPadding = countIncludePad === 1 ? 1 : 0;
  return (memory) => exports.averagePool(window, x(memory), y(memory), countPadding);
};

export const qaveragePool: WasmKernel<'QAveragePool'> = (step, context) => {
  const { inputs, outputs, params } = step;
  const { exports, operand, tensors } = context;
  const { kernelH, kernelW, countIncludePad, xZero, yZero, xScale, yScale, min, max } = params;
  if (kernelH * kernelW > mostCells) return tooManyCells;
  const toFloat = tensors[outputs[0]!]!.type === 'float32';
  if (!areBytes(xZero) || (!toFloat && (!areBytes(yZero, min, max) || min > max))) {
    return declined('zero points or bounds beyond uint8');
  }
  const window = keepWindow(step, params, kernelH, kernelW, 1, context);
  if (typeof window !== 'number') return window;
  const average = context.keepWords([
    ...[countIncludePad === 1 ? 1 : 0, xZero, yZero, floatBits(xScale), floatBits(yScale)],
    ...[min, max, toFloat ? 1 : 0],
  ]);
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (memory) => exports.qaveragePool(window, average, x(memory), y(memory));
};

const tooManyCells = declined('a window of too many cells');
