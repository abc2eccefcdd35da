/**
 * Float convolution. Products are summed in double, in the order row, column, channel, then the
 * bias is added and the sum rounded once.
 */
import { bounded } from './arithmetic.js';
import { forEachPixel } from './convolution.js';
import { dimsOf, elementsOf, floatsOf, optionalElementsOf, type StepKernel } from './kernel.js';

export const conv: StepKernel<'Conv'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const weight = floatsOf(memory, inputs[1]);
  const bias = optionalElementsOf<'float32'>(memory, inputs[2]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const { lower, upper } = params;
  const weightDims = dimsOf(memory, inputs[1]);
  const depth = weightDims[3]!;
  const sums = new Float64Array(weightDims[0]!);
  const yChannels = dimsOf(memory, outputs[0])[3]!;
  forEachPixel(dimsOf(memory, inputs[0]), weightDims, dimsOf(memory, outputs[0]), params, {
    begin: () => {
      sums.fill(0);
    },
    add: (xFrom, weightFrom, length) => {
      addProducts(sums, params.groups, x, xFrom, depth, weight, weightFrom, length);
    },
    end: (pixel) => {
      for (let o = 0, at = pixel * yChannels + params.yFirst; o < sums.length; o++, at++) {
        y[at] = bounded(Math.fround(sums[o]! + (bias?.[o] ?? 0)), lower, upper);
      }
    },
  });
};

/**
 * For each output channel o: sums[o] += Σ x · weight over `length` neighbours. Four channels of a
 * group at a time, so that x is read once for four.
 */
function addProducts(
  sums: Float64Array,
  groups: number,
  x: Float32Array,
  xFrom: number,
  depth: number,
  weight: Float32Array,
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
        sum0 += value * weight[at + i]!;
        sum1 += value * weight[at1 + i]!;
        sum2 += value * weight[at2 + i]!;
        sum3 += value * weight[at3 + i]!;
      }
      sums[o] = sum0;
      sums[o + 1] = sum1;
      sums[o + 2] = sum2;
      sums[o + 3] = sum3;
    }
    for (; o < end; o++, at += perChannel) {
      let sum = sums[o]!;
      for (let i = 0; i < length; i++) sum += x[from + i]! * weight[at + i]!;
      sums[o] = sum;
    }
  }
}
