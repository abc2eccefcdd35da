/** Looking at the neighbourhood of a node: the vocabulary of the rules of the float passes. */
import { elementCount, type Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { type Graph, type Node, qualifiedOp, typeOf } from '../graph/ir.js';
import { type Dims, equalShapes } from '../graph/ops/dims.js';
import type { Rewrite, Site } from './lower/rules.js';

/** A rewrite of these parts. */
export function change(what: string, parts: Partial<Rewrite>): Rewrite {
  return { what, remove: [], add: [], constants: [], types: [], replace: [], ...parts };
}

/** Nodes by operator and name, the first three of many. */
export function listed(nodes: readonly Node[]): string {
  const names = nodes.slice(0, 3).map((node) => `${qualifiedOp(node)} '${node.name}'`);
  return names.join(', ') + (nodes.length > 3 ? ` and ${nodes.length - 3} more` : '');
}

/** Takes a node away: readers of its first output read `value` instead. */
export function bypass(node: Node, value: string): Rewrite {
  return change(`drop ${qualifiedOp(node)} '${node.name}', which changes nothing`, {
    remove: [node],
    replace: [[node.outputs[0]!, value]],
  });
}

/** Another operator of the default domain in a node's place, under its name and for its output. */
export function inPlaceOf(
  node: Node,
  op: string,
  inputs: readonly string[],
  attributes: Node['attributes'] = new Map(),
): Node {
  return { name: node.name, op, domain: '', inputs, outputs: [node.outputs[0]!], attributes };
}

export function dimsOf(graph: Graph, value: string): Dims | undefined {
  return typeOf(graph, value)?.dims;
}

export function isFloat32(graph: Graph, value: string): boolean {
  return typeOf(graph, value)?.type === 'float32';
}

/** Whether both values certainly have the same element type and dims. */
export function sameType(graph: Graph, a: string, b: string): boolean {
  return (
    typeOf(graph, a)?.type === typeOf(graph, b)?.type &&
    equalShapes(dimsOf(graph, a), dimsOf(graph, b))
  );
}

/** Whether an element by element operator of the constant and `other` keeps the shape of `other`. */
export function keepsShape(graph: Graph, constant: string, other: string): boolean {
  const small = graph.constants.get(constant)?.dims;
  const large = dimsOf(graph, other);
  if (small === undefined || small.length === 0) return small !== undefined;
  if (large === undefined || small.length > large.length) return false;
  const ahead = large.length - small.length;
  return small.every((dim, i) => dim === 1 || dim === large[ahead + i]);
}

/** The node that computes the value, if it is this ONNX operator. */
export function producedBy(
  { index }: Pick<Site, 'index'>,
  value: string,
  ...ops: readonly string[]
): Node | undefined {
  const node = index.producer(value);
  return node?.domain === '' && ops.includes(node.op) ? node : undefined;
}

/** A constant's elements, when it is float32. */
export function floatsOf(graph: Graph, value: string): Float32Array | undefined {
  const constant = graph.constants.get(value);
  return constant?.type === 'float32' ? (constant.data as Float32Array) : undefined;
}

/** The number that every element of a float32 constant is. */
export function uniformOf(graph: Graph, value: string): number | undefined {
  const data = floatsOf(graph, value);
  if (data === undefined || data.length === 0) return undefined;
  return data.every((x) => x === data[0]) ? data[0] : undefined;
}

/** A commutative node's operands: the one `test` accepts, as what it made of it, and the other. */
export function operands<T>(
  node: Node,
  test: (value: string, other: string) => T | undefined,
): { readonly found: T; readonly other: string } | undefined {
  const [a, b] = node.inputs as [string, string];
  const second = test(b, a);
  if (second !== undefined) return { found: second, other: a };
  const first = test(a, b);
  return first === undefined ? undefined : { found: first, other: b };
}

/** The number that a constant adds to (or multiplies with) every element of `other`. */
export function factorOf(graph: Graph, constant: string, other: string): number | undefined {
  return keepsShape(graph, constant, other) ? uniformOf(graph, constant) : undefined;
}

export function floatTensor(dims: Shape, data: Float32Array): Tensor<'float32'> {
  if (data.length !== elementCount(dims)) throw new RangeError('dims do not fit the data');
  return { type: 'float32', dims, data };
}
