/** Dynamic quantization of matrix products, for encoders. */
import { type Graph, indexOf } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import { anchorOf } from './anchor.js';
import { dynamicWith, type QuantizeDynamicOptions } from './dynamic.js';
import { rankAlone } from './measureAlone.js';
import type { DynamicRecipe } from './recipe.js';
import type { SampleRun } from './samples.js';
import { remembering, type Scheme } from './scheme.js';
import { SmoothingMemory } from './smoothingMemory.js';
import { planOf, variantsOf } from './weightRecipes.js';

export interface DynamicParts {
  readonly model: Model;
  /** The float graph, cleaned up. */
  readonly graph: Graph;
  readonly options: QuantizeDynamicOptions;
  /** Samples to measure layers on. */
  readonly run: SampleRun;
}

const ops: ReadonlySet<string> = new Set(['MatMul', 'Gemm']);

export function dynamicScheme({ model, graph, options, run }: DynamicParts): Scheme {
  const memory = new SmoothingMemory();
  const scheme = remembering({
    name: `dynamic, ${options.activations ?? 'per-row'}${options.smoothQuant ? ', smoothed' : ''}`,
    build(floatLayers) {
      const nodesToExclude = [...(options.nodesToExclude ?? []), ...floatLayers];
      return dynamicWith(model, { ...options, nodesToExclude }, memory);
    },
    async ranked(onLayer) {
      const { recipe } = await scheme.build([]);
      const plan = planOf(graph, recipe as DynamicRecipe);
      const ranked = await rankAlone(plan.graph, variantsOf(plan), { ...run, onDone: onLayer });
      return ranked.slice(0, -1);
    },
  });
  return scheme;
}

/**
 * Whether a model is an encoder: it normalizes over features or mixes rows by a softmax, and most of its weights are
 * those of matrix products.
 */
export function isEncoder(graph: Graph): boolean {
  const index = indexOf(graph);
  const mixes = graph.nodes.some(
    (node) =>
      node.op === 'LayerNormalization' ||
      (node.op === 'Softmax' &&
        index.consumers(node.outputs[0]!).some((reader) => reader.op === 'MatMul')),
  );
  if (!mixes) return false;
  let products = 0;
  let others = 0;
  for (const node of graph.nodes) {
    const count = anchorOf(graph, node)?.weightTensor.data.length ?? 0;
    if (ops.has(node.op)) products += count;
    else others += count;
  }
  return products > others;
}
