/**
 * Weights of single nodes, for quantizers that need no samples: which nodes are quantized, what their weights
 * become, and what is reported of it.
 */
import { OctavoError, throwIfAborted } from '../core/errors.js';
import { expectType, type Tensor } from '../core/tensor.js';
import { intOf } from '../graph/attributes.js';
import type { Graph, Node } from '../graph/ir.js';
import { type ParamsOptions, paramsOf, type QuantParams, quantize } from '../numerics/index.js';
import { exportModel } from '../onnx/export.js';
import { loadModel, type Model } from '../onnx/model.js';
import { cleanFloatGraph } from '../passes/floatPasses.js';
import { anchorOf } from './anchor.js';
import type { SelectionOptions } from './options.js';
import { type Recipe, type WithRecipe, withRecipe } from './recipe.js';
import { type WeightReport, weightReport } from './report.js';
import { selectNodes } from './select.js';
import { nothingSmoothed, type Smoothed, type Smoothing } from './smooth.js';
import type { SmoothingFactors } from './smoothFold.js';
import { type QuantizedWeight, weightSqnr } from './weights.js';

/** What `quantizeDynamic` and `quantizeWeights` did. */
export interface WeightsReport {
  /** Size of the model as a file. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly weights: readonly WeightReport[];
  /** Matrix products whose inputs were smoothed. */
  readonly smoothed: readonly Smoothing[];
  /** Nodes with weights that stayed in float. */
  readonly floatNodes: readonly string[];
}

export interface WeightsResult extends WithRecipe {
  readonly model: Model;
  readonly report: WeightsReport;
}

/** A node and its constant float weight. */
export interface Weighted {
  readonly node: Node;
  readonly weight: string;
  readonly tensor: Tensor<'float32'>;
  /** Axis with a scale for each index, and the axis that products sum along. */
  readonly channelAxis: number;
  readonly sumAxis: number;
}

const weightedOps: ReadonlySet<string> = new Set(['Conv', 'Gemm', 'MatMul', 'Gather']);

/** The weight of a product, or the table of a Gather of rows; undefined where there is none to quantize. */
export function weightedOf(graph: Graph, node: Node): Weighted | undefined {
  if (node.domain === '' && node.op === 'Gather') {
    const [table = '', indices = ''] = node.inputs;
    const tensor = graph.constants.get(table);
    const isTable =
      tensor?.type === 'float32' && tensor.dims.length === 2 && tensor.data.length > 0;
    if (!isTable || intOf(node, 'axis', 0) !== 0 || graph.constants.has(indices)) return undefined;
    const weight = expectType(tensor, 'float32', table);
    return { node, weight: table, tensor: weight, channelAxis: 0, sumAxis: 1 };
  }
  const anchor = anchorOf(graph, node);
  if (anchor === undefined) return undefined;
  const { weight, weightTensor: tensor, channelAxis } = anchor;
  return { node, weight, tensor, channelAxis, sumAxis: channelAxis === 0 ? 1 : 0 };
}

export function quantizeTensor(
  { data, dims }: Tensor<'float32'>,
  options: ParamsOptions,
): QuantizedWeight {
  const params: QuantParams = paramsOf(data, dims, options);
  const codes = { type: params.type, dims, data: quantize(data, dims, params) } as Tensor;
  return { data: codes, params, sqnr: weightSqnr(data, codes, params) };
}

/** A node whose weight was quantized. */
export interface Done {
  readonly from: Weighted;
  readonly weight: QuantizedWeight;
}

/** What a recipe tells of. */
export interface Written {
  /** The float graph, cleaned up, and what came of it. */
  readonly float: Graph;
  readonly quantized: Graph;
  readonly factors: readonly SmoothingFactors[];
  /** Names of the nodes with quantized weights. */
  readonly layers: readonly string[];
}

interface Selection extends SelectionOptions {
  readonly opTypes: ReadonlySet<string>;
}

/**
 * Loads the model, cleans it up, hands the nodes to quantize to `write`, and reports. Throws `NO_MATCH` where nothing
 * is to be quantized.
 */
export async function quantizeWeighted(
  source: Model | string | Uint8Array,
  { opTypes, nodesToQuantize, nodesToExclude = [], onProgress, signal }: Selection,
  write: (
    graph: Graph,
    nodes: readonly Weighted[],
    done: (one: Done) => void,
  ) => Graph | Promise<Graph>,
  recipeOf: (written: Written) => Recipe,
  prepare?: (graph: Graph, selected: ReadonlySet<Node>) => Promise<Smoothed>,
): Promise<WeightsResult> {
  throwIfAborted(signal, 'quantization');
  const before = await loadModel(source);
  const cleaned = cleanFloatGraph(before.graph);
  const selection = { opTypes, nodesToQuantize, nodesToExclude };
  const {
    graph,
    layers: smoothed,
    factors,
  } = prepare === undefined
    ? { graph: cleaned, ...nothingSmoothed }
    : await prepare(cleaned, selectNodes(cleaned, selection));
  const selected = selectNodes(graph, selection);
  const nodes = [...selected].flatMap((node) => weightedOf(graph, node) ?? []);
  if (nodes.length === 0) {
    throw new OctavoError('NO_MATCH', 'the model has nothing to quantize', {
      where: graph.name,
      expected: `a ${[...opTypes].join(', ')} with constant weights among the selected nodes`,
    });
  }
  const start = performance.now();
  const reports: WeightReport[] = [];
  const after = await write(graph, nodes, ({ from, weight }) => {
    throwIfAborted(signal, 'quantization');
    reports.push(weightReport(from.node.name, from.weight, weight));
    const done = reports.length;
    const etaMs = ((performance.now() - start) / done) * (nodes.length - done);
    onProgress?.({ phase: 'quantize', done, total: nodes.length, etaMs });
  });
  const model: Model = { ...before, graph: after };
  const quantized = new Set(nodes.map(({ node }) => node));
  const result = {
    model,
    report: {
      bytesBefore: exportModel(before.graph, before.meta).length,
      bytesAfter: exportModel(model.graph, model.meta).length,
      weights: reports,
      smoothed,
      floatNodes: graph.nodes
        .filter((node) => weightedOps.has(node.op) && !quantized.has(node))
        .filter((node) =>
          node.inputs.some((input) => graph.constants.get(input)?.type === 'float32'),
        )
        .map(({ name }) => name),
    },
  };
  const layers = nodes.map(({ node }) => node.name);
  return withRecipe(result, () => recipeOf({ float: cleaned, quantized: after, factors, layers }));
}
