/** A few of the samples that stream by, for what has to look at the same ones twice. */
import { OctavoError, throwIfAborted } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import type { Graph } from '../graph/ir.js';
import { createSession, type Feeds, type SessionOptions } from '../runtime/session.js';

export type Samples = Iterable<Feeds> | AsyncIterable<Feeds>;

/** What runs over a few samples need. */
export interface SampleRun {
  readonly samples: readonly Feeds[];
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The same, layer by layer. */
export interface LayerRun extends SampleRun {
  readonly onDone?: ((done: number, total: number) => void) | undefined;
}

/**
 * Keeps at most `most` samples, evenly spread over all that were offered, however many come: every one at first, and
 * whenever there are too many, every second of them from then on. Which are kept depends on their number alone.
 */
export class SampleKeeper {
  readonly most: number;
  #kept: Feeds[] = [];
  #stride = 1;
  #offered = 0;

  constructor(most: number) {
    this.most = most;
  }

  get samples(): readonly Feeds[] {
    return this.#kept;
  }

  /** How many went by. */
  get offered(): number {
    return this.#offered;
  }

  /** Copies what it keeps: callers may fill the same arrays again. */
  offer(feeds: Feeds): void {
    const isNext = this.#offered++ % this.#stride === 0;
    if (this.most < 1 || !isNext) return;
    if (this.#kept.length === this.most) {
      this.#kept = this.#kept.filter((_, i) => i % 2 === 0);
      this.#stride *= 2;
      if ((this.#offered - 1) % this.#stride !== 0) return;
    }
    this.#kept.push(copyOf(feeds));
  }
}

/** At most `most` of the samples, evenly spread. */
export function spreadOf(samples: readonly Feeds[], most: number): readonly Feeds[] {
  const count = Math.min(samples.length, most);
  return Array.from(
    { length: count },
    (_, i) => samples[Math.floor((i * samples.length) / count)]!,
  );
}

/** Samples of at most `most` different shapes, those that come first: every graph takes a plan for each. */
export function ofFewShapes(samples: readonly Feeds[], most: number): readonly Feeds[] {
  const shapes = new Set<string>();
  return samples.filter((feeds) => {
    const shape = JSON.stringify(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
    if (shapes.size < most) shapes.add(shape);
    return shapes.has(shape);
  });
}

/** Offers all samples to the keeper. Throws `INVALID_CALIBRATION` where there is none. */
export async function keepSamples(
  data: Samples | undefined,
  keeper: SampleKeeper,
  signal?: AbortSignal,
): Promise<void> {
  for await (const feeds of data ?? []) {
    throwIfAborted(signal, 'quantization');
    keeper.offer(feeds);
  }
  if (keeper.offered === 0) throw noSamples();
}

export function noSamples(expected = 'at least one sample'): OctavoError {
  return new OctavoError('INVALID_CALIBRATION', 'no calibration data', {
    where: 'calibrationData',
    expected,
  });
}

/** Runs the graph on each sample, for the values named; inputs may be among them. */
export async function* watch(
  graph: Graph,
  values: readonly string[],
  samples: Samples,
  { session: options, signal }: Omit<SampleRun, 'samples'>,
): AsyncGenerator<{ readonly feeds: Feeds; readonly tensors: Readonly<Record<string, Tensor>> }> {
  const inputs = new Set(graph.inputs);
  const computed = values.filter((value) => !inputs.has(value));
  const outputs = computed.map((value) => ({ name: value, value }));
  const session = await createSession({ ...graph, outputs }, options);
  try {
    for await (const feeds of samples) {
      throwIfAborted(signal, 'calibration');
      yield { feeds, tensors: { ...feeds, ...(await session.run(feeds, { signal })) } };
    }
  } finally {
    session.dispose();
  }
}

function copyOf(feeds: Feeds): Feeds {
  const copies = Object.entries(feeds).map(([name, tensor]) => {
    return [name, { ...tensor, data: tensor.data.slice() } as Tensor];
  });
  return Object.fromEntries(copies);
}
