/** Values that a Transpose gave: what the rules of the layout look for. */
import { intsOf } from '../graph/attributes.js';
import type { Node } from '../graph/ir.js';
import type { Site } from './lower/rules.js';

/** A value that a Transpose gave: axis i of it is axis perm[i] of the source. */
export interface Transposed {
  readonly source: string;
  readonly perm: readonly number[];
}

export function transposedFrom(
  { index }: Pick<Site, 'index'>,
  value: string,
): Transposed | undefined {
  const node = index.producer(value);
  if (node?.op !== 'Transpose' || node.domain !== 'octavo') return undefined;
  return { source: node.inputs[0]!, perm: permOf(node) };
}

export function permOf(node: Node): readonly number[] {
  return intsOf(node, 'perm')!;
}
