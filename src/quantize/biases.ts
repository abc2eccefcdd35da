/**
 * Bias correction: quantizing moves the mean of what a layer writes, and the layers behind it see inputs that are
 * wrong to one side. In the order of computation each layer's bias takes back what its channels have moved by, with
 * all layers before it quantized and corrected: b_c −= mean(y_quantized − y_float)_c.
 *
 * Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), the empirical form.
 */
import { throwIfAborted } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { applyPatch } from '../graph/patch.js';
import { roundHalfEven } from '../numerics/index.js';
import { PieceRunner } from './pieces.js';
import type { LayerRun } from './samples.js';
import { decibels, maxBias } from './weights.js';

/** What a layer writes, against the float graph's, on the samples of the correction. */
export interface LayerNoise {
  readonly node: string;
  /** Signal to noise in dB before its own bias was corrected, and after. */
  readonly before: number;
  readonly after: number;
}

export interface CorrectedBiases {
  readonly graph: Graph;
  readonly layers: readonly LayerNoise[];
}

/**
 * Corrects the biases of the layers called `names` in a graph with quantized constants, against the float graph that
 * it was made from. Layers whose bias is not an int32 constant behind a DequantizeLinear are measured and left alone.
 */
export async function correctBiases(
  float: Graph,
  quantized: Graph,
  names: readonly string[],
  { samples, session, signal, onDone }: LayerRun,
): Promise<CorrectedBiases> {
  const exact = new PieceRunner(samples, { session });
  const rounded = new PieceRunner(samples, { session });
  const layers: LayerNoise[] = [];
  let graph = quantized;
  for (const name of names) {
    throwIfAborted(signal, 'bias correction');
    const expected = await exact.advance(float, name, signal);
    const found = await rounded.advance(graph, name, signal);
    const node = graph.nodes.find((candidate) => candidate.name === name)!;
    const errors = errorsBetween(expected, found);
    const before = decibels(errors.signal, errors.noise);
    const bias = biasOf(graph, node);
    if (bias === undefined) {
      layers.push({ node: name, before, after: before });
    } else {
      const shift = shiftOf(bias, errors);
      graph = applyPatch(graph, {
        what: `correct the bias of ${name}`,
        constants: [[bias.codes, { ...bias.tensor, data: shift.codes }]],
      });
      const output = node.outputs[0]!;
      if (indexOf(graph).consumers(output).length > 0) {
        rounded.replace(
          output,
          found.map((tensor) => movedBy(tensor, shift.real)),
        );
      }
      const after = decibels(errors.signal, noiseAfter(errors, shift.real));
      layers.push({ node: name, before, after });
    }
    onDone?.(layers.length, names.length);
  }
  return { graph, layers };
}

interface Bias {
  /** The constant's name. */
  readonly codes: string;
  readonly tensor: Tensor<'int32'>;
  readonly scale: Float32Array;
}

function biasOf(graph: Graph, node: Node): Bias | undefined {
  const maker = indexOf(graph).producer(node.inputs[2] ?? '');
  if (maker?.op !== 'DequantizeLinear') return undefined;
  const [codes = '', scale = ''] = maker.inputs;
  const tensor = graph.constants.get(codes);
  if (tensor?.type !== 'int32') return undefined;
  const scales = graph.constants.get(scale)!.data as Float32Array;
  return { codes, tensor: tensor as Tensor<'int32'>, scale: scales };
}

interface Errors {
  /** Values for each index of axis 1, and the sum of found − expected over them. */
  readonly count: number;
  readonly sums: Float64Array;
  /** Sums of squares of what was expected and of the errors. */
  readonly signal: number;
  readonly noise: number;
}

function errorsBetween(expected: readonly Tensor[], found: readonly Tensor[]): Errors {
  const channels = expected[0]!.dims[1] ?? 1;
  const sums = new Float64Array(channels);
  let count = 0;
  let signal = 0;
  let noise = 0;
  for (const [i, tensor] of expected.entries()) {
    const x = tensor.data as Float32Array;
    const y = found[i]!.data as Float32Array;
    const inner = innerOf(tensor);
    for (let at = 0, c = 0; at < x.length; at += inner, c = (c + 1) % channels) {
      let sum = 0;
      for (let j = at; j < at + inner; j++) {
        const error = y[j]! - x[j]!;
        sum += error;
        noise += error * error;
        signal += x[j]! * x[j]!;
      }
      sums[c]! += sum;
    }
    count += x.length / channels;
  }
  return { count, sums, signal, noise };
}

/** Σ (error + shift)², from Σ error² and Σ error. */
function noiseAfter({ count, sums, noise }: Errors, shift: Float32Array): number {
  const change = sums.reduce((all, sum, c) => all + shift[c]! * (2 * sum + count * shift[c]!), 0);
  return Math.max(noise + change, 0);
}

/** New codes, and by how much each channel's outputs move with them. */
function shiftOf({ tensor, scale }: Bias, { sums, count }: Errors) {
  const codes = tensor.data.slice();
  const real = new Float32Array(codes.length);
  for (let c = 0; c < codes.length; c++) {
    const step = scale[scale.length === 1 ? 0 : c]!;
    const wanted = codes[c]! + roundHalfEven(-sums[c]! / count / step);
    const code = Math.min(Math.max(wanted, -maxBias), maxBias);
    const shift = code - codes[c]!;
    codes[c] = code;
    real[c] = shift * step;
  }
  return { codes, real };
}

function movedBy(tensor: Tensor, shift: Float32Array): Tensor<'float32'> {
  const data = Float32Array.from(tensor.data as Float32Array);
  const inner = innerOf(tensor);
  for (let at = 0, c = 0; at < data.length; at += inner, c = (c + 1) % shift.length) {
    for (let j = at; j < at + inner; j++) data[j]! += shift[c]!;
  }
  return { type: 'float32', dims: tensor.dims, data };
}

/** Elements of one index of axis 1. */
function innerOf({ dims }: Tensor): number {
  return dims.slice(2).reduce((a, b) => a * b, 1);
}
