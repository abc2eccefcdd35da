/**
 * Compares what two models answer to the same samples: the paired measures that show what quantizing
 * cost, even where there are no labels. Samples stream through.
 */
import { OctavoError, throwIfAborted } from '../core/errors.js';
import type { Model } from '../onnx/model.js';
import { type Feeds, InferenceSession, type SessionOptions } from '../runtime/session.js';
import { Difference, type Measures } from './difference.js';

export interface CompareOptions {
  /** Feeds that both models take. */
  readonly data: Iterable<Feeds> | AsyncIterable<Feeds>;
  /** For both sessions. */
  readonly session?: SessionOptions;
  readonly onProgress?: (progress: { readonly done: number }) => void;
  readonly signal?: AbortSignal;
}

/** How far one output of the candidate is from the reference model's, over all samples. */
export interface OutputComparison extends Measures {
  readonly name: string;
}

export interface Comparison {
  readonly samples: number;
  readonly outputs: readonly OutputComparison[];
}

/**
 * Runs both models on every sample and compares the outputs that they share by name. Throws
 * `INVALID_MODEL` when they share none, `INVALID_INPUT` when a sample does not fit, `ABORTED`.
 */
export async function compareModels(
  reference: Model | string | Uint8Array,
  candidate: Model | string | Uint8Array,
  options: CompareOptions,
): Promise<Comparison> {
  const first = await InferenceSession.create(reference, options.session);
  try {
    const second = await InferenceSession.create(candidate, options.session);
    try {
      return await compareSessions(first, second, options);
    } finally {
      second.dispose();
    }
  } finally {
    first.dispose();
  }
}

async function compareSessions(
  reference: InferenceSession,
  candidate: InferenceSession,
  { data, onProgress, signal }: CompareOptions,
): Promise<Comparison> {
  const others = new Set(candidate.outputs.map((output) => output.name));
  const shared = reference.outputs.map((output) => output.name).filter((name) => others.has(name));
  if (shared.length === 0) {
    throw new OctavoError('INVALID_MODEL', 'the models have no output in common', {
      expected: reference.outputs.map((output) => output.name).join(', '),
      found: [...others].join(', '),
    });
  }
  const differences = new Map(shared.map((name) => [name, new Difference()]));
  let samples = 0;
  for await (const feeds of data) {
    throwIfAborted(signal, 'compareModels');
    const expected = await reference.run(feeds, { signal });
    const found = await candidate.run(feeds, { signal });
    for (const [name, difference] of differences) {
      difference.add(expected[name]!, found[name]!, name);
    }
    samples++;
    onProgress?.({ done: samples });
  }
  if (samples === 0) {
    throw new OctavoError('INVALID_ARGUMENT', 'no samples to compare on', { where: 'data' });
  }
  return {
    samples,
    outputs: [...differences].map(([name, { measures }]) => ({ name, ...measures })),
  };
}
