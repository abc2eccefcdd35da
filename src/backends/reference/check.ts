/**
 * Checks a plan before it is run: every tensor inside its space, and every step with the tensors,
 * types and shapes that the step table asks for (./rules). A plan that passes cannot make a kernel
 * reach outside its tensors. Plans come from Octavo's own compiler, so a fault is its bug,
 * `INTERNAL`; but the models they were compiled from are untrusted, which is why they are checked.
 */
import { byteLengthOf, isDataType } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { elementCount } from '../../core/shape.js';
import {
  type Plan,
  type PlanTensor,
  type Space,
  type Step,
  spaces,
  tensorAlignment,
  tensorSlack,
} from '../../runtime/plan.js';
import { fieldsOf, isStepName, maxRank, type StepName } from '../../runtime/steps.js';
import { type Rule, rules } from './rules.js';

/**
 * Throws `INTERNAL` naming the tensor or step at fault; `modelBytes` is the size of space 'model'.
 */
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

function checkStep(
  step: Step,
  inputs: readonly (PlanTensor | undefined)[],
  outputs: readonly PlanTensor[],
  where: string,
): void {
  const need = (condition: boolean, expected: string, found: string): void => {
    if (!condition) throw planFault(where, expected, found);
  };
  const { reads, optionalFrom = reads.length, variadic = false, writes, check } = ruleOf(step.op);
  const most = variadic ? Number.POSITIVE_INFINITY : reads.length;
  const count = inputs.length;
  need(count >= optionalFrom && count <= most, `${optionalFrom} to ${most} inputs`, String(count));
  need(outputs.length === writes.length, `${writes.length} outputs`, String(outputs.length));
  inputs.forEach((input, i) => {
    const types = reads[Math.min(i, reads.length - 1)]!;
    if (input === undefined) need(i >= optionalFrom, `input ${i}`, 'none');
    else need(types.includes(input.type), types.join(' or '), input.type);
  });
  outputs.forEach(({ type }, i) => {
    need(writes[i]!.includes(type), writes[i]!.join(' or '), type);
  });
  const values: Readonly<Record<string, unknown>> = step.params;
  for (const [field, kind] of fieldsOf(step.op)) {
    const value = values[field];
    const list = Array.isArray(value) ? value : [value];
    const whole = kind === 'f32' || list.every((item) => item === (item | 0));
    const right = list.length === (kind === 'i32x8' ? maxRank : 1);
    need(
      whole && right && list.every((item) => typeof item === 'number'),
      `${field} as ${kind}`,
      String(value),
    );
  }
  check({ inputs, outputs, params: step.params, need });
}

/** The rule of a step, seen as one of any step. */
function ruleOf(op: StepName): Rule<StepName> {
  return rules[op] as unknown as Rule<StepName>;
}

function planFault(where: string, expected: string, found: string): OctavoError {
  return new OctavoError('INTERNAL', 'bad plan', { where, expected, found });
}
