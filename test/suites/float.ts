/**
 * Float steps. Where only products and sums are made, half of the problems have inputs on the grid
 * of 2^-6 in [−1, 1]: every partial sum is then exact in float32, and so the answer is one number,
 * whatever the order of the sum. The others, and functions of one number, are allowed a few units
 * of float32.
 */
import { encodeBfloat16, encodeFloat16 } from '../../src/core/half.js';
import {
  type BinaryKind,
  binaryKinds,
  reduceKinds,
  type UnaryKind,
  unaryKinds,
} from '../../src/runtime/kinds.js';
import { floats, gridFloats, type Random } from '../helpers/random.js';
import { type Operand, perAxis, singleStepPlan } from '../helpers/singleStep.js';
import {
  count,
  drawBounds,
  drawBroadcast,
  drawConvolution,
  drawDims,
  drawSize,
  drawUntil,
} from './draw.js';
import { exact, near, type Suite, type Tolerance, unit } from './problem.js';

/** Inputs of a sum of `terms` products, each up to 1, and what their sum may be off by. */
function drawSum(random: Random, terms: number) {
  const onGrid = random.chance(0.5);
  return {
    fill: (length: number) => (onGrid ? gridFloats(random, length) : floats(random, length)),
    tolerance: onGrid ? exact : { absolute: 16 * unit * terms, relative: 0 },
  };
}

const f32 = (dims: readonly number[], constant?: Float32Array) =>
  ({ type: 'float32', dims, constant }) as const;

/** A constant of float32, or one time in three of the 16-bit float that is near. */
function drawWeight(random: Random, dims: readonly number[], data: Float32Array): Operand {
  return random.pick<() => Operand>([
    ...[() => f32(dims, data), () => f32(dims, data), () => f32(dims, data), () => f32(dims, data)],
    () => ({ type: 'float16', dims, constant: encodeFloat16(data) }),
    () => ({ type: 'bfloat16', dims, constant: encodeBfloat16(data) }),
  ])();
}

/** Functions that are one rounding, or none, away from their input. */
const exactUnary: readonly UnaryKind[] = [
  'Clip',
  'LeakyRelu',
  'Neg',
  'Abs',
  'Sqrt',
  'Reciprocal',
  'Floor',
  'Ceil',
  'Round',
  'Sign',
  'ThresholdedRelu',
];

/** Where a function is tested, if not on −20 … 20. */
const domains: Partial<Record<UnaryKind, readonly [number, number]>> = {
  Log: [1e-6, 50],
  Sqrt: [0, 100],
  Reciprocal: [0.01, 50],
  Erf: [-5, 5],
  Gelu: [-8, 8],
  GeluTanh: [-8, 8],
  Tan: [-1.5, 1.5],
  Asin: [-1, 1],
  Acos: [-1, 1],
  Acosh: [1, 50],
  Atanh: [-0.99, 0.99],
};

function drawUnary(random: Random, kind: UnaryKind): { x: Float32Array; dims: number[] } {
  const dims = drawDims(random, random.int(0, 4), 5000);
  const [low, high] = domains[kind] ?? [-20, 20];
  const x = floats(random, count(dims), low, high);
  // Halves, for the functions that round.
  if (kind === 'Round') return { x: x.map((value) => Math.round(value) / 2), dims };
  return { x, dims };
}

/** The least √(variance + epsilon) of rows of `length`. */
function leastDeviation(x: Float32Array, length: number, epsilon: number): number {
  // The mean of one value is that value: nothing is off.
  if (length === 1) return 1;
  let least = Infinity;
  for (let from = 0; from < x.length; from += length) {
    const row = [...x.subarray(from, from + length)];
    const mean = row.reduce((sum, value) => sum + value, 0) / length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / length;
    least = Math.min(least, Math.sqrt(variance + epsilon));
  }
  return least;
}

/** What erf and tanh are off by near ±1, times x / 2. */
const ofGelu: Tolerance = { absolute: 8 * unit, relative: 16 * unit };

export const unaryTolerance: Partial<Record<UnaryKind, Tolerance>> = {
  Gelu: ofGelu,
  GeluTanh: ofGelu,
};

const binaryTolerance: Partial<Record<BinaryKind, Tolerance>> = { Pow: near(32) };

export const floatSuites: readonly Suite[] = [
  {
    name: 'conv',
    draw: (random) => {
      const { x, weight, y, window } = drawConvolution(random, [1, 1, 2, 3, 3, 5], () =>
        random.pick([
          () => [1, drawSize(random), drawSize(random)] as const,
          () => [random.int(2, 5), random.int(1, 12), random.int(1, 12)] as const,
          () => [drawSize(random), 1, random.pick([1, 1, 2])] as const,
        ])(),
      );
      const { fill, tolerance } = drawSum(random, count(weight) / weight[0] + 1);
      const channels = [weight[0]];
      const plan = singleStepPlan(
        'Conv',
        [
          f32(x),
          drawWeight(random, weight, fill(count(weight))),
          random.chance(0.7) ? f32(channels, fill(weight[0])) : undefined,
        ],
        [f32(y)],
        { ...window, ...drawBounds(random) },
        random.pick(['plan', 'model']),
      );
      return { plan, inputs: [fill(count(x))], tolerance };
    },
  },
  {
    name: 'matmul',
    draw: (random) => {
      const { m, k, n, stack } = drawUntil(
        () => ({
          m: drawSize(random),
          k: random.chance(0.8) ? drawSize(random) : random.int(71, 600),
          n: drawSize(random),
          stack: Array.from({ length: random.int(0, 2) }, () => random.int(1, 4)),
        }),
        (sizes) => sizes.m * sizes.k * sizes.n * count(sizes.stack) <= 400_000,
      );
      const { fill, tolerance } = drawSum(random, k + 1);
      const [transposeA, transposeB] = [random.int(0, 1), random.int(0, 1)];
      const shared = random.chance(0.4);
      const a = [...stack, ...(transposeA ? [k, m] : [m, k])];
      const b = [...(shared ? [] : stack), ...(transposeB ? [n, k] : [k, n])];
      const bias = random.pick([undefined, [n], [m, 1], [m, n], [...stack, m, n], [1]]);
      const bData = fill(count(b));
      const constant = random.chance(0.5);
      const aData = fill(count(a));
      const plan = singleStepPlan(
        'MatMul',
        [
          f32(a),
          constant ? drawWeight(random, b, bData) : f32(b),
          bias && f32(bias, fill(count(bias))),
        ],
        [f32([...stack, m, n])],
        { transposeA, transposeB, ...drawBounds(random) },
        random.pick(['plan', 'model']),
      );
      return { plan, inputs: constant ? [aData] : [aData, bData], tolerance };
    },
  },
  {
    name: 'matmul of bfloat16',
    draw: (random) => {
      const { m, k, n, stack } = drawUntil(
        () => ({
          m: drawSize(random),
          // Beyond 2048, kernels of pairs too take the sum in blocks.
          k: random.chance(0.8) ? drawSize(random) : random.int(71, 2200),
          n: drawSize(random),
          stack: Array.from({ length: random.int(0, 2) }, () => random.int(1, 4)),
        }),
        (sizes) => sizes.m * sizes.k * sizes.n * count(sizes.stack) <= 400_000,
      );
      // The grid lies on that of bfloat16; other numbers are rounded to it.
      const { fill, tolerance } = drawSum(random, k + 1);
      const transposeB = random.int(0, 1);
      const a = [...stack, m, k];
      const b = [...(random.chance(0.4) ? [] : stack), ...(transposeB ? [n, k] : [k, n])];
      const bias = random.pick([undefined, [n], [m, 1], [...stack, m, n]]);
      const type = 'bfloat16';
      const plan = singleStepPlan(
        'MatMul',
        [
          { type, dims: a },
          { type, dims: b, constant: encodeBfloat16(fill(count(b))) },
          bias && f32(bias, fill(count(bias))),
        ],
        [f32([...stack, m, n])],
        { transposeB, ...drawBounds(random) },
        random.pick(['plan', 'model']),
      );
      return { plan, inputs: [encodeBfloat16(fill(count(a)))], tolerance };
    },
  },
  {
    name: 'binary',
    draw: (random) => {
      const kind = random.pick(Object.keys(binaryKinds) as BinaryKind[]);
      const { y, a, b } = drawBroadcast(random);
      const [low, high] = kind === 'Pow' ? [0.1, 4] : [-8, 8];
      const plan = singleStepPlan('Binary', [f32(a), f32(b)], [f32(y)], {
        kind: binaryKinds[kind],
      });
      const inputs = [floats(random, count(a), low, high), floats(random, count(b), low, high)];
      return { plan, inputs, tolerance: binaryTolerance[kind] ?? exact };
    },
  },
  {
    name: 'unary',
    draw: (random) => {
      const kind = random.pick(Object.keys(unaryKinds) as UnaryKind[]);
      const { x, dims } = drawUnary(random, kind);
      const [alpha, beta] =
        kind === 'Clip' ? [random.pick([0, -1]), random.pick([6, Infinity])] : [0.2, 0.5];
      const params = { kind: unaryKinds[kind], alpha: Math.fround(alpha), beta };
      const plan = singleStepPlan('Unary', [f32(dims)], [f32(dims)], params);
      return {
        plan,
        inputs: [x],
        tolerance: exactUnary.includes(kind) ? exact : (unaryTolerance[kind] ?? near(16)),
      };
    },
  },
  {
    name: 'softmax',
    draw: (random) => {
      const dims = drawDims(random, random.int(1, 4), 10_000);
      // Beyond 88, e^x leaves float32 unless the maximum is taken off first.
      const reach = random.pick([10, 10, 200]);
      const x = floats(random, count(dims), -reach, reach);
      const plan = singleStepPlan('Softmax', [f32(dims)], [f32(dims)]);
      return { plan, inputs: [x], tolerance: near(64) };
    },
  },
  {
    name: 'layernorm',
    draw: (random) => {
      const dims = drawDims(random, random.int(1, 4), 10_000);
      const length = dims.at(-1)!;
      const bias = random.chance(0.6) ? f32([length], floats(random, length)) : undefined;
      const residual = random.chance(0.4) ? floats(random, count(dims), -4, 4) : undefined;
      const epsilon = Math.fround(random.pick([1e-5, 1e-12, 0.1]));
      const plan = singleStepPlan(
        'LayerNorm',
        [
          f32(dims),
          f32([length], floats(random, length, -2, 2)),
          bias,
          ...(residual === undefined ? [] : [f32(dims)]),
        ],
        [f32(dims)],
        { epsilon },
        random.pick(['plan', 'model']),
      );
      const x = floats(random, count(dims), -4, 4);
      // No row of nearly equal values, whose differences are all rounding.
      for (let i = 0; i < x.length; i++) if (i % length < 2) x[i] = i % length === 0 ? -4 : 4;
      for (let i = 0; i < x.length; i++) if (residual && i % length < 2) residual[i] = 0;
      const normalized = residual === undefined ? x : x.map((value, i) => value + residual[i]!);
      // A few units of what is normalized and of its mean, by the largest factor.
      const reach = residual === undefined ? 1 : 2;
      const absolute = (32 * unit * 2 * reach) / leastDeviation(normalized, length, epsilon);
      const inputs = residual === undefined ? [x] : [x, residual];
      return { plan, inputs, tolerance: { absolute, relative: 16 * unit } };
    },
  },
  {
    name: 'lrn',
    draw: (random) => {
      const dims = drawDims(random, random.int(2, 4), 10_000);
      const beta = random.pick([0.75, 0.75, 0.5]);
      const plan = singleStepPlan('Lrn', [f32(dims)], [f32(dims)], {
        size: random.int(1, 9),
        alpha: Math.fround(random.pick([1e-4, 0.05, 1])),
        beta,
        bias: random.pick([1, 2]),
      });
      const input = floats(random, count(dims), -30, 30);
      return { plan, inputs: [input], tolerance: beta === 0.75 ? exact : near(8) };
    },
  },
  {
    name: 'reduce',
    draw: (random) => {
      const dims = drawDims(random, random.int(1, 4));
      const axes = dims.map(() => random.int(0, 1));
      const kept = dims.map((dim, axis) => (axes[axis] === 1 ? 1 : dim));
      const kind = random.pick(Object.values(reduceKinds));
      const params = { kind, axes: perAxis(axes) };
      const plan = singleStepPlan('Reduce', [f32(dims)], [f32(kept)], params);
      // Sums on the grid are exact; a mean divides them, or multiplies by a rounded reciprocal.
      const tolerance = kind === reduceKinds.Mean ? near(2) : exact;
      return { plan, inputs: [gridFloats(random, count(dims))], tolerance };
    },
  },
];
