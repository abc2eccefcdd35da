/**
 * The form of a kernel: one step of a plan, over the memory of one run. It reads the step's inputs,
 * writes every element of its outputs and nothing else, and keeps no state. Outputs never share
 * bytes with inputs. Steps come checked (./check), so kernels trust types and shapes.
 */
import type { DataType, TypedArrayOf } from '../../core/dtype.js';
import { decodeBfloat16, decodeFloat16 } from '../../core/half.js';
import type { Shape } from '../../core/shape.js';
import type { Step } from '../../runtime/plan.js';
import type { StepName } from '../../runtime/steps.js';
import type { PlanMemory } from './memory.js';

export type StepKernel<S extends StepName = StepName> = (step: Step<S>, memory: PlanMemory) => void;

/** One kernel for each kind of step. */
export type StepKernels = { readonly [S in StepName]: StepKernel<S> };

/** Elements of tensor `index`, which the caller knows to be of type `T`. */
export function elementsOf<T extends DataType>(
  memory: PlanMemory,
  index: number | undefined,
): TypedArrayOf[T] {
  return memory.view(index!) as TypedArrayOf[T];
}

/** The same for an optional input; undefined when it is absent. */
export function optionalElementsOf<T extends DataType>(
  memory: PlanMemory,
  index: number | undefined,
): TypedArrayOf[T] | undefined {
  return index === undefined || index < 0 ? undefined : elementsOf<T>(memory, index);
}

/** The same of float32 or a 16-bit float, as float32. */
export function floatsOf(memory: PlanMemory, index: number | undefined): Float32Array {
  const type = typeOf(memory, index);
  if (type === 'float16') return decodeFloat16(elementsOf<'float16'>(memory, index));
  if (type === 'bfloat16') return decodeBfloat16(elementsOf<'bfloat16'>(memory, index));
  return elementsOf<'float32'>(memory, index);
}

export function dimsOf(memory: PlanMemory, index: number | undefined): Shape {
  return memory.tensors[index!]!.dims;
}

export function typeOf(memory: PlanMemory, index: number | undefined): DataType {
  return memory.tensors[index!]!.type;
}
