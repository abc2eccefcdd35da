/** octavo quantize: a float model and samples in, an INT8 model out. */
import { calibrationMethods } from '../../calibrate/index.js';
import { formatBytes } from '../../graph/print.js';
import { loadModel, saveModel } from '../../onnx/model.js';
import type { Calibration } from '../../quantize/calibration.js';
import {
  activationTypes,
  type EqualizeOption,
  type NodeSelector,
  roundings,
  weightTypes,
} from '../../quantize/options.js';
import type { QuantizationReport } from '../../quantize/report.js';
import { quantizeStatic } from '../../quantize/static.js';
import { describeInputs } from '../../runtime/session.js';
import type { CommandContext } from '../command.js';
import { openSamples } from '../inputs/index.js';
import {
  choice,
  dashed,
  decimal,
  flagged,
  type RawOptions,
  required,
  sampleOptions,
  text,
  texts,
  UsageError,
} from '../options.js';
import { formatDecibels, formatTable, type Terminal } from '../terminal.js';
import { describeCalibration, readCalibration } from './calibrationFile.js';
import { defaultOutput, requireWritable } from './outputFile.js';
import { phases } from './phases.js';
import {
  describeWeights,
  looksAtLayers,
  quantizeUncalibrated,
  samplesBeside,
  wayWithoutSamples,
} from './quantizeWeights.js';
import { describeWithin, maxDropOf, quantizeWithin } from './quantizeWithin.js';
import { quantizeByRecipe, recipeOption, recipeOutput, writeRecipe } from './recipe.js';
import { writeReport } from './report.js';

export async function quantizeCommand(file: string, context: CommandContext): Promise<void> {
  const { options, terminal, session, signal } = context;
  const recipe = recipeOption(options);
  if (recipe !== undefined) return quantizeByRecipe(file, recipe, context);
  const way = wayWithoutSamples(options);
  const maxDrop = maxDropOf(options);
  const data = way === undefined ? dataOption(options) : undefined;
  const codes = text(options, way === '--weights' ? 'weights' : 'weightType') ?? 'int8';
  const output = text(options, 'output') ?? defaultOutput(file, codes.replace(/^u/, ''));
  const page = text(options, 'report');
  const quantization = quantizationOptions(options);
  await requireWritable(output, file);
  if (page !== undefined) await requireWritable(page, file);
  const kept = await recipeOutput(options, file);
  const model = await loadModel(file);
  if (way !== undefined) {
    const { opTypes, nodesToExclude, nodesToQuantize } = quantization;
    const seen = await samplesBeside(model, options);
    const line = phases(terminal);
    const common = { opTypes, nodesToExclude, nodesToQuantize, signal, onProgress: line.update };
    const given = { samples: seen, session, ...common };
    const result = await quantizeUncalibrated(way, model, options, given).finally(line.end);
    const { report } = result;
    await saveModel(result.model, output);
    await writeRecipe(kept, result);
    const shown = { calibrationData: seen, session, signal, onProgress: line.update };
    await writeReport(page, file, model, result, shown, context).finally(line.end);
    terminal.result({ output, ...report }, () => describeWeights(output, report));
    return;
  }
  const calibration = await calibrationOption(options, terminal);
  const samples =
    data === undefined
      ? undefined
      : await openSamples(data, describeInputs(model.graph), sampleOptions(options));
  if (samples !== undefined) {
    const what = calibration === undefined ? 'Calibrating' : 'Measuring';
    terminal.note(`${what} on ${samples.description}.`);
  }
  const progress = phases(terminal);
  const { update: onProgress } = progress;
  // It takes no calibration, so that there are samples.
  if (maxDrop !== undefined && samples !== undefined) {
    const { calibrationMethod, opTypes, nodesToExclude, nodesToQuantize } = quantization;
    const selection = { opTypes, nodesToExclude, nodesToQuantize };
    const common = { ...selection, calibrationData: samples, session, signal, onProgress };
    // The search chooses among methods anyway.
    const method = calibrationMethod === 'auto' ? undefined : calibrationMethod;
    const calibrationMethods = method && [method];
    const given = { ...common, calibrationMethods };
    const result = await quantizeWithin(maxDrop, model, options, given).finally(progress.end);
    const { report, scheme, accuracy, floatLayers, attempts, outOfTime } = result;
    await saveModel(result.model, output);
    await writeRecipe(kept, result);
    await writeReport(page, file, model, result, common, context).finally(progress.end);
    const said = { output, report, scheme, accuracy, floatLayers, attempts, outOfTime };
    terminal.result(said, () => describeWithin(output, result));
    return;
  }
  const calibrationData = samples;
  const given = { ...quantization, calibration, calibrationData, session, signal, onProgress };
  const result = await quantizeStatic(model, given).finally(progress.end);
  const { report } = result;
  await saveModel(result.model, output);
  await writeRecipe(kept, result);
  await writeReport(page, file, model, result, given, context).finally(progress.end);
  terminal.result({ output, ...report }, () => describeReport(output, report));
}

/** Beside a calibration, samples are for what looks at them again. */
function dataOption(options: RawOptions): string | undefined {
  const looksAgain =
    ['biasCorrection', 'equalize', 'smoothQuant'].some((name) => options[name] === true) ||
    looksAtLayers(options) ||
    options['method'] === 'auto' ||
    options['report'] !== undefined;
  const needed = options['calibration'] === undefined || looksAgain;
  if (needed) return required(options, 'data');
  const unused = ['data', 'samples', 'normalize', 'size'].find(
    (name) => options[name] !== undefined,
  );
  if (unused === undefined) return undefined;
  throw new UsageError(
    `${dashed(unused)} beside --calibration is for what looks at samples again, such as --bias-correction or --report`,
  );
}

async function calibrationOption(
  options: RawOptions,
  terminal: Terminal,
): Promise<Calibration | undefined> {
  const file = text(options, 'calibration');
  if (file === undefined) return undefined;
  const calibration = await readCalibration(file);
  terminal.note(`Calibrated on ${describeCalibration(calibration)}.`);
  return calibration;
}

function quantizationOptions(options: RawOptions) {
  return {
    calibrationMethod: choice(options, 'method', [...calibrationMethods, 'auto']),
    percentile: decimal(options, 'percentile'),
    activationType: choice(options, 'activationType', activationTypes),
    weightType: choice(options, 'weightType', weightTypes),
    symmetric: options['symmetricActivations'] === true ? { activations: true } : undefined,
    equalize: equalizeOption(options),
    smoothQuant: flagged(options, 'smoothQuant'),
    rounding: choice(options, 'rounding', roundings),
    biasCorrection: flagged(options, 'biasCorrection'),
    perChannel: options.perTensor === true ? false : undefined,
    opTypes: text(options, 'opTypes')?.split(','),
    nodesToExclude: texts(options, 'exclude')?.map(selector),
    nodesToQuantize: texts(options, 'only')?.map(selector),
  };
}

function equalizeOption(options: RawOptions): EqualizeOption | undefined {
  const equalize = flagged(options, 'equalize');
  if (flagged(options, 'absorbBiases') === undefined) return equalize;
  if (equalize === true) return { absorbBiases: true };
  throw new UsageError('--absorb-biases goes with --equalize');
}

/** `/pattern/` is a regular expression, anything else a name. */
export function selector(value: string): NodeSelector {
  const pattern = /^\/(.+)\/$/s.exec(value)?.[1];
  if (pattern === undefined) return value;
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function describeReport(
  output: string,
  { model, activations, weights, methods, floatNodes, findings }: QuantizationReport,
) {
  const int8 = totalOf(model.int8);
  const float = totalOf(model.float);
  const sizes = `${formatBytes(model.bytesBefore)} → ${formatBytes(model.bytesAfter)}`;
  const ratio = `${(model.bytesBefore / model.bytesAfter).toFixed(1)}× smaller`;
  const worst = [...activations].sort((a, b) => a.sqnr - b.sqnr).slice(0, 5);
  const lines = [
    `Saved ${output}: ${sizes}, ${ratio}`,
    `${int8} of ${int8 + float} operators quantized, ${weights.length} with weights; ${model.samples} samples seen`,
  ];
  if (float > 0) lines.push(`In float: ${listCounts(model.float)}`);
  if (floatNodes.length > 0) lines.push(`Weights in float: ${floatNodes.join(', ')}`);
  if (methods.length > 0) {
    const tried = methods.map(
      ({ calibrationMethod, percentile, sqnr }) =>
        `${[calibrationMethod, percentile].filter(Boolean).join(' ')} ${formatDecibels(sqnr)}`,
    );
    lines.push(`Calibration methods tried: ${tried.join(', ')}`);
  }
  for (const { level, where, what, advice } of findings) {
    lines.push(`${level === 'warning' ? 'Warning' : 'Note'}: ${where}: ${what}. Try ${advice}.`);
  }
  const table = formatTable(
    ['coarsest activations', 'SQNR', 'seen', 'kept', 'calibrator'],
    worst.map(({ name, sqnr, seen, range, calibrator }) => [
      name,
      formatDecibels(sqnr),
      formatRange(seen),
      formatRange(range),
      calibrator,
    ]),
  );
  return [...lines, '', table].join('\n');
}

function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}

function listCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([op, count]) => (count === 1 ? op : `${op} ×${count}`))
    .join(', ');
}

function formatRange({ min, max }: { readonly min: number; readonly max: number }): string {
  const short = (value: number): string => String(Number(value.toPrecision(3)));
  return `${short(min)} … ${short(max)}`;
}
