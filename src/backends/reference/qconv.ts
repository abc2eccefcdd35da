/**
 * Quantized convolution, and with it every quantized matrix product (a 1×1 convolution). The sum is
 * exact in int32, so its order does not matter; the zero points are taken off before multiplying,
 * which makes padding, where x = xZero, a sum of nothing.
 */
import type { StepParams } from '../../runtime/steps.js';
import { bounded, requantized } from './arithmetic.js';
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { endTap, firstTap, originOf, windowAxes } from './window.js';

export const qconv: StepKernel<'QConv'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'uint8'>(memory, inputs[0]);
  const weight = elementsOf<'int8'>(memory, inputs[1]);
  const bias = optionalElementsOf<'int32'>(memory, inputs[2]);
  const weightZero = optionalElementsOf<'int32'>(memory, inputs[4]);
  const [batch, height, width, channels] = dimsOf(memory, inputs[0]) as [
    number,
    number,
    number,
    number,
  ];
  const [, kernelH, kernelW, depth] = dimsOf(memory, inputs[1]) as [number, number, number, number];
  const [, outHeight, outWidth, outChannels] = dimsOf(memory, outputs[0]) as [
    number,
    number,
    number,
    number,
  ];
  const { xZero, dilationH, dilationW } = params;
  const perGroup = outChannels / params.groups;
  const [rows, columns] = windowAxes(params, kernelH, kernelW, height, width);
  const store = storeOf(params, memory, inputs[3]!, outputs[0]!);

  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = originOf(rows, oy);
      const firstY = firstTap(rows, oy);
      const endY = endTap(rows, oy);
      for (let ox = 0; ox < outWidth; ox++) {
        const left = originOf(columns, ox);
        const firstX = firstTap(columns, ox);
        const endX = endTap(columns, ox);
        for (let o = 0; o < outChannels; o++) {
          const zero = weightZero === undefined ? 0 : weightZero[o]!;
          const firstChannel = Math.floor(o / perGroup) * depth;
          let sum = bias === undefined ? 0 : bias[o]!;
          for (let ky = firstY; ky < endY; ky++) {
            for (let kx = firstX; kx < endX; kx++) {
              const row = n * height + top + ky * dilationH;
              const from = (row * width + left + kx * dilationW) * channels + firstChannel;
              const weightFrom = ((o * kernelH + ky) * kernelW + kx) * depth;
              sum = (sum + dot(x, from, xZero, weight, weightFrom, zero, depth)) | 0;
            }
          }
          store(at++, sum, o);
        }
      }
    }
  }
};

/** Σ (x − xZero)(weight − weightZero) over `depth` neighbouring channels. */
function dot(
  x: Uint8Array,
  xFrom: number,
  xZero: number,
  weight: Int8Array,
  weightFrom: number,
  weightZero: number,
  depth: number,
): number {
  let sum = 0;
  for (let c = 0; c < depth; c++) {
    sum = (sum + Math.imul(x[xFrom + c]! - xZero, weight[weightFrom + c]! - weightZero)) | 0;
  }
  return sum;
}

type Store = (at: number, sum: number, channel: number) => void;

/** Writes one sum as the output's type has it. */
function storeOf(
  { yZero, min, max, lower, upper }: StepParams<'QConv'>,
  memory: PlanMemory,
  multiplierIndex: number,
  yIndex: number,
): Store {
  const type = typeOf(memory, yIndex);
  if (type === 'int32') {
    const y = elementsOf<'int32'>(memory, yIndex);
    return (at, sum) => {
      y[at] = sum;
    };
  }
  const multiplier = elementsOf<'float32'>(memory, multiplierIndex);
  if (type === 'uint8') {
    const y = elementsOf<'uint8'>(memory, yIndex);
    return (at, sum, channel) => {
      y[at] = requantized(sum, multiplier[channel]!, yZero, min, max);
    };
  }
  const y = elementsOf<'float32'>(memory, yIndex);
  return (at, sum, channel) => {
    y[at] = bounded(Math.fround(Math.fround(sum) * multiplier[channel]!), lower, upper);
  };
}
