/** Maximum and average over windows, quantized and float; no window lies on padding alone. */
import type { StepParams } from '../../src/runtime/steps.js';
import { gridFloats, integers, type Random } from '../helpers/random.js';
import { singleStepPlan } from '../helpers/singleStep.js';
import {
  count,
  drawClamp,
  drawFactor,
  drawSize,
  drawUntil,
  drawWindow,
  drawZero,
  slidingOf,
} from './draw.js';
import { exact, near, type Suite } from './problem.js';

export interface PoolShape {
  readonly x: number[];
  readonly y: number[];
  readonly window: StepParams<'MaxPool'>;
}

const mostElements = 200_000;

/** One axis of which every window has a tap on the input. */
function drawAxis(random: Random): ReturnType<typeof drawWindow> {
  return drawUntil(
    () => drawWindow(random, [1, 2, 2, 3, 3, 5, 7]),
    ({ size, out, kernel, stride, dilation, before }) =>
      Array.from({ length: out }, (_, o) =>
        Array.from({ length: kernel }, (_, k) => o * stride - before + k * dilation),
      ).every((taps) => taps.some((tap) => tap >= 0 && tap < size)),
  );
}

export function drawPool(random: Random): PoolShape {
  return drawUntil(
    () => {
      const batch = random.pick([1, 1, 2]);
      const channels = drawSize(random);
      if (random.chance(0.2)) return globalPool(random, batch, channels);
      const rows = drawAxis(random);
      const columns = drawAxis(random);
      return {
        x: [batch, rows.size, columns.size, channels],
        y: [batch, rows.out, columns.out, channels],
        window: {
          kernelH: rows.kernel,
          kernelW: columns.kernel,
          ...slidingOf(rows, columns),
        },
      };
    },
    ({ x, y, window }) =>
      count(x) <= mostElements && count(y) * window.kernelH * window.kernelW <= mostElements,
  );
}

/** The whole plane as one window. */
function globalPool(random: Random, batch: number, channels: number): PoolShape {
  const [height, width] = [drawSize(random), drawSize(random)];
  return {
    x: [batch, height, width, channels],
    y: [batch, 1, 1, channels],
    window: {
      kernelH: height,
      kernelW: width,
      strideH: 1,
      strideW: 1,
      dilationH: 1,
      dilationW: 1,
      padTop: 0,
      padLeft: 0,
    },
  };
}

export const poolSuites: readonly Suite[] = [
  {
    name: 'qaveragepool',
    draw: (random) => {
      const { x, y, window } = drawPool(random);
      const xScale = drawFactor(random, 1 / 256, 1);
      const yZero = drawZero(random);
      const plan = singleStepPlan(
        'QAveragePool',
        [{ type: 'uint8', dims: x }],
        [{ type: random.pick(['uint8', 'uint8', 'float32']), dims: y }],
        {
          ...window,
          countIncludePad: random.int(0, 1),
          xZero: drawZero(random),
          yZero,
          xScale,
          yScale: random.chance(0.5) ? xScale : drawFactor(random, 1 / 256, 1),
          ...drawClamp(random, yZero),
        },
      );
      return { plan, inputs: [integers(random, 'uint8', count(x))] };
    },
  },
  {
    name: 'maxpool',
    draw: (random) => {
      const { x, y, window } = drawPool(random);
      const type = random.pick(['uint8', 'int8', 'float32'] as const);
      const plan = singleStepPlan('MaxPool', [{ type, dims: x }], [{ type, dims: y }], window);
      const input =
        type === 'float32' ? gridFloats(random, count(x)) : integers(random, type, count(x));
      return { plan, inputs: [input], tolerance: type === 'float32' ? exact : undefined };
    },
  },
  {
    name: 'averagepool',
    draw: (random) => {
      const { x, y, window } = drawPool(random);
      const plan = singleStepPlan(
        'AveragePool',
        [{ type: 'float32', dims: x }],
        [{ type: 'float32', dims: y }],
        { ...window, countIncludePad: random.int(0, 1) },
      );
      // The sums are exact; a division or a multiplication by the rounded reciprocal follows.
      return { plan, inputs: [gridFloats(random, count(x))], tolerance: near(2) };
    },
  },
];
