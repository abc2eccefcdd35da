/** What the rules of several families ask of a step. */
import { bitsOf, type DataType, dataTypes } from '../../core/dtype.js';
import {
  broadcastShapes,
  elementCount,
  formatShape,
  type Shape,
  sameShape,
} from '../../core/shape.js';
import type { PlanTensor } from '../../runtime/plan.js';

export const wholeBytes: readonly DataType[] = dataTypes.filter((type) => bitsOf(type) >= 8);
/** What is a number, or a bool, as it lies in its array. */
export const numbers = wholeBytes.filter((type) => type !== 'float16' && type !== 'bfloat16');

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

export function needKind(need: Need, code: number, kinds: Readonly<Record<string, number>>): void {
  needRange(need, 'kind', code, 0, Object.keys(kinds).length - 1);
}

/** The tensors of a step. */
interface Tensors {
  readonly inputs: readonly (PlanTensor | undefined)[];
  readonly outputs: readonly PlanTensor[];
  readonly need: Need;
}

/** All inputs, or those given, are of the type of the first output. */
export function needSameType(
  { inputs, outputs, need }: Tensors,
  alike: Tensors['inputs'] = inputs,
): void {
  const { type } = outputs[0]!;
  for (const input of alike) need(input!.type === type, type, input!.type);
}

/** The first output has the shape that the first two inputs broadcast to. */
export function checkBroadcast({ inputs, outputs, need }: Tensors): void {
  needSame(need, outputs[0]!.dims, broadcastShapes(inputs[0]!.dims, inputs[1]!.dims));
}
