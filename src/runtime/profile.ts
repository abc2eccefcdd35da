/** Where the time of a run goes: a figure for each step, and for each kind of step. */
import type { Plan, PlanTensor, Step } from './plan.js';
import type { StepParams } from './steps.js';

/** One step of a plan. */
export interface StepProfile {
  /** Name of the node that the step came from. */
  readonly node: string;
  /** Kind of step, such as QConv. */
  readonly op: string;
  /** Type and dims of what it writes, such as 'uint8 [1, 56, 56, 64]'. */
  readonly output: string;
  /** Median over the runs. */
  readonly ms: number;
  /** Of the time of all steps, from 0 to 1. */
  readonly share: number;
  /** Operations in 10⁹ a second, a multiplication and an addition counting as two; for products only. */
  readonly gops?: number | undefined;
}

export interface OperatorProfile {
  readonly op: string;
  readonly steps: number;
  readonly ms: number;
  readonly share: number;
  /** Of the steps that are products, together. */
  readonly gops?: number | undefined;
}

export interface Profile {
  readonly backend: string;
  readonly isa: string;
  readonly threads: number;
  /** Runs that were measured, behind those that warmed up. */
  readonly runs: number;
  /** Sum of all steps, in milliseconds: a run without the copies of inputs and outputs. */
  readonly ms: number;
  /** In the order in which they run. */
  readonly steps: readonly StepProfile[];
  /** The slowest first. */
  readonly operators: readonly OperatorProfile[];
}

/** A step with its median time. */
export interface TimedStep {
  readonly node: string;
  readonly op: string;
  readonly output: string;
  readonly ms: number;
  readonly operations: number;
}

/** Median times of a plan's steps; `times` has those of all runs, of which the first `skip` do not count. */
export function timedSteps(
  plan: Pick<Plan, 'tensors' | 'steps'>,
  times: Float64Array,
  skip: number,
): TimedStep[] {
  const count = plan.steps.length;
  const runs = count === 0 ? 0 : times.length / count;
  return plan.steps.map((step, i) => {
    const own: number[] = [];
    for (let run = Math.min(skip, runs - 1); run < runs; run++) own.push(times[run * count + i]!);
    const output = outputOf(step, plan.tensors);
    return {
      node: step.node,
      op: step.op,
      output: `${output.type} [${output.dims.join(', ')}]`,
      ms: medianOf(own) / 1e6,
      operations: operationsOf(step, plan.tensors),
    };
  });
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

/** Type and dims of what a step computes, which may be a part of the tensor that it writes to. */
function outputOf(
  { op, inputs, outputs, params }: Step,
  tensors: readonly PlanTensor[],
): Pick<PlanTensor, 'type' | 'dims'> {
  const { type, dims } = tensors[outputs[0]!]!;
  if (op === 'QConv' || op === 'Conv') {
    return { type, dims: dims.with(3, tensors[inputs[1]!]!.dims[0]!) };
  }
  if (op !== 'Concat') return { type, dims };
  const { axis } = params as StepParams<'Concat'>;
  const length = inputs.reduce((sum, index) => sum + tensors[index]!.dims[axis]!, 0);
  return { type, dims: dims.with(axis, length) };
}

/** Multiplications and additions of a product, padding counted; 0 for other steps. */
function operationsOf(step: Step, tensors: readonly PlanTensor[]): number {
  const dims = (index: number | undefined) => tensors[index!]!.dims;
  const y = outputOf(step, tensors).dims.reduce((a, b) => a * b, 1);
  switch (step.op) {
    case 'QConv':
    case 'Conv': {
      const [, height, width, depth] = dims(step.inputs[1]) as [number, number, number, number];
      return 2 * y * height * width * depth;
    }
    case 'MatMul': {
      const a = dims(step.inputs[0]);
      const transposed = (step as Step<'MatMul'>).params.transposeA === 1;
      return 2 * y * (a.at(transposed ? -2 : -1) ?? 1);
    }
    case 'Attention': {
      const [q, k, v] = step.inputs.map((index) => tensors[index]?.dims);
      const [batches, queries, depth] = q as [number, number, number];
      return 2 * batches * queries * k![1]! * (depth + v![2]!);
    }
    case 'MatMulInt1':
    case 'MatMulInt4':
    case 'MatMulInt16':
      return 2 * y * (dims(step.inputs[0]).at(-1) ?? 1);
    default:
      return 0;
  }
}

/** Shares and sums of the steps' times. */
export function profileOf(
  steps: readonly TimedStep[],
  where: Pick<Profile, 'backend' | 'isa' | 'threads' | 'runs'>,
): Profile {
  const ms = sumOf(steps);
  const shareOf = (part: number): number => (ms === 0 ? 0 : part / ms);
  const operators = [...groupBy(steps)].map(([op, own]): OperatorProfile => {
    const time = sumOf(own);
    return { op, steps: own.length, ms: time, share: shareOf(time), gops: gopsOf(own) };
  });
  operators.sort((a, b) => b.ms - a.ms);
  return {
    ...where,
    ms,
    steps: steps.map((step) => ({
      node: step.node,
      op: step.op,
      output: step.output,
      ms: step.ms,
      share: shareOf(step.ms),
      gops: gopsOf([step]),
    })),
    operators,
  };
}

function groupBy(steps: readonly TimedStep[]): Map<string, TimedStep[]> {
  const groups = new Map<string, TimedStep[]>();
  for (const step of steps) {
    const group = groups.get(step.op);
    if (group === undefined) groups.set(step.op, [step]);
    else group.push(step);
  }
  return groups;
}

function sumOf(steps: readonly TimedStep[]): number {
  return steps.reduce((sum, step) => sum + step.ms, 0);
}

function gopsOf(steps: readonly TimedStep[]): number | undefined {
  const products = steps.filter(({ operations, ms }) => operations > 0 && ms > 0);
  if (products.length === 0) return undefined;
  const operations = products.reduce((sum, step) => sum + step.operations, 0);
  return operations / sumOf(products) / 1e6;
}
