/**
 * Products of int16. DequantizeLinear of x and of a constant weight, both int16 with zero points of 0, a Gemm or MatMul, its
 * bias, and a QuantizeLinear to int16 with a zero point of 0, a Relu or Clip in front of it, become one MatMulInt16; without
 * the QuantizeLinear, one whose result is float.
 *
 * Sums are exact: MatMulInt16 adds in 64 bits. A zero point of x would need a bias that int32 does not hold; such products,
 * and convolutions, are left to float.
 */
import type { Tensor } from '../core/tensor.js';
import { attribute, floatOf, intOf } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/ir.js';
import { addedBias, biasOf, isAlong } from './fuseQuantizedConv.js';
import { type Dequantized, dequantizedFrom } from './fuseQuantizedMovement.js';
import { clampOf } from './lower/elementwise.js';
import {
  type Coding,
  codingOf,
  encode,
  isDequantize,
  isQuantize,
  quantParamsOf,
} from './lower/quantParams.js';
import { rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';
import { permuteTensor } from './lower/shapes.js';

/** Longest rows that MatMulInt16 takes. */
const longestRow = 2 ** 22;

interface Weight {
  /** [O, K]. */
  readonly codes: Tensor;
  /** One for each output. */
  readonly scale: Float32Array;
}

function isInt16(coding: Coding | undefined): coding is Coding<'int16'> {
  return coding?.type === 'int16' && coding.zeroPoint === 0;
}

function weightOf({ graph, index }: Site, value: string, channelAxis: number): Weight | undefined {
  const node = index.producer(value);
  const constant = node && graph.constants.get(node.inputs[0]!);
  if (constant?.type !== 'int16' || constant.dims.length !== 2 || !isDequantize(node)) {
    return undefined;
  }
  const params = quantParamsOf(graph, node!);
  if (params === undefined || !isAlong(params, channelAxis, constant)) return undefined;
  if (params.zeroPoint.some((zero) => zero !== 0)) return undefined;
  const depth = constant.dims[1 - channelAxis]!;
  if (depth > longestRow || constant.data.length === 0) return undefined;
  const codes = channelAxis === 0 ? constant : permuteTensor(constant, [1, 0]);
  const { scale } = params;
  const channels = codes.dims[0]!;
  return {
    codes,
    scale: scale.length === 1 ? new Float32Array(channels).fill(scale[0]!) : scale,
  };
}

interface Epilogue {
  /** Nodes that it takes the place of. */
  readonly nodes: readonly Node[];
  /** The value to write in the end. */
  readonly output: string;
  /** Of the result; undefined when it stays float. */
  readonly coding: Coding | undefined;
  readonly min: number;
  readonly max: number;
}

/** A QuantizeLinear to int16 behind a value, and a clamp between: a float result is clamped elsewhere. */
function epilogueOf(site: Site, value: string): Epilogue {
  const next = onlyConsumer(site, value);
  const clamp = next && clampOf(site, next);
  const last = clamp === undefined ? next : onlyConsumer(site, next!.outputs[0]!);
  const coding = last && isQuantize(last) ? codingOf(site.graph, last) : undefined;
  if (!isInt16(coding)) {
    return { nodes: [], output: value, coding: undefined, min: -(2 ** 15), max: 2 ** 15 - 1 };
  }
  return {
    nodes: clamp === undefined ? [last!] : [next!, last!],
    output: last!.outputs[0]!,
    coding,
    min: encode(clamp?.lower ?? Number.NEGATIVE_INFINITY, coding),
    max: encode(clamp?.upper ?? Number.POSITIVE_INFINITY, coding),
  };
}

interface Parts {
  readonly x: string;
  readonly w: string;
  readonly channelAxis: number;
  readonly alpha: number;
  /** The node that writes the sums, and its bias, if any. */
  readonly last: Node;
  readonly bias: string;
  readonly beta: number;
}

function fuse(site: Site, parts: Parts) {
  const { node } = site;
  const x: Dequantized | undefined = dequantizedFrom(site, parts.x);
  if (!isInt16(x?.coding) || site.graph.constants.has(x!.codes)) return undefined;
  const weight = weightOf(site, parts.w, parts.channelAxis);
  if (weight === undefined) return undefined;
  const step = x!.coding.scale;
  const scale = weight.scale.map((w) => Math.fround(Math.fround(step * w) * parts.alpha));
  const bias = biasOf(site, parts.bias, scale, parts.beta);
  if (bias === undefined) return undefined;
  const { nodes, output, coding, min, max } = epilogueOf(site, parts.last.outputs[0]!);
  const multiplier = scale.map((one) => one / (coding?.scale ?? 1));
  if (![...scale, ...multiplier].every((one) => one > 0 && one < Infinity)) return undefined;

  const to = rewriting(site);
  const [channels, depth] = weight.codes.dims as [number, number];
  const xDims = to.typeOf(x!.codes)?.dims;
  const yDims = to.typeOf(parts.last.outputs[0]!)?.dims;
  if (xDims === undefined || yDims === undefined || xDims.length < 2) return undefined;
  const rows = rowsOf(xDims);
  const matrix = to.reshape(x!.codes, [rows, depth]);
  if (matrix === undefined) return undefined;
  const add = (wish: string, tensor: Tensor) => to.constant(`${node.name}/${wish}`, tensor);
  const inputs = [
    matrix,
    add('weight', weight.codes),
    add('multiplier', { type: 'float32', dims: [channels], data: multiplier }),
  ];
  if (bias !== 'none') inputs.push(add('bias', { type: 'int32', dims: [channels], data: bias }));
  const type = coding === undefined ? 'float32' : 'int16';
  const extra = { outputType: attribute.string(type) };
  const dims = [rows, channels];
  const y = to.step('MatMulInt16', inputs, { min, max }, { type, dims }, { extra });
  to.remove(...(parts.last === node ? [] : [parts.last]), ...nodes);
  if (to.reshape(y, yDims, output) === undefined) return undefined;
  return to.done(`fuse ${node.name} to MatMulInt16`);
}

/** Rows of a tensor [..., K], all of them together; undefined while dims are free that would have to be multiplied. */
function rowsOf(dims: readonly Dim[]): Dim {
  if (dims.length === 2) return dims[0];
  const rows = dims.slice(0, -1);
  const known = rows.every((dim) => typeof dim === 'number');
  return known ? (rows as number[]).reduce((product, dim) => product * dim, 1) : undefined;
}

const gemm: Rule = (site) => {
  const { node } = site;
  const [x, w, bias = ''] = node.inputs as [string, string, string?];
  const alpha = floatOf(node, 'alpha', 1);
  if (intOf(node, 'transA', 0) !== 0) return undefined;
  const channelAxis = intOf(node, 'transB', 0) === 0 ? 1 : 0;
  const beta = floatOf(node, 'beta', 1);
  return fuse(site, { x, w, channelAxis, alpha, last: node, bias, beta });
};

const matMul: Rule = (site) => {
  const { node } = site;
  const [x, w] = node.inputs as [string, string];
  const parts = { x, w, channelAxis: 1, alpha: 1, beta: 1 };
  const added = addedBias(site);
  const biased = added && fuse(site, { ...parts, last: added.node, bias: added.bias });
  return biased ?? fuse(site, { ...parts, last: node, bias: '' });
};

export const fuseInt16Products = rulePass('fuse products of int16', {
  Gemm: gemm,
  MatMul: matMul,
});
