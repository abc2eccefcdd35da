/** What the rules of several families ask of a step. */
import { elementCount, formatShape, type Shape, sameShape } from '../../core/shape.js';
import type { PlanTensor } from '../../runtime/plan.js';

/** Throws unless `condition` holds. */
export type Need = (condition: boolean, expected: string, found: string) => void;

export function needSame(need: Need, found: Shape, expected: Shape): void {
  need(sameShape(found, expected), `shape ${formatShape(expected)}`, formatShape(found));
}

export function needCount(need: Need, tensor: PlanTensor | undefined, count: number): void {
  const dims = tensor?.dims ?? [0];
  need(elementCount(dims) === count, `${count} elements`, formatShape(dims));
}

export function needRange(
  need: Need,
  what: string,
  value: number,
  low: number,
  high = 2 ** 31 - 1,
): void {
  need(value >= low && value <= high, `${what} from ${low} to ${high}`, String(value));
}
