import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute, Graph, Node, ValueType } from '../../src/graph/ir.js';
import { node, t } from '../helpers/onnx-builder.js';
import { createRandom, integers, type Random } from '../helpers/random.js';
import { build, quantizeNode } from './oracle.js';

export const { int, ints, float } = attribute;

/**
 * Puts a graph together: values and constants by name, Q and DQ nodes with their parameters. Scales are
 * best chosen so that real results hardly ever lie half-way between two codes.
 */
export function island(seed: number) {
  const random = createRandom(seed);
  const nodes: Node[] = [];
  const constants: Record<string, Tensor> = {};
  const inputs: Record<string, ValueType> = {};
  const feeds: Record<string, Tensor> = {};
  const params = (name: string, scale: readonly number[], zero: Tensor) => {
    constants[`${name}_scale`] = t('float32', scale, scale.length === 1 ? [] : [scale.length]);
    constants[`${name}_zero`] = zero;
  };
  const self = {
    random,
    feeds,
    constant(name: string, tensor: Tensor) {
      constants[name] = tensor;
      return name;
    },
    /** A float input, quantized and dequantized again. */
    input(name: string, dims: number[], scale = 0.02, zero: Tensor = u8(120)) {
      inputs[name] = { type: 'float32', dims };
      const data = Float32Array.from({ length: elementCount(dims) }, () => random.real(-3, 3));
      feeds[name] = { type: 'float32', dims, data };
      return self.pair(name, scale, zero);
    },
    /** Q and DQ behind a value. */
    pair(x: string, scale: number, zero: Tensor, output = `${x}_dq`) {
      const name = `${output}_p`;
      params(name, [scale], zero);
      nodes.push(quantizeNode('QuantizeLinear', x, `${output}_q`, name));
      nodes.push(quantizeNode('DequantizeLinear', `${output}_q`, output, name));
      return output;
    },
    /** A quantized constant, dequantized; scales along `axis` when there are several. */
    weight(name: string, codes: Tensor, scale: readonly number[], zero: Tensor, axis = 0) {
      constants[`${name}_q`] = codes;
      params(name, scale, zero);
      const along = scale.length === 1 ? undefined : axis;
      nodes.push(quantizeNode('DequantizeLinear', `${name}_q`, name, name, along));
      return name;
    },
    op(op: string, x: readonly string[], y: string, attributes: Record<string, Attribute> = {}) {
      nodes.push(node(op, x, [y], attributes));
      return y;
    },
    graph(...outputs: string[]): Graph {
      return build({
        nodes,
        inputs,
        constants,
        outputs: Object.fromEntries(outputs.map((value) => [value, value])),
      });
    },
  };
  return self;
}

export type Island = ReturnType<typeof island>;

/** int8 codes of a weight and scales per channel. */
export function int8Weight(random: Random, ...dims: number[]): Tensor<'int8'> {
  return { type: 'int8', dims, data: integers(random, 'int8', elementCount(dims), -127, 127) };
}

/** int16 codes of a weight. */
export function int16Weight(random: Random, ...dims: number[]): Tensor<'int16'> {
  return {
    type: 'int16',
    dims,
    data: integers(random, 'int16', elementCount(dims), -32767, 32767),
  };
}

export const zeros = (count: number) => t('int8', new Array<number>(count).fill(0));
export const scales = (random: Random, count: number) =>
  Array.from({ length: count }, () => Math.fround(random.real(0.001, 0.01)));
export const biasScales = (sx: number, sw: readonly number[]) =>
  sw.map((scale) => Math.fround(Math.fround(sx) * scale));

/** A Conv of x with fresh weights of `dims`, per channel; bias in the scale of the accumulator. */
export function conv(g: Island, x: string, y: string, dims: number[], attributes = {}, sx = 0.02) {
  const sw = scales(g.random, dims[0]!);
  const w = g.weight(`${y}_w`, int8Weight(g.random, ...dims), sw, zeros(dims[0]!));
  const codes = integers(g.random, 'int32', dims[0]!, -2000, 2000);
  const b = g.weight(
    `${y}_b`,
    { type: 'int32', dims: [dims[0]!], data: codes },
    biasScales(sx, sw),
    t('int32', new Array<number>(dims[0]!).fill(0)),
  );
  return g.op('Conv', [x, w, b], y, attributes);
}

export const u8 = (zero: number) => t('uint8', [zero], []);
export const i8 = (zero: number) => t('int8', [zero], []);
export const i16 = (zero: number) => t('int16', [zero], []);
