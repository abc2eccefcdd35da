/**
 * QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear and DynamicQuantizeRows
 * (assembly/quantize.ts).
 */
import { bitsOf, type TypedArrayOf } from '../../core/dtype.js';
import { elementCount } from '../../core/shape.js';
import { forEachRun } from '../../numerics/layout.js';
import type { Step } from '../../runtime/plan.js';
import { leavesAsIs } from '../../runtime/steps.js';
import { rounded } from '../reference/arithmetic.js';
import { elementsOf, optionalElementsOf } from '../reference/kernel.js';
import { prepareUnary } from './elementwise.js';
import {
  type Declined,
  declined,
  type PrepareContext,
  type StepRun,
  type WasmKernel,
} from './kernel.js';

const { fround } = Math;

/** Integer types of `quantize` and `dequantize`; int32 is read only. */
const types: Readonly<Record<string, number>> = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  int32: 4,
};

type Integers = TypedArrayOf['uint8' | 'int8' | 'uint16' | 'int16' | 'int32'];

/** Elements below which a call of the module costs more than it saves. */
const shortestRun = 16;

type Run = (x: number, y: number, count: number, type: number, scale: number, zero: number) => void;

/** Does `run` for every run of elements that share a scale and a zero point. */
function runOverScales(
  { inputs, outputs, params }: Step<'QuantizeLinear' | 'DequantizeLinear'>,
  { tensors, operand }: PrepareContext,
  run: Run,
): StepRun | Declined {
  const [x, scale, y] = [inputs[0], inputs[1], outputs[0]].map((i) => tensors[i!]!);
  const { dims } = x!;
  const { axis, blockSize } = params;
  const spread = { axis, ...(blockSize > 0 && { blockSize }) };
  const single = elementCount(scale!.dims) === 1;
  if (!single) {
    const inner = elementCount(dims.slice(axis + 1));
    if (blockSize > 0 && inner > 1) return declined('a scale for each element of a row');
    if ((inner > 1 ? inner : blockSize) < shortestRun) return declined('scales of a few elements');
  }
  const type = types[x!.type === 'float32' ? y!.type : x!.type]!;
  const xSize = bitsOf(x!.type) / 8;
  const ySize = bitsOf(y!.type) / 8;
  const [xAddress, yAddress] = [operand(inputs[0]), operand(outputs[0])];
  return (memory) => {
    const scales = elementsOf<'float32'>(memory, inputs[1]);
    const zeros = optionalElementsOf(memory, inputs[2]) as Integers | undefined;
    const [xBase, yBase] = [xAddress(memory), yAddress(memory)];
    forEachRun(dims, single ? {} : spread, (start, end, index) => {
      const from = xBase + start * xSize;
      const zero = zeros?.[index] ?? 0;
      run(from, yBase + start * ySize, end - start, type, scales[index]!, zero);
    });
  };
}

export const quantizeLinear: WasmKernel<'QuantizeLinear'> = (step, context) =>
  runOverScales(step, context, context.exports.quantize);

export const dequantizeLinear: WasmKernel<'DequantizeLinear'> = (step, context) =>
  runOverScales(step, context, context.exports.dequantize);

export const dynamicQuantizeLinear: WasmKernel<'DynamicQuantizeLinear'> = (
  { inputs, outputs },
  { exports, operand, keep, memory, tensors },
) => {
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  const count = tensors[outputs[0]!]!.bytes;
  const range = keep(8);
  return (run) => {
    exports.rangeOf(x(run), count, range);
    const [low, high] = new Float32Array(memory.buffer, range, 2) as unknown as [number, number];
    const scale = fround(fround(high - low) / 255) || 1;
    const zeroPoint = rounded(fround(-low / scale), 0, 0, 255);
    exports.quantize(x(run), y(run), count, types['uint8']!, scale, zeroPoint);
    elementsOf<'float32'>(run, outputs[1])[0] = scale;
    elementsOf<'uint8'>(run, outputs[2])[0] = zeroPoint;
  };
};

export const dynamicQuantizeRows: WasmKernel<'DynamicQuantizeRows'> = (
  { inputs, outputs, params },
  context,
) => {
  const { operand, overParts, scratch, tensors } = context;
  const { bytes, type } = tensors[outputs[0]!]!;
  const rows = tensors[outputs[1]!]!.bytes / 4;
  const depth = rows === 0 ? 0 : bytes / rows;
  const [x, y, scale] = [operand(inputs[0]), operand(outputs[0]), operand(outputs[1])];
  const parts = { units: rows, grain: 1, work: 8 * bytes, scratch: 8 };
  const run = overParts('quantizeRows', parts);
  if (leavesAsIs(params)) {
    return (at) => run(x(at), y(at), scale(at), depth, types[type]!);
  }
  const apply = prepareUnary(params, bytes, context);
  if ('declined' in apply) return apply;
  const values = scratch(4 * bytes);
  return (at) => {
    apply(x(at), values.address);
    run(values.address, y(at), scale(at), depth, types[type]!);
  };
};
