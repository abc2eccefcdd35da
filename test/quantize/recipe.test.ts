/** Recipes: the bytes of a file come again, without samples, from what is left of them in JSON. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { exportModel } from '../../src/onnx/export.js';
import type { Model } from '../../src/onnx/model.js';
import { applyRecipe } from '../../src/quantize/applyRecipe.js';
import { quantizeDynamic } from '../../src/quantize/dynamic.js';
import { formatRecipe } from '../../src/quantize/formatRecipe.js';
import type { QuantizeStaticOptions } from '../../src/quantize/options.js';
import { packNumbers, unpackNumbers } from '../../src/quantize/packedNumbers.js';
import { quantize } from '../../src/quantize/quantize.js';
import type { Recipe, StaticRecipe } from '../../src/quantize/recipe.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { type QuantizeWeightsOptions, quantizeWeights } from '../../src/quantize/weightOnly.js';
import { feedsFor, NetBuilder, smallCnn, smallCnnInput, smallEncoder } from './nets.js';

const calibrationData = feedsFor(smallCnnInput, 8);
const cnn = () => smallCnn().model(smallCnnInput, ['logits']);
const bytesOf = ({ graph, meta }: Model) => exportModel(graph, meta);

const tokens = feedsFor([1, 4, 16], 8);

interface Quantized {
  readonly model: Model;
  readonly recipe: Recipe;
}

/** The recipe through JSON in both forms, followed on a float model that is loaded anew. */
async function expectRepeated(source: () => Model, { model, recipe }: Quantized): Promise<void> {
  const compact = JSON.parse(JSON.stringify(recipe));
  expect(JSON.parse(formatRecipe(recipe))).toEqual(compact);
  const expected = bytesOf(model);
  const float = source();
  const before = bytesOf(float);
  const repeated = await applyRecipe(float, compact);
  expect(Buffer.compare(bytesOf(repeated), expected)).toBe(0);
  expect(bytesOf(float)).toEqual(before);
}

describe('a recipe repeats', () => {
  const ways: readonly [what: string, options: QuantizeStaticOptions][] = [
    ['plain', {}],
    ['biases corrected', { biasCorrection: true }],
    ['equalized, one scale per tensor', { equalize: true, perChannel: false }],
    ['largest magnitudes, one scale per tensor', { perChannel: false, weightMethod: 'max' }],
    ['equalized, corrected', { equalize: true, biasCorrection: { samples: 3 } }],
    ['rounded by GPTQ', { rounding: 'gptq', weightType: 'int4' }],
    ['rounded by AdaRound', { rounding: 'adaround', weightType: 'int4', biasCorrection: true }],
    ['rounded by GPTQ, 8 bits, corrected', { rounding: 'gptq', biasCorrection: true }],
    ['unsigned, asymmetric', { weightType: 'uint8', symmetric: { weights: false } }],
    ['symmetric int8, 7-bit weights', { activationType: 'int8', reduceRange: true }],
    [
      'INT16, corrected',
      {
        ...{ weightType: 'int16', activationType: 'int16', biasCorrection: true },
        symmetric: { activations: true },
      },
    ],
    ['INT16, rounded by GPTQ', { weightType: 'int16', activationType: 'uint16', rounding: 'gptq' }],
    ['INT16, rounded by AdaRound', { weightType: 'int16', rounding: 'adaround' }],
    ['the method that suits', { calibrationMethod: 'auto' }],
    ['some operators', { opTypes: ['Conv', 'Relu'], nodesToExclude: [/deep/] }],
    [
      'layers with settings of their own',
      {
        overrides: [
          { nodes: [/flat|left/], weightType: 'int4' },
          { nodes: ['Conv_deep'], weightType: 'int16', activationType: 'int16' },
          { nodes: [({ op }) => op === 'Gemm'], activationType: 'uint16', weightType: 'uint4' },
          { nodes: ['Conv_right'], calibrationMethod: 'percentile', percentile: 99 },
        ],
      },
    ],
  ];
  it.each(ways)('a static quantization: %s', async (_what, options) => {
    await expectRepeated(cnn, await quantizeStatic(cnn(), { ...options, calibrationData }));
  });

  it('corrected layers that have no bias, and products without place for one', async () => {
    const source = () => {
      const net = new NetBuilder(6);
      const conv = net.op('Conv', ['x', net.constant('w', [4, 3, 1, 1])], 'conv');
      net.op('MatMul', [conv, net.constant('v', [12, 5])], 'y');
      return net.model(smallCnnInput, ['y']);
    };
    // What coarse weights lose of inputs that are never negative has a mean.
    const positive = calibrationData.map(({ x }) => ({
      x: { ...x, data: (x.data as Float32Array).map(Math.abs) } as Tensor,
    }));
    const options = {
      calibrationData: positive,
      biasCorrection: true,
      weightType: 'int4',
    } as const;
    const quantized = await quantizeStatic(source(), options);
    const { layers, addBiases } = quantized.recipe as StaticRecipe;
    expect(addBiases).toBe(true);
    expect(layers.map(({ bias }) => bias !== undefined)).toEqual([true, false]);
    await expectRepeated(source, quantized);
  });

  it.each(['Relu', 'Clip'])('biases that the next layer absorbed, behind a %s', async (clamp) => {
    const source = () => {
      const net = new NetBuilder(5);
      const number = (name: string, value: number) =>
        net.given(name, { type: 'float32', dims: [], data: Float32Array.of(value) });
      const lifts = Float32Array.from({ length: 6 }, (_, c) => c * 1.5);
      const lift = net.given('lift', { type: 'float32', dims: [6], data: lifts });
      const a = net.op('Conv', ['x', net.constant('w', [6, 3, 1, 1], 0.3), lift], 'a');
      const bounds = clamp === 'Relu' ? [] : [number('low', 0), number('high', 8)];
      net.conv(net.op(clamp, [a, ...bounds], 'act'), 'y', [4, 6, 1]);
      return net.model(smallCnnInput, ['y']);
    };
    const equalize = { absorbBiases: true };
    const quantized = await quantizeStatic(source(), { calibrationData, equalize });
    expect((quantized.recipe as StaticRecipe).absorbed).toHaveLength(1);
    await expectRepeated(source, quantized);
  });

  it.each(['node', 'constants'])('smoothed products: by %s', async (by) => {
    // What is a graph output cannot be divided where it is made.
    const source =
      by === 'constants' ? smallEncoder : () => ({ ...smallEncoder(), graph: twoOutputs() });
    const twoOutputs = () => {
      const { graph } = smallEncoder();
      return { ...graph, outputs: [...graph.outputs, { name: 'normal', value: 'normal' }] };
    };
    const options = { calibrationData: tokens, smoothQuant: { alpha: 0.5 } };
    for (const quantizer of [quantizeStatic, quantizeDynamic]) {
      const quantized = await quantizer(source(), options);
      expect(quantized.report.smoothed.map((one) => one.by)).toContain(by);
      await expectRepeated(source, quantized);
    }
  });

  it('a dynamic quantization', async () => {
    await expectRepeated(smallEncoder, await quantizeDynamic(smallEncoder()));
    const opTypes = ['Conv', 'Gemm'];
    const options = { opTypes, activations: 'per-tensor', nodesToExclude: [/left/] } as const;
    await expectRepeated(cnn, await quantizeDynamic(cnn(), { ...options, perChannel: false }));
  });

  const weights: readonly [what: string, options: QuantizeWeightsOptions][] = [
    ['int8', {}],
    ['blocks', { type: 'int4', blockSize: 16, activations: 'int8' }],
    [
      'symmetric blocks behind a DequantizeLinear',
      { type: 'int4', format: 'DequantizeLinear', symmetric: true },
    ],
    ['rounded blocks', { type: 'int4', rounding: 'gptq', calibrationData }],
    [
      'AdaRound',
      { type: 'int4', rounding: 'adaround', calibrationData, nodesToQuantize: [/flat/] },
    ],
    ['rounded channels', { rounding: 'gptq', calibrationData, nodesToQuantize: [/flat|Gemm/] }],
  ];
  it.each(weights)('quantized weights: %s', async (_what, options) => {
    await expectRepeated(cnn, await quantizeWeights(cnn(), options));
  });

  it('what the one call chose: its method, its float layers, its biases', async () => {
    const evaluated: number[] = [];
    const found = await quantize(cnn(), {
      calibrationData: feedsFor(smallCnnInput, 16),
      correctionSamples: 4,
      evaluate: () => {
        // The float model, all quantized, one layer in float.
        evaluated.push(1);
        return evaluated.length < 3 ? [1, 0.5][evaluated.length - 1]! : 1;
      },
    });
    expect(found.floatLayers).toHaveLength(1);
    const { layers } = found.recipe;
    expect(layers.map(({ node }) => node)).not.toContain(found.floatLayers[0]);
    await expectRepeated(cnn, found);
  });

  it('what the one call chose for an encoder', async () => {
    const found = await quantize(smallEncoder(), { calibrationData: tokens });
    expect(found.recipe.kind).toBe('dynamic');
    await expectRepeated(smallEncoder, found);
  });
});

describe('packed numbers', () => {
  it('come back bit by bit', () => {
    const floats = Float32Array.of(0.1, -0, 2 ** -149, 3.4e38, Number.NaN);
    const back = unpackNumbers('float32', packNumbers(floats), 5, 'here');
    expect(new Uint8Array(back.buffer, 0, 20)).toEqual(new Uint8Array(floats.buffer));
    const integers = Int32Array.of(0, -1, 2 ** 31 - 1, -(2 ** 31));
    expect(unpackNumbers('int32', packNumbers(integers), 4, 'here')).toEqual(integers);
    const part = Int8Array.from({ length: 1000 }, (_, i) => (i % 7) - 3).subarray(3, 900);
    expect(unpackNumbers('int8', packNumbers(part), 897, 'here')).toEqual(part.slice());
    expect(() => unpackNumbers('int32', '', 4, 'here')).toThrow('here');
    expect(() => unpackNumbers('int8', packNumbers(part), 896, 'here')).toThrow('more');
  });
});
