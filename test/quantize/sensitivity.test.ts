import { describe, expect, it } from 'vitest';
import { floatPasses } from '../../src/passes/floatPasses.js';
import { runPasses } from '../../src/passes/pass.js';
import { withLogits } from '../../src/quantize/logits.js';
import { rank } from '../../src/quantize/rank.js';
import { SampleKeeper } from '../../src/quantize/samples.js';
import { type SensitivityOptions, sensitivity } from '../../src/quantize/sensitivity.js';
import { prepareStatic, quantizeStatic } from '../../src/quantize/static.js';
import { allButLayer, layersOf, onlyLayer } from '../../src/quantize/variants.js';
import { compareModels } from '../../src/report/compare.js';
import { Difference } from '../../src/report/difference.js';
import { createSession } from '../../src/runtime/session.js';
import { feedsFor, smallCnn, smallCnnInput } from './nets.js';

const data = feedsFor(smallCnnInput, 8);
const cnn = () => smallCnn().model(smallCnnInput, ['logits']);
const measured = (options: Partial<SensitivityOptions> = {}) =>
  sensitivity(cnn(), { calibrationData: data, samples: 8, ...options });

describe('sensitivity', () => {
  it('measures every layer, weights and activations apart', async () => {
    const { layers, samples } = await measured();
    expect(samples).toBe(8);
    expect(layers.map(({ node }) => node)).toEqual(
      [
        'Conv_stem',
        'Conv_deep',
        'Conv_flat',
        'Add_sum',
        'MaxPool_pooled',
        'Conv_left',
        'Conv_right',
        'Concat_joined',
        'GlobalAveragePool_mean',
        'Flatten_features',
        'Gemm_logits',
      ].filter((name) => layers.some(({ node }) => node === name)),
    );
    expect(layers.length).toBeGreaterThanOrEqual(8);
    for (const { op, parts, weightCount } of layers) {
      const isAnchor = op === 'Conv' || op === 'Gemm';
      expect(Object.keys(parts).includes('weights')).toBe(isAnchor);
      expect(weightCount > 0).toBe(isAnchor);
      if (!isAnchor) continue;
      // Quantizing both sides loses no less than the worse side, but for luck of a few dB.
      const worse = Math.min(parts.weights!.sqnr, parts.activations!.sqnr);
      expect(parts.both!.sqnr).toBeLessThan(worse + 3);
      expect(parts.both!.kl).toBeGreaterThan(0);
    }
  });

  // Both read values that nothing else reads: a pair in the model is for all readers.
  it('says of a layer alone what quantizing that layer alone costs', async () => {
    const { layers } = await measured({ parts: ['both'] });
    for (const name of ['Conv_flat', 'Gemm_logits']) {
      const { model } = await quantizeStatic(cnn(), {
        calibrationData: data,
        nodesToQuantize: [name],
      });
      const [output] = (await compareModels(cnn(), model, { data })).outputs;
      const found = layers.find(({ node }) => node === name)!.parts.both!;
      expect(found.sqnr).toBeCloseTo(output!.sqnr, 0);
    }
  });

  it.each(['only', 'all-but'] as const)('cached beginnings change nothing: %s', async (mode) => {
    const options = { calibrationData: data };
    const { graph, placement, draft } = await prepareStatic(cnn(), options, new SampleKeeper(0));
    const { layers } = await measured({ mode });
    const float = await createSession(withLogits(graph));
    for (const layer of layersOf(graph, placement, draft)) {
      const { parts } = layers.find(({ node }) => node === layer.node.name)!;
      for (const [part, found] of Object.entries(parts)) {
        const make = mode === 'only' ? onlyLayer : allButLayer;
        const variant = await createSession(
          withLogits(make(graph, draft, layer, part as 'weights')),
        );
        const difference = new Difference();
        for (const feeds of data) {
          const expected = (await float.run(feeds))['logits']!;
          difference.add(expected, (await variant.run(feeds))['logits']!, 'logits');
        }
        variant.dispose();
        expect(found.sqnr, `${layer.node.name} ${part}`).toBeCloseTo(difference.measures.sqnr, 1);
      }
    }
    float.dispose();
  });

  it('takes the metric of the caller', async () => {
    let runs = 0;
    const { layers } = await measured({
      parts: ['both'],
      evaluate: async (session) => {
        runs++;
        const { logits } = await session.run(data[0]!);
        return logits!.data.length;
      },
    });
    expect(runs).toBe(layers.length);
    expect(layers[0]!.parts.both!.metric).toBe(5);
  });

  it('reports progress and can be aborted', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const running = measured({
      signal: controller.signal,
      onProgress: ({ phase, done, total }) => {
        if (phase !== 'sensitivity') return;
        seen.push(done);
        expect(total).toBeGreaterThan(5);
        if (done === 2) controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen).toEqual([1, 2]);
  });

  it.each([
    [{ mode: 'none' }, 'mode'],
    [{ parts: ['bias'] }, 'parts'],
    [{ samples: 0 }, 'samples'],
    [{ biasCorrection: true }, 'biasCorrection'],
    [{ evaluate: () => Number.NaN }, 'evaluate'],
    [{ colour: 1 }, 'colour'],
  ])('refuses %o', async (options, where) => {
    await expect(measured(options as object)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where,
    });
  });
});

describe('rank', () => {
  const layer = (node: string, sqnr: number, kl: number) => ({
    node,
    op: 'Conv',
    weightCount: 1,
    parts: { both: { sqnr, kl, cosine: 1, maxError: 0, top1Agreement: 1 } },
  });
  const layers = [layer('a', 30, 0.2), layer('b', 10, 0.1), layer('c', 20, 0.3)];
  const order = (...args: [mode: 'only' | 'all-but', by?: 'kl']) =>
    rank(layers, ...args).map(({ node }) => node);

  it('puts first what costs most', () => {
    expect(order('only')).toEqual(['b', 'c', 'a']);
    expect(order('all-but')).toEqual(['a', 'c', 'b']);
    expect(order('only', 'kl')).toEqual(['c', 'a', 'b']);
    expect(order('all-but', 'kl')).toEqual(['b', 'a', 'c']);
    expect(rank(layers, 'only', 'sqnr', 'weights').map(({ node }) => node)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });
});

describe('withLogits', () => {
  it('looks in front of a softmax', () => {
    const graph = runPasses(smallCnn().model(smallCnnInput, ['y']).graph, floatPasses);
    expect(withLogits(graph).outputs).toEqual([{ name: 'y', value: 'logits' }]);
  });
});
