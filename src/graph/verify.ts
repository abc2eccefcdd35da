/**
 * Checks that a graph keeps its own rules. `verify` looks at all of a graph; `verifyPatched`, which the pass driver calls
 * after every patch, at what the patch changed.
 *
 * Checked: nodes in topological order with unique names; every value written once, and read only where a graph input, a
 * constant or an earlier node defines it; outputs backed by values; types of values that exist, with sane dims.
 * Checked when a constant is first seen: that its data, dims and type agree. When a node is (nodes are immutable, and
 * rewiring one makes a new one): arity, and that the operator's inference accepts the inputs and does not contradict the
 * types the graph states.
 * Not checked: whether types are there at all. A graph may be untyped (graph/infer fills it in), and
 * operators without a definition are let through: whoever runs or lowers them reports them.
 */
import { isDataType, isStorageOf, storageLengthOf } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { elementCount, formatShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { sourceOf, storageOf } from '../core/turned.js';
import { inferNode } from './infer.js';
import { type Dim, type Graph, indexOf, type Node, qualifiedOp, type ValueType } from './ir.js';
import { definitionOf } from './ops/index.js';
import type { Patched } from './patch.js';

const seen = new WeakSet<Node>();
const seenConstants = new WeakSet<Tensor>();
/** Graphs that keep all rules. */
const sound = new WeakSet<Graph>();

/**
 * Throws `INVALID_GRAPH` naming the node or value that breaks a rule, and for a node that is seen first
 * what inference throws: `INVALID_MODEL`, `UNSUPPORTED_OPERATOR`, `UNSUPPORTED_TYPE`, `LIMIT_EXCEEDED`.
 */
export function verify(graph: Graph): void {
  verifyInferred(graph);
  for (const node of graph.nodes) if (!seen.has(node)) verifyNodeTypes(graph, node);
}

/** The same for a graph whose types inference gave it, one node after the other. */
export function verifyInferred(graph: Graph): void {
  const defined = new Set<string>();
  const define = (value: string): void => {
    if (defined.has(value)) throw definedTwice(value);
    defined.add(value);
  };
  verifyInputs(graph, define);
  graph.constants.forEach((constant, name) => {
    define(name);
    verifyConstant(graph, name, constant);
  });
  verifyNodes(graph, defined, define);
  verifyOutputs(graph, (value) => defined.has(value));
  graph.types.forEach((type, value) => {
    if (!defined.has(value)) throw broken(value, 'the graph types a value that does not exist');
    if (graph.constants.has(value)) throw broken(value, 'the graph types a constant twice');
    verifyType(value, type);
  });
  sound.add(graph);
}

/**
 * Throws as `verify` does, for a graph that a patch made of another. Where that one is known to be sound, only what the
 * patch changed is looked at: the rest is as it was, and nodes are sorted, and no two write a value.
 */
export function verifyPatched(before: Graph, { graph, nodes, ...patch }: Patched): void {
  if (!sound.has(before)) {
    verify(graph);
    return;
  }
  const index = indexOf(graph);
  const isGiven = (value: string): boolean =>
    graph.constants.has(value) || graph.inputs.includes(value);
  const isDefined = (value: string): boolean =>
    index.producer(value) !== undefined || isGiven(value);
  if (index.names.size < graph.nodes.length) verifyNames(graph.nodes);
  patch.removed.forEach(({ outputs }) => {
    for (let i = 0; i < outputs.length; i++) {
      const value = outputs[i]!;
      if (isDefined(value)) continue;
      const reader = index.consumers(value)[0];
      if (reader !== undefined) throw undefinedRead(reader, value);
    }
  });
  patch.constants.forEach((_, name) => {
    const constant = graph.constants.get(name);
    if (constant === undefined) return;
    if (index.producer(name) !== undefined || graph.inputs.includes(name)) throw definedTwice(name);
    verifyConstant(graph, name, constant);
  });
  for (let n = 0; n < nodes.length; n++) {
    const node = nodes[n]!;
    verifyNode(node);
    verifyReads(node, isDefined);
    for (let i = 0; i < node.outputs.length; i++) {
      if (isGiven(node.outputs[i]!)) throw definedTwice(node.outputs[i]!);
    }
  }
  verifyOutputs(graph, isDefined);
  patch.types.forEach((type, value) => {
    if (graph.types.has(value)) verifyType(value, type);
  });
  for (let n = 0; n < nodes.length; n++) verifyNodeTypes(graph, nodes[n]!);
  sound.add(graph);
}

function broken(where: string, what: string, expected?: string, found?: string): OctavoError {
  return new OctavoError('INVALID_GRAPH', what, { where, expected, found });
}

function definedTwice(value: string): OctavoError {
  return broken(value, 'this value is defined more than once');
}

function undefinedRead(reader: Node, value: string): OctavoError {
  return broken(reader.name, `reads '${value}', which nothing before it defines`);
}

function verifyInputs(graph: Graph, define: (value: string) => void): void {
  for (const input of graph.inputs) {
    if (input === '') throw broken(graph.name, 'a graph input has no name');
    define(input);
    if (!graph.types.has(input)) throw broken(input, 'the graph input has no type');
  }
}

function verifyConstant(graph: Graph, name: string, constant: Tensor): void {
  if (name === '') throw broken(graph.name, 'a constant has no name');
  if (seenConstants.has(constant)) return;
  const { type, dims } = constant;
  const data = sourceOf(storageOf(constant));
  const fits =
    isDataType(type) &&
    isStorageOf(type, data) &&
    data.length === storageLengthOf(type, elementCount(dims, name));
  if (!fits) throw broken(name, 'the data of the constant do not fit its type and dims');
  seenConstants.add(constant);
}

function verifyNodes(graph: Graph, defined: Set<string>, define: (value: string) => void): void {
  verifyNames(graph.nodes);
  const isDefined = (value: string): boolean => defined.has(value);
  for (let n = 0; n < graph.nodes.length; n++) {
    const node = graph.nodes[n]!;
    verifyNode(node);
    verifyReads(node, isDefined);
    for (let i = 0; i < node.outputs.length; i++) {
      if (node.outputs[i] !== '') define(node.outputs[i]!);
    }
  }
}

function verifyReads(node: Node, isDefined: (value: string) => boolean): void {
  for (let i = 0; i < node.inputs.length; i++) {
    const input = node.inputs[i]!;
    if (input !== '' && !isDefined(input)) throw undefinedRead(node, input);
  }
}

function verifyNames(nodes: readonly Node[]): void {
  const names = new Set<string>();
  for (let n = 0; n < nodes.length; n++) {
    const { name } = nodes[n]!;
    if (names.has(name)) throw broken(name, 'two nodes have this name');
    names.add(name);
  }
}

function verifyNode(node: Node): void {
  if (node.name === '') throw broken(qualifiedOp(node), 'a node has no name');
  if (!node.outputs.some((output) => output !== '')) {
    throw broken(node.name, 'the node has no output');
  }
  if (!seen.has(node)) verifyArity(node);
}

/** Throws `INVALID_GRAPH` when the operator does not take, or give, that many values. */
export function verifyArity(node: Node): void {
  const definition = definitionOf(node);
  if (definition === undefined) return;
  verifyCount(node, 'inputs', definition.inputs, definition.optionalInputs);
  verifyCount(node, 'outputs', definition.outputs);
}

function verifyCount(
  node: Node,
  what: 'inputs' | 'outputs',
  range: readonly [number, number],
  optional?: readonly number[],
): void {
  const values = node[what];
  const least = range[0];
  const most = range[1];
  let missing = values.length < least || values.length > most;
  for (let i = 0; i < least && !missing; i++) missing = values[i] === '' && !optional?.includes(i);
  if (!missing) return;
  throw broken(
    node.name,
    `${qualifiedOp(node)} has the wrong number of ${what}`,
    least === most ? String(least) : `${least} to ${most}`,
    String(values.filter((value) => value !== '').length),
  );
}

function verifyOutputs(graph: Graph, isDefined: (value: string) => boolean): void {
  const names = new Set<string>();
  for (const { name, value } of graph.outputs) {
    if (name === '') throw broken(graph.name, 'a graph output has no name');
    if (names.has(name)) throw broken(name, 'two graph outputs have this name');
    names.add(name);
    if (!isDefined(value)) throw broken(name, `the graph output reads '${value}', undefined`);
  }
}

function verifyType(value: string, { type, dims }: ValueType): void {
  if (!isDataType(type)) throw broken(value, `unknown type '${String(type)}'`);
  if (dims === undefined) return;
  for (let axis = 0; axis < dims.length; axis++) {
    const dim = dims[axis];
    if (typeof dim === 'number' && !(Number.isSafeInteger(dim) && dim >= 0)) {
      throw broken(value, 'bad dimension', 'whole numbers from 0', formatShape(dims));
    }
  }
}

function verifyNodeTypes(graph: Graph, node: Node): void {
  const inferred = inferNode(graph, node);
  inferred?.forEach((type, i) => {
    const value = node.outputs[i];
    if (type === undefined || value === undefined || value === '') return;
    const stated = graph.types.get(value);
    if (stated !== undefined && !agree(type, stated)) {
      throw broken(
        node.name,
        `${qualifiedOp(node)} contradicts the type stated for '${value}'`,
        formatType(type),
        formatType(stated),
      );
    }
  });
  seen.add(node);
}

function agree(a: ValueType, b: ValueType): boolean {
  if (a.type !== b.type) return false;
  if (a.dims === undefined || b.dims === undefined) return true;
  return a.dims.length === b.dims.length && a.dims.every((dim, i) => dimsAgree(dim, b.dims![i]));
}

/** Only two different numbers contradict each other: a name may turn out to be any number. */
function dimsAgree(a: Dim, b: Dim): boolean {
  return typeof a !== 'number' || typeof b !== 'number' || a === b;
}

/** 'float32 [1, 3, ?, N]'; 'float32' when the rank is unknown. */
export function formatType({ type, dims }: ValueType): string {
  return dims === undefined ? type : `${type} ${formatShape(dims)}`;
}
