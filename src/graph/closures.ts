/**
 * Subgraphs as closures. In ONNX the body of an If or Loop reads whatever is defined around it, which no input of the
 * node tells of. Here it becomes an explicit input: a node `octavo:If` or `octavo:Loop` reads, behind its own inputs, all
 * that its bodies capture, and each body has inputs of the same names behind its own. So patches may rewire and remove
 * what is around a body as they do elsewhere. Constants of bodies move to the outermost graph. A Loop gets an attribute
 * `carried`, the number of its carried values.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { attribute } from './attributes.js';
import type { Attribute, Graph, Node } from './ir.js';
import { namesFor } from './names.js';

/** Operators of ONNX whose bodies can be closed. */
const closable: ReadonlySet<string> = new Set(['If', 'Loop']);

/** Whether a node is one of those that this module makes. */
export function isClosure(node: Node): boolean {
  return node.domain === 'octavo' && closable.has(node.op);
}

/** The same graph with all its bodies closed. Throws `UNSUPPORTED_OPERATOR` for another operator that has one. */
export function withClosures(graph: Graph): Graph {
  const open = graph.nodes.some((node) => !isClosure(node) && bodiesOf(node).length > 0);
  if (!open) return graph;
  const fresh = namesFor(graph);
  return closeGraph(graph, fresh);
}

/** The subgraphs of a node, by the attribute that holds each. */
export function bodiesOf(node: Node): (readonly [string, Graph])[] {
  const bodies: (readonly [string, Graph])[] = [];
  node.attributes.forEach((attribute, name) => {
    if (attribute.kind === 'graph') bodies.push([name, attribute.value]);
  });
  return bodies;
}

function closeGraph(graph: Graph, fresh: (wish: string) => string): Graph {
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.map((node) => closeNode(node, constants, fresh));
  return { ...graph, nodes, constants };
}

/** The node with its bodies closed, whose constants are added to those around it. */
function closeNode(
  node: Node,
  constants: Map<string, Tensor>,
  fresh: (wish: string) => string,
): Node {
  const bodies = bodiesOf(node);
  if (bodies.length === 0 || isClosure(node)) return node;
  if (node.domain !== '' || !closable.has(node.op)) {
    throw new OctavoError('UNSUPPORTED_OPERATOR', `operator ${node.op} with a subgraph`, {
      where: node.name,
      expected: [...closable].join(' or '),
    });
  }
  const closed = bodies.map(([name, body]) => {
    const inner = closeGraph(body, fresh);
    return [name, withoutConstants(inner, constants, fresh)] as const;
  });
  const captured = [...new Set(closed.flatMap(([, body]) => capturesOf(body)))];
  const attributes = new Map<string, Attribute>(node.attributes);
  for (const [name, body] of closed) {
    attributes.set(name, {
      kind: 'graph',
      value: { ...body, inputs: [...body.inputs, ...captured] },
    });
  }
  if (node.op === 'Loop') attributes.set('carried', attribute.int(node.inputs.length - 2));
  return { ...node, domain: 'octavo', inputs: [...node.inputs, ...captured], attributes };
}

/** The body with its constants, under names that are nowhere in use, given to the graph around it. */
function withoutConstants(
  body: Graph,
  outer: Map<string, Tensor>,
  fresh: (wish: string) => string,
): Graph {
  const renamed = new Map<string, string>();
  for (const [name, tensor] of body.constants) {
    const hoisted = fresh(`${name}/constant`);
    renamed.set(name, hoisted);
    outer.set(hoisted, tensor);
  }
  return { ...renameValues(body, renamed), constants: new Map() };
}

/** The graph with other names for some values. Bodies, being closed, have names of their own. */
function renameValues(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const of = (value: string): string => names.get(value) ?? value;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(of) })),
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: of(value) })),
  };
}

/** Values that a closed body reads and does not define. */
function capturesOf(body: Graph): string[] {
  const defined = new Set(['', ...body.inputs, ...body.constants.keys()]);
  for (const node of body.nodes) for (const output of node.outputs) defined.add(output);
  const read = [
    ...body.nodes.flatMap((node) => node.inputs),
    ...body.outputs.map(({ value }) => value),
  ];
  return [...new Set(read)].filter((value) => !defined.has(value));
}
