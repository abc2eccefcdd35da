/** octavo bench: how long a model takes, and where the time goes. */
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { allocate, isInteger } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { elementCount } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import { type Latency, profilePage } from '../../report/profilePage.js';
import type { PortInfo } from '../../runtime/feeds.js';
import type { Profile } from '../../runtime/profile.js';
import { type Feeds, InferenceSession } from '../../runtime/session.js';
import type { CommandContext } from '../command.js';
import { openSamples } from '../inputs/index.js';
import { dimOptions, sampleOptions, text, whole } from '../options.js';
import { formatMilliseconds, formatPercent, formatTable, stdoutColors } from '../terminal.js';

const shownSteps = 10;

export async function benchCommand(file: string, context: CommandContext): Promise<void> {
  const { options, terminal, session, signal } = context;
  const runs = whole(options, 'runs') ?? 30;
  const page = text(options, 'html');
  const dims = dimOptions(options);
  const model = await InferenceSession.create(file, { ...session, freeDimensionOverrides: dims });
  try {
    const feeds = await feedsOf(model.inputs, context);
    const profile = await model.profile(feeds, { runs, warmUp: Math.min(runs, 5), signal });
    const latency = await latencyOf(model, feeds, runs, signal);
    const result = { model: file, cpu: cpuName(), node: process.version, latency, ...profile };
    if (page !== undefined) {
      await writeFile(
        page,
        profilePage(path.basename(file), `${result.cpu}, Node ${result.node}`, profile, latency),
      );
      terminal.note(`Wrote ${page}.`);
    }
    terminal.result(result, () => describe(profile, latency));
  } finally {
    model.dispose();
  }
}

async function latencyOf(
  model: InferenceSession,
  feeds: Feeds,
  runs: number,
  signal: AbortSignal,
): Promise<Latency> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await model.run(feeds, { signal });
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(runs - 1, Math.floor(runs * share))]!;
  return { median: at(0.5), lowest: at(0), p95: at(0.95) };
}

/** The first sample of --data, or made-up values: what a model computes does not decide how long it takes. */
async function feedsOf(inputs: readonly PortInfo[], { options }: CommandContext): Promise<Feeds> {
  const data = text(options, 'data');
  if (data === undefined)
    return Object.fromEntries(inputs.map((port) => [port.name, madeUp(port)]));
  for await (const feeds of await openSamples(data, inputs, sampleOptions(options))) return feeds;
  throw new OctavoError('INVALID_INPUT', 'there are no samples in it', { where: data });
}

/** Floats in a wave from −1 to 1, integers of 1; free dims that no --dim names are 1. */
function madeUp({ name, type, dims }: PortInfo): Tensor {
  if (dims === undefined) {
    throw new OctavoError('INVALID_INPUT', 'the model does not say how many axes this input has', {
      where: name,
      expected: '--data with a sample',
    });
  }
  const shape = dims.map((dim) => (typeof dim === 'number' ? dim : 1));
  const data = allocate(type, elementCount(shape, name)) as unknown as {
    length: number;
    [i: number]: number | bigint;
  };
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  const whole = isInteger(type) || type === 'bool';
  for (let i = 0; i < data.length; i++) data[i] = wide ? 1n : whole ? 1 : Math.sin(i);
  return { type, dims: shape, data: data as unknown } as Tensor;
}

function cpuName(): string {
  return os.cpus()[0]?.model.trim() ?? 'unknown CPU';
}

function describe(profile: Profile, { median, lowest, p95 }: Latency): string {
  const { backend, isa, threads, operators, steps, runs } = profile;
  const plural = threads === 1 ? '' : 's';
  const slowest = [...steps].sort((a, b) => b.ms - a.ms).slice(0, shownSteps);
  return [
    `${stdoutColors.bold(formatMilliseconds(median))} a run (median of ${runs}; lowest ${formatMilliseconds(lowest)}, 95 % below ${formatMilliseconds(p95)})`,
    `${cpuName()}; ${backend}, ${isa}, ${threads} thread${plural}`,
    '',
    formatTable(
      ['kind of step', 'steps', 'time', 'share', 'GOP/s'],
      operators.map((one) => [
        one.op,
        String(one.steps),
        formatMilliseconds(one.ms),
        formatPercent(one.share),
        one.gops?.toFixed(0) ?? '',
      ]),
    ),
    '',
    formatTable(
      ['slowest steps', 'kind', 'writes', 'time', 'share', 'GOP/s'],
      slowest.map((one) => [
        one.node,
        one.op,
        one.output,
        formatMilliseconds(one.ms),
        formatPercent(one.share),
        one.gops?.toFixed(0) ?? '',
      ]),
    ),
  ].join('\n');
}
