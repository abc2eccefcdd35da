/** The largest magnitude of each channel of some values, over samples. */
import type { Graph } from '../graph/ir.js';
import { type SampleRun, watch } from './samples.js';

/** By the value's name; channels run along `axis`, which may count from the end. */
export async function channelMaxima(
  graph: Graph,
  values: readonly string[],
  axis: number,
  { samples, ...run }: SampleRun,
): Promise<ReadonlyMap<string, Float32Array>> {
  const maxima = new Map<string, Float32Array>();
  for await (const { tensors } of watch(graph, values, samples, run)) {
    for (const value of values) {
      const { dims, data } = tensors[value]!;
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
  return maxima;
}
