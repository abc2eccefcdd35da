/** The recipe of a static quantization: written down from what it decided, and followed again. */
import { OctavoError } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { perTensor, type QuantParams } from '../numerics/index.js';
import { shiftBiases, shiftsBetween } from './biasShifts.js';
import { type Draft, nearestCodes, writeDraft } from './draft.js';
import type { AnchorPatch, ValueParams } from './insert.js';
import type { ResolvedOptions } from './options.js';
import { packUnlessZero, unpackNumbers } from './packedNumbers.js';
import type { Prepared } from './prepare.js';
import {
  type RecipeActivation,
  type RecipeLayer,
  recipeAbsorptions,
  recipeEqualizations,
  recipeHead,
  recipeSmoothings,
  type StaticRecipe,
} from './recipe.js';
import { changedGraph, layerCalled, roundedWeight } from './recipeGraph.js';

export interface StaticDecisions extends Omit<Prepared, 'graph'> {
  readonly settings: ResolvedOptions;
  readonly draft: Draft;
  /** The graph that came of it. */
  readonly quantized: Graph;
}

export function staticRecipe(decisions: StaticDecisions): StaticRecipe {
  const { float, quantized, settings, draft, equalized, absorbed, smoothed } = decisions;
  const names = draft.anchors.map(({ node }) => node.name);
  const shifts = shiftsBetween(draft.quantized, quantized, names);
  return {
    ...recipeHead(float, quantized),
    kind: 'static',
    perChannel: settings.perChannel,
    weightMethod: settings.weightMethod,
    symmetricWeights: settings.symmetricWeights,
    reduceRange: settings.reduceRange,
    addBiases: settings.correctionSamples > 0,
    equalized: recipeEqualizations(equalized),
    absorbed: recipeAbsorptions(absorbed),
    smoothed: recipeSmoothings(smoothed.factors),
    activations: draft.activations.map(({ sharedBy, type, scale, zeroPoint }) => ({
      ...{ values: sharedBy, type: type as RecipeActivation['type'], scale, zeroPoint },
    })),
    layers: draft.anchors.map(({ node: { name }, weight }) => ({
      node: name,
      weightType: weight.params.type as RecipeLayer['weightType'],
      codes: packUnlessZero(draft.steps.get(name)),
      bias: packUnlessZero(shifts.get(name)),
    })),
  };
}

/** The quantized graph. Throws `INVALID_RECIPE` where the recipe does not fit the graph. */
export function followStatic(
  float: Graph,
  recipe: StaticRecipe,
  onLayer: (done: number, total: number) => void,
): Graph {
  const graph = changedGraph(float, recipe);
  const params = paramsOf(graph, recipe.activations);
  const shifts = new Map<string, Int32Array>();
  const anchors = recipe.layers.map((layer, i): AnchorPatch => {
    const where = `recipe.layers[${i}]`;
    const { node, anchor } = layerCalled(graph, layer.node, `${where}.node`);
    if (!params.has(anchor.data)) {
      throw new OctavoError('INVALID_RECIPE', 'a layer whose input is not quantized', {
        where: `${where}.node`,
        expected: `'${anchor.data}' among recipe.activations`,
      });
    }
    const { weightType, codes, bias } = layer;
    const nearest = nearestCodes(graph, node, params, { ...recipe, weightType });
    const { dims } = anchor.weightTensor;
    if (bias !== undefined) {
      const count = dims[anchor.channelAxis]!;
      shifts.set(layer.node, unpackNumbers('int32', bias, count, `${where}.bias`));
    }
    onLayer(i + 1, recipe.layers.length);
    if (codes === undefined) return nearest;
    const weight = roundedWeight(anchor.weightTensor, nearest.weight, codes, `${where}.codes`);
    return { ...nearest, weight };
  });
  return shiftBiases(writeDraft(graph, params, anchors), shifts);
}

/** Throws `INVALID_RECIPE` for a value that is not there or not of float32, and for one that is there twice. */
function paramsOf(graph: Graph, activations: readonly RecipeActivation[]): ValueParams {
  const params = new Map<string, QuantParams>();
  const known = new Set([
    ...graph.inputs,
    ...graph.constants.keys(),
    ...graph.nodes.flatMap((node) => node.outputs.filter((output) => output !== '')),
  ]);
  for (const [i, { values, type, scale, zeroPoint }] of activations.entries()) {
    for (const [j, value] of values.entries()) {
      const where = `recipe.activations[${i}].values[${j}]`;
      const { type: given = 'float32' } =
        graph.constants.get(value) ?? graph.types.get(value) ?? {};
      if (!known.has(value) || given !== 'float32') {
        throw new OctavoError('INVALID_RECIPE', 'no such value of float32', {
          where,
          found: `'${value}'`,
        });
      }
      if (params.has(value)) {
        throw new OctavoError('INVALID_RECIPE', 'a value twice', { where, found: `'${value}'` });
      }
      params.set(value, perTensor(type, scale, zeroPoint));
    }
  }
  return params;
}
