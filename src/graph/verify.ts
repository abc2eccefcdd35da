/**
 * Checks that a graph keeps its own rules; the pass driver calls it after every patch, so it is linear
 * in the size of the graph and looks at each node's types once in the node's life.
 *
 * Checked each time: nodes in topological order with unique names; every value written once, and
 * read only where a graph input, a constant or an earlier node defines it; outputs backed by values;
 * types of values that exist, with sane dims.
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
import { storageOf, Turned } from '../core/turned.js';
import { inferNode } from './infer.js';
import type { Dim, Graph, Node, ValueType } from './ir.js';
import { qualifiedOp } from './ir.js';
import { definitionOf } from './ops/index.js';

const seen = new WeakSet<Node>();
const seenConstants = new WeakSet<Tensor>();

/**
 * Throws `INVALID_GRAPH` naming the node or value that breaks a rule, and for a node that is seen first
 * what inference throws: `INVALID_MODEL`, `UNSUPPORTED_OPERATOR`, `UNSUPPORTED_TYPE`, `LIMIT_EXCEEDED`.
 */
export function verify(graph: Graph): void {
  const defined = new Set<string>();
  const define = (value: string): void => {
    if (defined.has(value)) throw broken(value, 'this value is defined more than once');
    defined.add(value);
  };
  verifyInputs(graph, define);
  verifyConstants(graph, define);
  verifyNodes(graph, defined, define);
  verifyOutputs(graph, defined);
  for (const [value, type] of graph.types) {
    if (!defined.has(value)) throw broken(value, 'the graph types a value that does not exist');
    if (graph.constants.has(value)) throw broken(value, 'the graph types a constant twice');
    verifyType(value, type);
  }
  for (const node of graph.nodes) {
    if (seen.has(node)) continue;
    verifyNodeTypes(graph, node);
    seen.add(node);
  }
}

function broken(where: string, what: string, expected?: string, found?: string): OctavoError {
  return new OctavoError('INVALID_GRAPH', what, { where, expected, found });
}

function verifyInputs(graph: Graph, define: (value: string) => void): void {
  for (const input of graph.inputs) {
    if (input === '') throw broken(graph.name, 'a graph input has no name');
    define(input);
    if (!graph.types.has(input)) throw broken(input, 'the graph input has no type');
  }
}

function verifyConstants(graph: Graph, define: (value: string) => void): void {
  for (const [name, constant] of graph.constants) {
    if (name === '') throw broken(graph.name, 'a constant has no name');
    define(name);
    if (seenConstants.has(constant)) continue;
    const { type, dims } = constant;
    const storage = storageOf(constant);
    const data = storage instanceof Turned ? storage.source : storage;
    const fits =
      isDataType(type) &&
      isStorageOf(type, data) &&
      data.length === storageLengthOf(type, elementCount(dims, name));
    if (!fits) throw broken(name, 'the data of the constant do not fit its type and dims');
    seenConstants.add(constant);
  }
}

function verifyNodes(graph: Graph, defined: Set<string>, define: (value: string) => void): void {
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (node.name === '') throw broken(qualifiedOp(node), 'a node has no name');
    if (names.has(node.name)) throw broken(node.name, 'two nodes have this name');
    names.add(node.name);
    for (const input of node.inputs) {
      if (input !== '' && !defined.has(input)) {
        throw broken(node.name, `reads '${input}', which nothing before it defines`);
      }
    }
    if (!node.outputs.some((output) => output !== '')) {
      throw broken(node.name, 'the node has no output');
    }
    for (const output of node.outputs) if (output !== '') define(output);
    if (!seen.has(node)) verifyArity(node);
  }
}

/** Throws `INVALID_GRAPH` when the operator does not take, or give, that many values. */
export function verifyArity(node: Node): void {
  const definition = definitionOf(node);
  if (definition === undefined) return;
  for (const [what, values, [least, most]] of [
    ['inputs', node.inputs, definition.inputs],
    ['outputs', node.outputs, definition.outputs],
  ] as const) {
    const missing = values
      .slice(0, least)
      .some(
        (value, i) =>
          value === '' && !(what === 'inputs' && definition.optionalInputs?.includes(i)),
      );
    if (values.length < least || values.length > most || missing) {
      throw broken(
        node.name,
        `${qualifiedOp(node)} has the wrong number of ${what}`,
        least === most ? String(least) : `${least} to ${most}`,
        String(values.filter((value) => value !== '').length),
      );
    }
  }
}

function verifyOutputs(graph: Graph, defined: ReadonlySet<string>): void {
  const names = new Set<string>();
  for (const { name, value } of graph.outputs) {
    if (name === '') throw broken(graph.name, 'a graph output has no name');
    if (names.has(name)) throw broken(name, 'two graph outputs have this name');
    names.add(name);
    if (!defined.has(value)) throw broken(name, `the graph output reads '${value}', undefined`);
  }
}

function verifyType(value: string, { type, dims }: ValueType): void {
  if (!isDataType(type)) throw broken(value, `unknown type '${String(type)}'`);
  for (const dim of dims ?? []) {
    if (typeof dim === 'number' && !(Number.isSafeInteger(dim) && dim >= 0)) {
      throw broken(value, 'bad dimension', 'whole numbers from 0', formatShape(dims!));
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
