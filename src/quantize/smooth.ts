/**
 * SmoothQuant: a few channels of what a matrix product reads are far larger than the rest, and set the scale for all.
 * Dividing them by s_j and multiplying the weight's rows by it changes nothing in float, and moves the difficulty to
 * the weight, which has a scale for each of its columns: s_j = max|X_j|^α / max|W_j|^(1−α).
 *
 * Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models" (2022).
 */
import { throwIfAborted } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { anchorOf, isMatrixProduct } from './anchor.js';
import { layerInputs } from './layerInputs.js';
import { type LayerRun, type SampleRun, watch } from './samples.js';
import { divideChannels, type Fold, foldOf, type SmoothingFactors } from './smoothFold.js';
import {
  type Matrix,
  type Product,
  type ProductSettings,
  SmoothingMemory,
} from './smoothingMemory.js';

export interface SmoothOptions extends LayerRun, ProductSettings {
  /** A number for all layers, or the best of 0.3 … 0.8 for each. */
  readonly alpha: number | 'search';
  /** What is known from other models of the same graph, samples and settings; it learns what is not. */
  readonly memory?: SmoothingMemory | undefined;
  /** Whether a product's input may be divided by a node of its own where nothing before it can do it. */
  readonly mayMultiply: (value: string) => boolean;
}

/** What was done to the products that read one value. */
export interface Smoothing {
  readonly nodes: readonly string[];
  readonly alpha: number;
  readonly by: Fold['kind'];
  /** Signal to noise of the products on the samples before and after, in dB. */
  readonly before: number;
  readonly after: number;
}

export interface Smoothed {
  readonly graph: Graph;
  readonly layers: readonly Smoothing[];
  readonly factors: readonly SmoothingFactors[];
}

export const nothingSmoothed: Omit<Smoothed, 'graph'> = { layers: [], factors: [] };

/** Rows of a product's input that are looked at. */
const mostRows = 256;
const alphas = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
/** What a node more has to gain, in dB. */
const worthNode = 1;

/** Smooths the matrix products among `selected`; products that read the same value share their factors. */
export async function smooth(
  float: Graph,
  selected: ReadonlySet<Node>,
  options: SmoothOptions,
): Promise<Smoothed> {
  const groups = productsByInput(float, selected);
  const { samples, session, signal, memory = new SmoothingMemory() } = options;
  await watchRows(float, groups, memory.rows, { samples, session, signal });
  const layers: Smoothing[] = [];
  const divided: SmoothingFactors[] = [];
  let graph = float;
  let done = 0;
  for (const [value, products] of groups) {
    throwIfAborted(signal, 'smoothing');
    const fold = foldOf(
      graph,
      value,
      products.map(({ node }) => node),
      options.mayMultiply(value),
    );
    if (fold !== undefined) {
      const tried = options.alpha === 'search' ? alphas : [options.alpha];
      const { before, best } = await memory.trials(value, products, tried, options);
      const least = options.alpha === 'search' || fold.kind === 'node' ? before : -Infinity;
      if (best.after > least + (fold.kind === 'node' ? worthNode : 0)) {
        graph = divideChannels(graph, value, products, fold, best.factors);
        const nodes = products.map(({ node }) => node.name);
        divided.push({ value, nodes, factors: best.factors });
        layers.push({ nodes, alpha: best.alpha, by: fold.kind, before, after: best.after });
      }
    }
    options.onDone?.(++done, groups.size);
  }
  return { graph, layers, factors: divided };
}

function productsByInput(
  graph: Graph,
  selected: ReadonlySet<Node>,
): ReadonlyMap<string, readonly Product[]> {
  const groups = new Map<string, Product[]>();
  const index = indexOf(graph);
  for (const node of graph.nodes) {
    const anchor = selected.has(node) && isMatrixProduct(node) ? anchorOf(graph, node) : undefined;
    // A weight that another node reads too would need factors that suit both.
    if (anchor === undefined || index.consumers(anchor.weight).length > 1) continue;
    const group = groups.get(anchor.data);
    if (group === undefined) groups.set(anchor.data, [{ ...anchor, node }]);
    else group.push({ ...anchor, node });
  }
  return groups;
}

/** Adds some rows of each value that is not there yet, from all samples. */
async function watchRows(
  graph: Graph,
  groups: ReadonlyMap<string, readonly Product[]>,
  rows: Map<string, Matrix>,
  { samples, ...run }: SampleRun,
): Promise<void> {
  const values = [...groups.keys()].filter((value) => !rows.has(value));
  if (values.length === 0) return;
  const quota = Math.max(Math.floor(mostRows / samples.length), 1);
  const parts = new Map<string, Tensor[]>(values.map((value) => [value, []]));
  for await (const { tensors } of watch(graph, values, samples, run)) {
    for (const value of values) {
      const { node, weightTensor } = groups.get(value)![0]!;
      const inputs = layerInputs(node, weightTensor.dims, [tensors[value]!], quota);
      const { width, count } = inputs;
      parts.get(value)!.push({ type: 'float32', dims: [count, width], data: inputs.groups[0]! });
    }
  }
  for (const [value, tensors] of parts) rows.set(value, stacked(tensors));
}

function stacked(parts: readonly Tensor[]): Matrix {
  const width = parts[0]!.dims[1]!;
  const count = parts.reduce((sum, { dims }) => sum + dims[0]!, 0);
  const data = new Float32Array(count * width);
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, at);
    at += part.data.length;
  }
  return { type: 'float32', dims: [count, width], data };
}
