/** octavo quantize --dynamic and --weights: what needs no calibration. */
import { formatBytes } from '../../graph/print.js';
import type { Model } from '../../onnx/model.js';
import { quantizeDynamic } from '../../quantize/dynamic.js';
import type { WeightsReport, WeightsResult } from '../../quantize/floatWeights.js';
import { roundings, type SelectionOptions } from '../../quantize/options.js';
import { quantizeWeights } from '../../quantize/weightOnly.js';
import { describeInputs, type SessionOptions } from '../../runtime/session.js';
import { openSamples, type Samples } from '../inputs/index.js';
import {
  choice,
  dashed,
  flagged,
  type RawOptions,
  required,
  sampleOptions,
  text,
  UsageError,
  whole,
} from '../options.js';
import { formatDecibels, formatTable } from '../terminal.js';

/** Flags of a calibration, and those of the other way each, by the option's name. */
const sampled = [
  ...['calibration', 'method', 'percentile', 'activationType', 'weightType'],
  ...['symmetricActivations', 'biasCorrection', 'equalize', 'absorbBiases'],
  ...['maxDrop', 'metric', 'timeLimit', 'state'],
];
const data = ['data', 'samples', 'normalize', 'size'];
const others = {
  '--dynamic': ['blockSize', 'rounding'],
  '--weights': ['activations', 'perTensor', 'smoothQuant'],
} as const;

/** Whether weights are rounded by what their layers see, which takes samples. */
export function looksAtLayers({ rounding }: RawOptions): boolean {
  return rounding !== undefined && rounding !== 'nearest';
}

export type Way = '--dynamic' | '--weights';

/** The way asked for, when it needs no samples. Throws a UsageError for options that it does not take. */
export function wayWithoutSamples(options: RawOptions): Way | undefined {
  const { dynamic, weights } = options;
  if (dynamic !== undefined && weights !== undefined) {
    throw new UsageError('--dynamic and --weights are two ways of quantizing');
  }
  const way = dynamic ? '--dynamic' : weights === undefined ? undefined : '--weights';
  const wrong = way === undefined ? ['activations', 'blockSize'] : [...sampled, ...others[way]];
  if (way !== undefined && !needsSamples(options) && options['report'] === undefined)
    wrong.push(...data);
  const found = wrong.find((name) => options[name] !== undefined);
  if (found === undefined) return way;
  throw new UsageError(`${way ?? 'quantizing with samples'} does not take ${dashed(found)}`);
}

/** What `--data` names, where there is something to look at. Throws a UsageError where it is needed and missing. */
export async function samplesBeside(
  model: Model,
  options: RawOptions,
): Promise<Samples | undefined> {
  const data = needsSamples(options) ? required(options, 'data') : text(options, 'data');
  if (data === undefined) return undefined;
  return openSamples(data, describeInputs(model.graph), sampleOptions(options));
}

function needsSamples(options: RawOptions): boolean {
  return looksAtLayers(options) || options['smoothQuant'] === true;
}

export interface UncalibratedOptions extends SelectionOptions {
  readonly opTypes?: readonly string[] | undefined;
  readonly samples: Samples | undefined;
  readonly session: SessionOptions | undefined;
}

export async function quantizeUncalibrated(
  way: Way,
  model: Model,
  options: RawOptions,
  { samples, session, ...common }: UncalibratedOptions,
): Promise<WeightsResult> {
  const rounding = choice(options, 'rounding', roundings);
  const smoothQuant = flagged(options, 'smoothQuant');
  const calibrationData = needsSamples(options) ? samples : undefined;
  const sampling = { calibrationData, session };
  if (way === '--dynamic') {
    return quantizeDynamic(model, {
      ...common,
      ...sampling,
      smoothQuant,
      activations: choice(options, 'activations', ['per-row', 'per-tensor']),
      perChannel: options['perTensor'] === true ? false : undefined,
    });
  }
  const type = choice(options, 'weights', ['int8', 'int4']);
  const blockSize = whole(options, 'blockSize');
  return quantizeWeights(model, { ...common, ...sampling, type, blockSize, rounding });
}

export function describeWeights(output: string, report: WeightsReport): string {
  const { bytesBefore, bytesAfter, weights, floatNodes } = report;
  const sizes = `${formatBytes(bytesBefore)} → ${formatBytes(bytesAfter)}`;
  const worst = [...weights].sort((a, b) => a.sqnr - b.sqnr).slice(0, 5);
  const lines = [
    `Saved ${output}: ${sizes}, ${(bytesBefore / bytesAfter).toFixed(1)}× smaller`,
    `${weights.length} weights quantized`,
  ];
  if (floatNodes.length > 0) lines.push(`Weights in float: ${floatNodes.join(', ')}`);
  const rows = worst.map(({ name, sqnr, scales }) => [name, formatDecibels(sqnr), String(scales)]);
  return [...lines, '', formatTable(['coarsest weights', 'SQNR', 'scales'], rows)].join('\n');
}
