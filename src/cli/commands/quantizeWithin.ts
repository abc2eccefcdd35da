/** octavo quantize --max-drop: quantizing until a budget is met. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { OctavoError } from '../../core/errors.js';
import { formatBytes } from '../../graph/print.js';
import type { Model } from '../../onnx/model.js';
import type { QuantizeState } from '../../quantize/memory.js';
import { type QuantizeOptions, type QuantizeResult, quantize } from '../../quantize/quantize.js';
import { bytesOf } from '../../quantize/report.js';
import { choice, dashed, decimal, type RawOptions, text, UsageError } from '../options.js';
import { formatPercent } from '../terminal.js';

/** What the search decides itself. */
const decided = [
  ...['calibration', 'percentile', 'activationType', 'weightType', 'perTensor', 'equalize'],
  ...['absorbBiases', 'smoothQuant', 'symmetricActivations'],
  ...['biasCorrection', 'rounding'],
];

/** `1%` or `0.01`; undefined without the option. Throws a UsageError for options that it decides. */
export function maxDropOf(options: RawOptions): number | undefined {
  const value = text(options, 'maxDrop');
  if (value === undefined) {
    const lonely = ['metric', 'timeLimit', 'state'].find((name) => options[name] !== undefined);
    if (lonely !== undefined) throw new UsageError(`${dashed(lonely)} goes with --max-drop`);
    return undefined;
  }
  const wrong = decided.find((name) => options[name] !== undefined);
  if (wrong !== undefined) throw new UsageError(`--max-drop does not take ${dashed(wrong)}`);
  const [, number, percent] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(value) ?? [];
  const drop = Number(number) / (percent === '%' ? 100 : 1);
  if (drop >= 0 && drop <= 1) return drop;
  throw new UsageError(`--max-drop takes a share such as 1% or 0.01, not '${value}'`);
}

export function quantizeWithin(
  maxDrop: number,
  model: Model,
  options: RawOptions,
  common: Omit<QuantizeOptions, 'maxDrop'>,
): Promise<QuantizeResult> {
  const seconds = decimal(options, 'timeLimit');
  const file = text(options, 'state');
  return quantize(model, {
    ...common,
    maxDrop,
    metric: choice(options, 'metric', ['agreement', 'signal']),
    timeLimit: seconds === undefined ? undefined : seconds * 1000,
    ...(file !== undefined && {
      state: readState(file),
      onState: (state) => writeState(file, state),
    }),
  });
}

/** Undefined where there is no such file yet. Whether it fits is for the search to say. */
function readState(file: string): QuantizeState | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new OctavoError('FILE_UNREADABLE', 'not the state of a search', { where: file, cause });
  }
}

/** Whole or not at all: a search may be interrupted at any time. */
function writeState(file: string, state: QuantizeState): void {
  const temporary = `${file}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(state));
    renameSync(temporary, file);
  } catch (cause) {
    throw new OctavoError('FILE_UNWRITABLE', 'it cannot be written', { where: file, cause });
  }
}

export function describeWithin(output: string, result: QuantizeResult): string {
  const bytes = bytesOf(result.report);
  const { accuracy, floatLayers, attempts, scheme, outOfTime } = result;
  const lost = formatPercent(Math.max(accuracy.drop, 0));
  const sizes = `${formatBytes(bytes.before)} → ${formatBytes(bytes.after)}`;
  const verdict = accuracy.withinBudget
    ? `Within the budget: ${lost} lost of ${formatPercent(accuracy.maxDrop)} allowed`
    : `No model within the budget was found${outOfTime ? ' in the time given' : ''}: the best loses ${lost}, ` +
      `${formatPercent(accuracy.maxDrop)} are allowed`;
  const score = `${accuracy.metric} ${accuracy.float.toFixed(4)} → ${accuracy.quantized.toFixed(4)}`;
  return [
    `Saved ${output}: ${sizes}, ${(bytes.before / bytes.after).toFixed(1)}× smaller`,
    `${verdict} (${score})`,
    `${scheme}; ${attempts.length} ${attempts.length === 1 ? 'model' : 'models'} tried`,
    floatLayers.length === 0
      ? 'All layers are quantized'
      : `Left in float (${floatLayers.length}): ${floatLayers.join(', ')}`,
  ].join('\n');
}
