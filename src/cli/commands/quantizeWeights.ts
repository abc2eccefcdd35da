/** octavo quantize --dynamic and --weights: what needs no samples. */
import { formatBytes } from '../../graph/print.js';
import type { Model } from '../../onnx/model.js';
import { quantizeDynamic } from '../../quantize/dynamic.js';
import type { WeightsReport, WeightsResult } from '../../quantize/floatWeights.js';
import { roundings, type SelectionOptions } from '../../quantize/options.js';
import { quantizeWeights } from '../../quantize/weightOnly.js';
import { describeInputs, type SessionOptions } from '../../runtime/session.js';
import { openSamples } from '../inputs/index.js';
import {
  choice,
  dashed,
  flagged,
  type RawOptions,
  required,
  sampleOptions,
  UsageError,
  whole,
} from '../options.js';
import { formatDecibels, formatTable } from '../terminal.js';

/** Flags of a calibration, and those of the other way each, by the option's name. */
const sampled = [
  ...['calibration', 'method', 'percentile', 'activationType', 'weightType'],
  ...['biasCorrection', 'equalize', 'maxDrop', 'metric', 'timeLimit', 'state'],
];
const data = ['data', 'samples'];
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
  const needsData = looksAtLayers(options) || options['smoothQuant'] === true;
  if (way !== undefined && !needsData) wrong.push(...data);
  const found = wrong.find((name) => options[name] !== undefined);
  if (found === undefined) return way;
  throw new UsageError(`${way ?? 'quantizing with samples'} does not take ${dashed(found)}`);
}

export async function quantizeWithoutSamples(
  way: Way,
  model: Model,
  options: RawOptions,
  session: SessionOptions | undefined,
  common: SelectionOptions & { readonly opTypes?: readonly string[] },
): Promise<WeightsResult> {
  const rounding = choice(options, 'rounding', roundings);
  const smoothQuant = flagged(options, 'smoothQuant');
  const calibrationData =
    looksAtLayers(options) || smoothQuant
      ? await openSamples(
          required(options, 'data'),
          describeInputs(model.graph),
          sampleOptions(options),
        )
      : undefined;
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
