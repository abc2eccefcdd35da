/** Element by element functions of two tensors that broadcast. */
import type { Step } from '../../runtime/plan.js';
import { dimsOf } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { broadcastStrides, forEachRow } from './strided.js';

/**
 * y = f(a, b); storing in y rounds or wraps to its type. `E` is what the elements of both are: numbers, or either numbers
 * or bigints where only the tensors' types tell.
 */
export function combine<E extends number | bigint>(
  step: Step,
  memory: PlanMemory,
  f: (a: E, b: E) => number | bigint,
): void {
  const [aIndex, bIndex] = step.inputs;
  const [yIndex] = step.outputs;
  const a = memory.view(aIndex!) as unknown as ArrayLike<E>;
  const b = memory.view(bIndex!) as unknown as ArrayLike<E>;
  const y = memory.view(yIndex!) as unknown as { [index: number]: number | bigint };
  const dims = dimsOf(memory, yIndex);
  const aStrides = broadcastStrides(dimsOf(memory, aIndex), dims);
  const bStrides = broadcastStrides(dimsOf(memory, bIndex), dims);
  const aStep = aStrides.at(-1) ?? 0;
  const bStep = bStrides.at(-1) ?? 0;
  let at = 0;
  forEachRow(dims, aStrides, bStrides, (aFrom, bFrom, length) => {
    for (let i = 0; i < length; i++) y[at++] = f(a[aFrom + i * aStep]!, b[bFrom + i * bStep]!);
  });
}
