/** octavo calibrate: what samples show of a model, saved; octavo calibrate merge: several such files as one. */
import path from 'node:path';
import { throwIfAborted } from '../../core/errors.js';
import { loadModel } from '../../onnx/model.js';
import { calibrate } from '../../quantize/calibrate.js';
import type { Calibration } from '../../quantize/calibration.js';
import { describeShards, missingShards } from '../../quantize/shards.js';
import { describeInputs } from '../../runtime/session.js';
import type { CommandContext } from '../command.js';
import { openSamples } from '../inputs/index.js';
import {
  dashed,
  required,
  sampleOptions,
  shardOption,
  text,
  texts,
  UsageError,
} from '../options.js';
import { describeCalibration, readCalibration, writeCalibration } from './calibrationFile.js';
import { requireWritable } from './outputFile.js';
import { phases } from './phases.js';
import { selector } from './quantize.js';

export async function calibrateCommand(
  model: string,
  parts: readonly string[],
  context: CommandContext,
): Promise<void> {
  if (model === 'merge') return mergeParts(parts, context);
  if (parts.length > 0) throw new UsageError(`one model at a time, not also '${parts[0]}'`);
  const { options, terminal, session, signal } = context;
  const data = required(options, 'data');
  const shard = shardOption(options);
  const output = text(options, 'output') ?? defaultOutput(model, shard);
  await requireWritable(output, model);
  const loaded = await loadModel(model);
  const sampling = { ...sampleOptions(options), shard };
  const samples = await openSamples(data, describeInputs(loaded.graph), sampling);
  terminal.note(`Calibrating on ${samples.description}.`);
  const progress = phases(terminal);
  const calibration = await calibrate(loaded, {
    calibrationData: samples,
    opTypes: text(options, 'opTypes')?.split(','),
    nodesToExclude: texts(options, 'exclude')?.map(selector),
    nodesToQuantize: texts(options, 'only')?.map(selector),
    session,
    signal,
    onProgress: progress.update,
  }).finally(progress.end);
  const marked = shard === undefined ? calibration : calibration.asShard(shard.index, shard.count);
  await save(marked, output, context);
}

/** model.onnx → model.octcal, or model.3-of-8.octcal */
function defaultOutput(file: string, shard: ReturnType<typeof shardOption>): string {
  const { dir, name } = path.parse(file);
  const part = shard === undefined ? '' : `.${shard.index}-of-${shard.count}`;
  return path.join(dir, `${name}${part}.octcal`);
}

async function mergeParts(files: readonly string[], context: CommandContext): Promise<void> {
  const { options, signal } = context;
  const wrong = ['data', 'samples', 'normalize', 'size', 'shard', 'opTypes', 'exclude', 'only'];
  const found = wrong.find((name) => options[name] !== undefined);
  if (found !== undefined) throw new UsageError(`calibrate merge does not take ${dashed(found)}`);
  const output = required(options, 'output');
  if (files.length === 0) throw new UsageError('calibrate merge takes the files to merge');
  await requireWritable(output);
  let merged: Calibration | undefined;
  for (const file of files) {
    throwIfAborted(signal, 'calibrate merge');
    const part = await readCalibration(file);
    merged = merged?.merge(part, file) ?? part;
  }
  await save(merged!, output, context);
}

async function save(
  calibration: Calibration,
  output: string,
  { terminal }: CommandContext,
): Promise<void> {
  await writeCalibration(calibration, output);
  const { model, samples, shards, values } = calibration;
  const missing = missingShards(shards);
  const result = { output, model, samples, values: values.length, shards, missing };
  terminal.result(result, () => {
    const saved = `Saved ${output}: ${values.length} values seen on ${describeCalibration(calibration)}`;
    return missing.length === 0 || shards!.seen.length === 1
      ? saved
      : `${saved}\nStill to be merged: ${describeShards({ count: shards!.count, seen: missing })}`;
  });
}
