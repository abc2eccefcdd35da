/**
 * The integer steps against ONNX Runtime: bit for bit where its formula is ARITHMETIC's, within one
 * step where a contrib operator has another.
 *
 * Weights stay within ±64: on CPUs without VNNI, ONNX Runtime's sums of two products saturate
 * beyond.
 */
import { describe, expect, it } from 'vitest';
import type { TypedArray } from '../../src/core/dtype.js';
import type { Tensor } from '../../src/core/tensor.js';
import { requantizeMultiplier } from '../../src/numerics/requantize.js';
import { broadcastTo, permute } from '../helpers/layout.js';
import { createRandom, integers, type Random } from '../helpers/random.js';
import type { Operand } from '../helpers/singleStep.js';
import { runOracle } from '../numerics/oracle.js';
import {
  type ConvolutionShape,
  count,
  drawBroadcast,
  drawConvolution,
  drawSize,
  drawUntil,
} from '../suites/draw.js';
import type { PoolShape } from '../suites/pool.js';
import {
  channelsFirst,
  channelsLast,
  drawOnnxPool,
  drawScale,
  operand,
  oracleOutput,
  poolAttributes,
  runStep,
  scalars,
  tensorOf,
  windowAttributes,
} from './oracleCases.js';

const problems = 60;

/**
 * Both round the same real number, in units of y, by formulas that round on the way and add the
 * zero point before or after: they may differ by one step, and only where that number lies between
 * two.
 */
function expectSameButForTies(
  ours: TypedArray,
  theirs: TypedArray,
  exact: (i: number) => number,
  what: string,
): void {
  expect(ours.length).toBe(theirs.length);
  for (let i = 0; i < ours.length; i++) {
    if (ours[i] === theirs[i]) continue;
    const steps = Math.abs(Number(ours[i]) - Number(theirs[i]));
    const value = exact(i);
    const fromTie = Math.abs(value - Math.floor(value) - 0.5);
    expect({ steps, tie: fromTie < 1e-4 }, `${what}, element ${i}: ${value}`).toEqual({
      steps: 1,
      tie: true,
    });
  }
}

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

describe('quantizers equal ONNX Runtime’s', () => {
  it('QuantizeLinear and DequantizeLinear', async () => {
    for (let seed = 0; seed < problems; seed++) {
      const random = createRandom(seed);
      const type = random.pick(['uint8', 'int8'] as const);
      const dims = [random.int(1, 4), drawSize(random), random.int(1, 9)];
      const scale = Float32Array.from({ length: dims[1]! }, () => drawScale(random));
      const zero = integers(random, type, dims[1]!);
      const values = Float32Array.from({ length: count(dims) }, () => random.int(-600, 600) / 16);
      const constants = {
        scale: tensorOf('float32', scale, [dims[1]!]),
        zero: tensorOf(type, zero, [dims[1]!]),
      };
      const attributes = { axis: 1 };
      const { q, y } = await runOracle({
        feeds: { x: tensorOf('float32', values, dims) },
        constants,
        nodes: [
          { op: 'QuantizeLinear', inputs: ['x', 'scale', 'zero'], outputs: ['q'], attributes },
          { op: 'DequantizeLinear', inputs: ['q', 'scale', 'zero'], outputs: ['y'], attributes },
        ],
        outputs: { q: type, y: 'float32' },
      });
      const given = [operand(constants.scale), operand(constants.zero)];
      const x = { type: 'float32', dims, constant: values } as const;
      const quantized = runStep('QuantizeLinear', [x, ...given], [{ type, dims }], attributes);
      expect(quantized, `seed ${seed}`).toEqual(q);
      const codes = { type, dims, constant: quantized };
      const restored = [{ type: 'float32', dims }] as const;
      expect(runStep('DequantizeLinear', [codes, ...given], restored, attributes)).toEqual(y);
    }
  });
});

describe('quantized sums, products and averages equal ONNX Runtime’s but for ties', () => {
  const domain = 'com.microsoft';
  const inputs = ['a', 'aScale', 'aZero', 'b', 'bScale', 'bZero', 'yScale', 'yZero'];

  it.each(['QLinearAdd', 'QLinearMul'] as const)('%s', async (op) => {
    for (let seed = 0; seed < problems; seed++) {
      const random = createRandom(seed);
      const { y, a, b } = drawBroadcast(random);
      const aData = integers(random, 'uint8', count(a));
      const bData = integers(random, 'uint8', count(b));
      const [aScale, bScale] = [drawScale(random), drawScale(random)];
      const [aZero, bZero, yZero] = [random.int(0, 255), random.int(0, 255), random.int(0, 255)];
      const isAdd = op === 'QLinearAdd';
      const yScale = isAdd
        ? Math.max(aScale, bScale)
        : Math.fround(aScale * bScale * random.int(30, 200));
      const theirs = await oracleOutput({
        feeds: { a: tensorOf('uint8', aData, a), b: tensorOf('uint8', bData, b) },
        constants: {
          aScale: scalars.float(aScale),
          bScale: scalars.float(bScale),
          yScale: scalars.float(yScale),
          aZero: scalars.byte(aZero),
          bZero: scalars.byte(bZero),
          yZero: scalars.byte(yZero),
        },
        nodes: [{ op, domain, inputs, outputs: ['y'] }],
        outputs: { y: 'uint8' },
      });
      const operands = [
        { type: 'uint8', dims: a, constant: aData },
        { type: 'uint8', dims: b, constant: bData },
      ] as const;
      const zeros = { aZero, bZero, yZero };
      const aMultiplier = Math.fround(aScale / yScale);
      const bMultiplier = Math.fround(bScale / yScale);
      const multiplier = requantizeMultiplier(aScale, bScale, yScale);
      const ours = isAdd
        ? runStep('QAdd', operands, [{ type: 'uint8', dims: y }], {
            ...zeros,
            aMultiplier,
            bMultiplier,
          })
        : runStep('QMul', operands, [{ type: 'uint8', dims: y }], { ...zeros, multiplier });
      const [aFull, bFull] = [broadcastTo(aData, a, y), broadcastTo(bData, b, y)];
      const exact = (i: number) => {
        const [aReal, bReal] = [(aFull[i]! - aZero) * aScale, (bFull[i]! - bZero) * bScale];
        return (isAdd ? aReal + bReal : aReal * bReal) / yScale;
      };
      expectSameButForTies(ours, theirs, exact, `seed ${seed}`);
    }
  });

  // It knows no dilations.
  const averageAttributes = (shape: PoolShape, countIncludePad: number) => {
    const { kernel_shape, strides, pads } = poolAttributes(shape);
    return {
      kernel_shape: kernel_shape!,
      strides: strides!,
      pads: pads!,
      count_include_pad: countIncludePad,
    };
  };
  const isGlobal = ({ x, window }: PoolShape) =>
    window.kernelH === x[1] && window.kernelW === x[2] && window.padTop + window.padLeft === 0;
  const isUndilated = ({ window }: PoolShape) => window.dilationH === 1 && window.dilationW === 1;

  it.each([
    ['QLinearAveragePool', isUndilated],
    ['QLinearGlobalAveragePool', isGlobal],
  ] as const)('%s', async (op, accept) => {
    for (let seed = 0; seed < problems; seed++) {
      const random = createRandom(seed);
      const shape = drawUntil(() => drawOnnxPool(random), accept);
      const { x, y, window } = shape;
      const data = integers(random, 'uint8', count(x));
      const [xScale, yScale] = [drawScale(random), drawScale(random)];
      const [xZero, yZero] = [random.int(0, 255), random.int(0, 255)];
      const countIncludePad = random.int(0, 1);
      const theirs = await oracleOutput({
        feeds: { x: channelsFirst('uint8', data, x) },
        constants: {
          xScale: scalars.float(xScale),
          xZero: scalars.byte(xZero),
          yScale: scalars.float(yScale),
          yZero: scalars.byte(yZero),
        },
        nodes: [
          {
            op,
            domain,
            inputs: ['x', 'xScale', 'xZero', 'yScale', 'yZero'],
            outputs: ['y'],
            attributes:
              op === 'QLinearAveragePool' ? averageAttributes(shape, countIncludePad) : {},
          },
        ],
        outputs: { y: 'uint8' },
      });
      const operands = [{ type: 'uint8', dims: x, constant: data }] as const;
      const params = { ...window, countIncludePad, xZero, xScale };
      const ours = runStep('QAveragePool', operands, [{ type: 'uint8', dims: y }], {
        ...params,
        yZero,
        yScale,
      });
      const means = runStep('QAveragePool', operands, [{ type: 'float32', dims: y }], params);
      const exact = (i: number) => Number(means[i]) / yScale;
      expectSameButForTies(ours, channelsLast(theirs, y), exact, `seed ${seed}`);
    }
  });
});

it.each(['uint8', 'int8'] as const)('MaxPool of %s equals ONNX Runtime’s', async (type) => {
  for (let seed = 0; seed < problems; seed++) {
    const random = createRandom(seed);
    const shape = drawOnnxPool(random);
    const { x, y, window } = shape;
    const data = integers(random, type, count(x));
    const theirs = await oracleOutput({
      feeds: { x: channelsFirst(type, data, x) },
      nodes: [{ op: 'MaxPool', inputs: ['x'], outputs: ['y'], attributes: poolAttributes(shape) }],
      outputs: { y: type },
    });
    const ours = runStep(
      'MaxPool',
      [{ type, dims: x, constant: data }],
      [{ type, dims: y }],
      window,
    );
    expect(ours, `seed ${seed}`).toEqual(channelsLast(theirs, y));
  }
});
