/** The largest magnitude of each channel of some values, over samples. */
import { throwIfAborted } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { createSession, type Feeds, type SessionOptions } from '../runtime/session.js';

export interface SampleRun {
  readonly samples: readonly Feeds[];
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** By the value's name; channels run along `axis`, which may count from the end. */
export async function channelMaxima(
  graph: Graph,
  values: readonly string[],
  axis: number,
  { samples, session: options, signal }: SampleRun,
): Promise<ReadonlyMap<string, Float32Array>> {
  const maxima = new Map<string, Float32Array>();
  const computed = values.filter((value) => !graph.inputs.includes(value));
  const outputs = computed.map((value) => ({ name: value, value }));
  const session = await createSession({ ...graph, outputs }, options);
  try {
    for (const feeds of samples) {
      throwIfAborted(signal, 'a run over samples');
      const results = await session.run(feeds, { signal });
      for (const value of values) {
        const { dims, data } = results[value] ?? feeds[value]!;
        const along = axis < 0 ? axis + dims.length : axis;
        const channels = dims[along]!;
        const inner = dims.slice(along + 1).reduce((a, b) => a * b, 1);
        const largest = maxima.get(value) ?? new Float32Array(channels);
        maxima.set(value, largest);
        for (let i = 0; i < data.length; i++) {
          const c = Math.floor(i / inner) % channels;
          const magnitude = Math.abs(Number(data[i]));
          if (magnitude > largest[c]!) largest[c] = magnitude;
        }
      }
    }
  } finally {
    session.dispose();
  }
  return maxima;
}
