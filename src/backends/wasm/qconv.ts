/**
 * QConv: a product of ./qproduct. A residual is added to each strip of tiles, and behind the step
 * where there are no tiles.
 */
import type { Step } from '../../runtime/plan.js';
import { sumOf } from '../../runtime/steps.js';
import { keepSum, qadd } from './elementwise.js';
import type { WasmKernel } from './kernel.js';
import { noAddend, outputKinds } from './product.js';
import { isSingleRow, prepareProduct } from './qproduct.js';

export const qconv: WasmKernel<'QConv'> = (given, context) => {
  const [y, residual = -1] = [given.outputs[0]!, given.inputs[5]];
  const type = context.tensors[y]!.type as keyof typeof outputKinds;
  const { params } = given;
  const options = { xZero: params.xZero, kind: outputKinds[type], addend: noAddend };
  if (residual < 0) return prepareProduct(given, context, options);
  const step = codesOf(given);
  const sum: Step<'QAdd'> = { ...given, op: 'QAdd', inputs: [y, residual], params: sumOf(params) };
  const add = qadd(sum, context);
  if ('declined' in add) return add;
  if (params.groups === 1 && !isSingleRow(step, context)) {
    const addend = { sum: keepSum(sum.params, context), residual: context.operand(residual) };
    return prepareProduct(step, context, { ...options, addend });
  }
  const run = prepareProduct(step, context, options);
  if ('declined' in run) return run;
  return (memory) => {
    run(memory);
    add(memory);
  };
};

/** The step up to the codes that a residual is added to. */
function codesOf(step: Step<'QConv'>): Step<'QConv'> {
  const { codeZero: yZero, codeMin: min, codeMax: max } = step.params;
  const params = { ...step.params, yZero, min, max };
  return { ...step, inputs: step.inputs.slice(0, 5), params };
}
