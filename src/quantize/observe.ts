/**
 * Runs the float graph over calibration data and lets a collector watch every value whose range is
 * wanted. Samples stream through: one is held at a time, and what `keeper` keeps.
 */
import { Collector } from '../calibrate/index.js';
import { expectType } from '../core/tensor.js';
import type { Graph } from '../graph/ir.js';
import type { SessionOptions } from '../runtime/session.js';
import { Calibration } from './calibration.js';
import type { Progress } from './progress.js';
import { noSamples, type SampleKeeper, type Samples, watch } from './samples.js';

export interface ObserveOptions {
  readonly data: Samples;
  readonly nonFinite: 'error' | 'skip';
  readonly keeper?: SampleKeeper | undefined;
  readonly session?: SessionOptions | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Collects the values named, none of which is a constant. */
export async function observe(
  graph: Graph,
  values: readonly string[],
  options: ObserveOptions,
): Promise<Calibration> {
  const { data, nonFinite, keeper, session, onProgress, signal } = options;
  const collectors = new Map(
    values.map((value) => [value, new Collector({ name: value, nonFinite })]),
  );
  const total = sizeOf(data);
  const start = performance.now();
  let samples = 0;
  onProgress?.({ phase: 'calibrate', done: 0, total, etaMs: undefined });
  for await (const { feeds, tensors } of watch(graph, values, data, { session, signal })) {
    for (const value of values) {
      collectors.get(value)!.add(expectType(tensors[value]!, 'float32', value).data);
    }
    keeper?.offer(feeds);
    samples++;
    const left = total === undefined ? undefined : total - samples;
    const pace = (performance.now() - start) / samples;
    onProgress?.({
      phase: 'calibrate',
      done: samples,
      total,
      etaMs: left === undefined ? undefined : left * pace,
    });
  }
  if (samples === 0) throw noSamples();
  return new Calibration(graph, samples, collectors);
}

function sizeOf(data: unknown): number | undefined {
  if (Array.isArray(data)) return data.length;
  const size =
    (data as { length?: unknown; size?: unknown }).length ?? (data as { size?: unknown }).size;
  return typeof size === 'number' ? size : undefined;
}
