/** What the upgrades of operators have in common. */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import type { Attribute, Node, ValueType } from '../graph/ir.js';

/** What an upgrade may ask and do. */
export interface UpgradeContext {
  /** The opset the graph came with. */
  readonly opset: number;
  typeOf(value: string): ValueType | undefined;
  constantOf(value: string): Tensor | undefined;
  /** Whether any node or graph output reads the value. */
  isRead(value: string): boolean;
  /** A name that nothing in the model has. */
  fresh(wish: string): string;
  /** Adds a constant and returns its name. */
  addConstant(wish: string, tensor: Tensor): string;
}

/** Nodes that take the place of one of an older form; the names of its outputs stay. */
export type Upgrade = (node: Node, context: UpgradeContext) => readonly Node[];

/** The node with some attributes gone and others set. */
export function withAttributes(
  node: Node,
  drop: readonly string[],
  set: Iterable<readonly [string, Attribute]> = [],
): Node {
  const kept = [...node.attributes].filter(([name]) => !drop.includes(name));
  return { ...node, attributes: new Map([...kept, ...set]) };
}

/** The node with input `index` set, absent ones before it filled in. */
export function withInput(node: Node, index: number, value: string): Node {
  const inputs = Array.from({ length: Math.max(node.inputs.length, index + 1) }, (_, i) =>
    i === index ? value : (node.inputs[i] ?? ''),
  );
  return { ...node, inputs };
}

/** An `UNSUPPORTED_OPERATOR` error: no upgrade leads from this form. */
export function unsupportedForm(node: Node, opset: number, what: string): OctavoError {
  return new OctavoError('UNSUPPORTED_OPERATOR', `${node.op} of opset ${opset}: ${what}`, {
    where: node.name,
  });
}
