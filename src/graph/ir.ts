/**
 * The graph IR: an immutable ONNX-shaped graph. Values are named; a node reads and writes values;
 * constants are values with data. Nothing here changes a graph: graph/patch does, and only it.
 *
 * Two vocabularies share the form: ONNX operators (domain '' and 'com.microsoft'), as imported, and
 * Octavo's own (domain 'octavo'), which passes lower to and which the plan compiler understands.
 */
import type { DataType } from '../core/dtype.js';
import type { Dim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';

export type { Dim };

/** What is known of a value before it is computed; absent dims mean an unknown rank. */
export interface ValueType {
  readonly type: DataType;
  readonly dims?: readonly Dim[] | undefined;
}

/** Attributes keep their ONNX kind, so that export writes back what import read. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] };

export interface Node {
  /** Unique in its graph; import makes one up where the model has none. */
  readonly name: string;
  readonly op: string;
  /** '' is ONNX itself; 'com.microsoft' its contrib operators; 'octavo' ours. */
  readonly domain: string;
  /** Value names; '' stands for an absent optional input or output. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** A graph output: the name that users see, and the value that backs it. */
export interface GraphOutput {
  readonly name: string;
  readonly value: string;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly GraphOutput[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Types of graph inputs and of computed values; a constant's type is its tensor's. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** Operator set version by domain. */
  readonly opsets: ReadonlyMap<string, number>;
}

/** Indexes over one graph, built once and kept with it. */
export interface GraphIndex {
  producer(value: string): Node | undefined;
  /** Nodes that read the value, in order, a node once per read. */
  consumers(value: string): readonly Node[];
  isOutput(value: string): boolean;
  /** Of the nodes. */
  readonly names: ReadonlySet<string>;
  /** Where in the list of nodes those of each qualified operator are, in order. */
  readonly operators: ReadonlyMap<string, readonly number[]>;
}

const indexes = new WeakMap<Graph, GraphIndex>();

export function indexOf(graph: Graph): GraphIndex {
  let index = indexes.get(graph);
  if (index === undefined) {
    index = buildIndex(graph);
    indexes.set(graph, index);
  }
  return index;
}

const nobody: readonly Node[] = [];

/** Walked for every patch, mostly before an engine optimizes it: plain loops, which leave no garbage. */
function buildIndex({ nodes, outputs }: Graph): GraphIndex {
  const producers = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  const names = new Set<string>();
  const operators = new Map<string, number[]>();
  const shown = new Set(outputs.map((output) => output.value));
  for (let n = 0; n < nodes.length; n++) {
    const node = nodes[n]!;
    names.add(node.name);
    const op = qualifiedOp(node);
    const places = operators.get(op);
    if (places === undefined) operators.set(op, [n]);
    else places.push(n);
    for (let i = 0; i < node.outputs.length; i++) producers.set(node.outputs[i]!, node);
    for (let i = 0; i < node.inputs.length; i++) {
      const readers = consumers.get(node.inputs[i]!);
      if (readers === undefined) consumers.set(node.inputs[i]!, [node]);
      else readers.push(node);
    }
  }
  producers.delete('');
  consumers.delete('');
  return {
    producer: (value) => producers.get(value),
    consumers: (value) => consumers.get(value) ?? nobody,
    isOutput: (value) => shown.has(value),
    names,
    operators,
  };
}

/** Type of any value: constant, graph input or computed; undefined when nothing is known. */
export function typeOf(graph: Graph, value: string): ValueType | undefined {
  const constant = graph.constants.get(value);
  return constant ?? graph.types.get(value);
}

/** Dims when all are known, else undefined. */
export function staticDims(graph: Graph, value: string): readonly number[] | undefined {
  const dims = typeOf(graph, value)?.dims;
  return dims?.every((dim) => typeof dim === 'number') ? (dims as readonly number[]) : undefined;
}

/** 'op' for ONNX operators, 'domain:op' for the others. */
export function qualifiedOp(node: Pick<Node, 'op' | 'domain'>): string {
  return node.domain === '' ? node.op : `${node.domain}:${node.op}`;
}
