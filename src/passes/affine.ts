/**
 * Folding what scales and shifts channels (BatchNormalization; Mul, Div, Add and Sub of constants) into
 * the weights and bias of the Conv or Gemm before it. Arithmetic is in double, rounded to float32 once.
 * A batch norm that finds no such node becomes a Mul and an Add.
 */

import type { Tensor } from '../core/tensor.js';
import { attribute, floatOf, intOf } from '../graph/attributes.js';
import type { Graph, Node } from '../graph/ir.js';
import { onlyConsumer, type Rule, rulePass } from './lower/rules.js';
import { change, dimsOf, floatsOf, floatTensor, inPlaceOf, isFloat32, listed } from './match.js';

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
  const scales = scale.some((factor) => factor !== 1);
  const data = scales ? weight.data.map((w, i) => w * at(scale, channelOf(i))) : weight.data;
  const shifted = Float32Array.from(bias, (b, c) => b * at(scale, c) + at(shift, c));
  // An overflow would turn a finite model into infinities.
  if (!data.every(Number.isFinite) || !shifted.every(Number.isFinite)) return undefined;
  return { node, weight: scales ? floatTensor(weight.dims, data) : weight, bias: shifted };
}

/** `then` after `first`; undefined when that is no finite affine of `channels` channels. */
function composed(
  first: ChannelAffine,
  then: ChannelAffine,
  channels: number,
): ChannelAffine | undefined {
  const fits = ({ scale, shift }: ChannelAffine) =>
    [scale, shift].every(({ length }) => length === 1 || length === channels);
  if (!fits(then)) return undefined;
  const length = Math.max(
    ...[first, then].flatMap(({ scale, shift }) => [scale.length, shift.length]),
  );
  const scale = new Float64Array(length);
  const shift = new Float64Array(length);
  for (let c = 0; c < length; c++) {
    scale[c] = at(then.scale, c) * at(first.scale, c);
    shift[c] = at(then.scale, c) * at(first.shift, c) + at(then.shift, c);
  }
  const finite = scale.every(Number.isFinite) && shift.every(Number.isFinite);
  return finite ? { x: first.x, scale, shift } : undefined;
}

function affineOf(graph: Graph, node: Node, rank: number): ChannelAffine | undefined {
  if (node.domain !== '') return undefined;
  if (node.op === 'BatchNormalization') return normalizationOf(graph, node);
  return arithmeticOps.has(node.op) ? arithmeticOf(graph, node, rank) : undefined;
}

const arithmeticOps: ReadonlySet<string> = new Set(['Mul', 'Div', 'Add', 'Sub']);

/** Folds all that follows a Conv or Gemm, as far as each is the only reader of the one before. */
const fold: Rule = (site) => {
  const { graph, node: anchor, fresh } = site;
  const weightDims = graph.constants.get(anchor.inputs[1]!)?.dims;
  if (weightDims === undefined) return undefined;
  const rank = anchor.op === 'Gemm' ? 2 : weightDims.length;
  const turned = anchor.op === 'Gemm' && intOf(anchor, 'transB', 0) === 0;
  const channels = weightDims[turned ? 1 : 0]!;
  const chain: Node[] = [];
  let value = anchor.outputs[0]!;
  let affine: ChannelAffine = { x: value, scale: one, shift: zero };
  for (;;) {
    const next = onlyConsumer(site, value);
    const step = next && affineOf(graph, next, rank);
    const both = step?.x === value ? composed(affine, step, channels) : undefined;
    if (next === undefined || both === undefined) break;
    chain.push(next);
    affine = both;
    value = next.outputs[0]!;
  }
  if (chain.length === 0) return undefined;
  const result = refold(graph, anchor, affine);
  if (result === undefined) return undefined;
  const { weight, bias } = result;
  const sameWeight = graph.constants.get(anchor.inputs[1]!) === weight;
  const weightName = sameWeight ? anchor.inputs[1]! : fresh(`${anchor.inputs[1]!}_folded`);
  const biasName = fresh(`${anchor.name}_bias`);
  return change(`fold ${listed(chain)} into ${anchor.op} '${anchor.name}'`, {
    remove: [anchor, ...chain],
    add: [{ ...result.node, inputs: [anchor.inputs[0]!, weightName, biasName], outputs: [value] }],
    constants: [
      ...(sameWeight ? [] : ([[weightName, weight]] as const)),
      [biasName, floatTensor([bias.length], bias)] as const,
    ],
  });
};

export const foldIntoWeights = rulePass('fold scales and shifts into weights', {
  Conv: fold,
  Gemm: fold,
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
