import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { channelReader, shiftFor, squaredErrors } from '../../src/quantize/channelShift.js';
import { functionsBehind } from '../../src/quantize/handedOn.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { createRandom } from '../helpers/random.js';
import { NetBuilder } from './nets.js';

const relu = (x: number) => Math.max(x, 0);
const mean = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length;

/** Samples [1, 2, 8, 8] of a mean and a spread for each channel, and the same with noise and moved by `moved`. */
function outputs(count: number, means: readonly number[], noise: number, moved: number) {
  const random = createRandom(9);
  const dims = [1, 2, 8, 8];
  const expected: Tensor[] = [];
  const found: Tensor[] = [];
  for (let s = 0; s < count; s++) {
    const x = Float32Array.from({ length: 128 }, (_, i) => {
      return means[Math.floor(i / 64)]! + random.real(-1, 1) + random.real(-1, 1);
    });
    const y = x.map((value) => value + moved + random.real(-noise, noise));
    expected.push({ type: 'float32', dims, data: x });
    found.push({ type: 'float32', dims, data: y });
  }
  return { expected, found };
}

describe('shiftFor', () => {
  it('brings the mean back behind the function, which that in front of it would not', () => {
    // Hardly anything passes the ReLU, and noise lets more through.
    const { expected, found } = outputs(8, [-1.2, 0], 2, 0);
    const functions = [relu, relu];
    const valuesOf = channelReader({ expected, found, channels: 2, functions });
    for (const channel of [0, 1]) {
      const values = valuesOf(channel);
      expect(mean(values.found)).toBeCloseTo([-1.2, 0][channel]!, 0);
      const shift = shiftFor(values, 1e-4);
      expect(shift).toBeLessThan(-0.1);
      const handed = values.found.map((y) => relu(y + shift));
      expect(mean(handed)).toBeCloseTo(mean(values.expected), 3);
      expect(squaredErrors(values, shift)).toBeLessThan(squaredErrors(values, 0));
    }
  });

  it('is the difference of the means where there is no function', () => {
    const { expected, found } = outputs(4, [3, -1], 0.1, 0.5);
    const values = channelReader({ expected, found, channels: 2, functions: undefined })(1);
    const difference = mean(values.expected) - mean(values.found);
    expect(shiftFor(values, 1e-4)).toBeCloseTo(difference, 5);
    expect(difference).toBeCloseTo(-0.5, 1);
  });

  it('is 0 where one half of the samples contradicts the other, and where there is one value', () => {
    const constant = (value: number): Tensor => ({
      type: 'float32',
      dims: [1, 1],
      data: Float32Array.of(value),
    });
    const shiftOf = (errors: readonly number[]) => {
      const found = errors.map(constant);
      const expected = errors.map(() => constant(0));
      const reader = channelReader({ expected, found, channels: 1, functions: undefined });
      return shiftFor(reader(0), 1e-4);
    };
    expect(shiftOf([1, -1, 1.1, -0.7])).toBe(0);
    expect(shiftOf([1, 0.9, 1.1, 0.7])).toBeCloseTo(-0.925, 5);
    expect(shiftOf([1])).toBe(0);
  });
});

describe('functionsBehind', () => {
  it('follows the functions that alone read a layer, one bound for each channel among them', () => {
    const net = new NetBuilder(3);
    const a = net.op('Relu', [net.conv('x', 'a', [2, 3, 1])], 'a_relu');
    const bound = net.given('bound', {
      type: 'float32',
      dims: [2, 1, 1],
      data: Float32Array.of(1, 3),
    });
    net.op('MaxPool', [net.op('Min', [a, bound], 'a_min')], 'pooled', {
      kernel_shape: attribute.ints([2, 2]),
    });
    const b = net.conv('pooled', 'b', [2, 2, 1]);
    net.op('Add', [net.op('Sigmoid', [b], 'b_gate'), b], 'y');
    const graph = net.graph([1, 3, 4, 4], ['y']);
    const behind = (name: string) =>
      functionsBehind(graph, graph.nodes.find((node) => node.name === name)!, 2);
    expect(behind('Conv_a')!.map((f) => [f(-1), f(0.5), f(9)])).toEqual([
      [0, 0.5, 1],
      [0, 0.5, 3],
    ]);
    expect(behind('Conv_b')).toBeUndefined();
  });
});

describe('biasCorrection of a layer in front of a ReLU', () => {
  it('does not mend what the ReLU cuts off at the cost of what it lets through', async () => {
    // Pixels of one kind pass the ReLU, and keep what they hold. Those of the other are cut off, and are all that is lost.
    const random = createRandom(4);
    const dims = [1, 8, 6, 6] as const;
    const data = Array.from({ length: 16 }, () => {
      const passes = Array.from({ length: 36 }, () => random.real(0, 1) < 0.5);
      const x = Float32Array.from({ length: 288 }, (_, i) =>
        passes[i % 36] === i < 36 ? random.real(0.5, 1) : 0,
      );
      return { x: { type: 'float32', dims, data: x } as Tensor };
    });
    const net = new NetBuilder(1);
    const weight = Float32Array.from({ length: 8 }, (_, i) => (i === 0 ? 1 : -0.06));
    net.given('w', { type: 'float32', dims: [1, 8, 1, 1], data: weight });
    net.op('Relu', [net.op('Conv', ['x', 'w'], 'before')], 'y');
    const model = net.model(dims, ['y']);
    const sqnr = async (biasCorrection: boolean) => {
      const options = { calibrationData: data, weightType: 'int4', biasCorrection } as const;
      const { model: integer } = await quantizeStatic(model, options);
      return (await compareModels(model, integer, { data })).outputs[0]!.sqnr;
    };
    expect(await sqnr(true)).toBeGreaterThan((await sqnr(false)) - 0.1);
  });
});
