/**
 * Products of integers as ONNX writes them where scales come with the input: MatMulInteger and ConvInteger, the Cast
 * behind them, a Mul by scales and an Add of a bias. With a constant weight they become one QConvDynamic, of the bits
 * that the graph says, with scales multiplied in its order, and the bias added in float.
 */
import type { Tensor } from '../core/tensor.js';
import { withDims } from '../core/turned.js';
import { attribute, intOf } from '../graph/attributes.js';
import { type Dim, type Node, typeOf } from '../graph/ir.js';
import { groupsOf } from '../graph/ops/convolution.js';
import { equalDims, equalShapes } from '../graph/ops/dims.js';
import { imageOfRows } from './fuseQuantizedConv.js';
import { codesOf } from './lower/quantParams.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, type Rules, rulePass, type Site } from './lower/rules.js';
import { permuteTensor } from './lower/shapes.js';
import {
  channelsLastDims,
  enterChannelsLast,
  leaveChannelsLast,
  stepWindow,
} from './lower/spatial.js';
import { addLookup, flipTable } from './lower/tables.js';
import { producedBy } from './match.js';

/** Whether a step takes this MatMulInteger or ConvInteger: constant weights, and one zero point of x. */
export function isStepProduct({ graph, node }: Pick<Site, 'graph' | 'node'>): boolean {
  const [x, w, xZero = '', wZero = ''] = node.inputs as [string, string, string?, string?];
  const weight = graph.constants.get(w);
  if (weight === undefined || weight.data.length === 0) return false;
  const zeroDims = xZero === '' ? [] : typeOf(graph, xZero)?.dims;
  if (!zeroDims?.every((dim) => dim === 1)) return false;
  const zeros = wZero === '' ? undefined : graph.constants.get(wZero);
  if (wZero !== '' && zeros === undefined) return false;
  const isMatrix = node.op === 'MatMulInteger';
  if (isMatrix && (weight.dims.length !== 2 || typeOf(graph, x)?.dims?.length === 1)) return false;
  const channels = weight.dims[isMatrix ? 1 : 0]!;
  return zeros === undefined || zeros.data.length === 1 || zeros.data.length === channels;
}

/** What is done with the sums, by the nodes that do it. */
interface Epilogue {
  readonly type: 'int32' | 'float32';
  readonly multiplier?: Float32Array;
  /** One value, or one for each row (perPixel). */
  readonly xScale?: string;
  readonly perPixel?: boolean;
  readonly bias?: Float32Array;
  readonly nodes: readonly Node[];
  readonly output: string;
}

/** A float constant with one value, or one for each channel, which is axis `axis` of what it broadcasts to. */
function perChannel(
  { graph }: Site,
  value: string,
  dims: readonly Dim[],
  axis: number,
): Float32Array | undefined {
  const constant = graph.constants.get(value);
  const channels = dims[axis];
  if (constant?.type !== 'float32' || constant.dims.length > dims.length) return undefined;
  if (typeof channels !== 'number' || constant.data.length === 0) return undefined;
  const ahead = dims.length - constant.dims.length;
  const along = constant.dims.every(
    (dim, i) => dim === 1 || (ahead + i === axis && dim === channels),
  );
  if (!along) return undefined;
  const data = constant.data as Float32Array;
  return data.length === channels ? data.slice() : new Float32Array(channels).fill(data[0]!);
}

/** Dims of a computed float value; undefined for what is constant, unknown or larger than `dims`. */
function computedDims({ graph }: Site, value: string, dims: readonly Dim[]) {
  const type = typeOf(graph, value);
  if (type?.type !== 'float32' || graph.constants.has(value)) return undefined;
  return type.dims !== undefined && type.dims.length <= dims.length ? type.dims : undefined;
}

/** Whether a computed value is one scale. */
function isScale(site: Site, value: string, dims: readonly Dim[]): boolean {
  return computedDims(site, value, dims)?.every((dim) => dim === 1) ?? false;
}

/** Whether a computed value is a scale for each row of a product with these dims. */
function isRowScale(site: Site, value: string, dims: readonly Dim[]): boolean {
  const rows = [...dims.slice(0, -1), 1];
  const own = computedDims(site, value, dims);
  return own?.length === rows.length && own.every((dim, i) => equalDims(dim, rows[i]));
}

function isFloatCast(node: Node | undefined): node is Node {
  return node?.op === 'Cast' && node.domain === '' && intOf(node, 'to', 0) === 1;
}

function otherInput(node: Node, value: string): string | undefined {
  const [a, b] = node.inputs as [string, string];
  return a === b ? undefined : a === value ? b : a;
}

/** The scales in a factor: constant, computed, or a product of both. */
function scalesOf(site: Site, factor: string, dims: readonly Dim[], axis: number) {
  const multiplier = perChannel(site, factor, dims, axis);
  if (multiplier !== undefined) return { multiplier };
  const ones = () => new Float32Array(dims[axis] as number).fill(1);
  const product = producedBy(site, factor, 'Mul');
  const [a, b] = product?.inputs ?? [];
  for (const [computed, constant] of [
    [a, b],
    [b, a],
  ] as const) {
    if (computed === undefined || !isScale(site, computed, dims)) continue;
    const own = perChannel(site, constant!, dims, axis);
    if (own !== undefined) return { multiplier: own, xScale: computed };
  }
  return isScale(site, factor, dims) ? { multiplier: ones(), xScale: factor } : undefined;
}

function epilogueOf(site: Site, axis: number, isMatrix: boolean): Epilogue | undefined {
  const { graph, node } = site;
  let output = node.outputs[0]!;
  const dims = typeOf(graph, output)?.dims;
  const channels = dims?.[axis];
  if (dims === undefined || typeof channels !== 'number') return undefined;
  const cast = onlyConsumer(site, output);
  if (!isFloatCast(cast)) return { type: 'int32', nodes: [], output };
  output = cast.outputs[0]!;
  const nodes = [cast];
  let scales: Pick<Epilogue, 'multiplier' | 'xScale' | 'perPixel'> = {
    multiplier: new Float32Array(channels).fill(1),
  };
  /** The factor or addend behind, if the node there is of this kind and keeps the dims. */
  const next = (op: string): { node: Node; other: string } | undefined => {
    const following = onlyConsumer(site, output);
    if (following?.op !== op || following.domain !== '') return undefined;
    const other = otherInput(following, output);
    const kept = equalShapes(typeOf(graph, following.outputs[0]!)?.dims, dims);
    return other !== undefined && kept ? { node: following, other } : undefined;
  };
  const factor = next('Mul');
  const found = factor && scalesOf(site, factor.other, dims, axis);
  if (found !== undefined) {
    scales = found;
    nodes.push(factor!.node);
    output = factor!.node.outputs[0]!;
  }
  // A scale for each row comes behind those of the columns.
  const rows = isMatrix && scales.xScale === undefined ? next('Mul') : undefined;
  if (rows !== undefined && isRowScale(site, rows.other, dims)) {
    scales = { ...scales, xScale: rows.other, perPixel: true };
    nodes.push(rows.node);
    output = rows.node.outputs[0]!;
  }
  const addend = next('Add');
  const bias = addend && perChannel(site, addend.other, dims, axis);
  if (bias !== undefined) {
    nodes.push(addend!.node);
    output = addend!.node.outputs[0]!;
  }
  return { type: 'float32', ...scales, ...(bias && { bias }), nodes, output };
}

/** A value of bytes as uint8: int8 plus 128. */
function unsignedBytes(to: Rewriting, value: string): string {
  if (to.typeOf(value)!.type === 'uint8') return value;
  const constant = to.constantOf(value);
  if (constant === undefined) return addLookup(to, value, flipTable, 'uint8');
  const data = flippedSigns(constant.data as Int8Array);
  return to.constant(`${value}/unsigned`, { type: 'uint8', dims: constant.dims, data } as Tensor);
}

/** Codes of one kind of byte as the other: 128 more, or less. */
function flippedSigns({ buffer, byteOffset, length }: Uint8Array | Int8Array): Uint8Array {
  const codes = new Uint8Array(buffer, byteOffset, length).slice();
  for (let i = 0; i < length; i++) codes[i]! ^= 128;
  return codes;
}

/** int8 codes and zero points, one for each channel, where any is not 0. */
function signedWeight({ graph, node }: Site): { codes: Tensor<'int8'>; zero: Int32Array } {
  const weight = graph.constants.get(node.inputs[1]!)!;
  const zeros = graph.constants.get(node.inputs[3] ?? '');
  const isSigned = weight.type === 'int8';
  const offset = isSigned ? 0 : -128;
  const data = isSigned
    ? (weight.data as Int8Array)
    : new Int8Array(flippedSigns(weight.data as Uint8Array).buffer as ArrayBuffer);
  const zero = zeros === undefined ? Int32Array.of(0) : codesOf(zeros);
  return {
    codes: { type: 'int8', dims: weight.dims, data },
    zero: zero.map((one) => one + offset),
  };
}

/** Adds the step, its weight [O, KH, KW, I]. */
function addProduct(
  site: Site,
  to: Rewriting,
  parts: { image: string; weight: string; zero: Int32Array; dims: readonly Dim[]; groups: number },
  epilogue: Epilogue,
  window: {
    params: typeof pointwise;
    extra: Readonly<Record<string, ReturnType<typeof attribute.int>>>;
  },
): string {
  const { name, inputs: from } = site.node;
  const { type, multiplier, xScale = '', bias } = epilogue;
  const channels = parts.dims.at(-1) as number;
  const vector = (wish: string, of: 'int32' | 'float32', data: Float32Array | Int32Array) =>
    to.constant(`${name}/${wish}`, { type: of, dims: [channels], data } as Tensor);
  const signed = to.typeOf(from[0]!)!.type === 'int8';
  const noZero = () => ({ type: 'uint8', dims: [], data: Uint8Array.of(signed ? 128 : 0) });
  const zeros =
    parts.zero.length === channels ? parts.zero : new Int32Array(channels).fill(parts.zero[0]!);
  const inputs = [
    parts.image,
    parts.weight,
    from[2] ? unsignedBytes(to, from[2]) : to.constant(`${name}/xZero`, noZero() as Tensor),
    multiplier ? vector('multiplier', 'float32', multiplier) : '',
    zeros.some((zero) => zero !== 0) ? vector('weightZero', 'int32', zeros) : '',
    xScale,
    bias ? vector('bias', 'float32', bias) : '',
  ];
  while (inputs.at(-1) === '') inputs.pop();
  const bounds = { lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY };
  const params = {
    ...window.params,
    groups: parts.groups,
    perPixel: epilogue.perPixel ? 1 : 0,
    ...bounds,
  };
  const extra = { ...window.extra, outputType: attribute.string(type) };
  return to.step('QConvDynamic', inputs, params, { type, dims: parts.dims }, { extra });
}

const pointwise = { strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, padTop: 0, padLeft: 0 };

const convInteger: Rule = (site) => {
  const { node } = site;
  const [x] = node.inputs as [string];
  const to = rewriting(site);
  const [xDims, yDims] = [to.typeOf(x)?.dims, to.typeOf(node.outputs[0]!)?.dims];
  if (!isStepProduct(site) || xDims === undefined || yDims === undefined) return undefined;
  const { codes, zero } = signedWeight(site);
  const window = stepWindow(site, codes.dims.slice(2), xDims.slice(2));
  const epilogue = epilogueOf(site, 1, false);
  if (window === undefined || epilogue === undefined) return undefined;
  const image = enterChannelsLast(to, unsignedBytes(to, x));
  const weight = enterChannelsLast(to, to.constant(`${node.name}/weight`, codes as Tensor));
  if (image === undefined || weight === undefined) return undefined;
  const dims = channelsLastDims(yDims);
  const parts = { image, weight, zero, dims, groups: groupsOf(node) };
  const y = addProduct(site, to, parts, epilogue, window as never);
  to.remove(...epilogue.nodes);
  if (leaveChannelsLast(to, y, yDims, epilogue.output) === undefined) return undefined;
  return to.done(`fuse ${node.name} to QConvDynamic`);
};

const matMulInteger: Rule = (site) => {
  const { node } = site;
  const [a] = node.inputs as [string];
  const to = rewriting(site);
  const [aDims, yDims] = [to.typeOf(a)?.dims, to.typeOf(node.outputs[0]!)?.dims];
  if (!isStepProduct(site) || aDims === undefined || yDims === undefined) return undefined;
  const epilogue = epilogueOf(site, yDims.length - 1, true);
  if (epilogue === undefined) return undefined;
  const { codes, zero } = signedWeight(site);
  const [depth, channels] = codes.dims as [number, number];
  const rows = imageOfRows(aDims, depth);
  const image = to.reshape(unsignedBytes(to, a), rows);
  if (image === undefined) return undefined;
  const turned = permuteTensor(codes as Tensor, [1, 0]);
  const shaped = withDims(turned, [channels, 1, 1, depth]);
  const weight = to.constant(`${node.name}/weight`, shaped);
  const dims = [...rows.slice(0, 3), channels];
  const parts = { image, weight, zero, dims, groups: 1 };
  const y = addProduct(site, to, parts, epilogue, { params: pointwise, extra: {} });
  to.remove(...epilogue.nodes);
  if (to.reshape(y, yDims, epilogue.output) === undefined) return undefined;
  return to.done(`fuse ${node.name} to QConvDynamic`);
};

const rules: Rules = { MatMulInteger: matMulInteger, ConvInteger: convInteger };

export const fuseIntegerProducts = rulePass('fuse integer products', rules);
