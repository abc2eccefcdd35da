/** Quantizers that need no samples: what they write runs in ONNX Runtime, which agrees, and close to float. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Tensor, tensor } from '../../src/core/tensor.js';
import { qualifiedOp } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import type { Model } from '../../src/onnx/model.js';
import { type QuantizeDynamicOptions, quantizeDynamic } from '../../src/quantize/dynamic.js';
import { type QuantizeWeightsOptions, quantizeWeights } from '../../src/quantize/weightOnly.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom, floats } from '../helpers/random.js';
import { NetBuilder } from './nets.js';

/** A MatMul with its bias, a Relu, and two Gemms that read the same. */
function network(): Model {
  const net = new NetBuilder(3);
  net.op('MatMul', ['x', net.constant('w0', [40, 24], 0.2)], 'h0');
  net.op('Add', ['h0', net.constant('b0', [24], 0.1)], 'h1');
  net.op('Relu', ['h1'], 'h2');
  net.gemm('h2', 'left', 24, 10);
  net.gemm('h2', 'right', 24, 10);
  net.op('Sub', ['left', 'right'], 'y');
  return net.model([6, 40], ['y']);
}

function picture(): Model {
  const net = new NetBuilder(4);
  net.conv('x', 'h0', [8, 3, 3]);
  net.op('Relu', ['h0'], 'h1');
  net.conv('h1', 'h2', [8, 8, 3], 8);
  net.op('GlobalAveragePool', ['h2'], 'h3');
  net.op('Flatten', ['h3'], 'h4');
  net.gemm('h4', 'y', 8, 5);
  return net.model([2, 3, 9, 9], ['y']);
}

function inputOf(model: Model): Tensor {
  const dims = model.graph.types.get('x')!.dims as number[];
  const count = dims.reduce((a, b) => a * b, 1);
  return { type: 'float32', dims, data: floats(createRandom(5), count, -1, 1) };
}

async function run(model: Model, x: Tensor, backend: 'reference' | 'native' = 'reference') {
  const session = await InferenceSession.create(model, { backend });
  try {
    return (await session.run({ x }))['y']!.data as Float32Array;
  } finally {
    session.dispose();
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (u: Float32Array, v: Float32Array) => u.reduce((sum, x, i) => sum + x * v[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** Through a file: ONNX Runtime agrees with Octavo, and both are near the float model. */
async function check(
  before: Model,
  after: Model,
  near: number,
  { tolerance = 1e-4, optimize = true, precise = false } = {},
) {
  const x = inputOf(before);
  const bytes = exportModel(after.graph, after.meta);
  const ours = await run(importModel(bytes), x);
  // Optimized, ONNX Runtime quantizes activations of products of quantized weights, unless they are its own operator.
  const theirs = (await runOnnxRuntime(bytes, { x }, { optimize, precise })).get('y')!
    .data as Float32Array;
  const far = ours.map((value, i) => Math.abs(value - theirs[i]!));
  expect(Math.max(...far)).toBeLessThan(tolerance);
  expect(cosine(ours, await run(before, x))).toBeGreaterThan(near);
}

function opsOf({ graph }: Model): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const node of graph.nodes) counts[qualifiedOp(node)] = (counts[qualifiedOp(node)] ?? 0) + 1;
  return counts;
}

/** Steps of the plan that the model becomes. */
async function stepsOf(model: Model): Promise<string[]> {
  const lowered: string[] = [];
  const session = await InferenceSession.create(model, {
    backend: 'reference',
    onPatch: ({ what }) => lowered.push(what),
  });
  session.dispose();
  return lowered;
}

describe('quantizeDynamic', () => {
  const forms: QuantizeDynamicOptions[] = [
    {},
    { activations: 'per-tensor' },
    { perChannel: false },
    { activations: 'per-tensor', reduceRange: true },
  ];

  it.each(forms)('matrix products: %j', async (options) => {
    const before = network();
    const { model, report } = await quantizeDynamic(before, options);
    expect(report.weights.map(({ scales }) => scales)).toEqual(
      options.perChannel === false ? [1, 1, 1] : [24, 10, 10],
    );
    expect(report.floatNodes).toEqual([]);
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore);
    const rows = options.activations !== 'per-tensor';
    const counts = opsOf(model);
    // Both Gemms read the codes of one quantizer.
    expect([counts['MatMulInteger'], counts['DynamicQuantizeLinear'], counts['Clip']]).toEqual(
      rows ? [3, undefined, 2] : [3, 2, undefined],
    );
    await check(before, model, 0.998, { precise: !rows });
  });

  it('rows are quantized in one step, and multiplied in another', async () => {
    const { model } = await quantizeDynamic(network());
    const what = (await stepsOf(model)).join('\n');
    expect(what).toMatch(/quantize rows/);
    expect(what).toMatch(/to QConvDynamic/);
    // As all products that read them want it.
    expect(what).toMatch(/quantize the rows of .* to uint8/);
  });

  it('a row does not coarsen the others', async () => {
    const before = network();
    const x = inputOf(before);
    const data = (x.data as Float32Array).map((value, i) => (i < 40 ? value * 1000 : value));
    const loud = { ...x, data } as Tensor;
    const float = (await run(before, loud)).subarray(10);
    const [rows, whole] = await Promise.all(
      (['per-row', 'per-tensor'] as const).map(async (activations) => {
        const { model } = await quantizeDynamic(before, { activations });
        return cosine((await run(model, loud)).subarray(10), float);
      }),
    );
    expect(rows).toBeGreaterThan(0.998);
    expect(whole).toBeLessThan(0.9);
  });

  it('a row of zeros, and of values next to nothing', async () => {
    const before = network();
    const x = inputOf(before);
    const data = (x.data as Float32Array).map((v, i) => (i < 40 ? 0 : i < 80 ? v * 1e-43 : v));
    const { model } = await quantizeDynamic(before);
    const bytes = exportModel(model.graph, model.meta);
    const feeds = { x: { ...x, data } as Tensor };
    const theirs = (await runOnnxRuntime(bytes, feeds)).get('y')!.data as Float32Array;
    const ours = await run(model, feeds.x);
    for (const [i, value] of ours.entries()) expect(value).toBeCloseTo(theirs[i]!, 4);
  });

  it('convolutions where they are asked for', async () => {
    const before = picture();
    const { model, report } = await quantizeDynamic(before, { opTypes: ['Conv', 'Gemm'] });
    expect(opsOf(model)).toMatchObject({ ConvInteger: 2, MatMulInteger: 1 });
    expect(report.weights).toHaveLength(3);
    await check(before, model, 0.995);
    const alone = await quantizeDynamic(before);
    expect(alone.report.floatNodes).toHaveLength(2);
  });

  it('leaves nodes alone, and the model that it was given', async () => {
    const before = network();
    const bytes = exportModel(before.graph, before.meta);
    const { report } = await quantizeDynamic(before, { nodesToExclude: [/left/] });
    expect(report.weights).toHaveLength(2);
    expect(report.floatNodes).toEqual([expect.stringContaining('left')]);
    expect(exportModel(before.graph, before.meta)).toEqual(bytes);
  });

  it.each([
    [{ activations: 'per-column' }, 'INVALID_ARGUMENT', 'activations'],
    [{ samples: [] }, 'INVALID_ARGUMENT', 'samples'],
    [{ opTypes: ['Add'] }, 'INVALID_ARGUMENT', 'opTypes'],
    [{ perChannel: 1 }, 'INVALID_ARGUMENT', 'perChannel'],
    [{ nodesToExclude: [/./] }, 'NO_MATCH', undefined],
  ])('refuses %j', async (options, code, where) => {
    const promise = quantizeDynamic(network(), options as never);
    await expect(promise).rejects.toMatchObject({ code, ...(where && { where }) });
  });

  it('tells how far it is, and stops', async () => {
    const seen: number[] = [];
    const controller = new AbortController();
    const promise = quantizeDynamic(network(), {
      signal: controller.signal,
      onProgress: ({ done, total }) => {
        expect(total).toBe(3);
        seen.push(done);
        if (done === 2) controller.abort();
      },
    });
    await expect(promise).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen).toEqual([1, 2]);
  });
});

describe('quantizeWeights', () => {
  const forms: [QuantizeWeightsOptions, near: number][] = [
    [{}, 0.999],
    [{ symmetric: false }, 0.999],
    [{ type: 'int4' }, 0.98],
    [{ type: 'int4', symmetric: true, blockSize: 16 }, 0.98],
    [{ type: 'int4', format: 'DequantizeLinear' }, 0.98],
    [{ type: 'int4', format: 'DequantizeLinear', symmetric: true }, 0.98],
  ];

  it.each(forms)('matrix products: %j', async (options, near) => {
    const before = network();
    const { model, report } = await quantizeWeights(before, options);
    const counts = opsOf(model);
    const packed = options.type === 'int4' && options.format === undefined;
    expect(counts[packed ? 'com.microsoft:MatMulNBits' : 'DequantizeLinear']).toBe(3);
    expect(report.weights).toHaveLength(3);
    await check(before, model, near, { optimize: packed });
  });

  it('int8 activations by accuracy_level 4, close to ONNX Runtime, whose rounding is another', async () => {
    const before = network();
    const { model } = await quantizeWeights(before, { type: 'int4', activations: 'int8' });
    await check(before, model, 0.98, { tolerance: 0.05 });
  });

  it.each(['int8', 'int4'] as const)('convolutions to %s', async (type) => {
    const before = picture();
    const { model } = await quantizeWeights(before, { type, opTypes: ['Conv'] });
    await check(before, model, type === 'int8' ? 0.999 : 0.97);
  });

  it('a table whose rows are gathered, in a fourth of its bytes', async () => {
    const net = new NetBuilder(9);
    const table = net.constant('table', [500, 32]);
    net.op('ReduceSum', ['x'], 'sum');
    net.op('Cast', ['sum'], 'index', { to: { kind: 'int', value: 7 } as never });
    net.op('Gather', [table, 'index'], 'y');
    const before = net.model([3], ['y']);
    const { model, report } = await quantizeWeights(before);
    expect(report.weights).toMatchObject([{ dims: [500, 32], scales: 500 }]);
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore / 3);
    await check(before, model, 0.999);
  });

  it.each([
    [{ type: 'int3' }, 'type'],
    [{ blockSize: 32 }, 'blockSize'],
    [{ type: 'int4', blockSize: 24 }, 'blockSize'],
    [{ type: 'int4', format: 'GGUF' }, 'format'],
    [{ type: 'int4', format: 'DequantizeLinear', activations: 'int8' }, 'activations'],
  ])('refuses %j', async (options, where) => {
    const promise = quantizeWeights(network(), options as never);
    await expect(promise).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', where });
  });
});

describe('the sentence encoder', () => {
  const root = process.env['OCTAVO_DATA'] ?? '';
  const file = join(root, 'models/text/use_lite_sst2.onnx');
  const text = join(root, 'sst2/eval.jsonl');
  const present = existsSync(file) && existsSync(text);
  if (!present) console.warn(`skipped: ${file} or ${text} is absent`);

  it.runIf(present).each([
    ['rows', (source: string) => quantizeDynamic(source), 0.998],
    ['tensors', (source: string) => quantizeDynamic(source, { activations: 'per-tensor' }), 0.995],
    ['int8 weights', (source: string) => quantizeWeights(source), 0.999],
  ] as const)('keeps its embeddings: %s', async (_, quantize, near) => {
    const { model } = await quantize(file);
    const sessions = await Promise.all([file, model].map((one) => InferenceSession.create(one)));
    // One batch: padded, what is padding being masked.
    const [rows, longest] = [20, 64];
    const ids = new BigInt64Array(rows * longest);
    const mask = new BigInt64Array(rows * longest);
    for (const [row, line] of readFileSync(text, 'utf8').split('\n', rows).entries()) {
      const { input_ids: words } = JSON.parse(line) as { input_ids: number[] };
      ids.set(words.map(BigInt), row * longest);
      mask.fill(1n, row * longest, row * longest + words.length);
    }
    const dims = [rows, longest];
    const feeds = {
      input_ids: tensor('int64', ids, dims),
      attention_mask: tensor('int64', mask, dims),
    };
    const results = await Promise.all(sessions.map((session) => session.run(feeds)));
    const [a, b] = results.map(({ embedding }) => embedding!.data as Float32Array);
    const width = a!.length / rows;
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      const part = (data: Float32Array) => data.subarray(row * width, (row + 1) * width);
      sum += cosine(part(a!), part(b!));
    }
    for (const session of sessions) session.dispose();
    expect(sum / rows).toBeGreaterThan(near);
  });
});
