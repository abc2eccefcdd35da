import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph } from '../../src/graph/ir.js';
import { calibrate } from '../../src/quantize/calibrate.js';
import { equalize } from '../../src/quantize/equalize.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { createSession, type Feeds } from '../../src/runtime/session.js';
import { feedsFor, NetBuilder } from './nets.js';

const input = [1, 3, 8, 8] as const;
const data = feedsFor(input, 8);

/** An expansion, a depthwise convolution and a projection, the first two scaled against each other up to a thousandfold. */
function uneven(clamp: 'Relu' | 'Clip') {
  const net = new NetBuilder(5);
  net.given('low', { type: 'float32', dims: [], data: Float32Array.of(0) });
  net.given('high', { type: 'float32', dims: [], data: Float32Array.of(2) });
  const act = (x: string, y: string) =>
    net.op(clamp, clamp === 'Relu' ? [x] : [x, 'low', 'high'], y);
  const wide = act(net.conv('x', 'wide', [16, 3, 1]), 'wide_act');
  const deep = act(net.conv(wide, 'deep', [16, 16, 3], 16), 'deep_act');
  const narrow = net.conv(deep, 'narrow', [6, 16, 1]);
  const pooled = net.op('GlobalAveragePool', [net.op('Relu', [narrow], 'narrow_act')], 'pooled');
  net.gemm(net.op('Flatten', [pooled], 'flat'), 'y', 6, 4);
  const model = net.model(input, ['y']);
  const constants = new Map(model.graph.constants);
  const scale = (name: string, by: (c: number) => number, share: number) => {
    const tensor = constants.get(name) as Tensor<'float32'>;
    constants.set(name, {
      ...tensor,
      data: tensor.data.map((w, i) => w * by(Math.floor(i / share))),
    });
  };
  const share = (c: number) => 10 ** -(c % 4);
  scale('wide_w', share, 3);
  scale('wide_b', share, 1);
  scale('deep_w', (c) => 1 / share(c), 9);
  return { ...model, graph: { ...model.graph, constants } };
}

const equalizeAll = (graph: Graph) => equalize(graph, new Set(graph.nodes), { samples: data });

async function answers(graph: Graph, feeds: readonly Feeds[]) {
  const session = await createSession(graph);
  const results = await Promise.all(feeds.map((one) => session.run(one)));
  session.dispose();
  return results.map((result) => [...(result['y']!.data as Float32Array)]);
}

/** Largest magnitude of each output channel of a weight. */
function ranges(graph: Graph, name: string) {
  const node = graph.nodes.find((candidate) => candidate.name === name)!;
  const { data: weight, dims } = graph.constants.get(node.inputs[1]!) as Tensor<'float32'>;
  const share = weight.length / dims[0]!;
  return Array.from({ length: dims[0]! }, (_, c) =>
    Math.max(...weight.slice(c * share, (c + 1) * share).map(Math.abs)),
  );
}

describe('equalize', () => {
  it.each(['Relu', 'Clip'] as const)('changes no answer of the float graph: %s', async (clamp) => {
    const { graph } = uneven(clamp);
    const { graph: even, pairs } = await equalizeAll(graph);
    expect(pairs.map(({ first, second }) => [first, second])).toEqual([
      ['Conv_wide', 'Conv_deep'],
      ['Conv_deep', 'Conv_narrow'],
      ['Conv_narrow', 'Gemm_y'],
    ]);
    const expected = await answers(graph, data);
    const found = await answers(even, data);
    for (const [i, row] of expected.entries()) {
      for (const [j, value] of row.entries()) expect(found[i]![j]).toBeCloseTo(value, 4);
    }
  });

  it('leaves both layers of a pair with like ranges, channel by channel', async () => {
    const { graph } = uneven('Relu');
    const { graph: even } = await equalizeAll(graph);
    const spread = (of: Graph) => {
      const all = ranges(of, 'Conv_deep');
      return Math.max(...all) / Math.min(...all);
    };
    expect(spread(graph)).toBeGreaterThan(500);
    expect(spread(even)).toBeLessThan(5);
  });

  it('lets channels grow to twice the largest one where a clamp holds them all alike', async () => {
    const net = new NetBuilder(8);
    net.given('low', { type: 'float32', dims: [], data: Float32Array.of(0) });
    net.given('high', { type: 'float32', dims: [], data: Float32Array.of(1) });
    // Every channel reaches the bound; the weights of the second are an eighth of the first's.
    const weight = Float32Array.of(4, 4, 4, 0.5, 0.5, 0.5);
    net.given('a_w', { type: 'float32', dims: [2, 3, 1, 1], data: weight });
    const act = net.op('Clip', [net.op('Conv', ['x', 'a_w'], 'a'), 'low', 'high'], 'a_act');
    net.given('y_w', { type: 'float32', dims: [1, 2, 1, 1], data: Float32Array.of(0.5, 4) });
    net.op('Conv', [act, 'y_w'], 'y');
    const { graph } = net.model(input, ['y']);
    const { graph: even } = await equalizeAll(graph);
    expect(ranges(even, 'Conv_a')).toEqual([4, 1]);
    const expected = await answers(graph, data);
    const found = await answers(even, data);
    for (const [i, row] of expected.entries()) {
      for (const [j, value] of row.entries()) expect(found[i]![j]).toBeCloseTo(value, 4);
    }
  });

  it('leaves alone what more than one node reads, what is an output, and what is not selected', async () => {
    const net = new NetBuilder(6);
    const a = net.op('Relu', [net.conv('x', 'a', [4, 3, 1])], 'a_act');
    const b = net.op('Sigmoid', [net.conv(a, 'b', [4, 4, 1])], 'b_act');
    const c = net.conv(b, 'c', [4, 4, 1]);
    net.op('Add', [net.conv(c, 'd', [4, 4, 1]), a], 'y');
    const { graph } = net.model(input, ['y', 'c']);
    expect(await equalizeAll(graph)).toEqual({ graph, pairs: [] });
    const { graph: two } = uneven('Relu');
    const selected = new Set(two.nodes.filter(({ name }) => name !== 'Conv_deep'));
    expect((await equalize(two, selected, { samples: data })).pairs).toEqual([
      expect.objectContaining({ first: 'Conv_narrow', second: 'Gemm_y' }),
    ]);
  });

  it('keeps groups and strides apart', async () => {
    const net = new NetBuilder(7);
    const a = net.op('Relu', [net.conv('x', 'a', [8, 3, 3])], 'a_act');
    const pooled = net.op('MaxPool', [a], 'a_pool', { kernel_shape: attribute.ints([2, 2]) });
    net.conv(pooled, 'y', [4, 8, 3], 2);
    const { graph } = net.model(input, ['y']);
    const { graph: even, pairs } = await equalizeAll(graph);
    expect(pairs).toHaveLength(1);
    const expected = await answers(graph, data);
    const found = await answers(even, data);
    for (const [i, row] of expected.entries()) {
      for (const [j, value] of row.entries()) expect(found[i]![j]).toBeCloseTo(value, 4);
    }
  });
});

describe('quantizeStatic with equalize', () => {
  it.each(['Relu', 'Clip'] as const)(
    'lets one scale per weight serve all channels: %s',
    async (clamp) => {
      const model = uneven(clamp);
      const sqnr = async (options: object) => {
        const { model: integer } = await quantizeStatic(model, {
          calibrationData: data,
          perChannel: false,
          ...options,
        });
        return (await compareModels(model, integer, { data })).outputs[0]!.sqnr;
      };
      expect(await sqnr({ equalize: true })).toBeGreaterThan((await sqnr({})) + 6);
    },
  );

  it('refuses samples that it cannot read again, and a calibration of the graph as it was', async () => {
    const model = uneven('Relu');
    const once = data[Symbol.iterator]();
    await expect(
      quantizeStatic(model, { calibrationData: once, equalize: true }),
    ).rejects.toMatchObject({ code: 'INVALID_CALIBRATION', found: undefined });
    const calibration = await calibrate(model, { calibrationData: data });
    await expect(
      quantizeStatic(model, { calibration, calibrationData: data, equalize: true }),
    ).rejects.toMatchObject({ code: 'INVALID_CALIBRATION' });
    await expect(quantizeStatic(model, { equalize: true })).rejects.toMatchObject({
      code: 'INVALID_CALIBRATION',
    });
  });
});
