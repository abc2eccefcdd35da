/** Layers as weights whose elements know their output and their input channel: what scales channels, or moves their biases. */
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { groupsOf } from '../graph/ops/convolution.js';
import { anchorOf } from './anchor.js';

/** A copy of a layer's weight and bias, to be changed. */
export interface Layer {
  readonly node: Node;
  readonly dims: readonly number[];
  readonly weight: Float64Array;
  readonly bias: Float64Array | undefined;
  /** The output and the input channel of each of the weight's elements. */
  readonly outputOf: Int32Array;
  readonly inputOf: Int32Array;
  readonly outputs: number;
  readonly inputs: number;
}

/** A convolution or a matrix product whose weight and bias nothing else reads. */
export function layerOf(graph: Graph, node: Node): Layer | undefined {
  const anchor = anchorOf(graph, node);
  if (anchor === undefined) return undefined;
  const index = indexOf(graph);
  const isShared = node.inputs
    .slice(1)
    .some((value) => value !== '' && index.consumers(value).length > 1);
  if (isShared) return undefined;
  const { weightTensor, channelAxis } = anchor;
  const { dims } = weightTensor;
  const common = {
    node,
    dims,
    weight: Float64Array.from(weightTensor.data),
    bias: anchor.bias && Float64Array.from(anchor.bias),
  };
  const count = weightTensor.data.length;
  const each = (channelOf: (i: number) => number) =>
    Int32Array.from({ length: count }, (_, i) => channelOf(i));
  if (channelAxis === 1) {
    const [inputs, outputs] = dims as [number, number];
    const taps = count / inputs / outputs;
    const inputOf = each((i) => Math.floor(i / (outputs * taps)));
    const outputOf = each((i) => Math.floor(i / taps) % outputs);
    return { ...common, inputs, outputs, inputOf, outputOf };
  }
  const [outputs, depth] = dims as [number, number];
  const taps = count / outputs / depth;
  const groups = node.op === 'Conv' ? groupsOf(node) : 1;
  const outputOf = each((i) => Math.floor(i / (depth * taps)));
  const groupOf = (i: number) => Math.floor((outputOf[i]! * groups) / outputs);
  const inputOf = each((i) => groupOf(i) * depth + (Math.floor(i / taps) % depth));
  return { ...common, inputs: depth * groups, outputs, inputOf, outputOf };
}
