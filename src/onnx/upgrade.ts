/**
 * Brings a graph to the one form the IR has: opset 21 of ONNX's own domain. Operators whose form did
 * not change since the graph's opset stay as they are; for the others `upgrades` has a step for each
 * version that changed them, applied one after the other. Types are inferred on the way, because some
 * steps depend on ranks; constants that nothing reads are dropped. Operators of other domains are left
 * alone.
 */
import type { Tensor } from '../core/tensor.js';
import { type Inference, startInference, withInferred } from '../graph/infer.js';
import type { Attribute, Graph, Node } from '../graph/ir.js';
import { verifyArity } from '../graph/verify.js';
import type { Names } from './names.js';
import type { UpgradeContext } from './upgradeContext.js';
import { upgradesOf } from './upgrades.js';
import { irOpset } from './versions.js';

/** The graph and its subgraphs in the IR's form, with inferred types. */
export function upgradeGraph(graph: Graph, names: Names): Graph {
  const opset = graph.opsets.get('') ?? irOpset;
  const constants = new Map(graph.constants);
  const opsets = new Map([...graph.opsets, ['', irOpset] as const]);
  const inference = startInference({ ...graph, opsets });
  const context = contextOf(graph, opset, names, inference, constants);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    for (const upgraded of upgradeNode(node, opset, context)) {
      const whole = upgradeSubgraphs(upgraded, names);
      verifyArity(whole);
      inference.infer(whole);
      nodes.push(whole);
    }
  }
  const read = readsOf({ ...graph, nodes });
  for (const name of constants.keys()) if (!read.has(name)) constants.delete(name);
  return withInferred({ ...graph, nodes, constants, opsets }, inference);
}

/** Values that a graph's nodes and outputs read, and those that its subgraphs do. */
function readsOf(graph: Graph): Set<string> {
  const read = new Set<string>();
  const collect = ({ outputs, nodes }: Graph): void => {
    for (const output of outputs) read.add(output.value);
    for (const node of nodes) {
      for (const input of node.inputs) read.add(input);
      for (const { kind, value } of node.attributes.values()) if (kind === 'graph') collect(value);
    }
  };
  collect(graph);
  return read;
}

function contextOf(
  graph: Graph,
  opset: number,
  names: Names,
  inference: Inference,
  constants: Map<string, Tensor>,
): UpgradeContext {
  let read: Set<string> | undefined;
  return {
    opset,
    typeOf: inference.type,
    constantOf: inference.constant,
    isRead: (value) => {
      read ??= readsOf(graph);
      return read.has(value);
    },
    fresh: names.fresh,
    addConstant: (wish, tensor) => {
      const name = names.fresh(wish);
      constants.set(name, tensor);
      inference.setConstant(name, tensor);
      return name;
    },
  };
}

function upgradeNode(node: Node, version: number, context: UpgradeContext): readonly Node[] {
  if (node.domain !== '') return [node];
  const step = upgradesOf(node.op).find(({ since }) => since > version);
  if (step === undefined) return [node];
  return step.apply(node, context).flatMap((next) => upgradeNode(next, step.since, context));
}

function upgradeSubgraphs(node: Node, names: Names): Node {
  const graphs = [...node.attributes].filter(([, attribute]) => attribute.kind === 'graph');
  if (graphs.length === 0) return node;
  const attributes = new Map<string, Attribute>(node.attributes);
  for (const [name, attribute] of graphs) {
    if (attribute.kind !== 'graph') continue;
    attributes.set(name, { kind: 'graph', value: upgradeGraph(attribute.value, names) });
  }
  return { ...node, attributes };
}
