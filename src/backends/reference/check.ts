/**
 * Checks a plan before it is run: every tensor inside its space, and every step with the tensors,
 * types and shapes that the step table asks for (./rules). A plan that passes cannot make a kernel
 * reach outside its tensors. Plans come from Octavo's own compiler, so a fault is its bug, `INTERNAL`;
 * but the models they were compiled from are untrusted, which is why they are checked.
 */
import { byteLengthOf, isDataType } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { elementCount } from '../../core/shape.js';
import {
  type Plan,
  type PlanTensor,
  type Space,
  spaces,
  tensorAlignment,
  tensorSlack,
} from '../../runtime/plan.js';
import { isStepName, maxRank } from '../../runtime/steps.js';
import { checkStep } from './rules.js';

/** Throws `INTERNAL` naming the tensor or step at fault; `modelBytes` is the size of space 'model'. */
export function checkPlan(plan: Plan, modelBytes: number): void {
  const sizes: Record<Space, number> = {
    arena: plan.arenaBytes,
    model: modelBytes,
    plan: plan.constants.byteLength,
  };
  if (!Number.isSafeInteger(plan.arenaBytes) || plan.arenaBytes < 0) {
    throw planFault('arena', 'a whole number of bytes', String(plan.arenaBytes));
  }
  plan.tensors.forEach((tensor, index) => {
    checkTensor(tensor, sizes, `tensor ${index}`);
  });

  const checkIndex = (index: number, where: string): PlanTensor => {
    const tensor = plan.tensors[index];
    if (tensor === undefined) throw planFault(where, 'an index into tensors', String(index));
    return tensor;
  };
  const checkWritten = (index: number, where: string): PlanTensor => {
    const tensor = checkIndex(index, where);
    if (tensor.space !== 'arena') throw planFault(where, 'a tensor of the arena', tensor.space);
    return tensor;
  };
  for (const { name, tensor } of plan.inputs) checkWritten(tensor, `input '${name}'`);
  for (const { name, tensor } of plan.outputs) checkIndex(tensor, `output '${name}'`);
  for (const step of plan.steps) {
    const where = `${step.op} '${step.node}'`;
    if (!isStepName(step.op)) throw planFault(where, 'a step of the table', step.op);
    const inputs = step.inputs.map((i) => (i === -1 ? undefined : checkIndex(i, where)));
    const outputs = step.outputs.map((i) => checkWritten(i, where));
    checkStep(step, inputs, outputs, where);
  }
}

function checkTensor(tensor: PlanTensor, sizes: Record<Space, number>, where: string): void {
  const { type, dims, space, offset, bytes } = tensor;
  if (!isDataType(type)) throw planFault(where, 'a data type', String(type));
  if (!spaces.includes(space)) throw planFault(where, 'a space', String(space));
  if (dims.length > maxRank) throw planFault(where, `a rank up to ${maxRank}`, String(dims.length));
  const whole = byteLengthOf(type, elementCount(dims, where));
  if (bytes !== whole) throw planFault(where, `${whole} bytes`, String(bytes));
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % tensorAlignment !== 0) {
    throw planFault(where, `an offset in multiples of ${tensorAlignment}`, String(offset));
  }
  const end = offset + bytes + tensorSlack;
  if (end > sizes[space]) {
    throw planFault(where, `to end within ${sizes[space]} bytes of '${space}'`, String(end));
  }
}

export function planFault(where: string, expected: string, found: string): OctavoError {
  return new OctavoError('INTERNAL', 'bad plan', { where, expected, found });
}
