/**
 * A layer quantized alone in a float graph, and a layer left alone in a quantized one: the graphs that a sensitivity
 * analysis compares. A layer is a node that reads quantized values; its weights and its inputs can be told apart.
 */
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, type Node, type ValueType } from '../graph/ir.js';
import { namesFor } from '../graph/names.js';
import { applyPatch } from '../graph/patch.js';
import { dequantize, type QuantParams } from '../numerics/index.js';
import { anchorOf } from './anchor.js';
import type { Draft } from './draft.js';
import { pairOf } from './insert.js';
import { dataInputs, type Placement } from './placement.js';

/** Which side of a layer is quantized (in a float graph) or left alone (in a quantized one). */
export type LayerPart = 'weights' | 'activations' | 'both';

export const layerParts: readonly LayerPart[] = ['weights', 'activations', 'both'];

export interface Layer {
  readonly node: Node;
  /** Values that it reads quantized. */
  readonly inputs: readonly string[];
  readonly hasWeights: boolean;
}

/** Layers in the order of computation. */
export function layersOf(graph: Graph, placement: Placement, draft: Draft): readonly Layer[] {
  const anchors = new Set(placement.anchors);
  return graph.nodes
    .filter((node) => placement.integerNodes.has(node))
    .map((node) => ({
      node,
      inputs: [...new Set(dataInputs(graph, node))].filter((value) => draft.params.has(value)),
      hasWeights: anchors.has(node),
    }))
    .filter(({ inputs, hasWeights }) => inputs.length > 0 || hasWeights);
}

/** The float graph with this layer quantized, and nothing else. */
export function onlyLayer(graph: Graph, draft: Draft, layer: Layer, part: LayerPart): Graph {
  const { node } = layer;
  const name = namesFor(graph);
  const add: Node[] = [];
  const constants: (readonly [string, Tensor])[] = [];
  const types: (readonly [string, ValueType])[] = [];
  const inputs = [...node.inputs];
  if (part !== 'weights') {
    for (const value of layer.inputs) {
      const pair = pairOf(graph, name, value, draft.params.get(value)!);
      add.push(...pair.nodes);
      constants.push(...pair.constants);
      types.push(...pair.types);
      inputs.forEach((input, i) => {
        if (input === value) inputs[i] = pair.dequantized;
      });
    }
  }
  if (part !== 'activations' && layer.hasWeights) {
    const { weight, bias } = draft.anchors.find((anchor) => anchor.node === node)!;
    inputs[1] = name(`${node.inputs[1]}_rounded`);
    constants.push([inputs[1], realOf(weight.data, weight.params)]);
    if (bias !== undefined) {
      inputs[2] = name(`${node.name}_bias_rounded`);
      const data = bias.scale.map((scale, c) => scale * bias.data.data[c]!);
      constants.push([inputs[2], { type: 'float32', dims: bias.data.dims, data }]);
    }
  }
  return applyPatch(graph, {
    what: `quantize ${node.name} alone`,
    remove: [node],
    add: [...add, { ...node, inputs }],
    constants,
    types,
  });
}

/** The quantized graph with this layer in float, and nothing else. */
export function allButLayer(graph: Graph, draft: Draft, layer: Layer, part: LayerPart): Graph {
  const { quantized } = draft;
  const node = quantized.nodes.find((candidate) => candidate.name === layer.node.name)!;
  const inputs = [...node.inputs];
  const constants: [string, Tensor][] = [];
  if (part !== 'weights') {
    const data = new Set(layer.inputs);
    layer.node.inputs.forEach((value, i) => {
      if (data.has(value)) inputs[i] = unquantized(quantized, node.inputs[i]!);
    });
  }
  if (part !== 'activations' && layer.hasWeights) {
    const name = namesFor(quantized);
    const { weightTensor } = anchorOf(graph, layer.node)!;
    inputs[1] = name(`${layer.node.inputs[1]}_float`);
    constants.push([inputs[1], weightTensor]);
  }
  return applyPatch(quantized, {
    what: `leave ${node.name} in float`,
    remove: [node],
    add: [{ ...node, inputs }],
    constants,
  });
}

/** What a pair of QuantizeLinear and DequantizeLinear reads. */
function unquantized(graph: Graph, value: string): string {
  const index = indexOf(graph);
  const maker = index.producer(index.producer(value)?.inputs[0] ?? '');
  return maker?.op === 'QuantizeLinear' ? maker.inputs[0]! : value;
}

function realOf(codes: Tensor, params: QuantParams): Tensor {
  const data = dequantize(codes.data as Int8Array, codes.dims, params);
  return { type: 'float32', dims: codes.dims, data };
}
