/** Following the recipes of quantizers that look at weights alone. */
import { OctavoError } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { writeDynamic } from './dynamic.js';
import { type Weighted, weightedOf } from './floatWeights.js';
import type { Variant } from './measureAlone.js';
import { dynamicOps, weightOps } from './options.js';
import type { DynamicRecipe, WeightsRecipe } from './recipe.js';
import { changedGraph, nodeCalled, roundedWeight } from './recipeGraph.js';
import { nearestWeight, type WeightsSettings, writeWeights } from './weightOnly.js';
import type { QuantizedWeight } from './weights.js';

type OnLayer = (done: number, total: number) => void;

/** A recipe on a float graph, with nothing quantized yet. */
export interface Plan {
  /** The float graph, smoothed. It answers as before. */
  readonly graph: Graph;
  readonly nodes: readonly Weighted[];
  /** The graph with some of the nodes quantized. */
  readonly write: (nodes: readonly Weighted[], onNode: () => void) => Graph;
}

/** Throws `INVALID_RECIPE` where the recipe does not fit the graph. */
export function planOf(float: Graph, recipe: DynamicRecipe | WeightsRecipe): Plan {
  return recipe.kind === 'dynamic' ? dynamicPlan(float, recipe) : weightsPlan(float, recipe);
}

/** The quantized graph. Throws `INVALID_RECIPE` where the recipe does not fit the graph. */
export function followPlan(
  float: Graph,
  recipe: DynamicRecipe | WeightsRecipe,
  onLayer: OnLayer,
): Graph {
  const { nodes, write } = planOf(float, recipe);
  let done = 0;
  return write(nodes, () => onLayer(++done, nodes.length));
}

/** Each of a plan's layers quantized alone, in the order of computation. */
export function variantsOf({ graph, nodes, write }: Plan): readonly Variant[] {
  const order = new Map(graph.nodes.map(({ name }, i) => [name, i]));
  return [...nodes]
    .sort((a, b) => order.get(a.node.name)! - order.get(b.node.name)!)
    .map((from) => ({ node: from.node.name, graph: () => write([from], () => {}) }));
}

function dynamicPlan(float: Graph, recipe: DynamicRecipe): Plan {
  const graph = changedGraph(float, { ...recipe, equalized: [], absorbed: [] });
  const { activations, perChannel, reduceRange } = recipe;
  const settings = { rows: activations === 'per-row', perChannel, reduceRange };
  return {
    graph,
    nodes: nodesOf(graph, recipe, dynamicOps),
    write: (nodes, onNode) => writeDynamic(graph, nodes, settings, onNode),
  };
}

function weightsPlan(graph: Graph, recipe: WeightsRecipe): Plan {
  const { type, symmetric, blockSize = 32, format, activations } = recipe;
  const packed = format === 'MatMulNBits';
  const accuracyLevel = activations === 'int8' ? 4 : 0;
  const settings: WeightsSettings = { type, symmetric, blockSize, packed, accuracyLevel };
  const nodes = nodesOf(graph, recipe, weightOps);
  const rounded = recipe.layers.flatMap(({ codes }, i): [string, QuantizedWeight][] => {
    if (codes === undefined) return [];
    const from = nodes[i]!;
    const nearest = nearestWeight(from, settings);
    const where = `recipe.layers[${i}].codes`;
    return [[from.node.name, roundedWeight(from.tensor, nearest, codes, where)]];
  });
  const weights = new Map(rounded);
  return {
    graph,
    nodes,
    write: (some, onNode) => writeWeights(graph, some, settings, weights, onNode),
  };
}

function nodesOf(
  graph: Graph,
  { layers }: DynamicRecipe | WeightsRecipe,
  ops: readonly string[],
): readonly Weighted[] {
  return layers.map(({ node: name }, i) => {
    const where = `recipe.layers[${i}].node`;
    const node = nodeCalled(graph, name, where);
    const weighted = ops.includes(node.op) ? weightedOf(graph, node) : undefined;
    if (weighted !== undefined) return weighted;
    throw new OctavoError('INVALID_RECIPE', 'a node without a weight to quantize', {
      where,
      expected: `a ${ops.join(', ')} with a constant weight`,
      found: `${node.op} '${name}'`,
    });
  });
}
