/**
 * QConvDynamic: a product of ./qproduct with the zero point of the run, whose sums become floats
 * where they are (assembly/sums.ts).
 */
import type { Step } from '../../runtime/plan.js';
import {
  declined,
  floatBits,
  type PrepareContext,
  type StepRun,
  type WasmKernel,
} from './kernel.js';
import { keepTable } from './pack.js';
import { noAddend, outputKinds } from './product.js';
import { prepareProduct } from './qproduct.js';
import { pixelsOf } from './window.js';

export const qconvDynamic: WasmKernel<'QConvDynamic'> = (given, context) => {
  const { inputs, outputs, params } = given;
  const { constant, tensors } = context;
  const zero = inputs[2]!;
  const step: Step<'QConv'> = {
    ...given,
    op: 'QConv',
    inputs: [inputs[0]!, inputs[1]!, -1, -1, inputs[4] ?? -1],
    params: {
      ...params,
      ...{ xZero: 0, yZero: 0, min: 0, max: 255 },
      ...{ codeZero: 0, codeMin: 0, codeMax: 0 },
      ...{ residualZero: 0, codeMultiplier: 0, residualMultiplier: 0, yFirst: 0 },
    },
  };
  const sums = prepareProduct(step, context, {
    xZero: constant<Uint8Array>(zero)?.[0] ?? ((memory) => memory.view(zero)[0] as number),
    kind: outputKinds.int32,
    addend: noAddend,
  });
  if ('declined' in sums || tensors[outputs[0]!]!.type === 'int32') return sums;
  const columns = [inputs[3], inputs[6]].filter((index = -1) => index >= 0);
  if (columns.some((index) => constant(index) === undefined)) return declined('computed tables');
  const scale = scaleSums(given, context);
  return (memory) => {
    sums(memory);
    scale(memory);
  };
};

/** Makes floats of the sums that y holds. */
function scaleSums(
  { inputs, outputs, params }: Step<'QConvDynamic'>,
  context: PrepareContext,
): StepRun {
  const { constant, keepWords, operand, tensors } = context;
  const output = tensors[outputs[0]!]!;
  const [units, columns] = [pixelsOf(output), output.dims[3]!];
  const { lower, upper, perPixel } = params;
  const hasScale = (inputs[5] ?? -1) >= 0;
  const perRow = hasScale && perPixel !== 0 ? 1 : 0;
  const scaling = keepWords([columns, perRow, floatBits(lower), floatBits(upper)]);
  // Of all numbers, -0 alone changes none that it is added to.
  const biases = constant<Float32Array>(inputs[6]) ?? new Float32Array(columns).fill(-0);
  const table = (values: Float32Array) =>
    keepTable(values, Float32Array, { groups: 1, columns }, 4, context);
  const [multiplier, bias] = [table(constant<Float32Array>(inputs[3])!), table(biases)];
  const one = keepWords([floatBits(1)]);
  const [y, scale] = [operand(outputs[0]), hasScale ? operand(inputs[5]) : () => one];
  const run = context.overParts('scaleSums', {
    ...{ units, grain: 1, work: units * columns, scratch: 0 },
  });
  return (memory) => run(scaling, y(memory), multiplier, scale(memory), bias);
}
