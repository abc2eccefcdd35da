/**
 * By how much a channel is moved so that the mean of what it hands on, behind its activation function, is what it should
 * be. In front of a ReLU the means tell little: most of what they are made of is cut off.
 */
import type { Tensor } from '../core/tensor.js';
import type { ChannelFunction } from './handedOn.js';

/** Values of one channel: what it should hand on, and what it holds in front of its function. */
export interface ChannelValues {
  readonly expected: Float32Array;
  readonly found: Float32Array;
  /** Where the second half begins. The halves are of different samples where there are several. */
  readonly half: number;
  readonly f: ChannelFunction | undefined;
}

/** Values of a channel that are looked at, and of a layer whose channels are not told apart. */
const mostValues = 4096;
const mostOfLayer = 2 ** 16;
/** Steps of the secant method, and the least share of a move that has to come through the function. */
const mostSteps = 16;
const leastSlope = 0.01;

/** What a layer should write and what it does, for each sample, and the functions of its channels. */
export interface LayerValues {
  readonly expected: readonly Tensor[];
  readonly found: readonly Tensor[];
  /** Along axis 1, or 1 where all values are taken together. */
  readonly channels: number;
  readonly functions: readonly ChannelFunction[] | undefined;
}

/** Gathers the values of one channel after the other. */
export function channelReader({
  expected,
  found,
  channels,
  functions,
}: LayerValues): (channel: number) => ChannelValues {
  const most = channels === 1 ? mostOfLayer : mostValues;
  const quota = Math.max(Math.floor(most / expected.length), 1);
  const samples = expected.map((tensor, s) => {
    const images = channels === 1 ? 1 : tensor.dims[0]!;
    const inner = tensor.data.length / images / channels;
    const places = scattered(images * inner, quota);
    const offsets = places.map((p) => Math.floor(p / inner) * channels * inner + (p % inner));
    const [x, y] = [tensor.data as Float32Array, found[s]!.data as Float32Array];
    return { x, y, inner, offsets };
  });
  const isFirst = (s: number, i: number) => (samples.length > 1 ? s : i) % 2 === 0;
  const half = samples.reduce(
    (sum, { offsets }, s) => sum + offsets.filter((_, i) => isFirst(s, i)).length,
    0,
  );
  const count = samples.reduce((sum, { offsets }) => sum + offsets.length, 0);
  return (channel) => {
    const f = functions?.[channel];
    const values = { expected: new Float32Array(count), found: new Float32Array(count), half, f };
    let [first, second] = [0, half];
    for (const [s, { x, y, inner, offsets }] of samples.entries()) {
      for (const [i, offset] of offsets.entries()) {
        const to = isFirst(s, i) ? first++ : second++;
        const from = channel * inner + offset;
        values.expected[to] = f === undefined ? x[from]! : f(x[from]!);
        values.found[to] = y[from]!;
      }
    }
    return values;
  };
}

/** `count` of `total` places, one somewhere in each of as many equal stretches; all where there are fewer. */
function scattered(total: number, count: number): readonly number[] {
  if (total <= count) return Array.from({ length: total }, (_, i) => i);
  const golden = (Math.sqrt(5) - 1) / 2;
  return Array.from({ length: count }, (_, i) =>
    Math.floor(((i + ((i * golden) % 1)) * total) / count),
  );
}

/**
 * The shift that brings the mean back, to `precision`. 0 where those of either half make the other one no better in
 * squares, so that what is kept is not the noise of a few samples.
 */
export function shiftFor(values: ChannelValues, precision: number): number {
  const { half, found } = values;
  const count = found.length;
  const isProved =
    squaredErrors(values, meanShift(values, 0, half, precision), half, count) +
      squaredErrors(values, meanShift(values, half, count, precision), 0, half) <
    squaredErrors(values, 0, 0, count);
  return isProved ? meanShift(values, 0, count, precision) : 0;
}

function meanShift(values: ChannelValues, start: number, end: number, precision: number): number {
  const { expected, found, f } = values;
  const count = end - start;
  const excess = (shift: number) => {
    let sum = 0;
    for (let i = start; i < end; i++) {
      const x = found[i]! + shift;
      sum += (f === undefined ? x : f(x)) - expected[i]!;
    }
    return sum / count;
  };
  if (count === 0) return 0;
  let [before, at] = [0, excess(0)];
  let [previous, shift] = [at, -at];
  if (f === undefined) return shift;
  for (let step = 0; step < mostSteps && Math.abs(shift - before) > precision; step++) {
    at = excess(shift);
    const slope = (at - previous) / (shift - before);
    if (!(slope > leastSlope)) break;
    [before, previous] = [shift, at];
    shift -= at / slope;
  }
  return shift;
}

/** Σ of the squares of what is handed on wrongly after a shift. */
export function squaredErrors(
  { expected, found, f }: ChannelValues,
  shift: number,
  start = 0,
  end = found.length,
): number {
  let sum = 0;
  for (let i = start; i < end; i++) {
    const x = found[i]! + shift;
    const error = (f === undefined ? x : f(x)) - expected[i]!;
    sum += error * error;
  }
  return sum;
}
