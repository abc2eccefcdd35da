/**
 * Compares what two models answer to the same samples: the paired measures that show what quantizing
 * cost, even where there are no labels. Sums are kept in float64; samples stream through.
 */
import { OctavoError, throwIfAborted } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { toFloat32 } from '../core/values.js';
import type { Model } from '../onnx/model.js';
import { type Feeds, InferenceSession, type SessionOptions } from '../runtime/session.js';

export interface CompareOptions {
  /** Feeds that both models take. */
  readonly data: Iterable<Feeds> | AsyncIterable<Feeds>;
  /** For both sessions. */
  readonly session?: SessionOptions;
  readonly onProgress?: (progress: { readonly done: number }) => void;
  readonly signal?: AbortSignal;
}

/** How far one output of the candidate is from the reference model's. */
export interface OutputComparison {
  readonly name: string;
  /** 10 · log10(Σ reference² / Σ (reference − candidate)²), in dB over all samples. */
  readonly sqnr: number;
  /** Mean over the samples of the cosine between the two outputs. */
  readonly cosine: number;
  readonly maxError: number;
  /** Share of rows (along the last axis) whose largest element is at the same place, 0 … 1. */
  readonly top1Agreement: number;
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
  const tallies = new Map(shared.map((name) => [name, newTally()]));
  let samples = 0;
  for await (const feeds of data) {
    throwIfAborted(signal, 'compareModels');
    const expected = await reference.run(feeds, { signal });
    const found = await candidate.run(feeds, { signal });
    for (const [name, tally] of tallies) addSample(tally, expected[name]!, found[name]!, name);
    samples++;
    onProgress?.({ done: samples });
  }
  if (samples === 0) {
    throw new OctavoError('INVALID_ARGUMENT', 'no samples to compare on', { where: 'data' });
  }
  return {
    samples,
    outputs: [...tallies].map(([name, tally]) => ({
      name,
      sqnr:
        tally.noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(tally.signal / tally.noise),
      cosine: tally.cosines / samples,
      maxError: tally.maxError,
      top1Agreement: tally.rows === 0 ? 1 : tally.agreeing / tally.rows,
    })),
  };
}

interface Tally {
  signal: number;
  noise: number;
  cosines: number;
  maxError: number;
  rows: number;
  agreeing: number;
}

function newTally(): Tally {
  return { signal: 0, noise: 0, cosines: 0, maxError: 0, rows: 0, agreeing: 0 };
}

function addSample(tally: Tally, expected: Tensor, found: Tensor, name: string): void {
  const a = toFloat32(expected, name);
  const b = toFloat32(found, name);
  if (a.length !== b.length) {
    throw new OctavoError('INVALID_MODEL', 'the models give outputs of different sizes', {
      where: name,
      expected: String(a.length),
      found: String(b.length),
    });
  }
  let aa = 0;
  let bb = 0;
  let ab = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    const error = x - y;
    aa += x * x;
    bb += y * y;
    ab += x * y;
    tally.noise += error * error;
    tally.maxError = Math.max(tally.maxError, Math.abs(error));
  }
  tally.signal += aa;
  const norms = Math.sqrt(aa) * Math.sqrt(bb);
  tally.cosines += norms === 0 ? Number(aa === bb) : ab / norms;
  const width = expected.dims[expected.dims.length - 1] ?? 1;
  for (let start = 0; start < a.length; start += width) {
    tally.rows++;
    if (argmax(a, start, width) === argmax(b, start, width)) tally.agreeing++;
  }
}

function argmax(data: Float32Array, start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (data[start + i]! > data[start + best]!) best = i;
  return best;
}
