/**
 * From the IR to the bytes of an ordinary ONNX file: the oldest common opset that has every form the
 * graph uses, weights as raw data, the same bytes for the same graph. A graph output whose value has
 * another name gets its name by renaming the value, or by an Identity where that cannot be.
 */
import { OctavoError } from '../core/errors.js';
import { type Graph, indexOf, type Node, qualifiedOp, typeOf } from '../graph/ir.js';
import { namesFor } from '../graph/names.js';
import { writeAttribute } from './attributes.js';
import { encodeModel, type GraphProto, type NodeProto } from './messages.js';
import type { ModelMeta } from './model.js';
import { writeTensor } from './tensors.js';
import { valueInfoOf, valueOutlineOf } from './types.js';
import { irVersionOf, opsetOf } from './versions.js';

/**
 * Exports a graph. `meta` is written back but for its versions, which follow from the graph. Throws
 * `INVALID_GRAPH` for what ONNX cannot say (Octavo's own operators, inputs without a type),
 * `UNSUPPORTED_TYPE` for int1, `LIMIT_EXCEEDED` at 2 GiB.
 */
export function exportModel(graph: Graph, meta: Partial<ModelMeta> = {}): Uint8Array {
  const opsets = opsetsOf(graph);
  return encodeModel({
    irVersion: irVersionOf(opsets.get('') ?? 0),
    producerName: meta.producerName || 'octavo',
    producerVersion: meta.producerVersion || undefined,
    domain: meta.domain || undefined,
    modelVersion: meta.modelVersion || undefined,
    docString: meta.docString || undefined,
    graph: exportGraph(nameOutputs(graph)),
    opsetImport: Array.from(opsets, ([domain, version]) => ({ domain, version })),
    metadataProps: Array.from(meta.metadata ?? [], ([key, value]) => ({ key, value })),
    unknown: [...(meta.unknown ?? [])],
  });
}

/** Operator sets that the nodes need, ONNX's own first. */
function opsetsOf(graph: Graph): Map<string, number> {
  const opsets = new Map([['', 0]]);
  const visit = (inner: Graph): void => {
    for (const node of inner.nodes) {
      if (node.domain === 'octavo') {
        throw new OctavoError('INVALID_GRAPH', `${qualifiedOp(node)} is no operator of ONNX`, {
          where: node.name,
        });
      }
      const version = opsetOf(node, (value) => typeOf(inner, value)?.type);
      opsets.set('', Math.max(opsets.get('')!, version));
      if (node.domain !== '') opsets.set(node.domain, graph.opsets.get(node.domain) ?? 1);
      for (const { kind, value } of node.attributes.values()) if (kind === 'graph') visit(value);
    }
  };
  visit(graph);
  if (opsets.get('') === 0)
    opsets.set(
      '',
      opsetOf(identity('', '', ''), () => undefined),
    );
  return opsets;
}

function exportGraph(graph: Graph): GraphProto {
  const { inputs, outputs, nodes, constants, types } = graph;
  const listed = new Set([...inputs, ...outputs.map((output) => output.name)]);
  return {
    node: nodes.map(exportNode),
    name: graph.name || 'graph',
    initializer: Array.from(constants, ([name, tensor]) => writeTensor(name, tensor)),
    input: inputs.map((name) => {
      const type = types.get(name);
      if (type !== undefined) return valueInfoOf(name, type);
      throw new OctavoError('INVALID_GRAPH', 'the graph input has no type', { where: name });
    }),
    output: outputs.map(({ name, value }) => valueInfoOf(name, typeOf(graph, value))),
    valueInfo: Array.from(types)
      .filter(([name]) => !listed.has(name))
      .map(([name, type]) => valueOutlineOf(name, type)),
  };
}

function exportNode({ name, op, domain, inputs, outputs, attributes }: Node): NodeProto {
  return {
    input: [...inputs],
    output: [...outputs],
    name,
    opType: op,
    attribute: Array.from(attributes, ([key, value]) => writeAttribute(key, value, exportGraph)),
    domain: domain || undefined,
  };
}

/** A graph in which every output's value has the output's name. */
function nameOutputs(graph: Graph): Graph {
  const misnamed = graph.outputs.filter(({ name, value }) => name !== value);
  if (misnamed.length === 0) return graph;
  const fresh = namesFor(graph);
  const index = indexOf(graph);
  const wellNamed = new Set(graph.outputs.map(({ name, value }) => (name === value ? name : '')));
  const renamed = new Map<string, string>();
  const copies: Node[] = [];
  for (const { name, value } of misnamed) {
    if (index.producer(value) !== undefined && !wellNamed.has(value) && !renamed.has(value)) {
      renamed.set(value, name);
    } else {
      copies.push(identity(fresh(`${name}_output`), value, name));
    }
  }
  // Whatever else goes by the name of an output has to give it up.
  for (const { name } of misnamed) {
    if (graph.inputs.includes(name)) {
      throw new OctavoError('INVALID_GRAPH', 'an input and another output share this name', {
        where: name,
      });
    }
    const taken = graph.constants.has(name) || index.producer(name) !== undefined;
    if (taken && !renamed.has(name)) renamed.set(name, fresh(name));
  }
  const result = rename(graph, renamed);
  const copied = copies.map((node) => ({
    ...node,
    inputs: node.inputs.map((value) => renamed.get(value) ?? value),
  }));
  return {
    ...result,
    nodes: [...result.nodes, ...copied],
    outputs: graph.outputs.map(({ name }) => ({ name, value: name })),
  };
}

function identity(name: string, input: string, output: string): Node {
  const attributes = new Map();
  return { name, op: 'Identity', domain: '', inputs: [input], outputs: [output], attributes };
}

/** Renames values, also where subgraphs read them; what a subgraph defines itself keeps its name. */
function rename(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const to = (value: string): string => names.get(value) ?? value;
  const renameNode = (node: Node): Node => {
    const attributes = new Map(node.attributes);
    for (const [key, { kind, value }] of node.attributes) {
      if (kind !== 'graph') continue;
      const own = new Set([...value.inputs, ...value.constants.keys()]);
      for (const inner of value.nodes) for (const output of inner.outputs) own.add(output);
      const visible = new Map([...names].filter(([name]) => !own.has(name)));
      attributes.set(key, { kind, value: rename(value, visible) });
    }
    return { ...node, inputs: node.inputs.map(to), outputs: node.outputs.map(to), attributes };
  };
  return {
    ...graph,
    inputs: graph.inputs.map(to),
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: to(value) })),
    nodes: graph.nodes.map(renameNode),
    constants: new Map(Array.from(graph.constants, ([name, tensor]) => [to(name), tensor])),
    types: new Map(Array.from(graph.types, ([name, type]) => [to(name), type])),
  };
}
