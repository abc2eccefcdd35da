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
import { dequantize, type ParamsOptions, paramsOf, quantize } from '../numerics/index.js';
import { gemm } from '../runtime/operators.js';
import { type Anchor, anchorOf, isMatrixProduct } from './anchor.js';
import { layerInputs } from './layerInputs.js';
import { type LayerRun, type SampleRun, watch } from './samples.js';
import { divideChannels, type Fold, foldOf, type SmoothingFactors } from './smoothFold.js';
import { decibels } from './weights.js';

export interface SmoothOptions extends LayerRun {
  /** A number for all layers, or the best of 0.3 … 0.8 for each. */
  readonly alpha: number | 'search';
  /** How the products' inputs will be quantized. */
  readonly activations: ParamsOptions;
  readonly perChannel: boolean;
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

interface Product extends Anchor {
  readonly node: Node;
}

/** Smooths the matrix products among `selected`; products that read the same value share their factors. */
export async function smooth(
  float: Graph,
  selected: ReadonlySet<Node>,
  options: SmoothOptions,
): Promise<Smoothed> {
  const groups = productsByInput(float, selected);
  const { samples, session, signal } = options;
  const rows = await inputRows(float, groups, { samples, session, signal });
  const layers: Smoothing[] = [];
  const divided: SmoothingFactors[] = [];
  let graph = float;
  let done = 0;
  for (const [value, products] of groups) {
    throwIfAborted(signal, 'smoothing');
    const x = rows.get(value)!;
    const fold = foldOf(
      graph,
      value,
      products.map(({ node }) => node),
      options.mayMultiply(value),
    );
    const plain = fold && (await noiseOf(x, products, undefined, options));
    const tried = options.alpha === 'search' ? alphas : [options.alpha];
    let best: { alpha: number; after: number; factors: Float32Array } | undefined;
    for (const alpha of fold === undefined ? [] : tried) {
      const factors = factorsOf(x, products, alpha);
      const after = await noiseOf(x, products, factors, options);
      if (best === undefined || after > best.after) best = { alpha, after, factors };
    }
    const least = options.alpha === 'search' || fold?.kind === 'node' ? plain! : -Infinity;
    const needed = least + (fold?.kind === 'node' ? worthNode : 0);
    if (fold !== undefined && best !== undefined && best.after > needed) {
      graph = divideChannels(graph, value, products, fold, best.factors);
      const nodes = products.map(({ node }) => node.name);
      divided.push({ value, nodes, factors: best.factors });
      layers.push({ nodes, alpha: best.alpha, by: fold.kind, before: plain!, after: best.after });
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

type Matrix = Tensor<'float32'>;

/** Some rows of each value, from all samples. */
async function inputRows(
  graph: Graph,
  groups: ReadonlyMap<string, readonly Product[]>,
  { samples, ...run }: SampleRun,
): Promise<ReadonlyMap<string, Matrix>> {
  const values = [...groups.keys()];
  const quota = Math.max(Math.floor(mostRows / samples.length), 1);
  const parts = new Map<string, Tensor[]>(values.map((value) => [value, []]));
  for await (const { tensors } of watch(graph, values, samples, run)) {
    for (const value of values) {
      const { node, weightTensor } = groups.get(value)![0]!;
      const {
        width,
        count,
        groups: rows,
      } = layerInputs(node, weightTensor.dims, [tensors[value]!], quota);
      parts.get(value)!.push({ type: 'float32', dims: [count, width], data: rows[0]! });
    }
  }
  return new Map([...parts].map(([value, tensors]) => [value, stacked(tensors)]));
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

/** s_j, 1 for channels that no sample or no weight uses. */
function factorsOf(x: Matrix, products: readonly Product[], alpha: number): Float32Array {
  const width = x.dims[1]!;
  const inputs = new Float32Array(width);
  for (const [i, value] of x.data.entries()) {
    inputs[i % width] = Math.max(inputs[i % width]!, Math.abs(value));
  }
  const weights = new Float32Array(width);
  for (const { weightTensor, channelAxis } of products) {
    const columns = weightTensor.dims[channelAxis]!;
    for (const [i, value] of weightTensor.data.entries()) {
      const j = channelAxis === 0 ? i % width : Math.floor(i / columns);
      weights[j] = Math.max(weights[j]!, Math.abs(value));
    }
  }
  return inputs.map((range, j) =>
    range > 0 && weights[j]! > 0 ? range ** alpha / weights[j]! ** (1 - alpha) : 1,
  );
}

/** Signal to noise, in dB, of the products of x and weights that are both quantized behind the factors. */
async function noiseOf(
  x: Matrix,
  products: readonly Product[],
  factors: Float32Array | undefined,
  { activations, perChannel }: SmoothOptions,
): Promise<number> {
  const width = x.dims[1]!;
  const divided = factors ? x.data.map((value, i) => value / factors[i % width]!) : x.data;
  const rounded: Matrix = { ...x, data: roundTrip(divided, x.dims, activations) };
  let signal = 0;
  let noise = 0;
  for (const product of products) {
    const weight = columnsOf(product);
    const columns = weight.dims[1]!;
    const scaled = factors
      ? weight.data.map((value, i) => value * factors[Math.floor(i / columns)]!)
      : weight.data;
    const granularity = perChannel ? ({ channel: 1 } as const) : 'tensor';
    const coarse = roundTrip(scaled, weight.dims, { type: 'int8', symmetric: true, granularity });
    const exact = (await gemm(x, weight)).data as Float32Array;
    const found = (await gemm(rounded, { ...weight, data: coarse })).data as Float32Array;
    for (let i = 0; i < exact.length; i++) {
      signal += exact[i]! ** 2;
      noise += (found[i]! - exact[i]!) ** 2;
    }
  }
  return decibels(signal, noise);
}

function roundTrip(data: Float32Array, dims: readonly number[], options: ParamsOptions) {
  const params = paramsOf(data, dims, options);
  return dequantize(quantize(data, dims, params), dims, params);
}

/** The weight as [K, N]. */
function columnsOf({ weightTensor, channelAxis }: Anchor): Matrix {
  if (channelAxis === 1) return weightTensor;
  const [columns, depth] = weightTensor.dims as [number, number];
  const data = new Float32Array(weightTensor.data.length);
  for (let n = 0; n < columns; n++) {
    for (let k = 0; k < depth; k++) data[k * columns + n] = weightTensor.data[n * depth + k]!;
  }
  return { type: 'float32', dims: [depth, columns], data };
}
