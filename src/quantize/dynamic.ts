/**
 * Dynamic quantization: int8 weights with a scale for each output channel, activations quantized while the model runs,
 * by the range that each input has. No samples are needed. What is written is ordinary ONNX: MatMulInteger and
 * ConvInteger between a quantizer of x, a Cast, and a Mul by both scales.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import type { Graph, Node } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import { permuteTensor } from '../passes/lower/shapes.js';
import type { SessionOptions } from '../runtime/session.js';
import { checkNames, flag, oneOf, opTypesOf } from './checks.js';
import {
  type Done,
  quantizeTensor,
  quantizeWeighted,
  type Weighted,
  type WeightsResult,
  type Written,
} from './floatWeights.js';
import {
  dynamicOps,
  preparingSamples,
  type SelectionOptions,
  type Smoothing,
  type SmoothQuantOption,
  selectionOptions,
  smoothingOf,
} from './options.js';
import { progressOf } from './progress.js';
import { type DynamicRecipe, recipeHead, recipeSmoothings } from './recipe.js';
import { keepSamples, SampleKeeper, type Samples } from './samples.js';
import { type Smoothed, type SmoothOptions, smooth } from './smooth.js';
import type { SmoothingMemory } from './smoothingMemory.js';
import type { QuantizedWeight } from './weights.js';
import { GraphWriter } from './writer.js';

export interface QuantizeDynamicOptions extends SelectionOptions {
  /**
   * How activations of matrix products are quantized: 'per-row' (default) to int8, each row by its own largest
   * magnitude, so that no token coarsens another; or 'per-tensor' to uint8 by DynamicQuantizeLinear. Those of Conv
   * always are 'per-tensor'.
   */
  readonly activations?: 'per-row' | 'per-tensor';
  /** One weight scale per output channel. Default true. */
  readonly perChannel?: boolean;
  /** 7-bit weights, for engines that saturate on CPUs without VNNI; Octavo never does. Default false. */
  readonly reduceRange?: boolean;
  /**
   * Divides channels with outliers of what matrix products read, and multiplies the weights by as much. `alpha` is the
   * share of the difficulty that weights take, 0 … 1, or 'search' (default): the best of 0.3 … 0.8 for each layer. Needs
   * `calibrationData`. Default false.
   */
  readonly smoothQuant?: SmoothQuantOption;
  /** Feeds of the model, of which `smoothQuant` looks at 32, evenly spread. */
  readonly calibrationData?: Samples;
  /** Backend, threads and limits of the float runs that `smoothQuant` makes. */
  readonly session?: SessionOptions;
  /** Operator types to quantize. Default MatMul and Gemm; Conv may be asked for. */
  readonly opTypes?: readonly string[];
}

const known = [
  'activations',
  'perChannel',
  'reduceRange',
  'smoothQuant',
  'calibrationData',
  'session',
  ...selectionOptions,
] as const satisfies readonly (keyof QuantizeDynamicOptions)[];

/** What `quantizeDynamic` of making.ts does. */
export async function quantizeDynamic(
  source: Model | string | Uint8Array,
  options: QuantizeDynamicOptions = {},
): Promise<WeightsResult> {
  return dynamicWith(source, options);
}

/** The same; `memory` holds what is known of smoothing from other models of the same graph, samples and settings. */
export async function dynamicWith(
  source: Model | string | Uint8Array,
  options: QuantizeDynamicOptions,
  memory?: SmoothingMemory,
): Promise<WeightsResult> {
  checkNames(options, known);
  const rows = oneOf('activations', options.activations, ['per-row', 'per-tensor'], 'per-row');
  const settings: DynamicSettings = {
    rows: rows === 'per-row',
    perChannel: flag('perChannel', options.perChannel, true),
    reduceRange: flag('reduceRange', options.reduceRange, false),
  };
  const opTypes = opTypesOf(options.opTypes ?? ['MatMul', 'Gemm'], dynamicOps);
  const smoothing = smoothingOf(options.smoothQuant);
  if (smoothing === undefined && options.calibrationData !== undefined) {
    throw new OctavoError('INVALID_ARGUMENT', 'only smoothQuant needs samples', {
      where: 'calibrationData',
    });
  }
  return quantizeWeighted(
    source,
    { ...options, opTypes },
    (graph, nodes, done) => writeDynamic(graph, nodes, settings, done),
    (written) => dynamicRecipe(written, settings),
    smoothing &&
      ((graph, selected) => smoothed(graph, selected, { ...smoothing, memory }, settings, options)),
  );
}

async function smoothed(
  graph: Graph,
  selected: ReadonlySet<Node>,
  how: Smoothing & Pick<SmoothOptions, 'memory'>,
  { rows, perChannel }: DynamicSettings,
  { calibrationData, session, onProgress, signal }: QuantizeDynamicOptions,
): Promise<Smoothed> {
  const keeper = new SampleKeeper(preparingSamples);
  await keepSamples(calibrationData, keeper, signal);
  return smooth(graph, selected, {
    ...how,
    samples: keeper.samples,
    activations: rows
      ? { type: 'int8', symmetric: true, granularity: 'row' }
      : { type: 'uint8', symmetric: false },
    weightType: 'int8',
    perChannel,
    mayMultiply: () => true,
    session,
    signal,
    onDone: progressOf('smooth', onProgress),
  });
}

/** What decides how nodes are written. */
export interface DynamicSettings {
  /** Whether the inputs of matrix products are quantized row by row. */
  readonly rows: boolean;
  readonly perChannel: boolean;
  readonly reduceRange: boolean;
}

function dynamicRecipe(
  { float, quantized, factors, layers }: Written,
  { rows, perChannel, reduceRange }: DynamicSettings,
): DynamicRecipe {
  return {
    ...recipeHead(float, quantized),
    kind: 'dynamic',
    activations: rows ? 'per-row' : 'per-tensor',
    perChannel,
    reduceRange,
    smoothed: recipeSmoothings(factors),
    layers: layers.map((node) => ({ node })),
  };
}

/** Codes of x, their scale, and their zero point where it is not 0. */
interface Codes {
  readonly codes: string;
  readonly scale: string;
  readonly zero: string | undefined;
}

/** The graph with MatMulInteger and ConvInteger in place of the nodes. */
export function writeDynamic(
  graph: Graph,
  nodes: readonly Weighted[],
  settings: DynamicSettings,
  done: (one: Done) => void,
): Graph {
  const to = new GraphWriter(graph);
  // One quantizer for all that read a value alike.
  const quantizers = new Map<string, Codes>();
  for (const from of nodes) {
    const { node, tensor, channelAxis } = from;
    const x = node.inputs[0]!;
    const rows = settings.rows && node.op !== 'Conv';
    const key = `${rows} ${x}`;
    const codes = quantizers.get(key) ?? (rows ? rowCodes(to, x) : tensorCodes(to, x));
    quantizers.set(key, codes);
    const weight = quantizeTensor(tensor, {
      type: 'int8',
      symmetric: true,
      reduceRange: settings.reduceRange,
      granularity: settings.perChannel ? { channel: channelAxis } : 'tensor',
      where: from.weight,
    });
    writeProduct(to, from, weight, codes);
    done({ from, weight });
  }
  return to.done('quantize dynamically');
}

/** uint8 by the range of all of x. */
function tensorCodes(to: GraphWriter, x: string): Codes {
  const types = [
    ['uint8', to.dimsOf(x)] as const,
    ['float32', []] as const,
    ['uint8', []] as const,
  ];
  const [codes, scale, zero] = to.node('DynamicQuantizeLinear', [x], `${x}_quantized`, types);
  return { codes, scale: scale!, zero };
}

/**
 * int8 by the largest magnitude of each row: scale = max |x| / 127, 1 where that is 0, and
 * clamp(round(x / scale), −128, 127).
 */
function rowCodes(to: GraphWriter, x: string): Codes {
  const dims = to.dimsOf(x);
  const rowDims = dims && [...dims.slice(0, -1), 1];
  const one = (
    op: string,
    inputs: readonly string[],
    wish: string,
    type: Parameters<GraphWriter['node']>[3][number],
    attributes: NonNullable<Parameters<GraphWriter['node']>[4]>['attributes'] = [],
  ) => to.node(op, inputs, `${x}_${wish}`, [type], { attributes })[0];
  const last = to.constant(`${x}_last`, {
    type: 'int64',
    dims: [1],
    data: BigInt64Array.of(-1n),
  });
  const magnitude = one('Abs', [x], 'abs', ['float32', dims]);
  const keep = [['keepdims', attribute.int(1)]] as const;
  const largest = one('ReduceMax', [magnitude, last], 'max', ['float32', rowDims], keep);
  const step = one('Div', [largest, to.number(127)], 'step', ['float32', rowDims]);
  const isZero = one('Equal', [step, to.number(0)], 'zero', ['bool', rowDims]);
  const scale = one('Where', [isZero, to.number(1), step], 'scale', ['float32', rowDims]);
  const divided = one('Div', [x, scale], 'divided', ['float32', dims]);
  const rounded = one('Round', [divided], 'rounded', ['float32', dims]);
  const bounds = [to.number(-128), to.number(127)];
  const clipped = one('Clip', [rounded, ...bounds], 'clipped', ['float32', dims]);
  const int8 = [['to', attribute.int(3)]] as const;
  return {
    codes: one('Cast', [clipped], 'quantized', ['int8', dims], int8),
    scale,
    zero: undefined,
  };
}

function writeProduct(
  to: GraphWriter,
  { node, weight: name, tensor, channelAxis }: Weighted,
  weight: QuantizedWeight,
  { codes, scale, zero }: Codes,
): void {
  const output = node.outputs[0]!;
  const isConv = node.op === 'Conv';
  const dims = to.dimsOf(output);
  const turned = !isConv && channelAxis === 0 ? permuteTensor(weight.data, [1, 0]) : weight.data;
  const channels = tensor.dims[channelAxis]!;
  const spread = isConv ? [channels, ...tensor.dims.slice(2).map(() => 1)] : [channels];
  const perChannel = weight.params.scale.length > 1;
  const scales = to.constant(`${name}_scale`, {
    type: 'float32',
    dims: perChannel ? spread : [],
    data: weight.params.scale,
  });
  const inputs = [codes, to.constant(`${name}_quantized`, turned), ...(zero ? [zero] : [])];
  const op = isConv ? 'ConvInteger' : 'MatMulInteger';
  const attributes = isConv ? [...node.attributes] : [];
  const wish = (what: string) => `${output}_${what}`;
  const [sum] = to.node(op, inputs, wish('sum'), [['int32', dims]], { attributes });
  const float32 = [['to', attribute.int(1)]] as const;
  const [real] = to.node('Cast', [sum], wish('real'), [['float32', dims]], { attributes: float32 });
  const bias = node.inputs[2] ?? '';
  const last = bias === '' ? { output } : {};
  const multiply = (a: string, b: string, what: string, rest = {}) =>
    to.node('Mul', [a, b], wish(what), [['float32', dims]], rest)[0];
  // Scales of rows are multiplied one by one: ONNX Runtime takes a product of scales for one of a whole tensor.
  const scaled =
    zero === undefined
      ? multiply(multiply(real, scales, 'columns'), scale, 'scaled', last)
      : multiply(
          real,
          to.node('Mul', [scale, scales], wish('scales'), [
            ['float32', perChannel ? spread : []],
          ])[0],
          'scaled',
          last,
        );
  to.remove(node);
  if (bias === '') return;
  // ConvInteger's channels are axis 1.
  const values = isConv ? to.constantOf(bias)! : undefined;
  const addend = values
    ? to.constant(`${bias}_spread`, { ...values, dims: spread } as Tensor)
    : bias;
  to.node('Add', [scaled, addend], wish('biased'), [['float32', dims]], { output });
}
