/**
 * Brings a graph to the one form the IR has: opset 21 of ONNX's own domain. Operators whose form did
 * not change since the graph's opset stay as they are; for the others `upgrades` has a step for each
 * version that changed them, applied one after the other. Types are inferred on the way, because some
 * steps depend on ranks; constants that nothing reads are dropped. Operators of other domains are left
 * alone.
 */
import { copyMap } from '../core/maps.js';
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
  const constants = copyMap(graph.constants);
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
  constants.forEach((_, name) => {
    if (!read.has(name)) constants.delete(name);
  });
  return withInferred({ ...graph, nodes, constants, opsets }, inference);
}

/** Values that a graph's nodes and outputs read, and those that its subgraphs do. */
function readsOf(graph: Graph): Set<string> {
  const read = new Set<string>();
  const collect = ({ outputs, nodes }: Graph): void => {
    for (const output of outputs) read.add(output.value);
    for (const node of nodes) {
      for (let i = 0; i < node.inputs.length; i++) read.add(node.inputs[i]!);
      node.attributes.forEach((attribute) => {
        if (attribute.kind === 'graph') collect(attribute.value);
      });
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
  let attributes: Map<string, Attribute> | undefined;
  node.attributes.forEach((attribute, name) => {
    if (attribute.kind !== 'graph') return;
    attributes ??= copyMap(node.attributes);
    attributes.set(name, { kind: 'graph', value: upgradeGraph(attribute.value, names) });
  });
  return attributes === undefined ? node : { ...node, attributes };
}
