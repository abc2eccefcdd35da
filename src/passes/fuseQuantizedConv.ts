/**
 * Quantized products. DequantizeLinear of x and of a constant weight, a Conv, Gemm or MatMul, its bias,
 * a Relu or Clip, and a QuantizeLinear become one QConv; without the QuantizeLinear, one whose result is
 * float. A matrix product is a 1×1 convolution of an image that has the rows for pixels.
 *
 * The float form of the model is what counts: a bias in another scale, or in float, is rounded to the
 * scale of the accumulator, which moves it by half a step of it at most. What an int32 accumulator
 * cannot hold for certain, with these weights, is not fused.
 */
import { OctavoError } from '../core/errors.js';
import { elementCount } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { withDims } from '../core/turned.js';
import { attribute, floatOf, intOf } from '../graph/attributes.js';
import { type Dim, type Node, qualifiedOp } from '../graph/ir.js';
import { groupsOf } from '../graph/ops/convolution.js';
import { type QuantParams, roundHalfEven } from '../numerics/index.js';
import { binaryKinds } from '../runtime/kinds.js';
import { noResidual } from '../runtime/steps.js';
import { type Epilogue, epilogueOf } from './fuseQuantizedEpilogue.js';
import { type Dequantized, dequantizedFrom } from './fuseQuantizedMovement.js';
import {
  codesOf,
  floatConstantOf,
  isDequantize,
  isUint8,
  quantParamsOf,
} from './lower/quantParams.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';
import { permuteTensor } from './lower/shapes.js';
import {
  channelsLastDims,
  enterChannelsLast,
  leaveChannelsLast,
  stepWindow,
} from './lower/spatial.js';

/** Longest sum whose worst case an int32 holds: u8 · s8, see docs ARITHMETIC. */
const longestSum = 66_310;

/** A constant weight: int8 codes with output channels first, a scale and zero point for each. */
interface Weight {
  /** [O, …], as the ONNX Conv has it, or [O, K]. */
  readonly codes: Tensor<'int8'>;
  readonly scale: Float32Array;
  readonly zero: Int32Array;
  /** How far from 0 the farthest zero point is. */
  readonly farthestZero: number;
}

/** What QConv computes, before it is brought into the channels-last form. */
interface Product {
  readonly x: Dequantized;
  readonly weight: Weight;
  readonly bias: Int32Array | undefined;
  /** What turns an accumulator into a code, or into a float where there is no coding; one per channel. */
  readonly multiplier: Float32Array;
  readonly epilogue: Epilogue;
}

/** The weight behind a DequantizeLinear; undefined unless its scales run along `channelAxis` only. */
function weightOf(site: Site, value: string, channelAxis: number): Weight | undefined {
  const { graph, index } = site;
  const node = index.producer(value);
  const constant = node && graph.constants.get(node.inputs[0]!);
  if (constant === undefined || !isDequantize(node)) return undefined;
  const params = quantParamsOf(graph, node!);
  const offset = params && byteOffsets[params.type];
  if (params === undefined || offset === undefined || !isAlong(params, channelAxis, constant)) {
    return undefined;
  }
  const data =
    params.type === 'int8'
      ? (constant.data as Int8Array)
      : new Int8Array(codesOf(constant).map((code) => code + offset));
  const plain: Tensor<'int8'> = { type: 'int8', dims: constant.dims, data };
  const codes = channelAxis === 0 ? plain : (permuteTensor(plain, [1, 0]) as Tensor<'int8'>);
  const channels = codes.dims[0]!;
  const isShared = params.scale.length === 1;
  const scale = isShared ? new Float32Array(channels).fill(params.scale[0]!) : params.scale;
  const zero = new Int32Array(channels);
  let farthestZero = 0;
  for (let o = 0; o < channels; o++) {
    const point = params.zeroPoint[isShared ? 0 : o]! + offset;
    if (point === 0) continue;
    zero[o] = point;
    farthestZero = Math.max(farthestZero, Math.abs(point));
  }
  return { codes, scale, zero, farthestZero };
}

/** What is added to codes and zero points of these types to make them int8. */
const byteOffsets: Readonly<Record<string, number | undefined>> = {
  int8: 0,
  uint8: -128,
  int4: 0,
  uint4: 0,
  int2: 0,
  uint2: 0,
};

/** Whether there is one scale, or one for each index of the axis. */
export function isAlong(params: QuantParams, axis: number, { dims }: Tensor): boolean {
  if (params.scale.length === 1) return true;
  const along = params.axis! < 0 ? params.axis! + dims.length : params.axis;
  return params.blockSize === undefined && along === axis;
}

/**
 * A constant bias in steps of `scale`, one per channel; 'none' when absent, undefined when it is
 * computed, varies along other axes, or leaves int32. `factor` multiplies it.
 */
export function biasOf(
  site: Site,
  value: string,
  scale: Float32Array,
  factor = 1,
): Int32Array | 'none' | undefined {
  if (value === '' || factor === 0) return 'none';
  const counted = factor === 1 ? countedIn(site, value, scale) : undefined;
  if (counted !== undefined) return counted;
  const { graph, index } = site;
  const constant = floatConstantOf(site, value);
  const channels = scale.length;
  const length = constant?.data.length;
  const last = constant?.dims.at(-1) ?? 1;
  if (constant === undefined || (length !== 1 && (length !== channels || last !== channels))) {
    return undefined;
  }
  const node = index.producer(value);
  const params = node && isDequantize(node) ? quantParamsOf(graph, node) : undefined;
  const codes = params && codesOf(graph.constants.get(node!.inputs[0]!)!);
  const at = (list: ArrayLike<number>, channel: number) => list[list.length === 1 ? 0 : channel]!;
  const result = new Int32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const step = scale[channel]!;
    // The very codes, where they already count these steps: float32 does not hold all int32.
    const code =
      codes !== undefined && factor === 1 && at(params!.scale, channel) === step
        ? at(codes, channel) - at(params!.zeroPoint, channel)
        : roundHalfEven((at(constant.data, channel) * factor) / step);
    if (code !== (code | 0)) return undefined;
    result[channel] = code;
  }
  return result;
}

/** The codes of a dequantized constant that is one int32 per channel and counts these very steps from 0. */
function countedIn(
  { graph, index }: Site,
  value: string,
  scale: Float32Array,
): Int32Array | undefined {
  const node = index.producer(value);
  const stored = node && isDequantize(node) ? graph.constants.get(node.inputs[0]!) : undefined;
  if (stored?.type !== 'int32' || stored.dims.length !== 1) return undefined;
  const params = quantParamsOf(graph, node!);
  if (params === undefined || stored.data.length !== scale.length) return undefined;
  const step = params.scale.length === 1 ? 0 : 1;
  for (let channel = 0; channel < scale.length; channel++) {
    const isSame = params.scale[channel * step] === scale[channel];
    if (!isSame || params.zeroPoint[channel * step] !== 0) return undefined;
  }
  return stored.data as Int32Array;
}

/** Whether int32 holds every sum that uint8 inputs can give, bias included. */
function fitsAccumulator(weight: Weight, xZero: number, bias?: Int32Array): boolean {
  const { codes, zero, farthestZero } = weight;
  const { dims } = codes;
  const depth = elementCount(dims.slice(1));
  const [least, most] = [-xZero, 255 - xZero];
  // Nearly always a bound will do, and the weights need not be read.
  const room = 2 ** 31 - depth * (128 + farthestZero) * Math.max(-least, most);
  if (bias === undefined && room > 0) return true;
  for (let channel = 0; channel < dims[0]!; channel++) {
    let low = bias?.[channel] ?? 0;
    if (low < room && -low < room) continue;
    let high = low;
    const { data } = codes;
    const start = channel * depth;
    for (let i = start; i < start + depth; i++) {
      const w = data[i]! - zero[channel]!;
      low += w * (w > 0 ? least : most);
      high += w * (w > 0 ? most : least);
    }
    if (low < -(2 ** 31) || high >= 2 ** 31) return false;
  }
  return true;
}

/** Throws `LIMIT_EXCEEDED` for a sum so long that no weights but small ones could be right. */
function requireAccumulator(node: Node, weight: Weight, xZero: number, bias?: Int32Array): boolean {
  if (fitsAccumulator(weight, xZero, bias)) return true;
  const depth = elementCount(weight.codes.dims.slice(1));
  if (depth <= longestSum) return false;
  throw new OctavoError('LIMIT_EXCEEDED', 'the sum may not fit a 32-bit accumulator', {
    where: node.name,
    expected: `at most ${longestSum} products`,
    found: String(depth),
  });
}

/** x, weight, bias and what follows; undefined when something is missing or would not fit. */
function productOf(
  site: Site,
  inputs: { x: string; w: string; channelAxis: number; alpha?: number },
  last: { node: Node; bias: string; beta?: number },
): Product | undefined {
  const x = dequantizedFrom(site, inputs.x);
  if (x === undefined || !isUint8(x.coding) || site.graph.constants.has(x.codes)) return undefined;
  const weight = weightOf(site, inputs.w, inputs.channelAxis);
  if (weight === undefined || elementCount(weight.codes.dims) === 0) return undefined;
  const scale = accumulatorScale(x.coding.scale, weight.scale, inputs.alpha ?? 1);
  const bias = scale && biasOf(site, last.bias, scale, last.beta);
  if (bias === undefined) return undefined;
  const codes = bias === 'none' ? undefined : bias;
  if (!requireAccumulator(site.node, weight, x.coding.zeroPoint, codes)) return undefined;
  const epilogue = epilogueOf(site, last.node.outputs[0]!);
  const multiplier = quotients(scale!, epilogue.coding?.scale ?? 1);
  return multiplier && { x, weight, bias: codes, multiplier, epilogue };
}

/** What a step of the accumulator is worth, in each channel; undefined unless all are positive and finite. */
function accumulatorScale(x: number, w: Float32Array, alpha: number): Float32Array | undefined {
  const scale = new Float32Array(w.length);
  for (let o = 0; o < w.length; o++) {
    const product = Math.fround(x * w[o]!);
    const step = alpha === 1 ? product : Math.fround(product * alpha);
    if (!(step > 0 && step < Number.POSITIVE_INFINITY)) return undefined;
    scale[o] = step;
  }
  return scale;
}

/** Each number divided by `step`, none being negative; undefined unless all are finite. */
function quotients(numbers: Float32Array, step: number): Float32Array | undefined {
  if (step === 1) return numbers;
  const result = new Float32Array(numbers.length);
  for (let o = 0; o < numbers.length; o++) {
    const quotient = Math.fround(numbers[o]! / step);
    if (!(quotient < Number.POSITIVE_INFINITY)) return undefined;
    result[o] = quotient;
  }
  return result;
}

/** Adds the QConv that reads `image`; its weight is [O, KH, KW, I]. */
function addQConv(
  to: Rewriting,
  name: string,
  { x, weight, bias, multiplier, epilogue }: Product,
  parts: { image: string; weight: string; dims: readonly Dim[]; groups: number },
  window = pointwise,
): string {
  const { coding, lower, upper, min, max } = epilogue;
  const channels = multiplier.length;
  const add = (wish: string, tensor: Tensor) => to.constant(`${name}/${wish}`, tensor);
  const inputs = [
    parts.image,
    parts.weight,
    bias === undefined
      ? ''
      : add('bias', { type: 'int32', dims: [channels], data: bias } as Tensor),
    add('multiplier', { type: 'float32', dims: [channels], data: multiplier } as Tensor),
  ];
  if (weight.farthestZero > 0) {
    inputs.push(
      add('weightZero', { type: 'int32', dims: [channels], data: weight.zero } as Tensor),
    );
  }
  const params = {
    ...window.params,
    groups: parts.groups,
    xZero: x.coding.zeroPoint,
    yZero: coding?.zeroPoint ?? 0,
    min,
    max,
    lower,
    upper,
    ...noResidual,
  };
  const type = coding === undefined ? 'float32' : 'uint8';
  const extra = { ...window.extra, outputType: attribute.string(type) };
  return to.step('QConv', inputs, params, { type, dims: parts.dims }, { extra });
}

const pointwise = {
  params: { strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, padTop: 0, padLeft: 0 },
  extra: {},
};

const conv: Rule = (site) => {
  const { node } = site;
  const [x, w, bias = ''] = node.inputs as [string, string, string?];
  const product = productOf(site, { x, w, channelAxis: 0 }, { node, bias });
  if (product === undefined) return undefined;
  const to = rewriting(site);
  const { codes } = product.weight;
  const xDims = to.typeOf(x)?.dims;
  const yDims = to.typeOf(node.outputs[0]!)?.dims;
  if (xDims === undefined || yDims === undefined) return undefined;
  const window = stepWindow(site, codes.dims.slice(2), xDims.slice(2));
  const image = window && enterChannelsLast(to, product.x.codes);
  const weight = enterChannelsLast(to, to.constant(`${node.name}/weight`, codes as Tensor));
  if (image === undefined || weight === undefined) return undefined;
  const parts = { image, weight, dims: channelsLastDims(yDims), groups: groupsOf(node) };
  const y = addQConv(to, node.name, product, parts, window);
  to.remove(...product.epilogue.nodes);
  if (leaveChannelsLast(to, y, yDims, product.epilogue.output) === undefined) return undefined;
  return to.done(`fuse ${node.name} to QConv`);
};

/** Emits a matrix product of x [..., K] with a weight [O, K]. */
function fuseMatrix(site: Site, product: Product, others: readonly Node[]) {
  const { node } = site;
  const to = rewriting(site);
  const { epilogue } = product;
  const { codes } = product.weight;
  const [channels, depth] = codes.dims as [number, number];
  const xDims = to.typeOf(product.x.codes)?.dims;
  const yDims = to.typeOf(node.outputs[0]!)?.dims;
  if (xDims === undefined || yDims === undefined || xDims.length < 2) return undefined;
  const rows = imageOfRows(xDims, depth);
  const image = to.reshape(product.x.codes, rows);
  if (image === undefined) return undefined;
  const shaped = withDims(codes, [channels, 1, 1, depth]);
  const weight = to.constant(`${node.name}/weight`, shaped);
  const dims = [...rows.slice(0, 3), channels];
  const y = addQConv(to, node.name, product, { image, weight, dims, groups: 1 });
  to.remove(...others, ...epilogue.nodes);
  if (to.reshape(y, yDims, epilogue.output) === undefined) return undefined;
  return to.done(`fuse ${node.name} to QConv`);
}

/** Rows of a tensor [..., K] as the pixels of an image [N, H, W, K]. */
export function imageOfRows(dims: readonly Dim[], depth: number): Dim[] {
  if (dims.length === 4) return [...dims.slice(0, 3), depth];
  if (dims.length === 3) return [dims[0], 1, dims[1], depth];
  if (dims.length === 2) return [dims[0], 1, 1, depth];
  const rows = dims.slice(0, -1);
  const known = rows.every((dim) => typeof dim === 'number');
  const count = known ? (rows as number[]).reduce((product, dim) => product * dim, 1) : undefined;
  return [count, 1, 1, depth];
}

const gemm: Rule = (site) => {
  const { node } = site;
  const [x, w, bias = ''] = node.inputs as [string, string, string?];
  const alpha = floatOf(node, 'alpha', 1);
  if (intOf(node, 'transA', 0) !== 0 || !(alpha > 0)) return undefined;
  const channelAxis = intOf(node, 'transB', 0) === 0 ? 1 : 0;
  const beta = floatOf(node, 'beta', 1);
  const product = productOf(site, { x, w, channelAxis, alpha }, { node, bias, beta });
  return product && fuseMatrix(site, product, []);
};

function isAdd(node: Node): boolean {
  const op = qualifiedOp(node);
  return op === 'Add' || (op === 'octavo:Binary' && intOf(node, 'kind', -1) === binaryKinds.Add);
}

/** An Add of a constant behind a MatMul, which is its bias as long as it leaves the dims alone. */
export function addedBias(site: Site): { readonly node: Node; readonly bias: string } | undefined {
  const [product] = site.node.outputs as [string];
  const node = onlyConsumer(site, product);
  if (node === undefined || !isAdd(node)) return undefined;
  const bias = node.inputs.find((input) => input !== product);
  const rank = bias === undefined ? undefined : floatConstantOf(site, bias)?.dims.length;
  const yRank = site.graph.types.get(product)?.dims?.length;
  const fits = rank !== undefined && yRank !== undefined && rank <= yRank;
  return fits ? { node, bias: bias! } : undefined;
}

const matMul: Rule = (site) => {
  const { node, graph, index } = site;
  const [x, w] = node.inputs as [string, string];
  const codes = index.producer(w)?.inputs[0];
  if (codes === undefined || graph.constants.get(codes)?.dims.length !== 2) return undefined;
  const inputs = { x, w, channelAxis: 1 };
  const last = addedBias(site);
  const biased = last && productOf(site, inputs, last);
  if (biased !== undefined) return fuseMatrix(site, biased, [last!.node]);
  const product = productOf(site, inputs, { node, bias: '' });
  return product && fuseMatrix(site, product, []);
};

export const fuseQuantizedConv = rulePass('fuse quantized products', {
  Conv: conv,
  Gemm: gemm,
  MatMul: matMul,
});
