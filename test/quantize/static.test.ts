import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { indexOf } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import type { Model } from '../../src/onnx/model.js';
import type { QuantizeStaticOptions } from '../../src/quantize/options.js';
import type { Progress } from '../../src/quantize/progress.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { feedsFor, NetBuilder, smallCnn, smallCnnInput } from './nets.js';

const data = feedsFor(smallCnnInput, 16);
const quantized = (options: Partial<QuantizeStaticOptions> = {}, model = cnn()) =>
  quantizeStatic(model, { calibrationData: data, ...options });
const cnn = (): Model => smallCnn().model(smallCnnInput, ['y', 'logits']);

const count = (model: Model, op: string) =>
  model.graph.nodes.filter((node) => node.op === op).length;

describe('quantizeStatic', () => {
  it.each([
    {},
    { calibrationMethod: 'max' },
    { calibrationMethod: 'entropy' },
    { calibrationMethod: 'percentile', percentile: 99.9 },
    { perChannel: false },
    { weightMethod: 'mse' },
    { perChannel: false, weightMethod: 'max' },
    { activationType: 'int8' },
    { weightType: 'uint8', symmetric: { weights: false } },
    { symmetric: { activations: true } },
    { reduceRange: true },
    { nodesToExclude: ['Conv_flat'] },
    { opTypes: ['Conv'] },
    { opTypes: ['Gemm'] },
  ] satisfies Partial<QuantizeStaticOptions>[])(
    'answers as the float model does: %o',
    async (options) => {
      const model = cnn();
      const { model: int8 } = await quantized(options, model);
      const { outputs } = await compareModels(model, int8, { data });
      for (const output of outputs) {
        expect(output.sqnr, output.name).toBeGreaterThan(20);
        expect(output.cosine, output.name).toBeGreaterThan(0.99);
      }
    },
  );

  it('gives a file that onnxruntime answers alike', async () => {
    const { model } = await quantized();
    const session = await InferenceSession.create(model);
    try {
      for (const feeds of data) {
        const ours = await session.run(feeds);
        const theirs = await runOnnxRuntime(exportModel(model.graph, model.meta), feeds);
        const expected = theirs.get('logits')!.data as Float32Array;
        const found = ours['logits']!.data as Float32Array;
        // Both add the same integers; a rounding of an average may tip once.
        for (let i = 0; i < expected.length; i++) expect(found[i]).toBeCloseTo(expected[i]!, 1);
      }
    } finally {
      session.dispose();
    }
  });

  it('quantizes weights per channel in [-127, 127] and biases to scale(x) · scale(w)', async () => {
    const { model } = await quantized();
    const { graph } = model;
    const index = indexOf(graph);
    const convs = graph.nodes.filter((node) => node.op === 'Conv');
    expect(convs).toHaveLength(5);
    for (const conv of convs) {
      const [x, w, b] = conv.inputs.map((input) => index.producer(input)!);
      const constant = (value: string) => graph.constants.get(value)!;
      const weight = constant(w!.inputs[0]!);
      expect(weight.type).toBe('int8');
      expect(Math.min(...(weight.data as Int8Array))).toBeGreaterThanOrEqual(-127);
      const [sx] = constant(x!.inputs[1]!).data as Float32Array;
      const sw = constant(w!.inputs[1]!).data as Float32Array;
      const sb = constant(b!.inputs[1]!).data as Float32Array;
      expect(sw).toHaveLength(weight.dims[0]!);
      expect(constant(b!.inputs[0]!).type).toBe('int32');
      expect([...sb]).toEqual([...sw].map((s) => Math.fround(sx! * s)));
    }
  });

  it('reports what it did', async () => {
    const { report } = await quantized({ nodesToExclude: ['Conv_left'] });
    expect(report.model.samples).toBe(data.length);
    expect(report.model.int8['Conv']).toBe(4);
    expect(report.model.float['Conv']).toBe(1);
    expect(report.floatNodes).toEqual(['Conv_left']);
    expect(report.model.bytesAfter).toBeGreaterThan(0);
    const stem = report.activations.find(({ name }) => name === 'stem_relu')!;
    expect(stem.zeroPoint).toBe(0);
    expect(stem.seen.min).toBe(0);
    expect(stem.sqnr).toBeGreaterThan(35);
    const weight = report.weights.find(({ node }) => node === 'Conv_stem')!;
    expect(weight).toMatchObject({ dims: [8, 3, 3, 3], scales: 8 });
    expect(weight.sqnr).toBeGreaterThan(35);
  });

  it('takes samples from an async source, with progress', async () => {
    const seen: Progress[] = [];
    async function* source() {
      for (const feeds of data) yield await Promise.resolve(feeds);
    }
    const { report } = await quantized({
      calibrationData: source(),
      onProgress: (progress) => seen.push(progress),
    });
    expect(report.model.samples).toBe(data.length);
    const calibrating = seen.filter(({ phase }) => phase === 'calibrate');
    expect(calibrating.map(({ done }) => done)).toEqual(Array.from({ length: 17 }, (_, i) => i));
    expect(seen.at(-1)!.phase).toBe('quantize');
  });

  it('can be aborted between samples, and leaves the model as it was', async () => {
    const controller = new AbortController();
    const model = cnn();
    const before = exportModel(model.graph, model.meta);
    const running = quantized(
      {
        signal: controller.signal,
        onProgress: ({ done }) => {
          if (done === 3) controller.abort();
        },
      },
      model,
    );
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect(exportModel(model.graph, model.meta)).toEqual(before);
  });

  it('keeps the bias of a channel whose weights are all zero', async () => {
    const net = new NetBuilder(9);
    const weight = new Float32Array(3 * 3).map((_, i) => (i < 3 ? 0 : (i - 5) / 4));
    net.given('w', { type: 'float32', dims: [3, 3, 1, 1], data: weight });
    net.given('b', { type: 'float32', dims: [3], data: Float32Array.of(0.123, -40, 0.01) });
    net.op('Conv', ['x', 'w', 'b'], 'y');
    const model = net.model([1, 3, 4, 4], ['y']);
    const feeds = feedsFor([1, 3, 4, 4], 4);
    const { model: int8 } = await quantized({ calibrationData: feeds }, model);
    const session = await InferenceSession.create(int8);
    const { y } = await session.run(feeds[0]!);
    session.dispose();
    for (let i = 0; i < 16; i++) expect((y!.data as Float32Array)[i]).toBeCloseTo(0.123, 2);
  });

  it('adds a pair in front of a constant operand', async () => {
    const net = new NetBuilder(10);
    const c = net.conv('x', 'c', [4, 3, 1]);
    const shifted = net.op('Add', [c, net.constant('k', [1, 4, 4, 4], 2)], 'shifted');
    net.conv(shifted, 'y', [2, 4, 1]);
    const model = net.model([1, 3, 4, 4], ['y']);
    const feeds = feedsFor([1, 3, 4, 4], 8);
    const { model: int8 } = await quantized({ calibrationData: feeds }, model);
    expect(count(int8, 'QuantizeLinear')).toBe(4);
    const { outputs } = await compareModels(model, int8, { data: feeds });
    expect(outputs[0]!.sqnr).toBeGreaterThan(25);
  });

  const nan: Tensor = {
    type: 'float32',
    dims: smallCnnInput,
    data: new Float32Array(432).fill(Number.NaN),
  };
  it.each([
    ['no samples', { calibrationData: [] }, 'INVALID_CALIBRATION', 'calibrationData'],
    ['NaN', { calibrationData: [{ x: nan }] }, 'INVALID_CALIBRATION', 'x'],
    ['a wrong feed', { calibrationData: [{ z: nan }] }, 'INVALID_INPUT', 'z'],
    ['an unknown option', { calibrationDat: [] }, 'INVALID_ARGUMENT', 'calibrationDat'],
    ['an unknown method', { calibrationMethod: 'best' }, 'INVALID_ARGUMENT', 'calibrationMethod'],
    ['a bad percentile', { calibrationMethod: 'percentile', percentile: 0 }, 'INVALID_ARGUMENT'],
    ['a percentile for max', { calibrationMethod: 'max', percentile: 99 }, 'INVALID_ARGUMENT'],
    ['another format', { format: 'qoperator' }, 'INVALID_ARGUMENT', 'format'],
    ['an operator it does not know', { opTypes: ['Convv'] }, 'INVALID_ARGUMENT', 'opTypes'],
    ['nothing to do', { opTypes: ['Add'] }, 'NO_MATCH', 'test'],
    ['a selector without match', { nodesToExclude: ['x'] }, 'NO_MATCH', 'nodesToExclude'],
  ])('refuses %s', async (_what, options, code, where?: string) => {
    const running = quantized(options as unknown as Partial<QuantizeStaticOptions>);
    await expect(running).rejects.toMatchObject({ code, ...(where && { where }) });
  });
});
