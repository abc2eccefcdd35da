/** What inference of one node may ask of the graph, and the errors and checks the families share. */
import { type DataType, isInteger, type TypedArray } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import type { Tensor } from '../../core/tensor.js';
import { type Dim, type Node, qualifiedOp, type ValueType } from '../ir.js';
import type { InferContext } from './op.js';

/** Longest integer tensor whose elements inference follows: a few ranks' worth. */
export const mostContents = 64;

/** Most axes of a value: more than any limit lets a tensor have, few enough to copy at every node. */
export const mostAxes = 64;

/** Where a context looks values up. */
export interface Knowledge {
  readonly type: (value: string) => ValueType | undefined;
  readonly constant: (value: string) => Tensor | undefined;
  readonly contents: (value: string) => readonly Dim[] | undefined;
}

export function contextOf(node: Node, opset: number, knowledge: Knowledge): InferContext {
  return {
    node,
    opset,
    input: (i) => knowledge.type(node.inputs[i] ?? ''),
    constant: (i) => knowledge.constant(node.inputs[i] ?? ''),
    contents: (i) => {
      const value = node.inputs[i] ?? '';
      const constant = knowledge.constant(value);
      return constant === undefined ? knowledge.contents(value) : elementsOf(constant);
    },
  };
}

/** Elements of a small integer tensor of rank 0 or 1; int64 beyond 2^53 lose precision. */
export function elementsOf({ type, dims, data }: Tensor): number[] | undefined {
  if (!isInteger(type) || dims.length > 1 || data.length > mostContents) return undefined;
  if (data.length !== (dims[0] ?? 1)) return undefined; // packed
  return Array.from(data as TypedArray as ArrayLike<number | bigint>, Number);
}

/** An `INVALID_GRAPH` error at this node. */
export function contradiction(
  node: Node,
  what: string,
  expected?: string,
  found?: string,
): OctavoError {
  return new OctavoError('INVALID_GRAPH', `${qualifiedOp(node)}: ${what}`, {
    where: node.name,
    expected,
    found,
  });
}

/** An `UNSUPPORTED_OPERATOR` error: the operator is known, but not in this form. */
export function unsupportedForm({ node, opset }: InferContext, what: string): OctavoError {
  return new OctavoError(
    'UNSUPPORTED_OPERATOR',
    `${qualifiedOp(node)} (opset ${opset}): ${what} is not supported`,
    { where: node.name },
  );
}

/** Throws unless input i is absent, of unknown type, or one of `allowed`. */
export function expectInputType(
  { node, input }: InferContext,
  i: number,
  ...allowed: readonly DataType[]
): void {
  const found = input(i)?.type;
  if (found !== undefined && !allowed.includes(found)) {
    throw contradiction(node, `input ${i} has the wrong type`, allowed.join(' or '), found);
  }
}

/** Throws unless all inputs in `indexes` whose types are known have the same one; returns it. */
export function expectSameType(
  { node, input }: InferContext,
  indexes: readonly number[],
): DataType | undefined {
  let type: DataType | undefined;
  for (const i of indexes) {
    const found = input(i)?.type;
    if (found === undefined) continue;
    type ??= found;
    if (found !== type) throw contradiction(node, 'inputs differ in type', type, found);
  }
  return type;
}

/** Throws unless the rank of input i is unknown or within least … most. */
export function expectRank(
  { node, input }: InferContext,
  i: number,
  least: number,
  most = least,
): void {
  const rank = input(i)?.dims?.length;
  if (rank !== undefined && (rank < least || rank > most)) {
    const expected =
      least === most
        ? String(least)
        : most === Infinity
          ? `at least ${least}`
          : `${least} to ${most}`;
    throw contradiction(node, `input ${i} has the wrong rank`, expected, String(rank));
  }
}
