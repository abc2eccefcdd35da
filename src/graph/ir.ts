/**
 * The graph IR: an immutable ONNX-shaped graph. Values are named; a node reads and writes values;
 * constants are values with data. Nothing here changes a graph: graph/patch does, and only it.
 *
 * Two vocabularies share the form: ONNX operators (domain '' and 'com.microsoft'), as imported, and
 * Octavo's own (domain 'octavo'), which passes lower to and which the plan compiler understands.
 */
import type { DataType } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
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
  return indexes.get(graph) ?? keepIndex(graph, producersOf(graph.nodes));
}

/** The same, for who has found the producers, which it takes over. */
export function keepIndex(graph: Graph, producers: Map<string, Node>): GraphIndex {
  const index = buildIndex(graph, producers);
  indexes.set(graph, index);
  return index;
}

/** Which node writes each value. Throws `INVALID_GRAPH` where two do. */
export function producersOf(nodes: readonly Node[]): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (let n = 0; n < nodes.length; n++) {
    const { outputs } = nodes[n]!;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i]!;
      if (output === '') continue;
      if (producers.has(output)) {
        throw new OctavoError('INVALID_GRAPH', 'two nodes write this value', { where: output });
      }
      producers.set(output, nodes[n]!);
    }
  }
  return producers;
}

const nobody: readonly Node[] = [];

/** Walked for every patch, mostly before an engine optimizes it: plain loops, which leave no garbage. */
function buildIndex({ nodes, outputs }: Graph, producers: Map<string, Node>): GraphIndex {
  // Most values have one reader, and nobody asks for the list.
  const consumers = new Map<string, Node | Node[]>();
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
    for (let i = 0; i < node.inputs.length; i++) {
      const readers = consumers.get(node.inputs[i]!);
      if (readers === undefined) consumers.set(node.inputs[i]!, node);
      else if (Array.isArray(readers)) readers.push(node);
      else consumers.set(node.inputs[i]!, [readers, node]);
    }
  }
  consumers.delete('');
  return {
    producer: (value) => producers.get(value),
    consumers: (value) => {
      const readers = consumers.get(value);
      if (readers === undefined || Array.isArray(readers)) return readers ?? nobody;
      const list = [readers];
      consumers.set(value, list);
      return list;
    },
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

/** Of Octavo's own operators, which are asked for all the time. */
const ownNames = new Map<string, string>();

/** 'op' for ONNX operators, 'domain:op' for the others. */
export function qualifiedOp({ domain, op }: Pick<Node, 'op' | 'domain'>): string {
  if (domain === '') return op;
  if (domain !== 'octavo') return `${domain}:${op}`;
  let name = ownNames.get(op);
  if (name === undefined) {
    name = `octavo:${op}`;
    ownNames.set(op, name);
  }
  return name;
}
