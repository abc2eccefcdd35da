/**
 * Products of weights narrower or wider than int8. Sums are exact; what is done in float has an order
 * that every backend keeps, so that the results are the same bits.
 */

import { unaryFunctions } from '../../numerics/functions.js';
import { unpack } from '../../numerics/pack.js';
import { nameOfKind, unaryKinds } from '../../runtime/kinds.js';
import { requantized, rounded } from './arithmetic.js';
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel, typeOf } from './kernel.js';

const { fround } = Math;

export const dynamicQuantizeRows: StepKernel<'DynamicQuantizeRows'> = (
  { inputs, outputs, params },
  memory,
) => {
  const { kind, alpha, beta } = params;
  const f = unaryFunctions[nameOfKind(unaryKinds, kind)];
  const x = elementsOf<'float32'>(memory, inputs[0]).map((value) => f(value, alpha, beta));
  const y = elementsOf<'int8' | 'uint8'>(memory, outputs[0]);
  const zero = typeOf(memory, outputs[0]) === 'uint8' ? 128 : 0;
  const scale = elementsOf<'float32'>(memory, outputs[1]);
  const depth = dimsOf(memory, inputs[0]).at(-1)!;
  for (let row = 0; row < scale.length; row++) {
    const end = (row + 1) * depth;
    let largest = 0;
    for (let i = row * depth; i < end; i++) {
      if (Math.abs(x[i]!) > largest) largest = Math.abs(x[i]!);
    }
    const step = fround(largest / 127) || 1;
    scale[row] = step;
    for (let i = row * depth; i < end; i++) {
      y[i] = rounded(fround(x[i]! / step), zero, zero - 128, zero + 127);
    }
  }
};

/** Value i of those that lie two to a byte. */
function nibbleAt(bytes: Uint8Array, i: number): number {
  return (bytes[i >> 1]! >> ((i & 1) * 4)) & 15;
}

export const matMulInt4: StepKernel<'MatMulInt4'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'int8'>(memory, inputs[0]);
  const xScale = elementsOf<'float32'>(memory, inputs[1]);
  const weight = elementsOf<'uint8'>(memory, inputs[2]);
  const scale = elementsOf<'float32'>(memory, inputs[3]);
  const zeroPoint = optionalElementsOf<'uint8'>(memory, inputs[4]);
  const bias = optionalElementsOf<'float32'>(memory, inputs[5]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const depth = dimsOf(memory, inputs[0]).at(-1)!;
  const [columns, blocks] = dimsOf(memory, inputs[3]) as [number, number];
  const { blockSize } = params;
  const zeroStride = 2 * Math.ceil(blocks / 2);

  for (let row = 0; row < xScale.length; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let block = 0; block < blocks; block++) {
        const zero = zeroPoint ? nibbleAt(zeroPoint, column * zeroStride + block) : 8;
        const first = block * blockSize;
        const from = (column * blocks + block) * blockSize;
        const length = Math.min(blockSize, depth - first);
        let acc = 0;
        for (let i = 0; i < length; i++) {
          acc += x[row * depth + first + i]! * (nibbleAt(weight, from + i) - zero);
        }
        sum = fround(sum + fround(fround(acc) * scale[column * blocks + block]!));
      }
      const scaled = fround(sum * xScale[row]!);
      y[row * columns + column] = bias ? scaled + bias[column]! : scaled;
    }
  }
};

export const matMulInt1: StepKernel<'MatMulInt1'> = ({ inputs, outputs }, memory) => {
  const [rows, depth] = dimsOf(memory, inputs[0]) as [number, number];
  const columns = dimsOf(memory, inputs[1])[0]!;
  const x = unpack(elementsOf<'int1'>(memory, inputs[0]), rows * depth, 'int1');
  const weight = unpack(elementsOf<'int1'>(memory, inputs[1]), columns * depth, 'int1');
  const multiplier = optionalElementsOf<'float32'>(memory, inputs[2]);
  const bias = optionalElementsOf<'float32'>(memory, inputs[3]);
  const y = elementsOf<'int32' | 'float32'>(memory, outputs[0]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let acc = 0;
      for (let i = 0; i < depth; i++) acc += x[row * depth + i]! * weight[column * depth + i]!;
      if (multiplier) acc = fround(fround(acc) * multiplier[column]!);
      y[row * columns + column] = bias ? acc + bias[column]! : acc;
    }
  }
};

export const matMulInt16: StepKernel<'MatMulInt16'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'int16'>(memory, inputs[0]);
  const weight = elementsOf<'int16'>(memory, inputs[1]);
  const multiplier = optionalElementsOf<'float32'>(memory, inputs[2]);
  const bias = optionalElementsOf<'int32'>(memory, inputs[3]);
  const y = memory.view(outputs[0]!);
  const [rows, depth] = dimsOf(memory, inputs[0]) as [number, number];
  const columns = dimsOf(memory, inputs[1])[0]!;
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      // Whole numbers below 2^53: a double adds them exactly.
      let acc = bias?.[column] ?? 0;
      for (let i = 0; i < depth; i++) acc += x[row * depth + i]! * weight[column * depth + i]!;
      if (y instanceof BigInt64Array) y[at] = BigInt(acc);
      else if (y instanceof Float32Array) y[at] = fround(fround(acc) * multiplier![column]!);
      else y[at] = requantized(acc, multiplier![column]!, 0, params.min, params.max);
    }
  }
};
