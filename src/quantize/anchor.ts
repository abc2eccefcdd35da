/**
 * Anchors: the nodes whose products are worth quantizing, seen alike. A convolution and the matrix
 * products differ in where the weight lies and along which axis its output channels run.
 */
import { expectType, type Tensor } from '../core/tensor.js';
import { floatOf, intOf } from '../graph/attributes.js';
import type { Graph, Node } from '../graph/ir.js';
import { groupsOf } from '../graph/ops/convolution.js';

export interface Anchor {
  readonly data: string;
  readonly weight: string;
  readonly weightTensor: Tensor<'float32'>;
  /** Axis of the weight along which output channels run. */
  readonly channelAxis: number;
  /** Flat [O] values, or undefined without a bias. */
  readonly bias: Float32Array | undefined;
  /** Whether the operator adds a bias, given or not. */
  readonly hasBiasInput: boolean;
}

/** The anchor in this node; undefined for other nodes, and for forms that no integer kernel computes. */
export function anchorOf(graph: Graph, node: Node): Anchor | undefined {
  if (node.domain !== '') return undefined;
  switch (node.op) {
    case 'Conv':
      return makeAnchor(graph, node, 0, 3);
    case 'ConvTranspose':
      // Of groups, channels would share the scales of the first group's.
      return groupsOf(node) === 1 ? makeAnchor(graph, node, 1, 3) : undefined;
    case 'Gemm': {
      const plain =
        intOf(node, 'transA', 0) === 0 &&
        floatOf(node, 'alpha', 1) === 1 &&
        floatOf(node, 'beta', 1) === 1;
      return plain ? makeAnchor(graph, node, intOf(node, 'transB', 0) === 0 ? 1 : 0, 2) : undefined;
    }
    case 'MatMul':
      return makeAnchor(graph, node, 1, 2);
    default:
      return undefined;
  }
}

/** Whether a node multiplies rows by its weight: an anchor that is no convolution. */
export function isMatrixProduct(node: Node): boolean {
  return node.op === 'MatMul' || node.op === 'Gemm';
}

function makeAnchor(
  graph: Graph,
  node: Node,
  channelAxis: number,
  minRank: number,
): Anchor | undefined {
  const [data, weight, biasName] = node.inputs;
  if (data === undefined || weight === undefined || graph.constants.has(data)) return undefined;
  const tensor = graph.constants.get(weight);
  if (tensor === undefined || tensor.type !== 'float32') return undefined;
  // Only a convolution's weight has more than the two axes of a matrix.
  if (tensor.dims.length < minRank || (minRank === 2 && tensor.dims.length !== 2)) return undefined;
  if (tensor.data.length === 0) return undefined;
  const weightTensor = expectType(tensor, 'float32', weight);
  const channels = tensor.dims[channelAxis]!;
  const common = { data, weight, weightTensor, channelAxis, hasBiasInput: node.op !== 'MatMul' };
  if (biasName === undefined || biasName === '') {
    return { ...common, bias: undefined };
  }
  const bias = graph.constants.get(biasName);
  if (bias === undefined || bias.type !== 'float32') return undefined;
  const values = expectType(bias, 'float32', biasName).data;
  // A Gemm may broadcast its C over columns; over rows it is no bias.
  const last = bias.dims[bias.dims.length - 1] ?? 1;
  if (values.length === channels && last === channels) {
    return { ...common, bias: values };
  }
  if (values.length !== 1) return undefined;
  const filled = new Float32Array(channels).fill(values[0]!);
  return { ...common, bias: filled };
}
