/**
 * Type and shape inference over a whole graph, in one walk from inputs to outputs.
 *
 * What the operators say stands alone. Dims that a model declares for a value (value_info) are
 * believed only where Octavo has no definition of the operator, because plans are laid out by dims
 * and a model may lie; a declared element type that an operator contradicts is an error.
 */
import { OctavoError } from '../core/errors.js';
import { copyMap } from '../core/maps.js';
import { inventedDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { type Dim, type Graph, type Node, qualifiedOp, typeOf, type ValueType } from './ir.js';
import { contextOf, type Knowledge, mostAxes, mostContents } from './ops/context.js';
import { definitionOf } from './ops/index.js';
import type { InferContext } from './ops/op.js';

/** An inference under way: nodes are taken in topological order, and each adds to what is known. */
export interface Inference extends Knowledge {
  /** Types of graph inputs and computed values so far. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** Infers the outputs of the next node. Throws `INVALID_GRAPH`. */
  readonly infer: (node: Node) => void;
  /** The context that the operator of a node sees. */
  readonly context: (node: Node) => InferContext;
  /** States that a value, computed so far, is this constant. */
  readonly setConstant: (value: string, tensor: Tensor) => void;
}

export function startInference(graph: Graph): Inference {
  const types = new Map<string, ValueType>();
  const constants = copyMap(graph.constants);
  const elements = new Map<string, readonly Dim[]>();
  for (const input of graph.inputs) {
    const type = graph.types.get(input);
    if (type !== undefined) types.set(input, type);
  }
  const knowledge: Knowledge = {
    type: (value) => constants.get(value) ?? types.get(value),
    constant: (value) => constants.get(value),
    contents: (value) => elements.get(value),
  };
  const contextFor = (node: Node): InferContext =>
    contextOf(node, graph.opsets.get(node.domain) ?? 1, knowledge);
  return {
    ...knowledge,
    types,
    context: contextFor,
    infer: (node) => {
      const definition = definitionOf(node);
      const context = definition && contextFor(node);
      const inferred = context && definition!.infer(context);
      for (let i = 0; i < node.outputs.length; i++) {
        const value = node.outputs[i]!;
        if (value === '') continue;
        const declared = graph.types.get(value);
        const type =
          definition === undefined ? declared : reconcile(node, value, inferred?.[i], declared);
        if (type === undefined) continue;
        if ((type.dims?.length ?? 0) > mostAxes) {
          throw new OctavoError('LIMIT_EXCEEDED', `'${value}' has too many axes`, {
            where: node.name,
            expected: `at most ${mostAxes}`,
            found: String(type.dims?.length),
          });
        }
        types.set(value, withNames(value, type));
      }
      const contents = context && definition!.contents?.(context);
      if (contents !== undefined && contents.length <= mostContents) {
        elements.set(node.outputs[0]!, contents);
      }
    },
    setConstant: (value, tensor) => {
      constants.set(value, tensor);
      types.delete(value);
    },
  };
}

/** Graphs all of whose types were inferred. */
const inferred = new WeakSet<Graph>();

/** Types of all values, as far as they follow from inputs and constants. Throws `INVALID_GRAPH`. */
export function inferTypes(graph: Graph): Graph {
  if (inferred.has(graph)) return graph;
  const inference = startInference(graph);
  for (const node of graph.nodes) inference.infer(node);
  return withInferred(graph, inference);
}

/** The graph with the types of an inference that took its nodes one after the other. */
export function withInferred(graph: Graph, { types }: Inference): Graph {
  const result = { ...graph, types: copyMap(types) };
  inferred.add(result);
  return result;
}

/**
 * Types of one node's outputs, from the types the graph states for its inputs; undefined when Octavo
 * has no definition of the operator. Throws `INVALID_GRAPH` when the inputs contradict it.
 */
export function inferNode(
  graph: Graph,
  node: Node,
): readonly (ValueType | undefined)[] | undefined {
  const opset = graph.opsets.get(node.domain) ?? 1;
  return definitionOf(node)?.infer(contextOf(node, opset, statedBy(graph)));
}

const statements = new WeakMap<Graph, Knowledge>();

/** What the graph itself says of its values. */
function statedBy(graph: Graph): Knowledge {
  let knowledge = statements.get(graph);
  if (knowledge === undefined) {
    knowledge = {
      type: (value) => typeOf(graph, value),
      constant: (value) => graph.constants.get(value),
      contents: () => undefined,
    };
    statements.set(graph, knowledge);
  }
  return knowledge;
}

/** Unknown dims under names of their own, so that what has the same dims is known to. */
function withNames(value: string, type: ValueType): ValueType {
  if (type.dims === undefined || !type.dims.includes(undefined)) return type;
  return { ...type, dims: type.dims.map((dim, axis) => dim ?? inventedDim(value, axis)) };
}

function reconcile(
  node: Node,
  value: string,
  inferred: ValueType | undefined,
  declared: ValueType | undefined,
): ValueType | undefined {
  if (inferred === undefined) return declared && { type: declared.type };
  if (declared !== undefined && declared.type !== inferred.type) {
    throw new OctavoError('INVALID_GRAPH', `${qualifiedOp(node)} does not compute this type`, {
      where: value,
      expected: inferred.type,
      found: declared.type,
    });
  }
  return inferred;
}
