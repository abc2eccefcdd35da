import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Model } from '../../src/onnx/model.js';
import { candidates } from '../../src/quantize/chooseMethod.js';
import type { QuantizeStaticOptions } from '../../src/quantize/options.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { feedsFor, NetBuilder, smallCnn, smallCnnInput } from './nets.js';

const data = feedsFor(smallCnnInput, 16);
const model = smallCnn().model(smallCnnInput, ['y']);

async function findingsOf(options: Partial<QuantizeStaticOptions>, of: Model = model) {
  const { report } = await quantizeStatic(of, { calibrationData: data, ...options });
  return report.findings;
}

describe('findings', () => {
  it('has nothing to say about a quantization that went well', async () => {
    expect(await findingsOf({})).toEqual([]);
  });

  it('names depthwise layers with one scale', async () => {
    const findings = await findingsOf({ perChannel: false });
    expect(findings.map(({ code, where }) => [code, where])).toEqual([
      ['PER_TENSOR_DEPTHWISE', 'Conv_deep'],
    ]);
  });

  it('names channels that one scale cannot serve', async () => {
    const net = new NetBuilder(3);
    const weight = Float32Array.from({ length: 12 }, (_, i) => (i < 6 ? 0.001 : 1) * (1 + i));
    net.given('w', { type: 'float32', dims: [2, 6, 1, 1], data: weight });
    net.op('Conv', ['x', 'w'], 'y');
    const uneven = net.model([1, 6, 4, 4], ['y']);
    const calibrationData = feedsFor([1, 6, 4, 4], 8);
    expect(await findingsOf({ calibrationData, perChannel: false }, uneven)).toMatchObject([
      { level: 'warning', code: 'UNEVEN_CHANNELS', where: 'Conv_y' },
    ]);
    expect(await findingsOf({ calibrationData }, uneven)).toEqual([]);
  });

  it('names ranges that clip much, values that are never used, and few samples', async () => {
    const clipped = await findingsOf({ calibrationMethod: 'percentile', percentile: 60 });
    expect(clipped.map(({ code, where }) => `${code} ${where}`)).toContain('CLIPPED_POWER x');
    const zero: Tensor = { type: 'float32', dims: smallCnnInput, data: new Float32Array(432) };
    const findings = await findingsOf({ calibrationData: [{ x: zero }] });
    expect(findings).toContainEqual(expect.objectContaining({ code: 'ALWAYS_ZERO', where: 'x' }));
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'FEW_SAMPLES', level: 'note' }),
    );
  });

  it('names coarse activations and weights', async () => {
    const net = new NetBuilder(4);
    // One weight of 64 sets the scale, and the rest are far below half of a step of 4 bits.
    const weight = Float32Array.from({ length: 128 }, (_, i) => (i === 0 ? 1 : 0.06));
    net.given('w', { type: 'float32', dims: [64, 2], data: weight });
    net.op('MatMul', ['x', 'w'], 'y');
    const calibrationData = feedsFor([40, 64], 8).map(({ x }, sample) => {
      // The same for activations: one value in all samples, whose power is most of it.
      const values = (x.data as Float32Array).map((value, i) =>
        sample + i === 0 ? 300 : value / 9,
      );
      return { x: { ...x, data: values } as Tensor };
    });
    const options = { calibrationData, calibrationMethod: 'max', perChannel: false } as const;
    const coarse = net.model([40, 64], ['y']);
    const findings = await findingsOf({ ...options, weightType: 'int4' }, coarse);
    expect(findings).toMatchObject([{ code: 'COARSE_WEIGHT', where: 'MatMul_y' }]);
    const even = calibrationData.map(({ x }) => {
      const values = (x.data as Float32Array).map((value) => (value === 300 ? 60 : value));
      return { x: { ...x, data: values } as Tensor };
    });
    expect(await findingsOf({ ...options, calibrationData: even }, coarse)).toMatchObject([
      { code: 'COARSE_ACTIVATION', where: 'x' },
    ]);
  });

  it('names entropy on a transformer', async () => {
    const net = new NetBuilder(6);
    const norm = net.op('LayerNormalization', ['x', net.constant('g', [8])], 'norm', {
      axis: attribute.int(-1),
    });
    net.op('MatMul', [norm, net.constant('w', [8, 8])], 'y');
    const encoder = net.model([4, 8], ['y']);
    const calibrationData = feedsFor([4, 8], 8);
    const codes = async (calibrationMethod: 'entropy' | 'max') =>
      (await findingsOf({ calibrationData, calibrationMethod }, encoder)).map(({ code }) => code);
    expect(await codes('entropy')).toContain('ENTROPY_ON_TRANSFORMER');
    expect(await codes('max')).not.toContain('ENTROPY_ON_TRANSFORMER');
  });
});

describe("calibrationMethod: 'auto'", () => {
  it('takes the method that keeps the answers best on its samples, and says what it tried', async () => {
    const { model: chosen, report } = await quantizeStatic(model, {
      calibrationData: data,
      calibrationMethod: 'auto',
    });
    const { methods } = report;
    expect(methods).toHaveLength(candidates.length);
    const sqnrs = methods.map(({ sqnr }) => sqnr);
    expect(sqnrs).toEqual([...sqnrs].sort((a, b) => b - a));
    const { sqnr: _, ...best } = methods[0]!;
    const same = await quantizeStatic(model, { calibrationData: data, ...best });
    const { outputs } = await compareModels(same.model, chosen, { data });
    expect(outputs[0]!.sqnr).toBe(Number.POSITIVE_INFINITY);
    expect(same.report.methods).toEqual([]);
    const again = await quantizeStatic(model, { calibrationData: data, calibrationMethod: 'auto' });
    expect(again.report.methods).toEqual(methods);
  });

  it('takes no percentile, and needs samples beside a calibration', async () => {
    await expect(findingsOf({ calibrationMethod: 'auto', percentile: 99 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
