/**
 * Plans of one step, for testing kernels: tensors laid out with the alignment and slack that
 * runtime/plan asks for, constants in the space one chooses, everything else a plan input.
 */

import type { Backend } from '../../src/backends/backend.js';
import { byteLengthOf, type DataType, type TypedArray } from '../../src/core/dtype.js';
import { elementCount, type Shape } from '../../src/core/shape.js';
import {
  type Plan,
  type PlanTensor,
  type Space,
  tensorAlignment,
  tensorSlack,
} from '../../src/runtime/plan.js';
import {
  fieldsOf,
  maxRank,
  noFunction,
  type StepName,
  type StepParams,
} from '../../src/runtime/steps.js';

export interface Operand {
  readonly type: DataType;
  readonly dims: Shape;
  /** Storage elements: the operand is a constant. Without it, it is an input of the plan. */
  readonly constant?: TypedArray | undefined;
}

/** A plan together with the constants of its model. */
export interface TestPlan extends Plan {
  readonly model: Uint8Array;
}

/**
 * The plan of one step. An absent optional input is `undefined`; parameters not given have the
 * neutral value of `neutralParams`. Its inputs are those operands that are not constants, in order.
 */
export function singleStepPlan<S extends StepName>(
  op: S,
  inputs: readonly (Operand | undefined)[],
  outputs: readonly Operand[],
  params: Partial<StepParams<S>> = {},
  constantSpace: Exclude<Space, 'arena'> = 'plan',
): TestPlan {
  const tensors: PlanTensor[] = [];
  const ends: Record<Space, number> = { arena: 0, model: 0, plan: 0 };
  const constants: [PlanTensor, TypedArray][] = [];
  const place = (operand: Operand): number => {
    const { type, dims, constant } = operand;
    const space = constant === undefined ? 'arena' : constantSpace;
    const bytes = byteLengthOf(type, elementCount(dims));
    const tensor: PlanTensor = { type, dims, space, offset: ends[space], bytes };
    ends[space] = alignUp(tensor.offset + bytes);
    if (constant !== undefined) constants.push([tensor, constant]);
    return tensors.push(tensor) - 1;
  };
  const read = inputs.map((operand) => (operand === undefined ? -1 : place(operand)));
  const written = outputs.map(place);

  const spaces = {
    model: new Uint8Array(ends.model + tensorSlack),
    plan: new Uint8Array(ends.plan + tensorSlack),
  };
  for (const [{ space, offset, bytes }, { buffer, byteOffset, byteLength }] of constants) {
    if (byteLength !== bytes) throw new RangeError(`constant of ${byteLength} bytes, not ${bytes}`);
    spaces[space as 'model' | 'plan'].set(new Uint8Array(buffer, byteOffset, bytes), offset);
  }
  const step = {
    op,
    node: `test ${op}`,
    inputs: read,
    outputs: written,
    params: { ...neutralParams(op), ...params },
  };
  return {
    tensors,
    steps: [step],
    inputs: read
      .filter((index) => index >= 0 && tensors[index]!.space === 'arena')
      .map((tensor, i) => ({ name: `input${i}`, tensor })),
    outputs: written.map((tensor, i) => ({ name: `output${i}`, tensor })),
    arenaBytes: ends.arena + tensorSlack,
    constants: spaces.plan,
    model: spaces.model,
  };
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / tensorAlignment) * tensorAlignment;
}

const neutral: Readonly<Record<string, number>> = {
  strideH: 1,
  strideW: 1,
  dilationH: 1,
  dilationW: 1,
  groups: 1,
  max: 255,
  lower: Number.NEGATIVE_INFINITY,
  upper: Number.POSITIVE_INFINITY,
};

/**
 * Parameters that change nothing: strides, dilations and groups 1, clamps of a whole byte, no
 * bounds, no function of rows that are quantized, else 0.
 */
export function neutralParams<S extends StepName>(op: S): StepParams<S> {
  const fields = fieldsOf(op).map(([field, kind]) => [
    field,
    kind === 'i32x8' ? new Array<number>(maxRank).fill(0) : (neutral[field] ?? 0),
  ]);
  const own = op === 'DynamicQuantizeRows' ? noFunction : {};
  return { ...Object.fromEntries(fields), ...own } as unknown as StepParams<S>;
}

/** Widens a list, one entry for each axis, to an `i32x8` field. */
export function perAxis(values: readonly number[], rest = 0): number[] {
  return [...values, ...new Array<number>(maxRank - values.length).fill(rest)];
}

/** Opens the model, runs the plan once, and frees both. */
export function runSingle(
  backend: Backend,
  plan: TestPlan,
  inputs: readonly TypedArray[],
): TypedArray[] {
  const model = backend.open(plan.model);
  try {
    return model.prepare(plan).runSync(inputs);
  } finally {
    model.dispose();
  }
}
