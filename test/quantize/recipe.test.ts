/** Recipes: the bytes of a file come again, without samples, from what is left of them in JSON; and what is refused. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { octavoVersion } from '../../src/core/version.js';
import { exportModel } from '../../src/onnx/export.js';
import type { Model } from '../../src/onnx/model.js';
import { applyRecipe } from '../../src/quantize/applyRecipe.js';
import { quantizeDynamic } from '../../src/quantize/dynamic.js';
import type { QuantizeStaticOptions } from '../../src/quantize/options.js';
import { packNumbers, unpackNumbers } from '../../src/quantize/packedNumbers.js';
import { quantize } from '../../src/quantize/quantize.js';
import { formatRecipe, type Recipe, type StaticRecipe } from '../../src/quantize/recipe.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { type QuantizeWeightsOptions, quantizeWeights } from '../../src/quantize/weightOnly.js';
import { feedsFor, NetBuilder, smallCnn, smallCnnInput } from './nets.js';

const calibrationData = feedsFor(smallCnnInput, 8);
const cnn = () => smallCnn().model(smallCnnInput, ['logits']);
const bytesOf = ({ graph, meta }: Model) => exportModel(graph, meta);

/** A channel is far larger than the rest behind a normalization, as in encoders. */
function encoder(): Model {
  const net = new NetBuilder(5);
  const gains = Float32Array.from({ length: 16 }, (_, i) => (i === 3 ? 40 : 1));
  const gain = net.given('g', { type: 'float32', dims: [16], data: gains });
  const normal = net.op('LayerNormalization', ['x', gain], 'normal');
  const inner = net.op('MatMul', [normal, net.constant('w1', [16, 32], 0.3)], 'inner');
  const hidden = net.op('Relu', [inner], 'hidden');
  net.op('MatMul', [hidden, net.constant('w2', [32, 16], 0.3)], 'y');
  return net.model([1, 4, 16], ['y']);
}
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
    ['the method that suits', { calibrationMethod: 'auto' }],
    ['some operators', { opTypes: ['Conv', 'Relu'], nodesToExclude: [/deep/] }],
    [
      'layers with settings of their own',
      {
        overrides: [
          { nodes: [/flat|left/], weightType: 'int4' },
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
    const source = by === 'constants' ? encoder : () => ({ ...encoder(), graph: twoOutputs() });
    const twoOutputs = () => {
      const { graph } = encoder();
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
    await expectRepeated(encoder, await quantizeDynamic(encoder()));
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
    const found = await quantize(encoder(), { calibrationData: tokens });
    expect(found.recipe.kind).toBe('dynamic');
    await expectRepeated(encoder, found);
  });
});

describe('what is refused', () => {
  let made: Promise<StaticRecipe> | undefined;
  /** A recipe with one of everything, changed by `change`. */
  async function changed(change: (recipe: Mutable) => void): Promise<Recipe> {
    made ??= quantizeStatic(cnn(), {
      ...{ calibrationData, biasCorrection: true, rounding: 'gptq', equalize: true },
      overrides: [{ nodes: ['Gemm_logits'], weightType: 'int4' }],
    }).then(({ recipe }) => recipe as StaticRecipe);
    const copy = JSON.parse(JSON.stringify(await made));
    change(copy);
    return copy;
  }

  const refusals: readonly [what: string, change: (recipe: Mutable) => void, error: object][] = [
    [
      'what is no recipe',
      (r) => void delete r.octavo,
      { where: 'recipe.octavo', expected: 'recipe', found: 'nothing' },
    ],
    [
      'another version',
      (r) => Object.assign(r, { version: 2, madeBy: '9.0.0' }),
      {
        where: 'recipe.version',
        expected: `1, of Octavo ${octavoVersion}`,
        found: '2, of Octavo "9.0.0"',
      },
    ],
    [
      'a kind that is none',
      (r) => Object.assign(r, { kind: 'toString' }),
      { where: 'recipe.kind', expected: 'static, dynamic, weights', found: '"toString"' },
    ],
    [
      'another model',
      (r) => Object.assign(r, { model: '0123456789abcdef' }),
      { where: 'recipe.model', expected: '0123456789abcdef', found: /^[0-9a-f]{16}$/ },
    ],
    [
      'a digest that is none',
      (r) => Object.assign(r, { result: 'abc' }),
      { where: 'recipe.result', expected: 'a digest of 16 hexadecimal digits', found: '"abc"' },
    ],
    [
      'a field too many',
      (r) => Object.assign(r.layers[1], { color: 'red' }),
      { where: 'recipe.layers[1].color', found: '"red"' },
    ],
    [
      'a field of another type',
      (r) => Object.assign(r, { perChannel: 'yes' }),
      { where: 'recipe.perChannel', expected: 'true or false', found: '"yes"' },
    ],
    [
      'no list',
      (r) => Object.assign(r, { activations: {} }),
      { where: 'recipe.activations', found: '{}' },
    ],
    ['an empty list', (r) => Object.assign(r, { layers: [] }), { where: 'recipe.layers' }],
    [
      'a scale that no float32 is',
      (r) => Object.assign(r.activations[2], { scale: 0.1 }),
      { where: 'recipe.activations[2].scale', expected: 'a positive float32', found: '0.1' },
    ],
    [
      'a zero point out of range',
      (r) => Object.assign(r.activations[0], { zeroPoint: 256 }),
      { where: 'recipe.activations[0].zeroPoint', expected: '0 … 255', found: '256' },
    ],
    [
      'a type that activations have not',
      (r) => Object.assign(r.activations[0], { type: 'int4' }),
      { where: 'recipe.activations[0].type', found: '"int4"' },
    ],
    [
      'a value that is not there',
      (r) => Object.assign(r.activations[1], { values: ['nowhere'] }),
      { where: 'recipe.activations[1].values[0]', found: "'nowhere'" },
    ],
    [
      'a value twice',
      (r) => r.activations[1].values.push(r.activations[0].values[0]),
      { where: /^recipe\.activations\[1\]\.values\[\d\]$/ },
    ],
    [
      'a layer that is not there',
      (r) => Object.assign(r.layers[0], { node: 'Conv_nowhere' }),
      { where: 'recipe.layers[0].node', found: "'Conv_nowhere'" },
    ],
    [
      'a layer without weights',
      (r) => Object.assign(r.layers[0], { node: 'MaxPool_pooled' }),
      { where: 'recipe.layers[0].node', found: "MaxPool 'MaxPool_pooled'" },
    ],
    [
      'a layer twice',
      (r) => r.layers.push(r.layers[0]),
      { where: /^recipe\.layers\[\d\]\.node$/, expected: 'each layer once' },
    ],
    [
      'a layer whose input stays in float',
      (r) => r.activations.shift(),
      { where: 'recipe.layers[0].node', expected: "'x' among recipe.activations" },
    ],
    [
      'numbers that are no text',
      (r) => Object.assign(r.layers[0], { bias: [1, 2] }),
      { where: 'recipe.layers[0].bias', expected: 'a string', found: '[1,2]' },
    ],
    [
      'text that holds no numbers',
      (r) => Object.assign(r.layers[0], { bias: '@' }),
      { where: 'recipe.layers[0].bias', found: 'other text' },
    ],
    [
      'too few numbers',
      (r) => Object.assign(r.layers[0], { bias: packNumbers(new Int32Array(3)) }),
      { where: 'recipe.layers[0].bias', found: '12 bytes' },
    ],
    [
      'too many numbers',
      (r) => Object.assign(r.layers[0], { codes: packNumbers(new Int8Array(100_000)) }),
      { where: 'recipe.layers[0].codes', found: 'more' },
    ],
    [
      'a bias that leaves no room',
      (r) => Object.assign(r.layers[0], { bias: packNumbers(new Int32Array(8).fill(2 ** 30)) }),
      { where: 'Conv_stem' },
    ],
    [
      'codes that the type does not hold',
      (r) => Object.assign(r.layers.at(-1)!, { codes: packNumbers(new Int8Array(50).fill(40)) }),
      { where: /^recipe\.layers\[\d\]\.codes$/, expected: '-8 … 7' },
    ],
    [
      'layers that are no pair',
      (r) => Object.assign(r.equalized[0], { second: 'Gemm_logits' }),
      { where: /, Gemm_logits$/ },
    ],
    [
      'factors that are none',
      (r) => Object.assign(r.equalized[0], { scales: packNumbers(new Float32Array(8)) }),
      { where: 'recipe.equalized[0].scales', expected: 'positive numbers', found: '0' },
    ],
    [
      'biases that cannot move',
      (r) => {
        const shares = packNumbers(new Float32Array(8).fill(1));
        r.absorbed.push({ first: 'Conv_stem', second: 'Conv_deep', shares });
      },
      { where: 'Conv_stem, Conv_deep' },
    ],
    [
      'shares below 0',
      (r) => {
        const shares = packNumbers(new Float32Array(8).fill(-1));
        r.absorbed.push({ first: 'Conv_deep', second: 'Conv_flat', shares });
      },
      { where: 'recipe.absorbed[0].shares', expected: 'numbers from 0', found: '-1' },
    ],
    [
      'products of something else',
      (r) => {
        const factors = packNumbers(new Float32Array(10).fill(2));
        r.smoothed.push({ value: 'mean', nodes: ['Gemm_logits'], factors });
      },
      { where: 'mean', found: 'Gemm_logits' },
    ],
    [
      'what something else comes of',
      (r) => Object.assign(r.activations[0], { scale: 0.5 }),
      { where: 'recipe.result', found: /^[0-9a-f]{16}$/ },
    ],
    [
      'the same, made by another Octavo',
      (r) => Object.assign(r, { madeBy: '9.0.0', reduceRange: true }),
      {
        where: 'recipe.result',
        expected: / by Octavo 9\.0\.0$/,
        found: new RegExp(` by Octavo ${octavoVersion}$`),
      },
    ],
  ];
  it.each(refusals)('%s', async (_what, change, error) => {
    const recipe = await changed(change);
    const expected = Object.entries(error).map(([name, value]) => [
      name,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ]);
    await expect(applyRecipe(cnn(), recipe)).rejects.toMatchObject({
      code: 'INVALID_RECIPE',
      ...Object.fromEntries(expected),
    });
  });

  it.each([[null], ['recipe'], [[]], [3]])('what is no object: %j', async (value) => {
    await expect(applyRecipe(cnn(), value as unknown as Recipe)).rejects.toMatchObject({
      code: 'INVALID_RECIPE',
      where: 'recipe',
    });
  });

  it('options of int4 beside int8, and int4 without them', async () => {
    const { recipe: int8 } = await quantizeWeights(cnn());
    const { recipe: int4 } = await quantizeWeights(cnn(), { type: 'int4' });
    for (const [recipe, change] of [
      [int8, { blockSize: 32 }],
      [int4, { blockSize: undefined }],
    ] as const) {
      await expect(applyRecipe(cnn(), { ...recipe, ...change } as Recipe)).rejects.toMatchObject({
        code: 'INVALID_RECIPE',
        where: 'recipe.blockSize',
      });
    }
  });

  it('operators that a quantizer does not know', async () => {
    const { recipe } = await quantizeDynamic(encoder());
    const layers = [{ node: 'Relu_hidden' }];
    await expect(applyRecipe(encoder(), { ...recipe, layers } as Recipe)).rejects.toMatchObject({
      code: 'INVALID_RECIPE',
      where: 'recipe.layers[0].node',
      found: "Relu 'Relu_hidden'",
    });
  });

  it('unknown options, and going on after its signal', async () => {
    const recipe = await changed(() => {});
    await expect(applyRecipe(cnn(), recipe, { method: 'max' } as object)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: 'method',
    });
    const controller = new AbortController();
    const told: number[] = [];
    const running = applyRecipe(cnn(), recipe, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        told.push(done);
        if (done === 2) controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect(told).toEqual([1, 2]);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: what a test breaks need not be a recipe any more
type Mutable = any;

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
