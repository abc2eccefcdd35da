/**
 * Folding what scales and shifts channels (BatchNormalization; Mul, Div, Add and Sub of constants) into
 * the weights and bias of the Conv or Gemm before it. Arithmetic is in double, rounded to float32 once.
 * A batch norm that finds no such node becomes a Mul and an Add.
 */

import type { Tensor } from '../core/tensor.js';
import { attribute, floatOf, intOf } from '../graph/attributes.js';
import type { Graph, Node } from '../graph/ir.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';
import {
  change,
  dimsOf,
  floatsOf,
  floatTensor,
  inPlaceOf,
  isFloat32,
  producedBy,
} from './match.js';

/** y = scale[c] · x + shift[c] for channel c (axis 1) of x. */
interface ChannelAffine {
  readonly x: string;
  /** One per channel, or one for all. */
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

const one = Float64Array.of(1);
const zero = Float64Array.of(0);

/** A batch norm as an affine of its channels; undefined unless all four parameters are constants. */
function normalizationOf(graph: Graph, node: Node): ChannelAffine | undefined {
  const [gamma, beta, mean, variance] = node.inputs.slice(1).map((value) => floatsOf(graph, value));
  if (!gamma || !beta || !mean || !variance) return undefined;
  const epsilon = floatOf(node, 'epsilon', Math.fround(1e-5));
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c]! + epsilon));
  const shift = Float64Array.from(beta, (b, c) => b - mean[c]! * scale[c]!);
  return { x: node.inputs[0]!, scale, shift };
}

/**
 * A constant as one number per channel of a value with `rank` axes, or one for all; undefined when it
 * varies along other axes.
 */
function channelsOf(graph: Graph, value: string, rank: number): Float64Array | undefined {
  const data = floatsOf(graph, value);
  const dims = graph.constants.get(value)?.dims;
  if (data === undefined || dims === undefined || dims.length > rank) return undefined;
  const channel = dims.length - rank + 1;
  const perChannel = dims.every((dim, axis) => dim === 1 || axis === channel);
  return perChannel && data.length > 0 ? Float64Array.from(data) : undefined;
}

/** Mul, Div, Add or Sub by a constant as an affine of the channels of a value with `rank` axes. */
function arithmeticOf(graph: Graph, node: Node, rank: number): ChannelAffine | undefined {
  const [a, b] = node.inputs as [string, string];
  const right = channelsOf(graph, b, rank);
  const constant = right ?? channelsOf(graph, a, rank);
  if (constant === undefined) return undefined;
  const x = right === undefined ? b : a;
  const negated = constant.map((c) => -c);
  if (node.op === 'Add') return { x, scale: one, shift: constant };
  if (node.op === 'Mul') return { x, scale: constant, shift: zero };
  if (node.op === 'Sub') {
    return right === undefined
      ? { x, scale: Float64Array.of(-1), shift: constant }
      : { x, scale: one, shift: negated };
  }
  const inverse = constant.map((c) => 1 / c);
  return right === undefined ? undefined : { x, scale: inverse, shift: zero };
}

/** Weights and bias of a node that computes channels, scaled and shifted. */
interface Refolded {
  readonly node: Node;
  readonly weight: Tensor;
  readonly bias: Float32Array;
}

function refold(graph: Graph, node: Node, affine: ChannelAffine): Refolded | undefined {
  const weight = graph.constants.get(node.inputs[1]!);
  if (weight?.type !== 'float32') return undefined;
  return node.op === 'Conv'
    ? refoldConv(graph, node, weight as Tensor<'float32'>, affine)
    : refoldGemm(graph, node, weight as Tensor<'float32'>, affine);
}

/** weight [O, C / group, …]: output channel o is scaled by scale[o]. */
function refoldConv(
  graph: Graph,
  node: Node,
  weight: Tensor<'float32'>,
  affine: ChannelAffine,
): Refolded | undefined {
  const outputs = weight.dims[0]!;
  const inner = weight.data.length / outputs;
  const bias = biasOf(graph, node.inputs[2], outputs, 1);
  if (bias === undefined) return undefined;
  return refolded(node, weight, bias, affine, (i) => Math.floor(i / inner));
}

/** y = alpha · a · b + beta · c; b [K, N], or [N, K] with transB: column n is scaled by scale[n]. */
function refoldGemm(
  graph: Graph,
  node: Node,
  weight: Tensor<'float32'>,
  affine: ChannelAffine,
): Refolded | undefined {
  const turned = intOf(node, 'transB', 0) !== 0;
  const [columns, depth] = turned ? weight.dims : [weight.dims[1], weight.dims[0]];
  const bias = biasOf(graph, node.inputs[2], columns!, floatOf(node, 'beta', 1));
  if (bias === undefined) return undefined;
  const columnOf = turned ? (i: number) => Math.floor(i / depth!) : (i: number) => i % columns!;
  const attributes = new Map(node.attributes);
  attributes.set('beta', attribute.float(1));
  return refolded({ ...node, attributes }, weight, bias, affine, columnOf);
}

/** A bias of `channels` numbers (zeros when absent), each times `factor`. */
function biasOf(
  graph: Graph,
  value: string | undefined,
  channels: number,
  factor: number,
): Float64Array | undefined {
  if (value === undefined || value === '') return new Float64Array(channels);
  const given = channelsOf(graph, value, 2);
  if (given === undefined || (given.length !== 1 && given.length !== channels)) return undefined;
  return Float64Array.from({ length: channels }, (_, c) => at(given, c) * factor);
}

function at(values: Float64Array, channel: number): number {
  return values[values.length === 1 ? 0 : channel]!;
}

function refolded(
  node: Node,
  weight: Tensor<'float32'>,
  bias: Float64Array,
  { scale, shift }: ChannelAffine,
  channelOf: (i: number) => number,
): Refolded | undefined {
  const fits = (list: Float64Array) => list.length === 1 || list.length === bias.length;
  if (!fits(scale) || !fits(shift)) return undefined;
  const scales = scale.length !== 1 || scale[0] !== 1;
  const data = scales ? weight.data.map((w, i) => w * at(scale, channelOf(i))) : weight.data;
  const shifted = Float32Array.from(bias, (b, c) => b * at(scale, c) + at(shift, c));
  // An overflow would turn a finite model into infinities.
  if (!data.every(Number.isFinite) || !shifted.every(Number.isFinite)) return undefined;
  return { node, weight: scales ? floatTensor(weight.dims, data) : weight, bias: shifted };
}

const fold =
  (affineOf: (site: Site, rank: number) => ChannelAffine | undefined): Rule =>
  (site) => {
    const { graph, node, fresh } = site;
    const anchor = node.inputs
      .map((value) => producedBy(site, value, 'Conv', 'Gemm'))
      .find((producer) => producer !== undefined);
    if (anchor === undefined || onlyConsumer(site, anchor.outputs[0]!) !== node) return undefined;
    const rank = anchor.op === 'Gemm' ? 2 : graph.constants.get(anchor.inputs[1]!)?.dims.length;
    const affine = rank === undefined ? undefined : affineOf(site, rank);
    if (affine === undefined || affine.x !== anchor.outputs[0]) return undefined;
    const result = refold(graph, anchor, affine);
    if (result === undefined) return undefined;
    const { weight, bias } = result;
    const sameWeight = graph.constants.get(anchor.inputs[1]!) === weight;
    const weightName = sameWeight ? anchor.inputs[1]! : fresh(foldedName(anchor.inputs[1]!));
    const biasName = fresh(`${anchor.name}_bias`);
    const biasTensor = floatTensor([bias.length], bias);
    return change(`fold ${node.op} '${node.name}' into ${anchor.op} '${anchor.name}'`, {
      remove: [anchor, node],
      add: [
        {
          ...result.node,
          inputs: [anchor.inputs[0]!, weightName, biasName],
          outputs: [node.outputs[0]!],
        },
      ],
      constants: [
        ...(sameWeight ? [] : ([[weightName, weight]] as const)),
        [biasName, biasTensor] as const,
      ],
    });
  };

/** 'w' and what it was folded to before become 'w_folded'. */
function foldedName(weight: string): string {
  return `${weight.replace(/_folded(_\d+)?$/, '')}_folded`;
}

const arithmetic = fold(({ graph, node }, rank) => arithmeticOf(graph, node, rank));

export const foldIntoWeights = rulePass('fold scales and shifts into weights', {
  BatchNormalization: fold(({ graph, node }) => normalizationOf(graph, node)),
  Mul: arithmetic,
  Div: arithmetic,
  Add: arithmetic,
  Sub: arithmetic,
});

const split: Rule = ({ graph, node, fresh }) => {
  const affine = normalizationOf(graph, node);
  const x = node.inputs[0]!;
  const dims = dimsOf(graph, x);
  if (affine === undefined || dims === undefined || dims.length < 2 || !isFloat32(graph, x)) {
    return undefined;
  }
  const perChannel = [affine.scale.length, ...dims.slice(2).map(() => 1)];
  const scale = fresh(`${node.name}_scale`);
  const shift = fresh(`${node.name}_shift`);
  const scaled = fresh(`${node.name}_scaled`);
  const name = fresh(`${node.name}_mul`);
  const mul: Node = { ...inPlaceOf(node, 'Mul', [x, scale]), name, outputs: [scaled] };
  return change(`write BatchNormalization '${node.name}' as Mul and Add`, {
    remove: [node],
    add: [mul, inPlaceOf(node, 'Add', [scaled, shift])],
    constants: [
      [scale, floatTensor(perChannel, Float32Array.from(affine.scale))],
      [shift, floatTensor(perChannel, Float32Array.from(affine.shift))],
    ],
    types: [[scaled, graph.types.get(node.outputs[0]!) ?? { type: 'float32', dims }]],
  });
};

export const splitBatchNorms = rulePass('write batch norms as Mul and Add', {
  BatchNormalization: split,
});
