/** Transposed convolutions: decoders, whose results share no row of weights. */
import { describe, expect, it } from 'vitest';
import { attribute } from '../../src/graph/attributes.js';
import { exportModel } from '../../src/onnx/export.js';
import type { QuantizeStaticOptions } from '../../src/quantize/options.js';
import { sensitivity } from '../../src/quantize/sensitivity.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { feedsFor, NetBuilder } from './nets.js';

const dims = [1, 3, 6, 5] as const;
const data = feedsFor(dims, 12);
const fresh = feedsFor(dims, 4, 9);

/** Two convolutions around one that doubles height and width, its channels of very different sizes. */
function decoder(groups = 1) {
  const net = new NetBuilder(7);
  const inner = net.op('Relu', [net.conv('x', 'inner', [8, 3, 3])], 'inner_relu');
  const weight = net.constant('up_w', [8, 6 / groups, 3, 3], 0.3);
  const wide = net.op('ConvTranspose', [inner, weight, net.constant('up_b', [6], 0.2)], 'up', {
    strides: attribute.ints([2, 2]),
    pads: attribute.ints([1, 1, 1, 1]),
    output_padding: attribute.ints([1, 1]),
    group: attribute.int(groups),
  });
  net.conv(net.op('Relu', [wide], 'up_relu'), 'y', [4, 6, 3]);
  return net.model(dims, ['y']);
}

async function stepsOf(model: Parameters<typeof InferenceSession.create>[0]) {
  const session = await InferenceSession.create(model);
  const { steps } = await session.profile(data[0]!);
  session.dispose();
  return steps.map(({ op }) => op);
}

describe('transposed convolutions', () => {
  it.each([
    [{}, 25],
    [{ perChannel: false }, 25],
    [{ weightType: 'uint8', symmetric: { weights: false } }, 25],
    [{ activationType: 'int8' }, 25],
    [{ biasCorrection: true }, 25],
    [{ equalize: true }, 25],
    [{ equalize: { absorbBiases: true } }, 25],
    [{ weightType: 'int4' }, 10],
    [{ activationType: 'uint16' }, 30],
  ] satisfies [Partial<QuantizeStaticOptions>, number][])(
    'in integers: %o',
    async (options, least) => {
      const model = decoder();
      const { model: int8, report } = await quantizeStatic(model, {
        calibrationData: data,
        ...options,
      });
      expect(report.floatNodes).toEqual([]);
      const [output] = (await compareModels(model, int8, { data: fresh })).outputs;
      expect(output!.sqnr).toBeGreaterThan(least);
      for (const feeds of fresh) {
        const session = await InferenceSession.create(int8);
        const found = (await session.run(feeds))['y']!.data as Float32Array;
        session.dispose();
        // As it is written: fused, it saturates on some CPUs.
        const bytes = exportModel(int8.graph, int8.meta);
        const theirs = await runOnnxRuntime(bytes, feeds, { optimize: false });
        const expected = theirs.get('y')!.data as Float32Array;
        // Where one rounds to another step, what is behind differs by more.
        let [signal, noise] = [0, 0];
        for (let i = 0; i < expected.length; i++) {
          signal += expected[i]! ** 2;
          noise += (found[i]! - expected[i]!) ** 2;
        }
        expect(10 * Math.log10(signal / noise)).toBeGreaterThan(35);
      }
    },
  );

  it('are one integer product each when they run', async () => {
    const { model } = await quantizeStatic(decoder(), { calibrationData: data });
    const kinds = await stepsOf(model);
    expect(kinds.filter((kind) => kind === 'QConv')).toHaveLength(3);
    expect(kinds).not.toContain('Conv');
  });

  it('of groups stay in float', async () => {
    const { report } = await quantizeStatic(decoder(2), { calibrationData: data });
    expect(report.floatNodes).toEqual(['ConvTranspose_up']);
  });

  it('are rounded to nearest where others are not, which is told', async () => {
    const { report } = await quantizeStatic(decoder(), {
      calibrationData: data,
      weightType: 'int4',
      rounding: 'gptq',
    });
    const found = report.findings.filter(({ code }) => code === 'ROUNDED_TO_NEAREST');
    expect(found.map(({ where }) => where)).toEqual(['ConvTranspose_up']);
  });

  it('are layers to sensitivity()', async () => {
    const { layers } = await sensitivity(decoder(), { calibrationData: data });
    expect(layers.map(({ node }) => node)).toContain('ConvTranspose_up');
  });
});
