/** The layers that a page shows: those that were measured, and nodes with weights that were not. */
import { type Graph, indexOf, qualifiedOp } from '../graph/ir.js';
import { dataInputs } from '../quantize/placement.js';
import type { LayerSensitivity } from '../quantize/sensitivity.js';
import type { LayerPart } from '../quantize/variants.js';
import { inPlaceOf, layerTimes, type Times } from './layerTimes.js';
import type { PageLayer, QuantizedForPage } from './quantizationData.js';

/** SQNR of the answers with a part of a layer quantized alone. */
export interface MeasuredLayer extends Pick<LayerSensitivity, 'node' | 'weightCount'> {
  readonly parts: Readonly<Partial<Record<LayerPart, { readonly sqnr: number }>>>;
}

/** In the order of computation. Without `times` nothing ran. */
export function pageLayers(
  graph: Graph,
  { model, report }: QuantizedForPage,
  measured: readonly MeasuredLayer[],
  times: Times | undefined,
): PageLayer[] {
  const sensitivities = new Map(measured.map((layer) => [layer.node, layer]));
  const weights = new Map(report.weights.map((weight) => [weight.node, weight]));
  const weighted = new Set([...report.floatNodes, ...weights.keys()]);
  const activations = 'activations' in report ? report.activations : [];
  const noises = new Map('layers' in report ? report.layers.map((one) => [one.node, one]) : []);
  const integers = integerNodes(model.graph, report);
  const isWeighted = (name: string) => weighted.has(name);
  const float = times && layerTimes(graph, isWeighted, times.float);
  const int8 = times && layerTimes(graph, isWeighted, inPlaceOf(graph, model.graph, times.int8));
  return graph.nodes
    .filter(({ name }) => sensitivities.has(name) || weighted.has(name))
    .map((node): PageLayer => {
      const { name } = node;
      const layer = sensitivities.get(name);
      const values = new Set(dataInputs(graph, node));
      const read = activations.filter(({ sharedBy }) => sharedBy.some((one) => values.has(one)));
      const { both, weights: rounded, activations: inputs } = layer?.parts ?? {};
      const weight = weights.get(name);
      return {
        node: name,
        op: qualifiedOp(node),
        integer: integers.has(name),
        weightCount: layer?.weightCount ?? weight?.dims.reduce((a, b) => a * b, 1) ?? 0,
        weightSqnr: weight?.sqnr,
        alone: { both: both?.sqnr, weights: rounded?.sqnr, activations: inputs?.sqnr },
        outputs: noises.get(name),
        tensors: read.map((tensor) => tensor.name),
        clipped: read.length === 0 ? undefined : Math.max(...read.map(({ clipped }) => clipped)),
        floatMs: float?.get(name),
        int8Ms: int8?.get(name),
      };
    });
}

/** Names of nodes with quantized weights, and of those without weights that read through a DequantizeLinear. */
function integerNodes(quantized: Graph, report: QuantizedForPage['report']): ReadonlySet<string> {
  const index = indexOf(quantized);
  const float = new Set(report.floatNodes);
  const names = new Set(report.weights.map(({ node }) => node));
  for (const { name, inputs } of quantized.nodes) {
    const reads = inputs.some((input) => index.producer(input)?.op === 'DequantizeLinear');
    if (reads && !float.has(name)) names.add(name);
  }
  return names;
}
