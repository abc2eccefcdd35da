/** Where the time of one run goes in the float and in the quantized model, layer by layer. */
import { type Graph, indexOf } from '../graph/ir.js';
import { createSession, type Feeds, type SessionOptions } from '../runtime/session.js';

/** Milliseconds of one run, the sum of all steps. */
export interface PageLatency {
  readonly float: number;
  readonly int8: number;
  /** Backend, instruction set and threads. */
  readonly where: string;
}

export interface Times {
  readonly latency: PageLatency;
  /** Milliseconds of each node's steps. */
  readonly float: ReadonlyMap<string, number>;
  readonly int8: ReadonlyMap<string, number>;
}

/** Both models, timed on these feeds. */
export async function timesOf(
  float: Graph,
  quantized: Graph,
  feeds: Feeds,
  session: SessionOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Times> {
  const profileOf = async (graph: Graph) => {
    const running = await createSession(graph, session);
    try {
      return await running.profile(feeds, { signal });
    } finally {
      running.dispose();
    }
  };
  const [before, after] = [await profileOf(float), await profileOf(quantized)];
  const { backend, isa, threads } = after;
  const where = `${backend}, ${isa}, ${threads} thread${threads === 1 ? '' : 's'}`;
  return {
    latency: { float: before.ms, int8: after.ms, where },
    float: sumByNode(before.steps),
    int8: sumByNode(after.steps),
  };
}

function sumByNode(steps: readonly { readonly node: string; readonly ms: number }[]) {
  const sums = new Map<string, number>();
  for (const { node, ms } of steps) sums.set(node, (sums.get(node) ?? 0) + ms);
  return sums;
}

/** Steps are called by the last node that they compute: a product's time is that of the activation or sum fused to it. */
export function layerTimes(
  graph: Graph,
  isWeighted: (name: string) => boolean,
  steps: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const index = indexOf(graph);
  const times = new Map(steps);
  for (const layer of graph.nodes) {
    if (!isWeighted(layer.name)) continue;
    let last = layer;
    while (!times.has(last.name)) {
      const readers = index.consumers(last.outputs[0]!);
      if (readers.length !== 1 || isWeighted(readers[0]!.name)) break;
      last = readers[0]!;
    }
    const time = times.get(last.name);
    if (last === layer || time === undefined) continue;
    times.delete(last.name);
    times.set(layer.name, time);
  }
  return times;
}

const products: ReadonlySet<string> = new Set(['MatMulInteger', 'ConvInteger', 'MatMulNBits']);

/**
 * Times by the float graph's nodes: a product of integers, and what multiplies it by scales, took the place of a node.
 * Quantizers of activations, which several products may read, are nobody's.
 */
export function inPlaceOf(
  float: Graph,
  quantized: Graph,
  steps: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const index = indexOf(quantized);
  const known = new Set(float.nodes.map(({ name }) => name));
  const replaced = new Map<string, string>();
  for (const { name, outputs } of float.nodes) {
    const waiting = [outputs[0]!];
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      const maker = index.producer(value);
      if (maker === undefined || known.has(maker.name)) continue;
      replaced.set(maker.name, name);
      if (!products.has(maker.op)) waiting.push(...maker.inputs);
    }
  }
  const times = new Map<string, number>();
  for (const [step, ms] of steps) {
    const name = replaced.get(originOf(step, replaced)) ?? step;
    times.set(name, (times.get(name) ?? 0) + ms);
  }
  return times;
}

/** The node that a step is called by: parts of its name behind a slash are the passes'. */
function originOf(step: string, nodes: ReadonlyMap<string, unknown>): string {
  for (let name = step; name !== ''; name = name.slice(0, Math.max(name.lastIndexOf('/'), 0))) {
    if (nodes.has(name)) return name;
  }
  return step;
}
