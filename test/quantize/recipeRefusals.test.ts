/** What is refused as a recipe, and where it says so. */
import { describe, expect, it } from 'vitest';
import { octavoVersion } from '../../src/core/version.js';
import { applyRecipe } from '../../src/quantize/applyRecipe.js';
import { quantizeDynamic } from '../../src/quantize/dynamic.js';
import { packNumbers } from '../../src/quantize/packedNumbers.js';
import type { Recipe, StaticRecipe } from '../../src/quantize/recipe.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { quantizeWeights } from '../../src/quantize/weightOnly.js';
import { feedsFor, smallCnn, smallCnnInput, smallEncoder } from './nets.js';

const calibrationData = feedsFor(smallCnnInput, 8);
const cnn = () => smallCnn().model(smallCnnInput, ['logits']);

// biome-ignore lint/suspicious/noExplicitAny: what a test breaks need not be a recipe any more
type Mutable = any;

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
    const { recipe } = await quantizeDynamic(smallEncoder());
    const layers = [{ node: 'Relu_hidden' }];
    await expect(
      applyRecipe(smallEncoder(), { ...recipe, layers } as Recipe),
    ).rejects.toMatchObject({
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
