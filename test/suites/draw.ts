/** What suites have in common: sizes, shapes, windows, clamps, drawn so that edges are frequent. */
import type { StepParams } from '../../src/runtime/steps.js';
import type { Random } from '../helpers/random.js';

/** Draws until `accept` takes it, for sizes that must not multiply to too much. */
export function drawUntil<T>(draw: () => T, accept: (drawn: T) => boolean): T {
  for (;;) {
    const drawn = draw();
    if (accept(drawn)) return drawn;
  }
}

/** A length from 1 to 70: small, any, or at the edge of a vector. */
export function drawSize(random: Random): number {
  return random.pick([
    () => random.int(1, 8),
    () => random.int(1, 70),
    () => random.pick([15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65]),
  ])();
}

/** Dims of a tensor of up to `most` elements. */
export function drawDims(random: Random, rank: number, most = 20_000): number[] {
  return drawUntil(
    () => Array.from({ length: rank }, () => drawSize(random)),
    (dims) => dims.reduce((product, dim) => product * dim, 1) <= most,
  );
}

/**
 * Dims of y, and of two operands that broadcast to it: axes of length 1, in one of them left out.
 */
export function drawBroadcast(random: Random): { y: number[]; a: number[]; b: number[] } {
  const y = drawDims(random, random.int(0, 4));
  if (random.chance(0.4)) return { y, a: y, b: y };
  // Every axis keeps its length in one of the two.
  const kept = y.map(() => random.pick(['full', 'partial', 'both']));
  const full = y.map((dim, axis) => (kept[axis] === 'partial' ? 1 : dim));
  const partial = y.map((dim, axis) => (kept[axis] === 'full' ? 1 : dim));
  while (partial[0] === 1 && random.chance(0.5)) partial.shift();
  return random.chance(0.5) ? { y, a: full, b: partial } : { y, a: partial, b: full };
}

/** Sizes of a convolution of either arithmetic, NHWC and OHWI. */
export interface ConvolutionShape {
  readonly x: readonly [number, number, number, number];
  readonly weight: readonly [number, number, number, number];
  readonly y: readonly [number, number, number, number];
  readonly window: Pick<
    StepParams<'QConv'>,
    'strideH' | 'strideW' | 'dilationH' | 'dilationW' | 'padTop' | 'padLeft' | 'groups'
  >;
}

/** Multiply-adds of one problem, and elements of its largest tensor, are kept below this. */
const mostProducts = 400_000;

export interface WindowAxis {
  readonly size: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
}

/** One spatial axis with at least one output position. */
export function drawWindow(random: Random, kernels: readonly number[]): WindowAxis {
  return drawUntil(
    () => {
      const size = drawSize(random);
      const kernel = random.pick(kernels);
      const stride = random.pick([1, 1, 1, 2, 2, 3, 5]);
      const dilation = kernel > 1 ? random.pick([1, 1, 1, 2, 3]) : 1;
      const extent = (kernel - 1) * dilation + 1;
      const before = random.chance(0.5) ? 0 : random.int(0, extent - 1);
      const after = random.chance(0.5) ? before : random.int(0, extent - 1);
      const out = Math.floor((size + before + after - extent) / stride) + 1;
      return { size, out, kernel, stride, dilation, before };
    },
    ({ out }) => out >= 1,
  );
}

/** How a window slides over two axes. */
export function slidingOf(rows: WindowAxis, columns: WindowAxis) {
  return {
    strideH: rows.stride,
    strideW: columns.stride,
    dilationH: rows.dilation,
    dilationW: columns.dilation,
    padTop: rows.before,
    padLeft: columns.before,
  };
}

/** `channels` draws [groups, input channels per group, output channels per group]. */
export function drawConvolution(
  random: Random,
  kernels: readonly number[],
  channels: () => readonly [number, number, number],
): ConvolutionShape {
  return drawUntil(
    () => {
      const batch = random.pick([1, 1, 1, 2, 3]);
      const rows = drawWindow(random, kernels);
      const columns = drawWindow(random, kernels);
      const [groups, depth, perGroup] = channels();
      return {
        x: [batch, rows.size, columns.size, groups * depth],
        weight: [groups * perGroup, rows.kernel, columns.kernel, depth],
        y: [batch, rows.out, columns.out, groups * perGroup],
        window: {
          ...slidingOf(rows, columns),
          groups,
        },
      } as const;
    },
    ({ x, weight, y }) =>
      count(y) * (count(weight) / weight[0]) <= mostProducts && count(x) <= mostProducts,
  );
}

export function count(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** A zero point: an end of the range, the middle, or any. */
export function drawZero(random: Random): number {
  return random.pick([0, 255, 128, random.int(0, 255)]);
}

/** A clamp of bytes: mostly none, sometimes from the zero point up (ReLU), sometimes any. */
export function drawClamp(random: Random, zero: number): { min: number; max: number } {
  if (random.chance(0.6)) return { min: 0, max: 255 };
  if (random.chance(0.5)) return { min: zero, max: 255 };
  const min = random.int(0, 255);
  return { min, max: random.int(min, 255) };
}

const noBounds = { lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY };

/** Bounds of a float result: none, ReLU or a narrow band. */
export function drawBounds(random: Random): { lower: number; upper: number } {
  return random.pick([
    noBounds,
    { lower: 0, upper: Number.POSITIVE_INFINITY },
    { lower: -1.5, upper: 6 },
  ]);
}

/**
 * A positive float32 from `low` to `high`. Half are powers of two or short decimals: integers times
 * these fall on halves, or so near that every single rounding on the way shows.
 */
export function drawFactor(random: Random, low: number, high: number): number {
  const any = Math.exp(random.real(Math.log(low), Math.log(high)));
  const decimal = 10 ** Math.ceil(1 - Math.log10(any));
  return Math.fround(
    random.pick([any, any, 2 ** Math.round(Math.log2(any)), Math.ceil(any * decimal) / decimal]),
  );
}
