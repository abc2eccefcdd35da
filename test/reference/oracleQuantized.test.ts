/**
 * The integer steps against ONNX Runtime: bit for bit where its formula is ARITHMETIC's, within one
 * step where a contrib operator has another.
 *
 * Weights stay within ±64: on CPUs without VNNI, ONNX Runtime's sums of two products saturate
 * beyond.
 */
import { describe, expect, it } from 'vitest';
import { requantizeMultiplier } from '../../src/numerics/requantize.js';
import { broadcastTo } from '../helpers/layout.js';
import { createRandom, integers } from '../helpers/random.js';
import { runOracle } from '../numerics/oracle.js';
import { count, drawBroadcast, drawSize, drawUntil } from '../suites/draw.js';
import type { PoolShape } from '../suites/pool.js';
import {
  channelsFirst,
  channelsLast,
  drawOnnxPool,
  drawScale,
  expectSameButForTies,
  operand,
  oracleOutput,
  poolAttributes,
  problems,
  runStep,
  scalars,
  tensorOf,
} from './oracleCases.js';

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
