/** Quantized convolution whose zero point and scale of x are computed; see ./qconv. */
import { bounded } from './arithmetic.js';
import { forEachPixel } from './convolution.js';
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel, typeOf } from './kernel.js';
import { addProducts, centeredInput, centeredWeight } from './qconv.js';

const { fround } = Math;

export const qconvDynamic: StepKernel<'QConvDynamic'> = ({ inputs, outputs, params }, memory) => {
  const [xIndex, weightIndex, zeroIndex, multiplierIndex, weightZeroIndex, scaleIndex, biasIndex] =
    inputs;
  const x = centeredInput(memory, xIndex, elementsOf<'uint8'>(memory, zeroIndex)[0]!);
  const weight = centeredWeight(memory, weightIndex, weightZeroIndex);
  const weightDims = dimsOf(memory, weightIndex);
  const depth = weightDims[3]!;
  const sums = new Int32Array(weightDims[0]!);
  const { groups, perPixel, lower, upper } = params;
  const multiplier = optionalElementsOf<'float32'>(memory, multiplierIndex);
  const scale = optionalElementsOf<'float32'>(memory, scaleIndex);
  const bias = optionalElementsOf<'float32'>(memory, biasIndex);
  const y = elementsOf<'int32' | 'float32'>(memory, outputs[0]);
  const isSum = typeOf(memory, outputs[0]) === 'int32';
  const scaled = (sum: number, pixel: number, o: number) => {
    const step = scale && perPixel === 0 ? fround(scale[0]! * multiplier![o]!) : multiplier![o]!;
    const product = fround(fround(sum) * step);
    const value = scale && perPixel !== 0 ? fround(product * scale[pixel]!) : product;
    return bounded(bias ? fround(value + bias[o]!) : value, lower, upper);
  };
  forEachPixel(dimsOf(memory, xIndex), weightDims, dimsOf(memory, outputs[0]), params, {
    begin: () => {
      sums.fill(0);
    },
    add: (xFrom, weightFrom, length) => {
      addProducts(sums, groups, x, xFrom, depth, weight, weightFrom, length);
    },
    end: (pixel) => {
      for (let o = 0, at = pixel * sums.length; o < sums.length; o++, at++) {
        y[at] = isSum ? sums[o]! : scaled(sums[o]!, pixel, o);
      }
    },
  });
};
