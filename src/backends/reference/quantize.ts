/**
 * QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear. There is one scale for the tensor
 * when `scale` has one element, else one per index along `axis` (blockSize 0), or one per
 * `blockSize` indexes. Nothing is checked: a NaN becomes the lowest integer, as on every backend.
 */
import { isSigned, type TypedArrayOf } from '../../core/dtype.js';
import { forEachRun, type Spread } from '../../numerics/layout.js';
import { rounded } from './arithmetic.js';
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel, typeOf } from './kernel.js';

const { fround } = Math;

type Integers = TypedArrayOf['uint8' | 'int8' | 'uint16' | 'int16' | 'int32'];

export const quantizeLinear: StepKernel<'QuantizeLinear'> = (
  { inputs, outputs, params },
  memory,
) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const scale = elementsOf<'float32'>(memory, inputs[1]);
  const zeroPoint = optionalElementsOf(memory, inputs[2]) as Integers | undefined;
  const y = memory.view(outputs[0]!) as Integers;
  const levels = 2 ** (8 * y.BYTES_PER_ELEMENT);
  const min = isSigned(typeOf(memory, outputs[0])) ? -levels / 2 : 0;
  const max = min + levels - 1;
  forEachRun(dimsOf(memory, inputs[0]), spreadOf(scale, params), (start, end, index, step) => {
    for (let i = start, s = index; i < end; i++, s += step) {
      y[i] = rounded(fround(x[i]! / scale[s]!), zeroPoint?.[s] ?? 0, min, max);
    }
  });
};

export const dequantizeLinear: StepKernel<'DequantizeLinear'> = (
  { inputs, outputs, params },
  memory,
) => {
  const x = memory.view(inputs[0]!) as Integers;
  const scale = elementsOf<'float32'>(memory, inputs[1]);
  const zeroPoint = optionalElementsOf(memory, inputs[2]) as Integers | undefined;
  const y = elementsOf<'float32'>(memory, outputs[0]);
  forEachRun(dimsOf(memory, inputs[0]), spreadOf(scale, params), (start, end, index, step) => {
    for (let i = start, s = index; i < end; i++, s += step) {
      // Only a difference of int32 can wrap or be rounded.
      y[i] = fround((x[i]! - (zeroPoint?.[s] ?? 0)) | 0) * scale[s]!;
    }
  });
};

function spreadOf(
  scale: Float32Array,
  { axis, blockSize }: { readonly axis: number; readonly blockSize: number },
): Spread {
  if (scale.length === 1) return {};
  return blockSize === 0 ? { axis } : { axis, blockSize };
}

/** A scale of 0, of values that are all zero or nearly so, is replaced by 1. */
export const dynamicQuantizeLinear: StepKernel<'DynamicQuantizeLinear'> = (
  { inputs, outputs },
  memory,
) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const y = elementsOf<'uint8'>(memory, outputs[0]);
  let low = 0;
  let high = 0;
  for (const value of x) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = fround(fround(high - low) / 255) || 1;
  const zeroPoint = rounded(fround(-low / scale), 0, 0, 255);
  for (let i = 0; i < x.length; i++) y[i] = rounded(fround(x[i]! / scale), zeroPoint, 0, 255);
  elementsOf<'float32'>(memory, outputs[1])[0] = scale;
  elementsOf<'uint8'>(memory, outputs[2])[0] = zeroPoint;
};
