/**
 * Runs the float graph over calibration data and lets a collector watch every value whose range is
 * wanted. Samples stream through: one is held at a time, and what `keeper` keeps.
 */
import { Collector } from '../calibrate/index.js';
import { OctavoError, throwIfAborted } from '../core/errors.js';
import { expectType } from '../core/tensor.js';
import type { Graph } from '../graph/ir.js';
import { createSession, type Feeds, type SessionOptions } from '../runtime/session.js';
import { Calibration } from './calibration.js';
import type { Progress } from './options.js';
import type { SampleKeeper } from './samples.js';

export interface ObserveOptions {
  readonly data: Iterable<Feeds> | AsyncIterable<Feeds>;
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
  const { data, nonFinite, keeper, onProgress, signal } = options;
  const collectors = new Map(
    values.map((value) => [value, new Collector({ name: value, nonFinite })]),
  );
  const inputs = new Set(graph.inputs);
  const watched = values.filter((value) => !inputs.has(value));
  const total = sizeOf(data);
  const start = performance.now();
  let samples = 0;
  onProgress?.({ phase: 'calibrate', done: 0, total, etaMs: undefined });
  const session = await createSession(
    { ...graph, outputs: watched.map((value) => ({ name: value, value })) },
    options.session,
  );
  try {
    for await (const feeds of data) {
      throwIfAborted(signal, 'calibration');
      const results = await session.run(feeds, { signal });
      for (const value of values) {
        const tensor = inputs.has(value) ? feeds[value] : results[value];
        if (tensor !== undefined) {
          collectors.get(value)!.add(expectType(tensor, 'float32', value).data);
        }
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
  } finally {
    session.dispose();
  }
  if (samples === 0) {
    throw new OctavoError('INVALID_CALIBRATION', 'no calibration data', {
      where: 'calibrationData',
      expected: 'at least one sample',
    });
  }
  return new Calibration(graph, samples, collectors);
}

function sizeOf(data: unknown): number | undefined {
  if (Array.isArray(data)) return data.length;
  const size =
    (data as { length?: unknown; size?: unknown }).length ?? (data as { size?: unknown }).size;
  return typeof size === 'number' ? size : undefined;
}
