/** Quantized convolutions: dense, pointwise, grouped, depthwise, and matrix products. */
import type { DataType, TypedArray } from '../../src/core/dtype.js';
import { floats, integers, type Random } from '../helpers/random.js';
import { singleStepPlan } from '../helpers/singleStep.js';
import {
  type ConvolutionShape,
  count,
  drawBounds,
  drawClamp,
  drawConvolution,
  drawFactor,
  drawSize,
  drawUntil,
  drawZero,
  slidingOf,
  type WindowAxis,
} from './draw.js';
import type { Problem, Suite } from './problem.js';

/** Parameters of a sum with a residual, and the residual: an input, or now and then a constant. */
function drawResidual(random: Random, dims: ConvolutionShape['y']) {
  const data = integers(random, 'uint8', count(dims));
  const isConstant = random.chance(0.1);
  const codeZero = drawZero(random);
  const codes = drawClamp(random, codeZero);
  return {
    operand: { type: 'uint8', dims, constant: isConstant ? data : undefined } as const,
    inputs: isConstant ? [] : [data],
    params: {
      codeZero,
      codeMin: codes.min,
      codeMax: codes.max,
      residualZero: drawZero(random),
      codeMultiplier: drawFactor(random, 0.1, 4),
      residualMultiplier: drawFactor(random, 0.1, 4) * random.pick([1, 1, -1]),
    },
  };
}

/** Weights over all of their range, or like those of trained models: small but for a few. */
function drawWeights(random: Random, length: number, lowest: number): Int8Array {
  const weights = integers(random, 'int8', length, lowest);
  if (random.chance(0.4)) return weights;
  const large = random.pick([0.001, 0.01, 0.05]);
  return weights.map((weight) => (random.chance(large) ? weight : weight >> 1));
}

function drawProblem(
  random: Random,
  { x, weight, y, window }: ConvolutionShape,
  adds = false,
): Problem {
  const channels = weight[0];
  const type: DataType = adds
    ? 'uint8'
    : random.pick(['uint8', 'uint8', 'uint8', 'int32', 'float32']);
  const residual = adds ? drawResidual(random, y) : undefined;
  const xZero = drawZero(random);
  const yZero = drawZero(random);
  const lowest = random.pick([-127, -128]);
  // Sums of uniform values spread about this far, so that results fill the range of a byte. A large
  // bias takes accumulators beyond what float32 holds exactly.
  const large = random.chance(0.15) ? 2 ** 30 : 0;
  const spread = 74 * 74 * Math.sqrt(count(weight) / channels) + large;
  const natural = 60 / spread;
  const multiplier = Float32Array.from({ length: channels }, () =>
    drawFactor(random, natural / 8, natural * 8),
  );
  const reach = Math.max(100_000, large);
  const bias = integers(random, 'int32', channels, -reach, reach);
  const weightZero = integers(random, 'int32', channels, -128, 127);
  const plan = singleStepPlan(
    'QConv',
    [
      { type: 'uint8', dims: x },
      { type: 'int8', dims: weight, constant: drawWeights(random, count(weight), lowest) },
      random.chance(0.7) || large > 0
        ? { type: 'int32', dims: [channels], constant: bias }
        : undefined,
      { type: 'float32', dims: [channels], constant: multiplier },
      random.chance(0.3) ? { type: 'int32', dims: [channels], constant: weightZero } : undefined,
      ...(residual === undefined ? [] : [residual.operand]),
    ],
    [{ type, dims: y }],
    {
      ...{ ...window, xZero, yZero, ...drawClamp(random, yZero), ...drawBounds(random) },
      ...residual?.params,
    },
    random.pick(['plan', 'model']),
  );
  return { plan, inputs: [integers(random, 'uint8', count(x)), ...(residual?.inputs ?? [])] };
}

/** The same with a zero point, and often scales, that are computed. */
function drawDynamic(random: Random, { x, weight, y, window }: ConvolutionShape): Problem {
  const channels = weight[0];
  const type = random.pick(['int32', 'float32', 'float32'] as const);
  const scales = type === 'int32' ? undefined : random.pick([undefined, [], y.slice(0, 3)]);
  const vector = (wanted: boolean, of: 'float32' | 'int32', constant: TypedArray) =>
    wanted ? { type: of, dims: [channels], constant } : undefined;
  const isFloat = type === 'float32';
  const plan = singleStepPlan(
    'QConvDynamic',
    [
      { type: 'uint8', dims: x },
      {
        ...{ type: 'int8', dims: weight },
        constant: drawWeights(random, count(weight), random.pick([-127, -128])),
      },
      { type: 'uint8', dims: [] },
      vector(isFloat, 'float32', floats(random, channels, -0.01, 0.01)),
      vector(random.chance(0.3), 'int32', integers(random, 'int32', channels, -128, 127)),
      scales && { type: 'float32', dims: scales },
      vector(isFloat && random.chance(0.5), 'float32', floats(random, channels, -9, 9)),
    ],
    [{ type, dims: y }],
    { ...window, ...drawBounds(random), perPixel: scales?.length === 3 ? 1 : 0 },
    random.pick(['plan', 'model']),
  );
  const inputs: TypedArray[] = [
    integers(random, 'uint8', count(x)),
    Uint8Array.of(random.pick([0, 128, 255, random.int(0, 255)])),
  ];
  if (scales) inputs.push(floats(random, count(scales), 0.001, 2));
  return { plan, inputs };
}

function drawDepth(random: Random): number {
  return random.chance(0.7) ? drawSize(random) : random.int(71, 600);
}

/** One spatial axis of few places, whose windows reach beyond both ends. */
function drawSmallAxis(random: Random): WindowAxis {
  return drawUntil(
    () => {
      const [size, kernel] = [random.int(1, 9), random.pick([1, 2, 3, 3, 5])];
      const [stride, dilation] = [random.pick([1, 1, 2, 3]), random.pick([1, 1, 1, 2])];
      const extent = (kernel - 1) * dilation + 1;
      const [before, after] = [random.int(0, extent - 1), random.int(0, extent - 1)];
      const out = Math.floor((size + before + after - extent) / stride) + 1;
      return { size, out, kernel, stride, dilation, before };
    },
    ({ out }) => out >= 1,
  );
}

const anyKernel = [1, 2, 3, 3, 3, 4, 5, 7];

/** Sums that are the bias and a little, at or next to what the multiplier makes a half. */
function drawRequantize(random: Random): Problem {
  const channels = drawSize(random);
  const multiplier = Float32Array.from({ length: channels }, () => drawFactor(random, 2e-8, 2));
  const bias = Int32Array.from(multiplier, (factor) =>
    Math.round((random.int(-40, 40) + 0.5) / factor),
  );
  const yZero = drawZero(random);
  const plan = singleStepPlan(
    'QConv',
    [
      { type: 'uint8', dims: [1, 1, 5, 1] },
      { type: 'int8', dims: [channels, 1, 1, 1], constant: new Int8Array(channels).fill(1) },
      { type: 'int32', dims: [channels], constant: bias },
      { type: 'float32', dims: [channels], constant: multiplier },
    ],
    [{ type: 'uint8', dims: [1, 1, 5, channels] }],
    { xZero: 2, yZero, ...drawClamp(random, yZero) },
  );
  return { plan, inputs: [Uint8Array.of(0, 1, 2, 3, 4)] };
}

/**
 * Depthwise windows that move one or two pixels along a row, over images from smaller than the
 * window to several parts of work, with channels that leave remainders of every width.
 */
function drawStrips(random: Random): ConvolutionShape {
  const most = random.pick([30_000, 30_000, 30_000, 1_500_000]);
  return drawUntil(
    () => {
      const axis = (strides: readonly number[], dilations: readonly number[]) => {
        const size = random.pick([random.int(1, 8), random.int(1, 70)]);
        const kernel = random.pick([1, 2, 3, 3, 3, 4, 5, 5, 6, 7]);
        const [stride, dilation] = [random.pick(strides), random.pick(dilations)];
        const extent = (kernel - 1) * dilation + 1;
        const before = random.int(0, extent);
        const out = Math.floor((size + before + random.int(0, extent) - extent) / stride) + 1;
        return { size, kernel, stride, dilation, before, out };
      };
      const rows = axis([1, 1, 2, 2, 3], [1, 1, 1, 2]);
      const columns = axis([1, 2], [1]);
      const channels = random.pick([
        random.int(1, 40),
        random.int(1, 200),
        16 * random.int(1, 12),
        64,
      ]);
      const batch = random.pick([1, 1, 1, 2]);
      return {
        x: [batch, rows.size, columns.size, channels],
        weight: [channels, rows.kernel, columns.kernel, 1],
        y: [batch, rows.out, columns.out, channels],
        window: {
          ...slidingOf(rows, columns),
          groups: channels,
        },
      } as const;
    },
    ({ x, y, weight }) =>
      Math.min(y[1], y[2]) >= 1 && count(y) * weight[1] * weight[2] <= most && count(x) <= 400_000,
  );
}

/**
 * Small pictures, of which much is border, on more channels than a row of the window is read whole
 * for.
 */
function drawPadded(random: Random): ConvolutionShape {
  const rows = drawSmallAxis(random);
  const columns = drawSmallAxis(random);
  const [groups, depth, perGroup] = [random.pick([1, 1, 2]), random.int(23, 40), drawSize(random)];
  const batch = random.pick([1, 2]);
  return {
    x: [batch, rows.size, columns.size, groups * depth],
    weight: [groups * perGroup, rows.kernel, columns.kernel, depth],
    y: [batch, rows.out, columns.out, groups * perGroup],
    window: {
      ...slidingOf(rows, columns),
      groups,
    },
  };
}

/** A matrix product. */
function drawProduct(random: Random): ConvolutionShape {
  const anySize = () => [drawSize(random), drawSize(random), drawDepth(random)];
  const [m, n, k] = random.pick([
    ...Array<() => number[]>(4).fill(anySize),
    // A few rows, by many columns; now and then more weights than the caches next to a core.
    () => [random.int(1, 4), random.int(1, 300), drawDepth(random)],
    () => [random.int(1, 20), 64 * random.int(1, 4), random.int(1000, 1400)],
  ])() as [number, number, number];
  return {
    x: [1, 1, m, k],
    weight: [n, 1, 1, k],
    y: [1, 1, m, n],
    window: {
      strideH: 1,
      strideW: 1,
      dilationH: 1,
      dilationW: 1,
      padTop: 0,
      padLeft: 0,
      groups: 1,
    },
  };
}

/** Windows of 3 × 3 that move by one, on enough channels for multiplying less often to pay. */
function drawThreeByThree(random: Random): ConvolutionShape {
  return drawUntil(
    () => {
      const axis = () => {
        const [size, before] = [random.int(1, 24), random.int(0, 2)];
        const out = size + before + random.int(0, 2) - 2;
        return { size, out, kernel: 3, stride: 1, dilation: 1, before };
      };
      const [rows, columns, batch] = [axis(), axis(), random.pick([1, 1, 2])];
      const [depth, perPixel] = [random.int(14, 48), random.int(14, 48)];
      return {
        x: [batch, rows.size, columns.size, depth],
        weight: [perPixel, 3, 3, depth],
        y: [batch, rows.out, columns.out, perPixel],
        window: { ...slidingOf(rows, columns), groups: 1 },
      } as const;
    },
    ({ y, weight }) => Math.min(y[1], y[2]) >= 1 && count(y) * weight[3] <= 200_000,
  );
}

/** Any of these. */
function drawAny(random: Random): ConvolutionShape {
  const anyGroups = () =>
    [random.pick([1, 1, 1, 2, 5]), drawSize(random), drawSize(random)] as const;
  const draw = random.pick([
    () => drawConvolution(random, anyKernel, anyGroups),
    () => drawConvolution(random, [1], () => [1, drawSize(random), drawSize(random)]),
    () => drawConvolution(random, anyKernel, () => [drawSize(random), 1, 1]),
    () => drawStrips(random),
    () => drawPadded(random),
    () => drawThreeByThree(random),
    () => drawProduct(random),
  ]);
  return draw();
}

export const qconvSuites: readonly Suite[] = [
  {
    name: 'qconv dense',
    draw: (random) =>
      drawProblem(
        random,
        drawConvolution(random, anyKernel, () => [1, drawSize(random), drawSize(random)]),
      ),
  },
  {
    name: 'qconv pointwise',
    draw: (random) =>
      drawProblem(
        random,
        drawConvolution(random, [1], () => [1, drawSize(random), drawSize(random)]),
      ),
  },
  {
    name: 'qconv grouped',
    draw: (random) =>
      drawProblem(
        random,
        drawConvolution(random, anyKernel, () => [
          random.int(2, 6),
          random.int(1, 20),
          random.int(1, 20),
        ]),
      ),
  },
  {
    name: 'qconv depthwise',
    draw: (random) =>
      drawProblem(
        random,
        drawConvolution(random, anyKernel, () => [
          drawSize(random),
          1,
          random.pick([1, 1, 1, 2, 3]),
        ]),
      ),
  },
  {
    name: 'qconv depthwise in strips',
    draw: (random) => drawProblem(random, drawStrips(random)),
  },
  {
    name: 'requantize',
    draw: drawRequantize,
  },
  {
    name: 'qconv padded',
    draw: (random) => drawProblem(random, drawPadded(random)),
  },
  {
    name: 'qconv 3x3',
    draw: (random) => drawProblem(random, drawThreeByThree(random)),
  },
  {
    name: 'qmatmul',
    draw: (random) => drawProblem(random, drawProduct(random)),
  },
  {
    name: 'qconv with a residual',
    draw: (random) => drawProblem(random, drawAny(random), true),
  },
  {
    name: 'qconv of computed terms',
    draw: (random) => drawDynamic(random, drawAny(random)),
  },
];
