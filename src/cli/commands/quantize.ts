/** octavo quantize: a float model and samples in, an INT8 model out. */
import { calibrationMethods } from '../../calibrate/index.js';
import { loadModel, saveModel } from '../../onnx/model.js';
import type { NodeSelector } from '../../quantize/options.js';
import type { QuantizationReport } from '../../quantize/report.js';
import { quantizeStatic } from '../../quantize/static.js';
import { describeInputs } from '../../runtime/session.js';
import {
  type CommandContext,
  choice,
  decimal,
  normalizationOf,
  required,
  texts,
  whole,
} from '../command.js';
import { openSamples } from '../inputs/index.js';
import { formatBytes, formatDecibels, formatTable } from '../terminal.js';

export async function quantizeCommand(file: string, context: CommandContext): Promise<void> {
  const { options, terminal, session, signal } = context;
  const output = required(options, 'output');
  const model = await loadModel(file);
  const samples = await openSamples(required(options, 'data'), describeInputs(model.graph), {
    normalization: normalizationOf(options),
    limit: whole(options, 'samples'),
  });
  terminal.note(`Calibrating on ${samples.description}.`);
  const progress = terminal.progress('Calibrating');
  const { model: quantized, report } = await quantizeStatic(model, {
    calibrationData: samples,
    calibrationMethod: choice(options, 'method', calibrationMethods),
    percentile: decimal(options, 'percentile'),
    activationType: choice(options, 'activationType', ['uint8', 'int8']),
    weightType: choice(options, 'weightType', ['int8', 'uint8']),
    perChannel: options.perTensor === true ? false : undefined,
    opTypes: list(options.opTypes),
    nodesToExclude: texts(options, 'exclude').map(selector),
    nodesToQuantize: options.only === undefined ? undefined : texts(options, 'only').map(selector),
    session,
    signal,
    onProgress: ({ phase, done, total, etaMs }) => {
      if (phase === 'calibrate') progress.update(done, total, etaMs);
    },
  }).finally(() => progress.end());
  await saveModel(quantized, output);
  terminal.result({ output, ...report }, () => describeReport(output, report));
}

/** `/pattern/` is a regular expression, anything else a name. */
function selector(value: string): NodeSelector {
  const pattern = /^\/(.+)\/$/.exec(value)?.[1];
  return pattern === undefined ? value : new RegExp(pattern);
}

function list(value: unknown): readonly string[] | undefined {
  return value === undefined ? undefined : String(value).split(',');
}

function describeReport(output: string, { model, activations, weights }: QuantizationReport) {
  const total = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((a, b) => a + b, 0);
  const worst = [...activations].sort((a, b) => a.sqnr - b.sqnr).slice(0, 3);
  const ratio = model.bytesBefore / model.bytesAfter;
  return [
    formatTable(
      ['', 'float', 'int8'],
      [
        ['size', formatBytes(model.bytesBefore), formatBytes(model.bytesAfter)],
        ['operators', String(total(model.float)), String(total(model.int8))],
      ],
    ),
    `${weights.length} weights quantized, ${ratio.toFixed(1)}× smaller; ${model.samples} samples seen.`,
    `Lowest activation SQNR: ${worst
      .map(({ name, sqnr }) => `${name} ${formatDecibels(sqnr)}`)
      .join(', ')}`,
    `Saved ${output}`,
  ].join('\n');
}
