/** Quantized convolutions and matrix products against ONNX Runtime’s. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { requantizeMultiplier } from '../../src/numerics/requantize.js';
import { permute } from '../helpers/layout.js';
import { createRandom, integers, type Random } from '../helpers/random.js';
import type { Operand } from '../helpers/singleStep.js';
import { type ConvolutionShape, count, drawConvolution, drawSize } from '../suites/draw.js';
import {
  channelsFirst,
  channelsLast,
  drawScale,
  oracleOutput,
  problems,
  runStep,
  scalars,
  tensorOf,
  windowAttributes,
} from './oracleCases.js';

describe('convolutions equal ONNX Runtime’s', () => {
  const shapes: Record<string, (random: Random) => ConvolutionShape> = {
    dense: (random) =>
      drawConvolution(random, [1, 2, 3, 3, 5], () => [1, drawSize(random), drawSize(random)]),
    grouped: (random) =>
      drawConvolution(random, [1, 2, 3, 5], () => [
        random.int(2, 5),
        random.int(1, 12),
        random.int(1, 12),
      ]),
    depthwise: (random) => drawConvolution(random, [2, 3, 3, 5], () => [drawSize(random), 1, 1]),
  };

  interface Case {
    readonly x: Tensor;
    readonly weight: Tensor;
    readonly ours: { readonly x: Required<Operand>; readonly weight: Required<Operand> };
    readonly y: readonly number[];
    readonly xZero: number;
    readonly params: ConvolutionShape['window'];
    readonly attributes: Record<string, number | readonly number[]>;
  }

  function drawCase(random: Random, draw: (random: Random) => ConvolutionShape): Case {
    const { x, weight, y, window } = draw(random);
    const xData = integers(random, 'uint8', count(x));
    const weightData = integers(random, 'int8', count(weight), -64, 64);
    return {
      x: channelsFirst('uint8', xData, x),
      weight: channelsFirst('int8', weightData, weight),
      ours: {
        x: { type: 'uint8', dims: x, constant: xData },
        weight: { type: 'int8', dims: weight, constant: weightData },
      },
      y,
      xZero: random.pick([0, 128, 255, random.int(0, 255)]),
      params: window,
      attributes: {
        ...windowAttributes({ x, y, window }, weight[1], weight[2]),
        group: window.groups,
      },
    };
  }

  it.each(Object.entries(shapes))('QLinearConv, %s', async (_, draw) => {
    for (let seed = 0; seed < problems; seed++) {
      const random = createRandom(seed);
      const { x, weight, ours, y, xZero, params, attributes } = drawCase(random, draw);
      const channels = y[3]!;
      const xScale = drawScale(random);
      const weightScale = Float32Array.from({ length: channels }, () => drawScale(random));
      const yScale = Math.fround(xScale * drawScale(random) * 40 * Math.sqrt(count(y)));
      const yZero = random.int(0, 255);
      const bias = integers(random, 'int32', channels, -10_000, 10_000);
      const multiplier = weightScale.map((scale) => requantizeMultiplier(xScale, scale, yScale));
      const theirs = await oracleOutput({
        feeds: { x },
        constants: {
          weight,
          xScale: scalars.float(xScale),
          xZero: scalars.byte(xZero),
          weightScale: tensorOf('float32', weightScale, [channels]),
          weightZero: tensorOf('int8', new Int8Array(channels), [channels]),
          yScale: scalars.float(yScale),
          yZero: scalars.byte(yZero),
          bias: tensorOf('int32', bias, [channels]),
        },
        nodes: [
          {
            op: 'QLinearConv',
            inputs: [
              'x',
              'xScale',
              'xZero',
              'weight',
              'weightScale',
              'weightZero',
              'yScale',
              'yZero',
              'bias',
            ],
            outputs: ['y'],
            attributes,
          },
        ],
        outputs: { y: 'uint8' },
      });
      const result = runStep(
        'QConv',
        [
          ours.x,
          ours.weight,
          { type: 'int32', dims: [channels], constant: bias },
          { type: 'float32', dims: [channels], constant: multiplier },
        ],
        [{ type: 'uint8', dims: y }],
        { ...params, xZero, yZero },
      );
      expect(result, `seed ${seed}`).toEqual(channelsLast(theirs, y));
    }
  });

  it.each(Object.entries(shapes))('ConvInteger, %s', async (_, draw) => {
    for (let seed = 0; seed < problems; seed++) {
      const random = createRandom(seed);
      const { x, weight, ours, y, xZero, params, attributes } = drawCase(random, draw);
      const channels = y[3]!;
      const zero = random.pick([0, random.int(-60, 60)]);
      const theirs = await oracleOutput({
        feeds: { x },
        constants: {
          weight,
          xZero: scalars.byte(xZero),
          weightZero: tensorOf('int8', Int8Array.of(zero)),
        },
        nodes: [
          {
            op: 'ConvInteger',
            inputs: ['x', 'weight', 'xZero', 'weightZero'],
            outputs: ['y'],
            attributes,
          },
        ],
        outputs: { y: 'int32' },
      });
      const result = runStep(
        'QConv',
        [
          ours.x,
          ours.weight,
          undefined,
          { type: 'float32', dims: [channels], constant: new Float32Array(channels) },
          { type: 'int32', dims: [channels], constant: new Int32Array(channels).fill(zero) },
        ],
        [{ type: 'int32', dims: y }],
        { ...params, xZero },
      );
      expect(result, `seed ${seed}`).toEqual(channelsLast(theirs, y));
    }
  });
});

describe('matrix products equal ONNX Runtime’s', () => {
  it('QLinearMatMul', async () => {
    for (let seed = 0; seed < problems; seed++) {
      const random = createRandom(seed);
      const [m, k, n] = [drawSize(random), drawSize(random), drawSize(random)];
      const a = integers(random, 'uint8', m * k);
      const b = integers(random, 'int8', k * n, -64, 64);
      const [aScale, bScale] = [drawScale(random), drawScale(random)];
      const yScale = Math.fround(aScale * bScale * 40 * Math.sqrt(k));
      const [aZero, yZero] = [random.int(0, 255), random.int(0, 255)];
      const bZero = random.pick([0, random.int(-60, 60)]);
      const theirs = await oracleOutput({
        feeds: { a: tensorOf('uint8', a, [m, k]) },
        constants: {
          b: tensorOf('int8', b, [k, n]),
          aScale: scalars.float(aScale),
          aZero: scalars.byte(aZero),
          bScale: scalars.float(bScale),
          bZero: tensorOf('int8', Int8Array.of(bZero)),
          yScale: scalars.float(yScale),
          yZero: scalars.byte(yZero),
        },
        nodes: [
          {
            op: 'QLinearMatMul',
            inputs: ['a', 'aScale', 'aZero', 'b', 'bScale', 'bZero', 'yScale', 'yZero'],
            outputs: ['y'],
          },
        ],
        outputs: { y: 'uint8' },
      });
      const multiplier = requantizeMultiplier(aScale, bScale, yScale);
      const ours = runStep(
        'QConv',
        [
          { type: 'uint8', dims: [1, 1, m, k], constant: a },
          { type: 'int8', dims: [n, 1, 1, k], constant: permute(b, [k, n], [1, 0]) },
          undefined,
          { type: 'float32', dims: [n], constant: new Float32Array(n).fill(multiplier) },
          { type: 'int32', dims: [n], constant: new Int32Array(n).fill(bZero) },
        ],
        [{ type: 'uint8', dims: [1, 1, m, n] }],
        { xZero: aZero, yZero },
      );
      expect(ours, `seed ${seed}`).toEqual(theirs);
    }
  });
});
