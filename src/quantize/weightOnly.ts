/**
 * Quantizing weights alone: the file is a fourth or an eighth of its size, and the model computes in float, on what the
 * codes stand for. No samples are needed. int8 weights have a scale for each output channel, behind a DequantizeLinear;
 * int4 weights one for each block of neighbours that a product sums, as com.microsoft's MatMulNBits or behind a blocked
 * DequantizeLinear. Samples are needed only for rounding by what layers see.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import type { Graph } from '../graph/ir.js';
import { type QuantParams, unpack } from '../numerics/index.js';
import type { Model } from '../onnx/model.js';
import type { SessionOptions } from '../runtime/session.js';
import { checkNames, flag, oneOf, opTypesOf } from './checks.js';
import { type CodeSteps, stepsBetween } from './codeSteps.js';
import {
  type Done,
  quantizeTensor,
  quantizeWeighted,
  type Weighted,
  type WeightsResult,
  type Written,
} from './floatWeights.js';
import { zeroPointTensor } from './insert.js';
import {
  type Rounding,
  roundingSamples,
  roundings,
  type SelectionOptions,
  selectionOptions,
  weightOps,
} from './options.js';
import { packUnlessZero } from './packedNumbers.js';
import { progressOf } from './progress.js';
import { recipeHead, type WeightsRecipe } from './recipe.js';
import { roundWeights } from './roundWeights.js';
import { keepSamples, SampleKeeper, type Samples } from './samples.js';
import type { QuantizedWeight } from './weights.js';
import { GraphWriter } from './writer.js';

export interface QuantizeWeightsOptions extends SelectionOptions {
  /** Default 'int8'. */
  readonly type?: 'int8' | 'int4';
  /** int4: weights that share a scale, along the axis that products sum: 16, 32, … 256. Default 32. */
  readonly blockSize?: number;
  /**
   * int4: how products are written. 'MatMulNBits' (default) is what engines have kernels for; 'DequantizeLinear' is
   * standard ONNX (opset 21), and the form of all that is no product of matrices.
   */
  readonly format?: 'MatMulNBits' | 'DequantizeLinear';
  /** A zero point in the middle. Default true for int8, false for int4. */
  readonly symmetric?: boolean;
  /**
   * MatMulNBits: 'float' (default), or 'int8', which lets engines quantize activations to int8 (`accuracy_level` 4).
   * Octavo runs the second with weights of 4 bits in memory, and the first with weights dequantized to float32.
   */
  readonly activations?: 'float' | 'int8';
  /**
   * Weights go to the nearest code (default), or where GPTQ or AdaRound find that the layer's outputs on 32 of the
   * `calibrationData` change least. Tables of a Gather, and layers that sum more than 8,192 products, go to the nearest.
   */
  readonly rounding?: Rounding;
  /** Feeds of the model, which any rounding but to the nearest needs. */
  readonly calibrationData?: Samples;
  /** Backend, threads and limits of the float runs that rounding makes. */
  readonly session?: SessionOptions;
  /** Operator types to quantize. Default MatMul, Gemm, Conv and Gather (rows of a table). */
  readonly opTypes?: readonly string[];
}

const known = [
  'type',
  'blockSize',
  'format',
  'symmetric',
  'activations',
  'rounding',
  'calibrationData',
  'session',
  ...selectionOptions,
] as const satisfies readonly (keyof QuantizeWeightsOptions)[];

/** What decides how nodes are written. */
export interface WeightsSettings {
  readonly type: 'int8' | 'int4';
  readonly blockSize: number;
  /** Whether products with 4 bits become MatMulNBits, and with which accuracy level. */
  readonly packed: boolean;
  readonly accuracyLevel: number;
  readonly symmetric: boolean;
}

interface Settings extends WeightsSettings {
  readonly rounding: Rounding;
}

/** What `quantizeWeights` of making.ts does. */
export async function quantizeWeights(
  source: Model | string | Uint8Array,
  options: QuantizeWeightsOptions = {},
): Promise<WeightsResult> {
  const settings = resolve(options);
  const opTypes = opTypesOf(options.opTypes, weightOps);
  let codes: ReadonlyMap<string, RoundedWeight> = new Map();
  return quantizeWeighted(
    source,
    { ...options, opTypes },
    async (graph, nodes, done) => {
      codes = await roundedCodes(graph, nodes, settings, options);
      return writeWeights(graph, nodes, settings, codes, done);
    },
    (written) => weightsRecipe(written, settings, codes),
  );
}

function weightsRecipe(
  { float, quantized, layers }: Written,
  { type, symmetric, blockSize, packed, accuracyLevel }: WeightsSettings,
  rounded: ReadonlyMap<string, RoundedWeight>,
): WeightsRecipe {
  return {
    ...recipeHead(float, quantized),
    kind: 'weights',
    type,
    symmetric,
    ...(type === 'int4' && {
      blockSize,
      format: packed ? 'MatMulNBits' : 'DequantizeLinear',
      activations: accuracyLevel === 4 ? 'int8' : 'float',
    }),
    layers: layers.map((node) => ({ node, codes: packUnlessZero(rounded.get(node)?.steps) })),
  };
}

/** A weight whose codes samples decided, and how far these are from the nearest ones. */
interface RoundedWeight extends QuantizedWeight {
  readonly steps: CodeSteps;
}

/** By the name of the node. */
async function roundedCodes(
  graph: Graph,
  nodes: readonly Weighted[],
  settings: Settings,
  { calibrationData: data, session, onProgress, signal }: QuantizeWeightsOptions,
): Promise<ReadonlyMap<string, RoundedWeight>> {
  const { rounding } = settings;
  if (rounding === 'nearest') return new Map();
  const keeper = new SampleKeeper(roundingSamples);
  await keepSamples(data, keeper, signal);
  const layers = nodes
    .filter(({ node }) => node.op !== 'Gather')
    .map((from) => {
      const { data: codes, params } = nearestWeight(from, settings);
      return { ...from, params, codes };
    });
  const onDone = progressOf('round', onProgress);
  const run = { samples: keeper.samples, session, signal, onDone };
  const rounded = await roundWeights(graph, layers, rounding, run);
  const entries = layers.flatMap(({ node: { name }, codes }) => {
    const weight = rounded.get(name);
    return weight === undefined
      ? []
      : [[name, { ...weight, steps: stepsBetween(codes, weight.data) }] as const];
  });
  return new Map(entries);
}

function isPacked({ node }: Weighted, { type, packed }: WeightsSettings): boolean {
  return type === 'int4' && packed && (node.op === 'MatMul' || node.op === 'Gemm');
}

/** The weight of a node, rounded to the nearest codes. */
export function nearestWeight(from: Weighted, settings: WeightsSettings): QuantizedWeight {
  const { type, blockSize, symmetric } = settings;
  return quantizeTensor(from.tensor, {
    type: isPacked(from, settings) ? 'uint4' : type,
    symmetric,
    granularity:
      type === 'int8' ? { channel: from.channelAxis } : { block: blockSize, axis: from.sumAxis },
    where: from.weight,
  });
}

function resolve(options: QuantizeWeightsOptions): Settings {
  checkNames(options, known);
  const type = oneOf('type', options.type, ['int8', 'int4'], 'int8');
  const { blockSize = 32 } = options;
  for (const name of ['blockSize', 'format', 'activations'] as const) {
    if (type === 'int4' || options[name] === undefined) continue;
    throw new OctavoError('INVALID_ARGUMENT', 'int8 weights have none', { where: name });
  }
  if (![16, 32, 64, 128, 256].includes(blockSize)) {
    throw new OctavoError('INVALID_ARGUMENT', 'bad block size', {
      where: 'blockSize',
      expected: '16, 32, 64, 128 or 256',
      found: String(blockSize),
    });
  }
  const formats = ['MatMulNBits', 'DequantizeLinear'] as const;
  const packed = oneOf('format', options.format, formats, 'MatMulNBits') === 'MatMulNBits';
  const activations = oneOf('activations', options.activations, ['float', 'int8'], 'float');
  if (!packed && activations === 'int8') {
    throw new OctavoError('INVALID_ARGUMENT', 'DequantizeLinear has float activations', {
      where: 'activations',
    });
  }
  const accuracyLevel = activations === 'int8' ? 4 : 0;
  const symmetric = flag('symmetric', options.symmetric, type === 'int8');
  const rounding = oneOf('rounding', options.rounding, roundings, 'nearest');
  if (rounding === 'nearest' && options.calibrationData !== undefined) {
    throw new OctavoError('INVALID_ARGUMENT', 'rounding to the nearest needs none', {
      where: 'calibrationData',
    });
  }
  return { type, blockSize, packed, symmetric, accuracyLevel, rounding };
}

/** The graph with quantized weights in place of the nodes' own; `codes`, by the node's name, go before the nearest. */
export function writeWeights(
  graph: Graph,
  nodes: readonly Weighted[],
  settings: WeightsSettings,
  codes: ReadonlyMap<string, QuantizedWeight>,
  done: (one: Done) => void,
): Graph {
  const to = new GraphWriter(graph);
  // One weight for all that share it, where they share its scales too.
  const written = new Map<string, { weight: QuantizedWeight; value: string }>();
  for (const from of nodes) {
    const { node, channelAxis } = from;
    const packed = isPacked(from, settings);
    const key = `${packed} ${channelAxis} ${from.weight}`;
    let entry = written.get(key);
    if (entry === undefined) {
      const weight = codes.get(node.name) ?? nearestWeight(from, settings);
      entry = { weight, value: packed ? '' : dequantized(to, from.weight, weight) };
      written.set(key, entry);
    }
    if (packed) writePacked(to, from, entry.weight, settings);
    else {
      const at = node.op === 'Gather' ? 0 : 1;
      to.replace(node, { ...node, inputs: node.inputs.with(at, entry.value) });
    }
    done({ from, weight: entry.weight });
  }
  return to.done('quantize weights');
}

/** Scales or zero points in the shape that the codes' parameters have. */
function parameterDims({ axis, blockSize }: QuantParams, dims: readonly number[]): number[] {
  if (axis === undefined) return [];
  if (blockSize === undefined) return [dims[axis]!];
  return dims.map((dim, i) => (i === axis ? Math.ceil(dim / blockSize) : dim));
}

/** A DequantizeLinear of the codes. */
function dequantized(to: GraphWriter, name: string, { data, params }: QuantizedWeight): string {
  const dims = parameterDims(params, data.dims);
  const inputs = [
    to.constant(`${name}_quantized`, data),
    to.constant(`${name}_scale`, { type: 'float32', dims, data: params.scale }),
  ];
  if (params.zeroPoint.some((zero) => zero !== 0)) {
    inputs.push(to.constant(`${name}_zero_point`, zeroPointTensor(params, dims)));
  }
  const { axis, blockSize } = params;
  const attributes = [
    ...(axis === undefined ? [] : [['axis', attribute.int(axis)] as const]),
    ...(blockSize === undefined ? [] : [['block_size', attribute.int(blockSize)] as const]),
  ];
  return to.node('DequantizeLinear', inputs, `${name}_dequantized`, [['float32', data.dims]], {
    attributes,
  })[0];
}

/** A MatMulNBits in the node's place, and an Add of its bias. */
function writePacked(
  to: GraphWriter,
  { node, weight: name, channelAxis }: Weighted,
  { data, params }: QuantizedWeight,
  { blockSize, symmetric, accuracyLevel }: WeightsSettings,
): void {
  const { dims } = data;
  const [columns, depth] = [dims[channelAxis]!, dims[1 - channelAxis]!];
  const blocks = Math.ceil(depth / blockSize);
  const rowsOf = (values: Int32Array | Uint8Array | Float32Array, length: number) => {
    // [N, length], from [length, N] where channels run along axis 1.
    const at = (n: number, i: number) => (channelAxis === 0 ? n * length + i : i * columns + n);
    return (n: number, i: number) => values[at(n, i)]!;
  };
  const codes = unpack(data.data as Uint8Array, columns * depth, 'uint4');
  const codeOf = rowsOf(codes, depth);
  const zeroOf = rowsOf(params.zeroPoint, blocks);
  const scaleOf = rowsOf(params.scale, blocks);
  const bytes = new Uint8Array(columns * blocks * (blockSize / 2));
  const zeroStride = Math.ceil(blocks / 2);
  const zeros = new Uint8Array(columns * zeroStride);
  const scales = new Float32Array(columns * blocks);
  for (let n = 0; n < columns; n++) {
    for (let block = 0; block < blocks; block++) {
      scales[n * blocks + block] = scaleOf(n, block);
      zeros[n * zeroStride + (block >> 1)]! |= zeroOf(n, block) << (4 * (block & 1));
    }
    for (let k = 0; k < blocks * blockSize; k++) {
      const code = k < depth ? codeOf(n, k) : zeroOf(n, blocks - 1);
      bytes[n * blocks * (blockSize / 2) + (k >> 1)]! |= code << (4 * (k & 1));
    }
  }
  const inputs = [
    node.inputs[0]!,
    to.constant(`${name}_quantized`, {
      type: 'uint8',
      dims: [columns, blocks, blockSize / 2],
      data: bytes,
    }),
    to.constant(`${name}_scale`, { type: 'float32', dims: [columns * blocks], data: scales }),
  ];
  if (!symmetric) {
    const tensor: Tensor = { type: 'uint8', dims: [columns * zeroStride], data: zeros };
    inputs.push(to.constant(`${name}_zero_points`, tensor));
  }
  const sizes = {
    K: depth,
    N: columns,
    bits: 4,
    block_size: blockSize,
    accuracy_level: accuracyLevel,
  };
  const attributes = Object.entries(sizes).map(
    ([key, value]) => [key, attribute.int(value)] as const,
  );
  const output = node.outputs[0]!;
  const type = [['float32', to.dimsOf(output)]] as const;
  const bias = node.inputs[2] ?? '';
  const rest = { domain: 'com.microsoft', attributes, ...(bias === '' && { output }) };
  const [product] = to.node('MatMulNBits', inputs, `${output}_product`, type, rest);
  to.remove(node);
  if (bias !== '') to.node('Add', [product, bias], `${output}_biased`, type, { output });
}
