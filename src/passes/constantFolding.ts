/**
 * Constant folding: computes what depends on constants alone, and shape arithmetic as far as dims are
 * known. One patch folds all there is, in one walk that infers types on the way: a folded shape makes
 * the dims known that a later Shape node asks for, so the walk is a fixed point.
 *
 * DequantizeLinear is never folded (see evaluate). A value is folded when it fits the limits: each
 * within `tensorBytes`, and all that grew beyond what they were computed from within `growthBytes`
 * together, so that a small model cannot unfold into a large one.
 */
import { byteLengthOf, type DataType, isInteger } from '../core/dtype.js';
import { defaultLimits, type Limits } from '../core/limits.js';
import { elementCount } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { type Inference, startInference } from '../graph/infer.js';
import { type Graph, type Node, typeOf, type ValueType } from '../graph/ir.js';
import { mostContents } from '../graph/ops/context.js';
import { areStatic, type Dims } from '../graph/ops/dims.js';
import { evaluatorOf, isEvaluated, type StaticType, shapedEvaluatorOf } from './evaluate/index.js';
import { listed } from './match.js';
import type { Pass } from './pass.js';

/** Bytes that folded constants may take beyond those of the constants they came from. */
const growthBytes = 2 ** 27;

/** Constants that folding made larger than what they were computed from. */
const grown = new WeakSet<Tensor>();

export function constantFolding(limits: Limits = defaultLimits): Pass {
  return {
    name: 'fold constants',
    next: (graph) => {
      if (!graph.nodes.some((node) => mayFold(graph, node))) return undefined;
      const inference = startInference(graph);
      let growth = 0;
      for (const constant of graph.constants.values()) {
        if (grown.has(constant)) growth += bytesOf(constant);
      }
      const remove: Node[] = [];
      const constants: [string, Tensor][] = [];
      for (const node of graph.nodes) {
        inference.infer(node);
        const results = fold(node, inference, (bytes, from) => {
          const more = bytes > from ? bytes : 0;
          return bytes <= limits.tensorBytes && growth + more <= growthBytes;
        });
        if (results === undefined) continue;
        remove.push(node);
        for (const [value, tensor] of results.values) {
          inference.setConstant(value, tensor);
          constants.push([value, tensor]);
          if (bytesOf(tensor) > results.from) {
            grown.add(tensor);
            growth += bytesOf(tensor);
          }
        }
      }
      if (remove.length === 0) return undefined;
      return {
        what: `compute ${listed(remove)}`,
        remove,
        constants,
        types: refinedTypes(graph, inference.types),
      };
    },
  };
}

/**
 * Whether the node could be the first that folding computes: one of constants alone, or one whose elements inference may
 * know. Without such nodes nothing need be inferred.
 */
function mayFold(graph: Graph, node: Node): boolean {
  if (node.domain !== '') return false;
  const type = typeOf(graph, node.outputs[0]!);
  if (type === undefined || (isInteger(type.type) && isShort(type.dims))) return true;
  return (
    isEvaluated(node) && node.inputs.every((input) => input === '' || graph.constants.has(input))
  );
}

/** Whether a tensor of these dims may have so few elements that inference follows them. */
function isShort(dims: Dims | undefined): boolean {
  return !areStatic(dims) || elementCount(dims) <= mostContents;
}

/** Types that follow from the graph's inputs and constants, where it states less: what nodes put in by a patch lack. */
export const refineTypes: Pass = {
  name: 'infer types',
  next: (graph) => {
    const inference = startInference(graph);
    for (const node of graph.nodes) inference.infer(node);
    const types = refinedTypes(graph, inference.types);
    return types.length === 0 ? undefined : { what: `infer ${types.length} types`, types };
  },
};

function bytesOf({ type, dims }: StaticType, where?: string): number {
  return byteLengthOf(type, elementCount(dims, where));
}

interface Folded {
  readonly values: readonly (readonly [string, Tensor])[];
  /** Bytes of the constants that the values were computed from. */
  readonly from: number;
}

function fold(
  node: Node,
  inference: Inference,
  affordable: (bytes: number, from: number) => boolean,
): Folded | undefined {
  if (node.domain !== '') return undefined;
  const known = foldContents(node, inference);
  if (known !== undefined) return { values: [[node.outputs[0]!, known]], from: 0 };
  if (!isEvaluated(node)) return undefined;
  const inputs: (Tensor | undefined)[] = [];
  for (const input of node.inputs) {
    const constant = inference.constant(input);
    if (constant === undefined && input !== '') return undefined;
    inputs.push(constant);
  }
  const from = inputs.reduce((sum, input) => sum + (input ? bytesOf(input) : 0), 0);
  const fits = (results: readonly StaticType[]) =>
    affordable(
      results.reduce((sum, result) => sum + bytesOf(result, node.name), 0),
      from,
    );
  const results = evaluated(node, inputs, inference, fits);
  const values = results?.map((tensor, i) => [node.outputs[i] ?? '', tensor] as const);
  return values && { values: values.filter(([value]) => value !== ''), from };
}

/** Values of the outputs, if they fit. */
function evaluated(
  node: Node,
  inputs: readonly (Tensor | undefined)[],
  inference: Inference,
  fits: (results: readonly StaticType[]) => boolean,
): readonly Tensor[] | undefined {
  const context = inference.context(node);
  const shaped = shapedEvaluatorOf(node.op)?.({ context, inputs });
  if (shaped !== undefined) return fits(shaped) ? shaped : undefined;
  const outputs: StaticType[] = [];
  for (const output of node.outputs) {
    const type = inference.type(output);
    if (type === undefined || !areStatic(type.dims)) return undefined;
    outputs.push({ type: type.type, dims: type.dims });
  }
  return fits(outputs) ? evaluatorOf(node.op)?.({ context, inputs, outputs }) : undefined;
}

/** The first output as a tensor when inference knows all its elements. */
function foldContents(node: Node, inference: Inference): Tensor | undefined {
  if (node.outputs.length !== 1) return undefined;
  const elements = inference.contents(node.outputs[0]!);
  const type = inference.type(node.outputs[0]!);
  if (elements === undefined || type === undefined || !areStatic(type.dims)) return undefined;
  if (!elements.every((x) => typeof x === 'number' && Number.isSafeInteger(x))) return undefined;
  return integerTensor(type.type, type.dims, elements as readonly number[]);
}

function integerTensor(
  type: DataType,
  dims: readonly number[],
  elements: readonly number[],
): Tensor | undefined {
  if (!isInteger(type) || elements.length !== elementCount(dims)) return undefined;
  if (type === 'int64') return { type, dims, data: BigInt64Array.from(elements, BigInt) };
  const fits = type === 'int32' && elements.every((x) => x === (x | 0));
  return fits ? { type, dims, data: Int32Array.from(elements) } : undefined;
}

/** The same dims, unknown ones included. */
function sameKnowledge(a: Dims | undefined, b: Dims): boolean {
  return a?.length === b.length && b.every((dim, i) => dim === a[i]);
}

/** Types that the walk knows better than the graph does. */
function refinedTypes(graph: Graph, types: ReadonlyMap<string, ValueType>): [string, ValueType][] {
  return [...types].filter(([value, type]) => {
    const before = graph.types.get(value);
    if (before?.type !== type.type) return true;
    return type.dims !== undefined && !sameKnowledge(before.dims, type.dims);
  });
}
