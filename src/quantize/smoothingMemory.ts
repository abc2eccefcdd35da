/**
 * What smoothing the products that read one value would do: factors for some α, and the signal to noise of the products
 * behind them. It rests on the float model's values and on the products alone, so that it is found once for all models in
 * which those products are quantized, whatever else is.
 */
import type { Tensor } from '../core/tensor.js';
import type { Node } from '../graph/ir.js';
import {
  dequantize,
  type ParamsOptions,
  paramsOf,
  type QuantizedType,
  quantize,
} from '../numerics/index.js';
import { gemm } from '../runtime/operators.js';
import type { Anchor } from './anchor.js';
import { decibels } from './weights.js';

export type Matrix = Tensor<'float32'>;

/** A matrix product. */
export interface Product extends Anchor {
  readonly node: Node;
}

/** How products will be quantized. */
export interface ProductSettings {
  readonly activations: ParamsOptions;
  readonly weightType: QuantizedType;
  readonly perChannel: boolean;
}

export interface Trial {
  readonly alpha: number;
  readonly factors: Float32Array;
  /** Signal to noise of the products behind the factors, in dB. */
  readonly after: number;
}

export interface Trials {
  /** Signal to noise of the products as they are, in dB. */
  readonly before: number;
  /** The best of those tried. */
  readonly best: Trial;
}

/** For models of one float graph, on the same samples with the same settings. */
export class SmoothingMemory {
  /** Some rows of each value that products read, from all samples. */
  readonly rows = new Map<string, Matrix>();
  readonly #trials = new Map<string, Promise<Trials>>();

  trials(
    value: string,
    products: readonly Product[],
    alphas: readonly number[],
    settings: ProductSettings,
  ): Promise<Trials> {
    const key = JSON.stringify([value, ...products.map(({ node }) => node.name)]);
    let found = this.#trials.get(key);
    if (found === undefined) {
      found = trialsOf(this.rows.get(value)!, products, alphas, settings);
      this.#trials.set(key, found);
    }
    return found;
  }
}

/** A weight as [K, N], and what it makes of x. */
interface Exact {
  readonly weight: Matrix;
  readonly sums: Float32Array;
}

async function trialsOf(
  x: Matrix,
  products: readonly Product[],
  alphas: readonly number[],
  settings: ProductSettings,
): Promise<Trials> {
  const exact: Exact[] = [];
  for (const product of products) {
    const weight = columnsOf(product);
    exact.push({ weight, sums: (await gemm(x, weight)).data as Float32Array });
  }
  const before = await noiseOf(x, exact, undefined, settings);
  let best: Trial | undefined;
  for (const alpha of alphas) {
    const factors = factorsOf(x, products, alpha);
    const after = await noiseOf(x, exact, factors, settings);
    if (best === undefined || after > best.after) best = { alpha, after, factors };
  }
  return { before, best: best! };
}

/** s_j, 1 for channels that no sample or no weight uses. */
function factorsOf(x: Matrix, products: readonly Product[], alpha: number): Float32Array {
  const width = x.dims[1]!;
  const inputs = new Float32Array(width);
  for (const [i, value] of x.data.entries()) {
    inputs[i % width] = Math.max(inputs[i % width]!, Math.abs(value));
  }
  const weights = new Float32Array(width);
  for (const { weightTensor, channelAxis } of products) {
    const columns = weightTensor.dims[channelAxis]!;
    for (const [i, value] of weightTensor.data.entries()) {
      const j = channelAxis === 0 ? i % width : Math.floor(i / columns);
      weights[j] = Math.max(weights[j]!, Math.abs(value));
    }
  }
  return inputs.map((range, j) =>
    range > 0 && weights[j]! > 0 ? range ** alpha / weights[j]! ** (1 - alpha) : 1,
  );
}

/** Signal to noise, in dB, of the products of x and weights that are both quantized behind the factors. */
async function noiseOf(
  x: Matrix,
  products: readonly Exact[],
  factors: Float32Array | undefined,
  { activations, weightType, perChannel }: ProductSettings,
): Promise<number> {
  const width = x.dims[1]!;
  const divided = factors ? x.data.map((value, i) => value / factors[i % width]!) : x.data;
  const rounded: Matrix = { ...x, data: roundTrip(divided, x.dims, activations) };
  let signal = 0;
  let noise = 0;
  for (const { weight, sums } of products) {
    const columns = weight.dims[1]!;
    const scaled = factors
      ? weight.data.map((value, i) => value * factors[Math.floor(i / columns)]!)
      : weight.data;
    const granularity = perChannel ? ({ channel: 1 } as const) : 'tensor';
    const coarse = roundTrip(scaled, weight.dims, {
      ...{ type: weightType, symmetric: true, granularity },
    });
    const found = (await gemm(rounded, { ...weight, data: coarse })).data as Float32Array;
    for (let i = 0; i < sums.length; i++) {
      signal += sums[i]! ** 2;
      noise += (found[i]! - sums[i]!) ** 2;
    }
  }
  return decibels(signal, noise);
}

function roundTrip(data: Float32Array, dims: readonly number[], options: ParamsOptions) {
  const params = paramsOf(data, dims, options);
  return dequantize(quantize(data, dims, params), dims, params);
}

/** The weight as [K, N]. */
function columnsOf({ weightTensor, channelAxis }: Anchor): Matrix {
  if (channelAxis === 1) return weightTensor;
  const [columns, depth] = weightTensor.dims as [number, number];
  const data = new Float32Array(weightTensor.data.length);
  for (let n = 0; n < columns; n++) {
    for (let k = 0; k < depth; k++) data[k * columns + n] = weightTensor.data[n * depth + k]!;
  }
  return { type: 'float32', dims: [depth, columns], data };
}
