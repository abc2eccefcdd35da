import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { layerInputs } from '../../src/quantize/layerInputs.js';
import type { QuantizeStaticOptions } from '../../src/quantize/options.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { quantizeWeights } from '../../src/quantize/weightOnly.js';
import { compareModels } from '../../src/report/compare.js';
import { createSession } from '../../src/runtime/session.js';
import { node } from '../helpers/onnx-builder.js';
import { createRandom } from '../helpers/random.js';
import { feedsFor, NetBuilder } from './nets.js';

const input = [1, 3, 10, 10] as const;

/** Pictures whose neighbours are alike, as those of a camera. */
function smoothFeeds(count: number, seed: number) {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const [a, b, c] = [random.real(-1, 1), random.real(-1, 1), random.real(-1, 1)];
    const data = Float32Array.from({ length: 300 }, (_, i) => {
      const [y, x] = [Math.floor(i / 10) % 10, i % 10];
      return a + b * y * 0.3 + c * x * 0.3 + random.real(-0.1, 0.1);
    });
    return { x: { type: 'float32', dims: input, data } as Tensor };
  });
}

const data = smoothFeeds(16, 1);
const fresh = smoothFeeds(16, 2);

function convolutions() {
  const net = new NetBuilder(11);
  const first = net.op('Relu', [net.conv('x', 'first', [8, 3, 3])], 'first_act');
  const grouped = net.op('Relu', [net.conv(first, 'grouped', [8, 8, 3], 2)], 'grouped_act');
  const deep = net.op('Relu', [net.conv(grouped, 'deep', [8, 8, 3], 8)], 'deep_act');
  const pooled = net.op('GlobalAveragePool', [net.conv(deep, 'last', [16, 8, 3])], 'pooled');
  net.gemm(net.op('Flatten', [pooled], 'flat'), 'y', 16, 5);
  return net.model(input, ['y']);
}

function products() {
  const net = new NetBuilder(12);
  const mixed = net.op('MatMul', ['x', net.constant('m', [6, 40])], 'mixed');
  const wide = net.op(
    'Relu',
    [net.op('MatMul', [mixed, net.constant('w', [40, 48])], 'wide')],
    'act',
  );
  net.gemm(wide, 'y', 48, 7);
  return net.model([9, 6], ['y']);
}

describe('layerInputs', () => {
  it('gives rows by which a convolution is a matrix product', async () => {
    const net = new NetBuilder(3);
    const attributes = {
      pads: attribute.ints([1, 0, 0, 2]),
      strides: attribute.ints([2, 1]),
      dilations: attribute.ints([1, 2]),
      group: attribute.int(2),
    };
    net.op('Conv', ['x', net.constant('w', [6, 2, 3, 2])], 'y', attributes);
    const dims = [2, 4, 7, 6] as const;
    const { graph } = net.model(dims, ['y']);
    const [feeds] = feedsFor(dims, 1);
    const session = await createSession(graph);
    const { y } = await session.run(feeds!);
    session.dispose();
    const conv = graph.nodes[0]!;
    const { width, count, groups } = layerInputs(conv, [6, 2, 3, 2], [feeds!.x], 1e6);
    expect([width, groups.length]).toEqual([12, 2]);
    const weight = graph.constants.get(conv.inputs[1]!)!.data as Float32Array;
    const pixels = y!.dims[2]! * y!.dims[3]!;
    expect(count).toBe(2 * pixels);
    for (let row = 0; row < count; row++) {
      for (let o = 0; o < 6; o++) {
        let sum = 0;
        for (let i = 0; i < width; i++) {
          sum += groups[Math.floor(o / 3)]![row * width + i]! * weight[o * width + i]!;
        }
        const at = (Math.floor(row / pixels) * 6 + o) * pixels + (row % pixels);
        expect(sum).toBeCloseTo((y!.data as Float32Array)[at]!, 4);
      }
    }
  });

  it('takes as many rows as it may, evenly spread over the samples', () => {
    const x: Tensor = {
      type: 'float32',
      dims: [10, 1],
      data: Float32Array.from({ length: 10 }, (_, i) => i),
    };
    const { count, groups } = layerInputs(node('MatMul', ['x', 'w'], ['y']), [1, 3], [x, x], 8);
    expect(count).toBe(8);
    expect([...groups[0]!]).toEqual([0, 2, 5, 7, 0, 2, 5, 7]);
  });
});

describe.each(['gptq', 'adaround'] as const)('rounding: %s in quantizeStatic', (rounding) => {
  const sqnr = async (options: Partial<QuantizeStaticOptions>) => {
    const model = convolutions();
    const { model: integer } = await quantizeStatic(model, { calibrationData: data, ...options });
    return (await compareModels(model, integer, { data: fresh })).outputs[0]!.sqnr;
  };

  it.each([
    { weightType: 'int4' },
    { weightType: 'uint4', symmetric: { weights: false } },
    { weightType: 'int4', perChannel: false },
  ] satisfies Partial<QuantizeStaticOptions>[])(
    'loses less on samples that it has not seen: %o',
    async (options) => {
      const nearest = await sqnr(options);
      expect(await sqnr({ ...options, rounding })).toBeGreaterThan(nearest + 3);
    },
  );

  it('keeps the scales of rounding to the nearest, and reports the weights as they are', async () => {
    const model = convolutions();
    const options = { calibrationData: data, weightType: 'int4' } as const;
    const nearest = await quantizeStatic(model, options);
    const rounded = await quantizeStatic(model, { ...options, rounding });
    for (const [i, weight] of rounded.report.weights.entries()) {
      const other = nearest.report.weights[i]!;
      expect(weight.scaleRange).toEqual(other.scaleRange);
      // The weight itself is nearer when each element is.
      expect(weight.sqnr).toBeLessThanOrEqual(other.sqnr);
    }
  });

  it('can be aborted between layers', async () => {
    const controller = new AbortController();
    const running = quantizeStatic(convolutions(), {
      calibrationData: data,
      rounding,
      signal: controller.signal,
      onProgress: ({ phase, done }) => {
        if (phase === 'round' && done === 2) controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('refuses another rounding', async () => {
    const other = 'up' as never;
    await expect(sqnr({ rounding: other })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe.each(['gptq', 'adaround'] as const)('rounding: %s in quantizeWeights', (rounding) => {
  const samples = feedsFor([9, 6], 24);
  const unseen = feedsFor([9, 6], 24, 5);

  it.each([
    { type: 'int4', blockSize: 16 },
    { type: 'int4', format: 'DequantizeLinear' },
  ] as const)('loses less on samples that it has not seen: %o', async (options) => {
    const model = products();
    const sqnr = async (more: object) => {
      const result = await quantizeWeights(model, { ...options, ...more });
      return (await compareModels(model, result.model, { data: unseen })).outputs[0]!.sqnr;
    };
    const rounded = await sqnr({ rounding, calibrationData: samples });
    expect(rounded).toBeGreaterThan((await sqnr({})) + 2);
  });

  it.each([
    [{ rounding }, 'INVALID_CALIBRATION'],
    [{ rounding, calibrationData: [] }, 'INVALID_CALIBRATION'],
    [{ calibrationData: samples }, 'INVALID_ARGUMENT'],
  ] as const)('refuses %#', async (options, code) => {
    await expect(quantizeWeights(products(), options)).rejects.toMatchObject({ code });
  });
});
