/**
 * Quantizing what an anchor holds: its weight per output channel (or as a whole), by its largest magnitude or the least
 * squared error, and its bias in int32 at the scale of the accumulator, scale(x) · scale(w), so that it adds without another rounding.
 */
import { bitsOf } from '../core/dtype.js';
import type { Tensor } from '../core/tensor.js';
import {
  dequantize,
  paramsFromRange,
  paramsOf,
  type QuantParams,
  quantize,
  roundHalfEven,
} from '../numerics/index.js';
import type { Anchor } from './anchor.js';
import { leastSquaresScales } from './leastSquares.js';
import type { ResolvedOptions } from './options.js';

export interface QuantizedWeight {
  readonly data: Tensor;
  readonly params: QuantParams;
  /** Signal to quantization noise, in dB; Infinity when nothing is lost. */
  readonly sqnr: number;
}

export interface QuantizedBias {
  readonly data: Tensor<'int32'>;
  /** float32, one per output channel: scale(x) · scale(w). */
  readonly scale: Float32Array;
}

export interface WeightSettings
  extends Pick<
    ResolvedOptions,
    'weightType' | 'weightMethod' | 'symmetricWeights' | 'reduceRange' | 'perChannel'
  > {
  /** Whether layers that could have a bias and have none get one, to be corrected. */
  readonly addBiases: boolean;
}

/** Largest magnitude of a quantized bias: half of what the accumulator holds is left to the sum. */
export const maxBias = 2 ** 30;

/**
 * Quantizes an anchor's weight and bias for an input of scale `inputScale`.
 *
 * A channel whose weights are all zero, or so small that its bias would not fit into 30 bits, takes a
 * larger scale: that costs its (tiny) weights precision, where an overflowing bias would ruin the channel.
 */
export function quantizeAnchor(
  anchor: Anchor,
  inputScale: number,
  options: WeightSettings,
): { weight: QuantizedWeight; bias: QuantizedBias | undefined } {
  const { weightTensor, channelAxis } = anchor;
  const { dims, data } = weightTensor;
  const bias = anchor.bias ?? (options.addBiases ? emptyBias(anchor) : undefined);
  const whole = paramsOf(data, dims, {
    type: options.weightType,
    symmetric: options.symmetricWeights,
    reduceRange: options.reduceRange,
    granularity: options.perChannel ? { channel: channelAxis } : 'tensor',
    where: anchor.weight,
  });
  const channels = dims[channelAxis]!;
  const isFine = bitsOf(whole.type) >= 8 && options.perChannel;
  const byMax = options.weightMethod === 'auto' ? isFine : options.weightMethod === 'max';
  const params = byMax ? whole : { ...whole, scale: leastSquaresScales(data, dims, whole) };
  raiseScales(params, anchor, inputScale);
  const weight: Tensor = { type: params.type, dims, data: quantize(data, dims, params) } as Tensor;
  const quantized = { data: weight, params, sqnr: weightSqnr(data, weight, params) };
  if (bias === undefined) return { weight: quantized, bias: undefined };

  const scale = new Float32Array(channels);
  const integers = new Int32Array(channels);
  for (let c = 0; c < channels; c++) {
    scale[c] = Math.fround(inputScale * params.scale[options.perChannel ? c : 0]!);
    integers[c] = roundHalfEven(bias[c]! / scale[c]!);
  }
  return {
    weight: quantized,
    bias: { data: { type: 'int32', dims: [channels], data: integers }, scale },
  };
}

/** What a correction may fill: only a matrix product has no input for it. */
function emptyBias({ hasBiasInput, weightTensor, channelAxis }: Anchor): Float32Array | undefined {
  return hasBiasInput ? new Float32Array(weightTensor.dims[channelAxis]!) : undefined;
}

function raiseScales(params: QuantParams, anchor: Anchor, inputScale: number): void {
  const { weightTensor, channelAxis, bias } = anchor;
  if (bias === undefined) return;
  const { scale, zeroPoint } = params;
  const largest = largestMagnitudes(weightTensor, channelAxis);
  // What a channel of zeros borrows: the scale of the largest weight of all, so that its bias is fine.
  const overall = largest.reduce((a, b) => Math.max(a, b), 0);
  const borrowed = paramsFromRange(
    { min: -overall, max: overall },
    { type: params.type, symmetric: true },
  ).scale;
  for (let c = 0; c < bias.length; c++) {
    const i = scale.length === 1 ? 0 : c;
    if (largest[c] === 0 && scale.length > 1 && overall > 0) scale[i] = borrowed;
    const least = Math.abs(bias[c]!) / maxBias / inputScale;
    // Only symmetric parameters keep their zero point when the scale changes.
    if (scale[i]! < least && zeroPoint[i] === 0) scale[i] = Math.fround(least * (1 + 2 ** -22));
  }
}

/** The largest magnitude in each output channel. */
export function largestMagnitudes({ dims, data }: Tensor<'float32'>, axis: number): Float32Array {
  const channels = dims[axis]!;
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const largest = new Float32Array(channels);
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / inner) % channels;
    const magnitude = Math.abs(data[i]!);
    if (magnitude > largest[c]!) largest[c] = magnitude;
  }
  return largest;
}

/** Signal to noise of a weight's codes, in dB. */
export function weightSqnr(data: Float32Array, weight: Tensor, params: QuantParams): number {
  const back = dequantize(weight.data as Int8Array, weight.dims, params);
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    const error = x - back[i]!;
    signal += x * x;
    noise += error * error;
  }
  return decibels(signal, noise);
}

/** 10 · log10(signal / noise); Infinity without noise, -Infinity without signal. */
export function decibels(signal: number, noise: number): number {
  if (noise === 0) return Number.POSITIVE_INFINITY;
  return 10 * Math.log10(signal / noise);
}
