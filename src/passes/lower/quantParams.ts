/**
 * Scales and zero points, read from QuantizeLinear and DequantizeLinear nodes of either vocabulary.
 * They come from a model: whatever is constant is checked here, once for all passes.
 */
import { OctavoError } from '../../core/errors.js';
import { elementCount } from '../../core/shape.js';
import { expectType, type Tensor } from '../../core/tensor.js';
import { intOf } from '../../graph/attributes.js';
import { type Graph, type Node, typeOf } from '../../graph/ir.js';
import { codeOf } from '../../numerics/code.js';
import {
  dequantize,
  integerRange,
  isPackedType,
  isQuantizedType,
  type QuantizedType,
  type QuantParams,
  unpack,
} from '../../numerics/index.js';
import type { Rewriting } from './rewriting.js';
import type { Site } from './rules.js';

/** One scale and zero point for a whole tensor: real = scale · (code − zeroPoint). */
export interface Coding<T extends QuantizedType = QuantizedType> {
  readonly type: T;
  readonly scale: number;
  readonly zeroPoint: number;
}

export function isQuantize(node: Node | undefined): boolean {
  return node?.op === 'QuantizeLinear' && (node.domain === '' || node.domain === 'octavo');
}

export function isDequantize(node: Node | undefined): boolean {
  return node?.op === 'DequantizeLinear' && (node.domain === '' || node.domain === 'octavo');
}

/**
 * Parameters of a QuantizeLinear or DequantizeLinear; undefined when one is computed, or the type of
 * the codes is unknown. Throws `INVALID_QUANTIZATION` naming the scale or zero point at fault.
 */
export function quantParamsOf(graph: Graph, node: Node): QuantParams | undefined {
  const [x = '', scaleName = '', zeroName = ''] = node.inputs;
  const type = typeOf(graph, isDequantize(node) ? x : node.outputs[0]!)?.type;
  const scaleTensor = graph.constants.get(scaleName);
  const zeroTensor = graph.constants.get(zeroName);
  if (type === undefined || !isQuantizedType(type) || scaleTensor === undefined) return undefined;
  if (zeroName !== '' && zeroTensor === undefined) return undefined;
  const scale = checkScale(scaleTensor, scaleName);
  const zeroPoint = zeroTensor === undefined ? new Int32Array(scale.length) : codesOf(zeroTensor);
  if (zeroPoint.length !== scale.length) {
    throw new OctavoError('INVALID_QUANTIZATION', 'scale and zero point differ in length', {
      where: zeroName,
      expected: String(scale.length),
      found: String(zeroPoint.length),
    });
  }
  if (scale.length === 1) return { type, scale, zeroPoint };
  const axis = intOf(node, 'axis', 1);
  const blockSize = intOf(node, node.domain === 'octavo' ? 'blockSize' : 'block_size', 0);
  return { type, scale, zeroPoint, axis, ...(blockSize > 0 && { blockSize }) };
}

/** Coding of a node with one scale for the whole tensor; undefined for the others. */
export function codingOf(graph: Graph, node: Node): Coding | undefined {
  const params = quantParamsOf(graph, node);
  if (params?.scale.length !== 1) return undefined;
  return { type: params.type, scale: params.scale[0]!, zeroPoint: params.zeroPoint[0]! };
}

export function sameCoding(a: Coding, b: Coding): boolean {
  return a.type === b.type && a.scale === b.scale && a.zeroPoint === b.zeroPoint;
}

export function isByte(coding: Coding | undefined): coding is Coding<'uint8' | 'int8'> {
  return coding?.type === 'uint8' || coding?.type === 'int8';
}

export function isUint8(coding: Coding | undefined): coding is Coding<'uint8'> {
  return coding?.type === 'uint8';
}

/** A scale must be positive and finite. Throws `INVALID_QUANTIZATION` or `UNSUPPORTED_TYPE`. */
export function checkScale(tensor: Tensor, where: string): Float32Array {
  const { data } = expectType(tensor, 'float32', where);
  for (let i = 0; i < data.length; i++) {
    const scale = data[i]!;
    if (scale > 0 && scale < Number.POSITIVE_INFINITY) continue;
    throw new OctavoError('INVALID_QUANTIZATION', 'bad scale', {
      where,
      expected: 'positive and finite',
      found: String(scale),
    });
  }
  return data;
}

/** Elements of an integer tensor of up to 32 bits, sub-byte types unpacked. */
export function codesOf({ type, dims, data }: Tensor): Int32Array {
  if (!isPackedType(type)) return new Int32Array(data as ArrayLike<number>);
  return new Int32Array(unpack(data as Uint8Array, elementCount(dims), type));
}

/** The code of one real number, by the formula of QuantizeLinear. */
export function encode(value: number, { type, scale, zeroPoint }: Coding): number {
  const { min, max } = integerRange(type);
  return codeOf(Math.fround(value), scale, zeroPoint, min, max);
}

/** The real number of one code, by the formula of DequantizeLinear. */
export function decode(code: number, { scale, zeroPoint }: Coding): number {
  return Math.fround((code - zeroPoint) * scale);
}

/** Float value of a constant, or of a DequantizeLinear that reads one; undefined for what is computed. */
export function floatConstantOf(
  { graph, index }: Pick<Site, 'graph' | 'index'>,
  value: string,
): Tensor<'float32'> | undefined {
  const constant = graph.constants.get(value);
  if (constant !== undefined) {
    return constant.type === 'float32' ? (constant as Tensor<'float32'>) : undefined;
  }
  const producer = index.producer(value);
  if (producer === undefined || !isDequantize(producer)) return undefined;
  const name = producer.inputs[0]!;
  const codes = graph.constants.get(name);
  const params = codes && quantParamsOf(graph, producer);
  if (params === undefined) return undefined;
  const data = dequantize(codes!.data as IntegerArray, codes!.dims, params, name);
  return { type: 'float32', dims: codes!.dims, data };
}

type IntegerArray = Parameters<typeof dequantize>[0];

/** A value as it is, or, where it is a dequantized constant, a float constant of its own. */
export function floatValue(site: Site, to: Rewriting, value: string): string {
  const constant = floatConstantOf(site, value);
  if (constant === undefined || site.graph.constants.has(value)) return value;
  return to.constant(value, constant);
}
