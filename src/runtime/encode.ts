/**
 * A plan as 32-bit words, for the native executor, which reads nothing else. Sizes of 64 bits are two
 * words, the low one first; a float is its bits.
 *
 *     header  magic, version, tensors, steps, inputs, outputs, arena bytes (2)
 *     tensor  type (index in dataTypes), space (index in spaces), offset (2), bytes (2), rank, dims (8)
 *     ports   tensor index of each input, then of each output
 *     step    code, inputs, outputs, parameter words, input indexes, output indexes, parameters
 *
 * Node names are not encoded: steps keep their order, so an error in step i is named by the plan.
 */
import { dataTypes } from '../core/dtype.js';
import { invariant } from '../core/errors.js';
import { type Plan, type PlanTensor, type Step, spaces } from './plan.js';
import { fieldsOf, maxRank, stepCode } from './steps.js';

/** 'OCTV', read as a big-endian word. */
export const planMagic = 0x4f435456;
export const planVersion = 1;

export function encodePlan(plan: Plan): Int32Array {
  const words: number[] = [
    planMagic,
    planVersion,
    plan.tensors.length,
    plan.steps.length,
    plan.inputs.length,
    plan.outputs.length,
    ...wide(plan.arenaBytes),
  ];
  for (const tensor of plan.tensors) pushTensor(words, tensor);
  for (const port of [...plan.inputs, ...plan.outputs]) words.push(port.tensor);
  for (const step of plan.steps) pushStep(words, step);
  return Int32Array.from(words);
}

function pushTensor(words: number[], { type, space, offset, bytes, dims }: PlanTensor): void {
  words.push(dataTypes.indexOf(type), spaces.indexOf(space), ...wide(offset), ...wide(bytes));
  words.push(dims.length);
  pushPadded(words, dims);
}

function pushStep(words: number[], step: Step): void {
  const params: number[] = [];
  const fields = fieldsOf(step.op);
  for (let i = 0; i < fields.length; i++) {
    const kind = fields[i]![1];
    const value = (step.params as Record<string, number | readonly number[]>)[fields[i]![0]];
    if (kind === 'i32x8') pushPadded(params, value as readonly number[]);
    else params.push(kind === 'f32' ? bitsOfFloat(value as number) : (value as number));
  }
  words.push(stepCode(step.op), step.inputs.length, step.outputs.length, params.length);
  pushAll(words, step.inputs);
  pushAll(words, step.outputs);
  pushAll(words, params);
}

/** One by one: a Concat may read more tensors than a call takes arguments. */
function pushAll(words: number[], list: readonly number[]): void {
  for (let i = 0; i < list.length; i++) words.push(list[i]!);
}

function pushPadded(words: number[], values: readonly number[]): void {
  invariant(values.length <= maxRank, `${values.length} axes in a plan`);
  for (let i = 0; i < maxRank; i++) words.push(values[i] ?? 0);
}

/** Low and high word of a whole number below 2^53. */
function wide(value: number): [number, number] {
  return [value | 0, Math.floor(value / 2 ** 32)];
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

function bitsOfFloat(value: number): number {
  float[0] = value;
  return bits[0]!;
}
