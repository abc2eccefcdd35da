/**
 * Quantized convolution, and with it every quantized matrix product (a 1×1 convolution). The sum is
 * exact in int32, so its order does not matter; zero points are taken off before multiplying, which
 * makes padding, where x = xZero, a sum of nothing.
 */
import type { StepParams } from '../../runtime/steps.js';
import { bounded, requantized } from './arithmetic.js';
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { endTap, firstTap, originOf, windowAxes } from './window.js';

type Four = [number, number, number, number];

export const qconv: StepKernel<'QConv'> = ({ inputs, outputs, params }, memory) => {
  const bias = optionalElementsOf<'int32'>(memory, inputs[2]);
  const [batch, height, width, channels] = dimsOf(memory, inputs[0]) as Four;
  const [, kernelH, kernelW, depth] = dimsOf(memory, inputs[1]) as Four;
  const [, outHeight, outWidth, outChannels] = dimsOf(memory, outputs[0]) as Four;
  const { groups, dilationH, dilationW } = params;
  const [rows, columns] = windowAxes(params, kernelH, kernelW, height, width);
  const x = centeredInput(memory, inputs[0], params.xZero);
  const weight = centeredWeight(memory, inputs[1], inputs[4]);
  const store = storeOf(params, memory, inputs[3], outputs[0]);
  // Taps along a row are neighbours in x and in the weights alike, unless they are spread or grouped.
  const joined = dilationW === 1 && groups === 1;
  const sums = new Int32Array(outChannels);

  let pixel = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const firstY = firstTap(rows, oy);
      const endY = endTap(rows, oy);
      for (let ox = 0; ox < outWidth; ox++) {
        const firstX = firstTap(columns, ox);
        const endX = endTap(columns, ox);
        const taps = joined ? endX - firstX : 1;
        if (bias === undefined) sums.fill(0);
        else sums.set(bias);
        for (let ky = firstY; ky < endY; ky++) {
          const row = n * height + originOf(rows, oy) + ky * dilationH;
          for (let kx = firstX; kx < endX; kx += taps) {
            const from = (row * width + originOf(columns, ox) + kx * dilationW) * channels;
            const weightFrom = (ky * kernelW + kx) * depth;
            addProducts(sums, x, from, weight, weightFrom, taps * depth, depth, groups);
          }
        }
        store(pixel++, sums);
      }
    }
  }
};

/**
 * For each output channel o: sums[o] += Σ x · weight over `length` neighbours, from `xFrom` in the
 * channels of o's group and from `weightFrom` in the weights of o.
 */
function addProducts(
  sums: Int32Array,
  x: Int32Array,
  xFrom: number,
  weight: Int32Array,
  weightFrom: number,
  length: number,
  depth: number,
  groups: number,
): void {
  const perChannel = weight.length / sums.length;
  const perGroup = sums.length / groups;
  for (let o = 0, group = 0; group < groups; group++) {
    const from = xFrom + group * depth;
    for (const end = o + perGroup; o < end; o++) {
      const at = weightFrom + o * perChannel;
      let sum = sums[o]!;
      for (let i = 0; i < length; i++) sum = (sum + Math.imul(x[from + i]!, weight[at + i]!)) | 0;
      sums[o] = sum;
    }
  }
}

/** x − xZero. */
function centeredInput(memory: PlanMemory, index: number | undefined, xZero: number): Int32Array {
  const centered = new Int32Array(elementsOf<'uint8'>(memory, index));
  for (let i = 0; i < centered.length; i++) centered[i]! -= xZero;
  return centered;
}

/** weight − weightZero, the zero point being that of the output channel. */
function centeredWeight(
  memory: PlanMemory,
  index: number | undefined,
  zeroIndex: number | undefined,
): Int32Array {
  const centered = new Int32Array(elementsOf<'int8'>(memory, index));
  const zeros = optionalElementsOf<'int32'>(memory, zeroIndex);
  if (zeros === undefined) return centered;
  const perChannel = centered.length / zeros.length;
  zeros.forEach((zero, o) => {
    for (let i = o * perChannel; i < (o + 1) * perChannel; i++) centered[i]! -= zero;
  });
  return centered;
}

/** Writes the sums of one pixel, in the form that the output's type asks for. */
function storeOf(
  { yZero, min, max, lower, upper }: StepParams<'QConv'>,
  memory: PlanMemory,
  multiplierIndex: number | undefined,
  yIndex: number | undefined,
): (pixel: number, sums: Int32Array) => void {
  const type = typeOf(memory, yIndex);
  if (type === 'int32') {
    const y = elementsOf<'int32'>(memory, yIndex);
    return (pixel, sums) => y.set(sums, pixel * sums.length);
  }
  const multiplier = elementsOf<'float32'>(memory, multiplierIndex);
  if (type === 'uint8') {
    const y = elementsOf<'uint8'>(memory, yIndex);
    return (pixel, sums) => {
      for (let o = 0, at = pixel * sums.length; o < sums.length; o++, at++) {
        y[at] = requantized(sums[o]!, multiplier[o]!, yZero, min, max);
      }
    };
  }
  const y = elementsOf<'float32'>(memory, yIndex);
  return (pixel, sums) => {
    for (let o = 0, at = pixel * sums.length; o < sums.length; o++, at++) {
      y[at] = bounded(Math.fround(Math.fround(sums[o]!) * multiplier[o]!), lower, upper);
    }
  };
}
