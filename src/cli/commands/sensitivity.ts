/** octavo sensitivity: which layers quantizing hurts most. */
import { calibrationMethods } from '../../calibrate/index.js';
import { loadModel } from '../../onnx/model.js';
import { activationTypes, weightTypes } from '../../quantize/options.js';
import { type RankBy, rank } from '../../quantize/rank.js';
import {
  type LayerSensitivity,
  type SensitivityMode,
  sensitivity,
} from '../../quantize/sensitivity.js';
import { describeInputs } from '../../runtime/session.js';
import type { CommandContext } from '../command.js';
import { openSamples } from '../inputs/index.js';
import { choice, required, sampleOptions, whole } from '../options.js';
import { formatDecibels, formatPercent, formatTable } from '../terminal.js';
import { phases } from './phases.js';

const orders = ['sqnr', 'cosine', 'kl', 'top1Agreement', 'maxError'] as const;

export async function sensitivityCommand(file: string, context: CommandContext): Promise<void> {
  const { options, terminal, session, signal } = context;
  const data = required(options, 'data');
  const mode = choice<SensitivityMode>(options, 'mode', ['only', 'all-but']) ?? 'only';
  const by = choice(options, 'by', orders) ?? 'sqnr';
  const count = whole(options, 'top') ?? 20;
  const calibrationMethod = choice(options, 'method', calibrationMethods);
  const weightType = choice(options, 'weightType', weightTypes);
  const activationType = choice(options, 'activationType', activationTypes);
  const measuredOn = whole(options, 'measureOn');
  const model = await loadModel(file);
  const samples = await openSamples(data, describeInputs(model.graph), sampleOptions(options));
  const progress = phases(terminal);
  const report = await sensitivity(model, {
    calibrationData: samples,
    calibrationMethod,
    weightType,
    activationType,
    mode,
    samples: measuredOn,
    session,
    signal,
    onProgress: progress.update,
  }).finally(progress.end);
  const ranked = rank(report.layers, mode, by);
  terminal.result({ ...report, layers: ranked }, () => describe(ranked, mode, by, count));
}

function describe(
  ranked: readonly LayerSensitivity[],
  mode: SensitivityMode,
  by: RankBy,
  count: number,
): string {
  const shown = ranked.slice(0, count);
  const what = mode === 'only' ? 'quantized alone' : 'left in float alone';
  const table = formatTable(
    ['layer', 'operator', 'SQNR', 'weights', 'activations', 'KL', 'same top-1'],
    shown.map(({ node, op, parts: { both, weights, activations } }) => [
      node,
      op,
      decibelsOf(both),
      decibelsOf(weights),
      decibelsOf(activations),
      both?.kl.toPrecision(2) ?? '',
      both === undefined ? '' : formatPercent(both.top1Agreement),
    ]),
  );
  const rest = ranked.length - shown.length;
  const more = rest > 0 ? [`${rest} more (--top)`] : [];
  return [`Each layer ${what}, the worst first by ${by}`, '', table, ...more].join('\n');
}

function decibelsOf(part: LayerSensitivity['parts']['both']): string {
  return part === undefined ? '' : formatDecibels(part.sqnr);
}
