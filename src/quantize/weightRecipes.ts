/** Following the recipes of quantizers that look at weights alone. */
import { OctavoError } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { dynamicOps, writeDynamic } from './dynamic.js';
import { type Weighted, weightedOf } from './floatWeights.js';
import type { DynamicRecipe, WeightsRecipe } from './recipe.js';
import { changedGraph, nodeCalled, roundedWeight } from './recipeGraph.js';
import { nearestWeight, type WeightsSettings, weightOps, writeWeights } from './weightOnly.js';
import type { QuantizedWeight } from './weights.js';

type OnLayer = (done: number, total: number) => void;

/** The quantized graph. Throws `INVALID_RECIPE` where the recipe does not fit the graph. */
export function followDynamic(float: Graph, recipe: DynamicRecipe, onLayer: OnLayer): Graph {
  const graph = changedGraph(float, { ...recipe, equalized: [], absorbed: [] });
  const nodes = nodesOf(graph, recipe, dynamicOps);
  const { activations, perChannel, reduceRange } = recipe;
  let done = 0;
  return writeDynamic(
    graph,
    nodes,
    { rows: activations === 'per-row', perChannel, reduceRange },
    () => onLayer(++done, nodes.length),
  );
}

/** The quantized graph. Throws `INVALID_RECIPE` where the recipe does not fit the graph. */
export function followWeights(float: Graph, recipe: WeightsRecipe, onLayer: OnLayer): Graph {
  const { type, symmetric, blockSize = 32, format, activations } = recipe;
  const packed = format === 'MatMulNBits';
  const accuracyLevel = activations === 'int8' ? 4 : 0;
  const settings: WeightsSettings = { type, symmetric, blockSize, packed, accuracyLevel };
  const nodes = nodesOf(float, recipe, weightOps);
  const rounded = recipe.layers.flatMap(({ codes }, i): [string, QuantizedWeight][] => {
    if (codes === undefined) return [];
    const from = nodes[i]!;
    const nearest = nearestWeight(from, settings);
    const where = `recipe.layers[${i}].codes`;
    return [[from.node.name, roundedWeight(from.tensor, nearest, codes, where)]];
  });
  let done = 0;
  return writeWeights(float, nodes, settings, new Map(rounded), () =>
    onLayer(++done, nodes.length),
  );
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
