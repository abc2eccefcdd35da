/**
 * Bias correction: quantizing moves the mean of what a layer writes, and the layers behind it see inputs that are
 * wrong to one side. In the order of computation each layer's bias takes back what its channels have moved by, with
 * all layers before it quantized and corrected. The mean is that of what the layer hands on, behind its activation
 * function: f(y_quantized + shift) has the mean of f(y_float). A channel is left alone where that does not make
 * samples better that its shift is not taken from.
 *
 * Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), the empirical form, which
 * looks in front of the function. There it ruins what it should mend where errors are large and a ReLU cuts most off.
 */
import { throwIfAborted } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { applyPatch } from '../graph/patch.js';
import { roundHalfEven } from '../numerics/index.js';
import { channelReader, shiftFor, squaredErrors } from './channelShift.js';
import { functionsBehind } from './handedOn.js';
import { PieceRunner } from './pieces.js';
import type { LayerRun } from './samples.js';
import { decibels, maxBias } from './weights.js';

/** What a layer hands on behind its activation function, against the float graph's, on the samples of the correction. */
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
    const node = nodeCalled(graph, name);
    const bias = biasOf(graph, node);
    const { shift, codes, ...noise } = shiftOf(
      float,
      nodeCalled(float, name),
      expected,
      found,
      bias,
    );
    layers.push({ node: name, ...noise });
    if (bias !== undefined && codes !== undefined) {
      graph = applyPatch(graph, {
        what: `correct the bias of ${name}`,
        constants: [[bias.codes, { ...bias.tensor, data: codes }]],
      });
      const output = node.outputs[0]!;
      if (indexOf(graph).consumers(output).length > 0) {
        rounded.replace(
          output,
          found.map((tensor) => movedBy(tensor, shift)),
        );
      }
    }
    onDone?.(layers.length, names.length);
  }
  return { graph, layers };
}

function nodeCalled(graph: Graph, name: string): Node {
  return graph.nodes.find((node) => node.name === name)!;
}

export interface Bias {
  /** The constant's name. */
  readonly codes: string;
  readonly tensor: Tensor<'int32'>;
  readonly scale: Float32Array;
}

/** The int32 bias of a layer; undefined where there is none. */
export function biasOf(graph: Graph, node: Node): Bias | undefined {
  const maker = indexOf(graph).producer(node.inputs[2] ?? '');
  if (maker?.op !== 'DequantizeLinear') return undefined;
  const [codes = '', scale = ''] = maker.inputs;
  const tensor = graph.constants.get(codes);
  if (tensor?.type !== 'int32') return undefined;
  const scales = graph.constants.get(scale)!.data as Float32Array;
  return { codes, tensor: tensor as Tensor<'int32'>, scale: scales };
}

/** New codes where there is a bias, by how much each channel moves with them, and the noise before and after. */
function shiftOf(
  float: Graph,
  node: Node,
  expected: readonly Tensor[],
  found: readonly Tensor[],
  bias: Bias | undefined,
) {
  // Only a layer with a bias has channels along axis 1.
  const channels = bias?.tensor.data.length ?? 1;
  const functions = functionsBehind(float, node, channels);
  const valuesOf = channelReader({ expected, found, channels, functions });
  const codes = bias?.tensor.data.slice();
  const shift = new Float32Array(channels);
  let [signal, before, after] = [0, 0, 0];
  for (let c = 0; c < channels; c++) {
    const values = valuesOf(c);
    if (bias !== undefined && codes !== undefined) {
      const step = bias.scale[bias.scale.length === 1 ? 0 : c]!;
      const wanted = codes[c]! + roundHalfEven(shiftFor(values, step / 4) / step);
      const code = Math.min(Math.max(wanted, -maxBias), maxBias);
      shift[c] = (code - codes[c]!) * step;
      codes[c] = code;
    }
    signal += values.expected.reduce((sum, x) => sum + x * x, 0);
    before += squaredErrors(values, 0);
    after += squaredErrors(values, shift[c]!);
  }
  return { codes, shift, before: decibels(signal, before), after: decibels(signal, after) };
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
