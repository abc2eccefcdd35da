/**
 * Options of static quantization, with the defaults that hold unless a caller says otherwise. Unknown
 * options and unknown values are errors: nothing a caller writes is ignored.
 */
import { type CalibrationMethod, calibrationMethods } from '../calibrate/index.js';
import { OctavoError } from '../core/errors.js';
import type { Node } from '../graph/ir.js';
import type { SessionOptions } from '../runtime/session.js';
import type { Calibration } from './calibration.js';
import { checkNames, count, flag, oneOf, opTypesOf } from './checks.js';
import type { Progress } from './progress.js';
import type { Samples } from './samples.js';

/** Picks nodes by exact name, by pattern on the name, or by asking about each node. */
export type NodeSelector = string | RegExp | ((node: Node) => boolean);

/** Which nodes a quantizer takes, and how it is followed and ended. */
export interface SelectionOptions {
  /** When given, only these nodes are quantized. A selector that matches no node throws `NO_MATCH`. */
  readonly nodesToQuantize?: readonly NodeSelector[];
  /** These nodes stay in float. A selector that matches no node throws `NO_MATCH`. */
  readonly nodesToExclude?: readonly NodeSelector[];
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Names of what every quantizer takes. */
export const selectionOptions = [
  'opTypes',
  'nodesToQuantize',
  'nodesToExclude',
  'onProgress',
  'signal',
] as const satisfies readonly ('opTypes' | keyof SelectionOptions)[];

/** Types of weights and of activations in static quantization, the finest of activations first. */
export const weightTypes = ['int8', 'uint8', 'int16', 'int4', 'uint4'] as const;
export const activationTypes = ['uint16', 'int16', 'uint8', 'int8'] as const;
export type WeightType = (typeof weightTypes)[number];
/** How weights are rounded. */
export const roundings = ['nearest', 'gptq', 'adaround'] as const;
export type Rounding = (typeof roundings)[number];
export const weightMethods = ['max', 'mse'] as const;
export type WeightMethod = (typeof weightMethods)[number];
export type ActivationType = (typeof activationTypes)[number];

/** What some layers do otherwise than the rest. */
export interface LayerOverride {
  /** A selector that matches no node, or none that is quantized, throws `NO_MATCH`. */
  readonly nodes: readonly NodeSelector[];
  readonly weightType?: WeightType;
  /** Of the values that the layer reads. What two layers read takes the finer of their types. */
  readonly activationType?: ActivationType;
  /** How the ranges of the values that the layer reads are chosen. */
  readonly calibrationMethod?: CalibrationMethod;
  /** Share of the values kept by 'percentile', in percent. */
  readonly percentile?: number;
}

export type EqualizeOption = boolean | { readonly absorbBiases?: boolean };

export type SmoothQuantOption = boolean | { readonly alpha?: number | 'search' };

export interface QuantizeStaticOptions extends SelectionOptions {
  /**
   * Feeds of the model, streamed: calibrating on 10,000 samples takes the memory of one. Beside `calibration` only what
   * else needs samples reads them.
   */
  readonly calibrationData?: Samples;
  /** What samples showed, from `calibrate`, in place of watching them again. */
  readonly calibration?: Calibration;
  /**
   * Gives back by the biases what quantizing moves the mean of each layer's channels by, measured on `samples` (default
   * 32) of the calibration data, evenly spread. Default false.
   */
  readonly biasCorrection?: boolean | { readonly samples?: number };
  /**
   * Evens out the ranges of channels between layers, which leaves the float model's answers as they are: for one scale per
   * weight. A clamp such as ReLU6 between two layers then gets a bound for each channel, and is computed in float.
   * Reads the calibration data twice. With `absorbBiases` (default false) what a channel always holds behind a ReLU moves
   * into the bias of the next layer, where that pads nothing. Default false.
   */
  readonly equalize?: EqualizeOption;
  /**
   * Divides channels with outliers of what matrix products read, and multiplies the weights by as much, which leaves the
   * float model's answers as they are. Reads the calibration data twice. `alpha` is the share of the difficulty that
   * weights take, 0 … 1, or 'search' (default): the best of 0.3 … 0.8 for each layer. Default false.
   */
  readonly smoothQuant?: SmoothQuantOption;
  /**
   * How activation ranges are chosen. 'auto' tries 'mse', 'max', 'percentile' (99.99 and 99.999) and 'entropy' on 16 of the
   * samples, and takes the one with the most signal to noise in front of a last softmax. Default 'mse'.
   */
  readonly calibrationMethod?: CalibrationMethod | 'auto';
  /** Share of the values kept by 'percentile', in percent. Default 99.99. */
  readonly percentile?: number;
  /**
   * Default 'uint8'. With 16 bits files say what they mean, and engines that have such kernels compute in integers;
   * Octavo rounds the values as the file says, and computes those layers in float, but for products of int16: see `weightType`.
   */
  readonly activationType?: ActivationType;
  /**
   * Default 'int8'. 4-bit weights are packed two to a byte (opset 21), and products with them are those of int8. Weights of
   * int16 (opset 21) beside activations of 16 bits are INT16: Octavo computes Gemm and MatMul in integers where activations
   * are int16 and symmetric, the sums in 64 bits, and everything else of 16 bits in float.
   */
  readonly weightType?: WeightType;
  /** Layers with settings of their own; of several entries that match a layer, the last one that says so decides. */
  readonly overrides?: readonly LayerOverride[];
  /**
   * Weights go to the nearest code, or where GPTQ or AdaRound find that the layer's outputs on 32 of the samples change
   * least: of use with 4 bits, or with one scale per weight. AdaRound takes longer, and makes up for what earlier layers
   * have changed. Layers that sum more than 8,192 products are rounded to the nearest. Default 'nearest'.
   */
  readonly rounding?: Rounding;
  /** One weight scale per output channel. Default true. */
  readonly perChannel?: boolean;
  /**
   * How scales of weights are chosen: by the 'max' magnitude, or by the least squared error, 'mse', which clips some.
   * Default 'auto': 'mse' for 4 bits and for one scale per weight, else 'max'.
   */
  readonly weightMethod?: WeightMethod | 'auto';
  /** Scale mapping (zero point in the middle). Default { weights: true, activations: false }. */
  readonly symmetric?: { readonly weights?: boolean; readonly activations?: boolean };
  /** Weights of a bit less, such as 7, for engines that saturate on CPUs without VNNI; Octavo never does. Default false. */
  readonly reduceRange?: boolean;
  /** Operator types to quantize. Default: all of `quantizableOps`. */
  readonly opTypes?: readonly string[];
  /** What NaN and infinities in activations do: throw `INVALID_CALIBRATION`, or be left out. Default 'error'. */
  readonly nonFinite?: 'error' | 'skip';
  /** The form of the result; 'qdq' is the only one. */
  readonly format?: 'qdq';
  /** Backend, threads and limits of the float runs that calibration makes. */
  readonly session?: SessionOptions;
}

/** Operators that can be computed in integers, or that keep integers as they are. */
export const quantizableOps = [
  'Conv',
  'ConvTranspose',
  'Gemm',
  'MatMul',
  'Add',
  'Mul',
  'Concat',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'Relu',
  'Clip',
  'LeakyRelu',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Tanh',
  'Elu',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Slice',
  'Pad',
] as const;

/** Operators that `quantizeDynamic` knows. */
export const dynamicOps = ['MatMul', 'Gemm', 'Conv'] as const;

/** Operators that `quantizeWeights` knows. */
export const weightOps = ['MatMul', 'Gemm', 'Conv', 'Gather'] as const;

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly calibrationMethod: CalibrationMethod;
  readonly percentile: number | undefined;
  readonly activationType: ActivationType;
  readonly weightType: WeightType;
  readonly overrides: readonly LayerOverride[];
  readonly rounding: Rounding;
  readonly perChannel: boolean;
  readonly weightMethod: WeightMethod | 'auto';
  readonly symmetricWeights: boolean;
  readonly symmetricActivations: boolean;
  readonly reduceRange: boolean;
  readonly equalization: Equalization | undefined;
  readonly smoothing: Smoothing | undefined;
  /** Whether the calibration method is yet to be chosen. */
  readonly choosesMethod: boolean;
  /** Samples to correct biases on; 0 leaves them as they are. */
  readonly correctionSamples: number;
  readonly opTypes: ReadonlySet<string>;
  readonly nodesToQuantize: readonly NodeSelector[] | undefined;
  readonly nodesToExclude: readonly NodeSelector[];
  readonly nonFinite: 'error' | 'skip';
}

const known: readonly (keyof QuantizeStaticOptions)[] = [
  'calibrationData',
  'calibration',
  'biasCorrection',
  'equalize',
  'smoothQuant',
  'calibrationMethod',
  'percentile',
  'activationType',
  'weightType',
  'overrides',
  'rounding',
  'perChannel',
  'weightMethod',
  'symmetric',
  'reduceRange',
  'nonFinite',
  'format',
  'session',
  ...selectionOptions,
];

/** Checks the options and fills in the defaults; throws `INVALID_ARGUMENT` naming the option. */
export function resolveOptions(options: QuantizeStaticOptions): ResolvedOptions {
  checkNames(options, known);
  oneOf('format', options.format, ['qdq']);
  const { activationType, weightType } = options;
  const isAuto = options.calibrationMethod === 'auto';
  return {
    ...calibrationOf({
      calibrationMethod: isAuto ? 'mse' : options.calibrationMethod,
      percentile: options.percentile,
    }),
    choosesMethod: isAuto,
    equalization: equalizationOf(options.equalize),
    smoothing: smoothingOf(options.smoothQuant),
    activationType: oneOf('activationType', activationType, activationTypes, 'uint8'),
    weightType: oneOf('weightType', weightType, weightTypes, 'int8'),
    overrides: overridesOf(options.overrides ?? []),
    rounding: oneOf('rounding', options.rounding, roundings, 'nearest'),
    perChannel: flag('perChannel', options.perChannel, true),
    weightMethod: oneOf('weightMethod', options.weightMethod, ['auto', ...weightMethods], 'auto'),
    symmetricWeights: flag('symmetric.weights', options.symmetric?.weights, true),
    symmetricActivations: flag('symmetric.activations', options.symmetric?.activations, false),
    reduceRange: flag('reduceRange', options.reduceRange, false),
    correctionSamples: correctionSamplesOf(options.biasCorrection),
    opTypes: opTypesOf(options.opTypes, quantizableOps),
    nodesToQuantize: options.nodesToQuantize,
    nodesToExclude: options.nodesToExclude ?? [],
    nonFinite: oneOf('nonFinite', options.nonFinite, ['error', 'skip'], 'error'),
  };
}

/** The method and its percentile, checked against each other. */
function calibrationOf(
  { calibrationMethod, percentile }: Pick<LayerOverride, 'calibrationMethod' | 'percentile'>,
  prefix = '',
): Pick<ResolvedOptions, 'calibrationMethod' | 'percentile'> {
  const where = `${prefix}calibrationMethod`;
  const method = oneOf(where, calibrationMethod, calibrationMethods, 'mse');
  if (method === 'percentile') {
    return { calibrationMethod: method, percentile: percentile ?? defaultPercentile };
  }
  if (percentile === undefined) return { calibrationMethod: method, percentile };
  throw new OctavoError('INVALID_ARGUMENT', `the method '${method}' has none`, {
    where: `${prefix}percentile`,
  });
}

function overridesOf(overrides: readonly LayerOverride[]): readonly LayerOverride[] {
  return overrides.map((override, i) => {
    const prefix = `overrides[${i}].`;
    const { nodes, weightType, activationType, calibrationMethod, percentile, ...rest } = override;
    checkNames(rest, []);
    oneOf(`${prefix}weightType`, weightType, weightTypes);
    oneOf(`${prefix}activationType`, activationType, activationTypes);
    if (calibrationMethod === undefined && percentile === undefined) return override;
    return { ...override, ...calibrationOf({ calibrationMethod, percentile }, prefix) };
  });
}

/** Samples to keep, as many as the method that looks at most of them wants. */
export function keptSamples(options: ResolvedOptions): number {
  const { correctionSamples, rounding, equalization, smoothing, choosesMethod } = options;
  return Math.max(
    correctionSamples,
    rounding === 'nearest' ? 0 : roundingSamples,
    equalization !== undefined || smoothing !== undefined ? preparingSamples : 0,
    choosesMethod ? choosingSamples : 0,
  );
}

/** Samples on which layers are equalized and smoothed, and on which a calibration method is chosen. */
export const preparingSamples = 32;
export const choosingSamples = 16;

/** Samples on which weights are rounded. */
export const roundingSamples = 32;
const defaultPercentile = 99.99;
const defaultCorrectionSamples = 32;

export interface Equalization {
  readonly absorbBiases: boolean;
}

function equalizationOf(option: EqualizeOption = false): Equalization | undefined {
  if (typeof option !== 'object') {
    return flag('equalize', option, false) ? { absorbBiases: false } : undefined;
  }
  const { absorbBiases, ...rest } = option;
  checkNames(rest, []);
  return { absorbBiases: flag('equalize.absorbBiases', absorbBiases, false) };
}

export interface Smoothing {
  readonly alpha: number | 'search';
}

export function smoothingOf(option: SmoothQuantOption = false): Smoothing | undefined {
  if (typeof option === 'boolean') return option ? { alpha: 'search' } : undefined;
  const { alpha = 'search', ...rest } = option;
  checkNames(rest, []);
  if (alpha === 'search' || (alpha >= 0 && alpha <= 1)) return { alpha };
  throw new OctavoError('INVALID_ARGUMENT', 'alpha out of range', {
    where: 'smoothQuant.alpha',
    expected: "0 to 1, or 'search'",
    found: String(alpha),
  });
}

function correctionSamplesOf(option: QuantizeStaticOptions['biasCorrection']): number {
  if (option === undefined || option === false) return 0;
  if (option === true) return defaultCorrectionSamples;
  const { samples = defaultCorrectionSamples, ...rest } = option;
  checkNames(rest, []);
  return count('biasCorrection.samples', samples);
}
