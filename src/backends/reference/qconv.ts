/**
 * Quantized convolution, and with it every quantized matrix product (a 1×1 convolution). The sum is
 * exact in int32, so its order does not matter; zero points are taken off before multiplying, which
 * makes padding, where x = xZero, a sum of nothing.
 */
import { type StepParams, sumOf } from '../../runtime/steps.js';
import { bounded, requantized } from './arithmetic.js';
import { forEachPixel } from './convolution.js';
import { quantizedSum } from './elementwise.js';
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';

export const qconv: StepKernel<'QConv'> = ({ inputs, outputs, params }, memory) => {
  const bias = optionalElementsOf<'int32'>(memory, inputs[2]);
  const x = centeredInput(memory, inputs[0], params.xZero);
  const weight = centeredWeight(memory, inputs[1], inputs[4]);
  const store =
    inputs[5] === undefined || inputs[5] < 0
      ? storeOf(params, memory, inputs[3], outputs[0])
      : storeSum(params, memory, inputs, outputs[0]);
  const weightDims = dimsOf(memory, inputs[1]);
  const depth = weightDims[3]!;
  const sums = new Int32Array(weightDims[0]!);
  forEachPixel(dimsOf(memory, inputs[0]), weightDims, dimsOf(memory, outputs[0]), params, {
    begin: () => {
      if (bias === undefined) sums.fill(0);
      else sums.set(bias);
    },
    add: (xFrom, weightFrom, length) => {
      addProducts(sums, params.groups, x, xFrom, depth, weight, weightFrom, length);
    },
    end: (pixel) => {
      store(pixel, sums);
    },
  });
};

/**
 * For each output channel o: sums[o] += Σ x · weight over `length` neighbours. Four channels of a
 * group at a time, so that x is read once for four.
 */
export function addProducts(
  sums: Int32Array,
  groups: number,
  x: Int32Array,
  xFrom: number,
  depth: number,
  weight: Int32Array,
  weightFrom: number,
  length: number,
): void {
  const perChannel = weight.length / sums.length;
  const perGroup = sums.length / groups;
  let o = 0;
  let at = weightFrom;
  for (let group = 0; group < groups; group++) {
    const from = xFrom + group * depth;
    const end = (group + 1) * perGroup;
    for (; o + 4 <= end; o += 4, at += 4 * perChannel) {
      const [at1, at2, at3] = [at + perChannel, at + 2 * perChannel, at + 3 * perChannel];
      let [sum0, sum1, sum2, sum3] = [sums[o]!, sums[o + 1]!, sums[o + 2]!, sums[o + 3]!];
      for (let i = 0; i < length; i++) {
        const value = x[from + i]!;
        sum0 = (sum0 + Math.imul(value, weight[at + i]!)) | 0;
        sum1 = (sum1 + Math.imul(value, weight[at1 + i]!)) | 0;
        sum2 = (sum2 + Math.imul(value, weight[at2 + i]!)) | 0;
        sum3 = (sum3 + Math.imul(value, weight[at3 + i]!)) | 0;
      }
      sums[o] = sum0;
      sums[o + 1] = sum1;
      sums[o + 2] = sum2;
      sums[o + 3] = sum3;
    }
    for (; o < end; o++, at += perChannel) {
      let sum = sums[o]!;
      for (let i = 0; i < length; i++) sum = (sum + Math.imul(x[from + i]!, weight[at + i]!)) | 0;
      sums[o] = sum;
    }
  }
}

/** x − xZero. */
export function centeredInput(
  memory: PlanMemory,
  index: number | undefined,
  xZero: number,
): Int32Array {
  const centered = new Int32Array(elementsOf<'uint8'>(memory, index));
  for (let i = 0; i < centered.length; i++) centered[i]! -= xZero;
  return centered;
}

/** weight − weightZero, the zero point being that of the output channel. */
export function centeredWeight(
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

/** Writes codes of one pixel, each added to its residual. */
function storeSum(
  params: StepParams<'QConv'>,
  memory: PlanMemory,
  inputs: readonly number[],
  yIndex: number | undefined,
): (pixel: number, sums: Int32Array) => void {
  const multiplier = elementsOf<'float32'>(memory, inputs[3]);
  const residual = elementsOf<'uint8'>(memory, inputs[5]);
  const y = elementsOf<'uint8'>(memory, yIndex);
  const { codeZero, codeMin, codeMax } = params;
  const add = quantizedSum(sumOf(params));
  return (pixel, sums) => {
    for (let o = 0, at = pixel * sums.length; o < sums.length; o++, at++) {
      const code = requantized(sums[o]!, multiplier[o]!, codeZero, codeMin, codeMax);
      y[at] = add(code, residual[at]!);
    }
  };
}

/** Writes the sums of one pixel, in the form that the output's type asks for. */
function storeOf(
  { yZero, min, max, lower, upper, yFirst }: StepParams<'QConv'>,
  memory: PlanMemory,
  multiplierIndex: number | undefined,
  yIndex: number | undefined,
): (pixel: number, sums: Int32Array) => void {
  const type = typeOf(memory, yIndex);
  const yChannels = dimsOf(memory, yIndex)[3]!;
  if (type === 'int32') {
    const y = elementsOf<'int32'>(memory, yIndex);
    return (pixel, sums) => y.set(sums, pixel * yChannels + yFirst);
  }
  const multiplier = elementsOf<'float32'>(memory, multiplierIndex);
  if (type === 'uint8') {
    const y = elementsOf<'uint8'>(memory, yIndex);
    return (pixel, sums) => {
      for (let o = 0, at = pixel * yChannels + yFirst; o < sums.length; o++, at++) {
        y[at] = requantized(sums[o]!, multiplier[o]!, yZero, min, max);
      }
    };
  }
  const y = elementsOf<'float32'>(memory, yIndex);
  return (pixel, sums) => {
    for (let o = 0, at = pixel * yChannels + yFirst; o < sums.length; o++, at++) {
      y[at] = bounded(Math.fround(Math.fround(sums[o]!) * multiplier[o]!), lower, upper);
    }
  };
}
