/** The page of a quantization: what is gathered, that names stay text, and what a reader does with it in Chromium. */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Collector } from '../../src/calibrate/index.js';
import { exportModel } from '../../src/onnx/export.js';
import type { Model } from '../../src/onnx/model.js';
import { quantizeDynamic } from '../../src/quantize/dynamic.js';
import type { Finding } from '../../src/quantize/findings.js';
import type { WeightsResult } from '../../src/quantize/floatWeights.js';
import { formatRecipe } from '../../src/quantize/formatRecipe.js';
import { quantize } from '../../src/quantize/quantize.js';
import { sensitivity } from '../../src/quantize/sensitivity.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { quantizeWeights } from '../../src/quantize/weightOnly.js';
import { compareModels } from '../../src/report/compare.js';
import {
  type QuantizationPageData,
  quantizationPageData,
} from '../../src/report/quantizationData.js';
import { renderQuantizationReport } from '../../src/report/quantizationPage.js';
import { binsOf } from '../../src/report/tensorFigures.js';
import { temporaryFolder } from '../cli/fixture.js';
import { type Chromium, noChromium, startChromium } from '../helpers/chromium.js';
import { feedsFor, smallCnn, smallCnnInput, smallEncoder } from '../quantize/nets.js';

const calibrationData = feedsFor(smallCnnInput, 12);
const tokens = feedsFor([1, 4, 16], 8);
const cnn = () => smallCnn().model(smallCnnInput, ['logits']);

/** The net with a weight so large that its layer's scale suits no other, on a channel that is always zero. */
function hurtCnn(): Model {
  const model = cnn();
  const constants = new Map(model.graph.constants);
  const replaceFirst = (name: string, value: number) => {
    const { dims, data } = constants.get(name)!;
    const changed = Float32Array.from(data as Float32Array);
    changed[0] = value;
    constants.set(name, { type: 'float32', dims, data: changed });
  };
  replaceFirst('deep_b', -100);
  replaceFirst('flat_w', 300);
  return { ...model, graph: { ...model.graph, constants } };
}

async function gathered(model = cnn(), options = {}): Promise<QuantizationPageData> {
  const settings = { calibrationData, biasCorrection: true, ...options };
  const quantized = await quantizeStatic(model, settings);
  return quantizationPageData(model, quantized, { calibrationData, title: 'small', ...options });
}

const hostile = '</script><img src=x onerror="document.title=\'caught\'"><b>';

/** The data with a hostile name in every place that holds a name. */
function withHostileNames(data: QuantizationPageData): QuantizationPageData {
  const finding = { level: hostile, code: hostile, where: hostile, what: hostile, advice: hostile };
  return {
    ...data,
    title: hostile,
    scheme: hostile,
    latency: { ...data.latency!, where: hostile },
    missing: [hostile],
    layers: data.layers.map((layer, i) => ({
      ...layer,
      node: `${i}${hostile}`,
      op: hostile,
      integer: i > 0,
    })),
    tensors: data.tensors.map((tensor) => ({
      ...tensor,
      name: hostile,
      sharedBy: [`${hostile}2`],
      calibrator: hostile,
      candidates: tensor.candidates.map((one) => ({ ...one, calibrator: hostile })),
    })),
    weights: data.weights.map((weight) => ({ ...weight, node: hostile, name: hostile })),
    findings: [finding as unknown as Finding],
    recipe: { ...data.recipe!, ...{ [hostile]: hostile }, madeBy: `<!--<script>${hostile}` },
  };
}

describe('what is gathered', () => {
  it('holds every layer, its sensitivity, its outputs and its time', async () => {
    const data = await gathered();
    const { layers } = await sensitivity(cnn(), { calibrationData });
    expect(data.layers.map(({ node }) => node)).toEqual(layers.map(({ node }) => node));
    for (const [i, { alone, integer, op, outputs, int8Ms, tensors }] of data.layers.entries()) {
      expect(alone.both).toBe(layers[i]!.parts.both!.sqnr);
      expect(alone.weights).toBe(layers[i]!.parts.weights?.sqnr);
      expect(integer).toBe(true);
      expect(tensors.length).toBeGreaterThan(0);
      if (op !== 'Conv' && op !== 'Gemm') continue;
      expect(outputs!.after).toBeGreaterThan(20);
      expect(int8Ms).toBeGreaterThan(0);
    }
    expect(data).toMatchObject({
      title: 'small',
      scheme: 'static, mse',
      samples: 12,
      comparedOn: 12,
    });
    expect(data.bytes.before).toBe(exportModel(cnn().graph, cnn().meta).length);
    expect(data.bytes.after).toBeGreaterThan(0);
    expect(data.answers!.sqnr).toBeGreaterThan(20);
    expect(data.latency!.int8).toBeGreaterThan(0);
    const { recipe } = await quantizeStatic(cnn(), { calibrationData, biasCorrection: true });
    expect(data.recipe).toEqual(recipe);
  });

  it('holds all values of each tensor, and the range of every calibrator', async () => {
    const data = await gathered(cnn(), { calibrationMethod: 'percentile', percentile: 99 });
    for (const { bins, candidates, seen, calibrator, range, clipped } of data.tensors) {
      const total = bins.reduce((a, b) => a + b, 0);
      expect(Math.abs(total - Math.round(total))).toBeLessThan(1e-6);
      expect(Math.round(total) % calibrationData.length).toBe(0);
      const names = candidates.map((one) => one.calibrator);
      for (const name of ['max', 'percentile 99.999', 'percentile 99.99', 'entropy', 'mse']) {
        expect(names).toContain(name);
      }
      const max = candidates.find((one) => one.calibrator === 'max')!;
      expect(max).toMatchObject({ clipped: 0, range: { max: Math.max(seen.max, 0) } });
      const best = Math.max(...candidates.map((one) => one.sqnr));
      const mse = candidates.find((one) => one.calibrator === 'mse')!;
      expect(mse.sqnr).toBeGreaterThan(best - 0.2);
      expect(candidates.find((one) => one.calibrator === calibrator)).toMatchObject({
        range,
        clipped,
      });
    }
    const clipping = data.tensors.filter((one) => one.calibrator === 'percentile 99');
    expect(clipping.length).toBeGreaterThan(3);
    for (const { clipped, bins } of clipping) {
      const count = bins.reduce((a, b) => a + b, 0);
      expect(clipped).toBeGreaterThan(0);
      expect(clipped).toBeLessThan(0.01 + 2 / count);
    }
  });

  it('says which layers stayed in float, and what quantizing them would have cost', async () => {
    const model = cnn();
    const evaluate = async () => 1;
    const searched = await quantize(model, { calibrationData, evaluate, maxDrop: 0 });
    const floatLayers = ['Conv_deep'];
    const { model: partial, report } = await quantizeStatic(model, {
      calibrationData,
      nodesToExclude: floatLayers,
    });
    const result = { ...searched, model: partial, report };
    const data = await quantizationPageData(model, result, { calibrationData });
    const deep = data.layers.find(({ node }) => node === 'Conv_deep')!;
    expect(deep.integer).toBe(false);
    expect(deep.alone.both).toBeGreaterThan(0);
    expect(data.layers.filter(({ integer }) => !integer).map(({ node }) => node)).toEqual(
      floatLayers,
    );
    expect(data.accuracy).toBe(searched.accuracy);
  });

  type Quantizer = (nodesToQuantize?: readonly string[]) => Promise<WeightsResult>;
  const uncalibrated: readonly [scheme: string, quantizer: Quantizer][] = [
    [
      'dynamic',
      (nodesToQuantize) => quantizeDynamic(cnn(), { activations: 'per-tensor', nodesToQuantize }),
    ],
    ['weights alone, int8', (nodesToQuantize) => quantizeWeights(cnn(), { nodesToQuantize })],
    [
      'weights alone, int4 in blocks of 16',
      (nodesToQuantize) => quantizeWeights(cnn(), { type: 'int4', blockSize: 16, nodesToQuantize }),
    ],
  ];
  it.each(uncalibrated)(
    'measures each layer of what needed no calibration: %s',
    async (scheme, quantizer) => {
      const quantized = await quantizer();
      const data = await quantizationPageData(cnn(), quantized, { calibrationData });
      expect(data).toMatchObject({ scheme, tensors: [], samples: 0, comparedOn: 12 });
      expect(data.kind).toBe(scheme === 'dynamic' ? 'INT8' : 'quantized');
      const sqnrOf = async (model: Model) =>
        (await compareModels(cnn(), model, { data: calibrationData })).outputs[0]!.sqnr;
      expect(data.answers!.sqnr).toBeCloseTo(await sqnrOf(quantized.model), 3);
      const alone = data.layers.filter(({ integer }) => integer);
      expect(alone).toHaveLength(quantized.report.weights.length);
      for (const { node, alone: cost, weightSqnr, int8Ms } of alone) {
        expect(cost.both, node).toBeCloseTo(await sqnrOf((await quantizer([node])).model), 3);
        expect(int8Ms, node).toBeGreaterThan(0);
        expect(weightSqnr).toBe(quantized.report.weights.find((one) => one.node === node)!.sqnr);
      }
      expect(data.missing).toEqual([
        expect.stringMatching(/^Histograms and ranges of activations/),
      ]);
      const page = renderQuantizationReport(data);
      expect(page).toContain('<h2>Which layer hurts');
      expect(page).toContain('<th scope="col" title="SQNR of its weights">codes, dB</th>');
      expect(page).not.toContain('its input activations');
    },
  );

  it('shows the weights of smoothed products as they were quantized', async () => {
    const options = { calibrationData: tokens, smoothQuant: { alpha: 0.5 } } as const;
    const quantized = await quantizeDynamic(smallEncoder(), options);
    expect(quantized.report.smoothed.length).toBeGreaterThan(0);
    const data = await quantizationPageData(smallEncoder(), quantized, { calibrationData: tokens });
    for (const { alone } of data.layers) expect(alone.both).toBeGreaterThan(20);
    for (const { seen, scaleRange } of data.weights) {
      expect(Math.max(-seen.min, seen.max) / 127).toBeCloseTo(scaleRange.max, 6);
    }
  });

  it('shows weights and sizes without samples, and says what it does not show', async () => {
    const quantized = await quantizeWeights(cnn(), { type: 'int4' });
    const data = await quantizationPageData(cnn(), quantized, {});
    expect(data).toMatchObject({ answers: undefined, latency: undefined, comparedOn: 0 });
    expect(data.bytes.after).toBeLessThan(data.bytes.before);
    for (const { node, bins, seen, dims, sqnr } of data.weights) {
      const { data: values } = cnn().graph.constants.get(`${node.replace(/^[^_]*_/, '')}_w`)!;
      expect(bins.reduce((a, b) => a + b, 0)).toBe(dims.reduce((a, b) => a * b, 1));
      expect(seen.max).toBe(Math.max(...(values as Float32Array)));
      expect(sqnr).toBeGreaterThan(10);
    }
    expect(data.missing!.join()).toMatch(/Histograms and ranges.*Answers beside.*no samples/);
    const page = renderQuantizationReport(data);
    expect(page).toContain('Not on this page');
    expect(page).not.toContain('Latency of one run');
    expect(page).not.toContain('<h2>Which layer hurts');
    expect(page).toContain('<details class="more" open><summary>Weights of');
  });

  it('spreads a histogram over bins without losing a value', () => {
    const collector = new Collector();
    collector.add(Float32Array.of(-1, -0.5, 0, 0, 0, 0.25, 3));
    const bins = binsOf(collector.histogram(), { min: -1, max: 3 }, 4);
    expect(bins.map(Math.round)).toEqual([2, 4, 0, 1]);
    const same = new Collector();
    same.add(Float32Array.of(2, 2, 2));
    expect(binsOf(same.histogram(), { min: 2, max: 2 }, 3)).toEqual([3, 0, 0]);
  });
});

if (noChromium !== undefined) process.stderr.write(`skipped: report page: ${noChromium}\n`);

describe.skipIf(noChromium !== undefined)('the page in Chromium', () => {
  const { path, remove } = temporaryFolder();
  let chromium: Chromium;
  let data: QuantizationPageData;
  beforeAll(async () => {
    data = await gathered(hurtCnn(), { perChannel: false });
    chromium = await startChromium();
  });
  afterAll(async () => {
    await chromium?.close();
    remove();
  });

  /** Opens it from a file, and watches for anything that it asks for or complains of. */
  async function open(shown: QuantizationPageData): Promise<{ page: Page; complaints: string[] }> {
    const file = path('report.html');
    writeFileSync(file, renderQuantizationReport(shown));
    const page = await chromium.context.newPage();
    const complaints: string[] = [];
    const url = pathToFileURL(file).href;
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('request', (request) => {
      if (request.url() !== url) complaints.push(request.url());
    });
    await page.goto(url);
    return { page, complaints };
  }

  const names = (page: Page) => page.locator('#layers tbody tr:visible .name').allTextContents();

  it('shows the worst layer first, in the table, by name and in the chart', async () => {
    const { page, complaints } = await open(data);
    const worst = [...data.layers].sort((a, b) => a.alone.both! - b.alone.both!)[0]!;
    expect(worst.node).toBe('Conv_flat');
    expect((await names(page))[0]).toBe('Conv_flat');
    expect(await page.locator('.worst code').first().textContent()).toBe('Conv_flat');
    const marked = page.locator('g.layer', { has: page.locator('text.mark', { hasText: '1' }) });
    expect(await marked.getAttribute('data-layer')).toBe('Conv_flat');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('sorts by a column with the keyboard, and filters', async () => {
    const { page, complaints } = await open(data);
    const order = page.locator('#layers thead th', { hasText: '#' });
    await order.locator('button').focus();
    await page.keyboard.press('Enter');
    expect(await order.getAttribute('aria-sort')).toBe('ascending');
    expect(await names(page)).toEqual(data.layers.map(({ node }) => node));
    await page.keyboard.press('Enter');
    expect(await names(page)).toEqual(data.layers.map(({ node }) => node).reverse());
    await page.locator('#layer-filter').fill('gemm');
    expect(await names(page)).toEqual(['Gemm_logits']);
    expect(await page.locator('#layer-count').textContent()).toBe(`1 of ${data.layers.length}`);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('unfolds the tensor that a layer reads', async () => {
    const { page, complaints } = await open(data);
    const name = data.layers.find(({ node }) => node === 'Conv_flat')!.tensors[0]!;
    await page.getByRole('link', { name: 'Conv_flat' }).click();
    const entry = page.locator('details.tensor[open]');
    expect(await entry.locator('summary code').textContent()).toBe(name);
    expect(await entry.locator('.candidate.chosen').count()).toBe(1);
    expect((await entry.locator('svg.figure .shape').boundingBox())!.height).toBeGreaterThan(50);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('holds the recipe, to look at and to keep', async () => {
    const recipe = { ...data.recipe!, madeBy: `<!--<script>${hostile}` };
    const { page, complaints } = await open({ ...data, recipe });
    await page.getByText('Recipe, as JSON').click();
    expect(await page.locator('pre').textContent()).toContain('"Conv_flat"');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download recipe.json' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('recipe.json');
    const file = path('recipe.json');
    await download.saveAs(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(formatRecipe(recipe)));
    expect(complaints.filter((one) => !one.startsWith('blob:'))).toEqual([]);
    await page.close();
  });

  it('can be read without JavaScript', async () => {
    const { page } = await open(data);
    const bare = renderQuantizationReport(data).replace(/<script nonce.*<\/script>/s, '');
    await page.setContent(bare);
    expect((await names(page))[0]).toBe('Conv_flat');
    expect(await page.locator('.tools:visible').count()).toBe(0);
    await page.locator('details.tensor summary').first().click();
    expect(await page.locator('details.tensor[open] svg.figure:visible').count()).toBe(1);
    await page.close();
  });

  it('shows names as text, whatever they hold', async () => {
    const { page, complaints } = await open(withHostileNames(data));
    expect(await page.title()).toBe(`${hostile}: quantization`);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('h1').textContent()).toBe(hostile);
    expect(await names(page)).toHaveLength(data.layers.length);
    expect((await names(page)).every((name) => name.endsWith(hostile))).toBe(true);
    expect(await page.locator('pre').textContent()).toContain(JSON.stringify(hostile));
    expect(complaints).toEqual([]);
    await page.close();
  });
});
