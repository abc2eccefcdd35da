/** Dynamic quantization of matrix products, for encoders. */
import { type Graph, indexOf } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import { anchorOf } from './anchor.js';
import type { Comparer } from './answers.js';
import { type QuantizeDynamicOptions, quantizeDynamic } from './dynamic.js';
import { weightedOf } from './floatWeights.js';
import { remembering, type Scheme } from './scheme.js';

export interface DynamicParts {
  readonly model: Model;
  readonly graph: Graph;
  readonly options: QuantizeDynamicOptions;
  /** For measuring layers: asked for once some have to be ranked. */
  readonly comparer: () => Promise<Comparer>;
}

const ops: ReadonlySet<string> = new Set(['MatMul', 'Gemm']);

export function dynamicScheme(parts: DynamicParts): Scheme {
  const { model, graph, options } = parts;
  const build = (changes: Partial<QuantizeDynamicOptions>) =>
    quantizeDynamic(model, { ...options, ...changes });
  return remembering({
    name: `dynamic, ${options.activations ?? 'per-row'}${options.smoothQuant ? ', smoothed' : ''}`,
    build(floatLayers) {
      const nodesToExclude = [...(options.nodesToExclude ?? []), ...floatLayers];
      return build({ nodesToExclude });
    },
    async ranked(onLayer) {
      const layers = graph.nodes.filter(
        (node) => ops.has(node.op) && weightedOf(graph, node) !== undefined,
      );
      const compare = await parts.comparer();
      const cost: [name: string, sqnr: number][] = [];
      for (const { name } of layers) {
        const { model: alone } = await build({ nodesToQuantize: [name] });
        cost.push([name, (await compare(alone.graph)).sqnr]);
        onLayer(cost.length, layers.length);
      }
      return cost
        .sort(([, a], [, b]) => a - b)
        .slice(0, -1)
        .map(([name]) => name);
    },
  });
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
