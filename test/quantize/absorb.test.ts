import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import type { Graph } from '../../src/graph/ir.js';
import { absorbBiases } from '../../src/quantize/absorb.js';
import { equalize } from '../../src/quantize/equalize.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { createSession, type Feeds } from '../../src/runtime/session.js';
import { feedsFor, NetBuilder } from './nets.js';

const input = [1, 3, 8, 8] as const;
const data = feedsFor(input, 8);

/** Channels far above 0 behind a 1×1 convolution, read by one with a window of `window` cells. */
function lifted(clamp: 'Relu' | 'Clip', window: 1 | 3) {
  const net = new NetBuilder(5);
  net.given('low', { type: 'float32', dims: [], data: Float32Array.of(0) });
  net.given('high', { type: 'float32', dims: [], data: Float32Array.of(8) });
  net.given('lift', {
    type: 'float32',
    dims: [6],
    data: Float32Array.from({ length: 6 }, (_, c) => c * 1.5),
  });
  const a = net.op('Conv', ['x', net.constant('a_w', [6, 3, 1, 1], 0.3), 'lift'], 'a');
  const act = net.op(clamp, clamp === 'Relu' ? [a] : [a, 'low', 'high'], 'a_act');
  net.conv(act, 'y', [4, 6, window]);
  return net.model(input, ['y']);
}

async function absorbed(graph: Graph) {
  const even = await equalize(graph, new Set(graph.nodes), { samples: data });
  const { graph: after } = await absorbBiases(even.graph, even.pairs, { samples: data });
  return { before: even.graph, after };
}

async function answers(graph: Graph, feeds: readonly Feeds[]) {
  const session = await createSession(graph);
  const results = await Promise.all(feeds.map((one) => session.run(one)));
  session.dispose();
  return results.map((result) => [...(result['y']!.data as Float32Array)]);
}

function constantOf(graph: Graph, op: string, node: string, input: number) {
  const found = graph.nodes.find((one) => one.op === op && one.outputs[0]!.startsWith(node))!;
  return [...(graph.constants.get(found.inputs[input]!) as Tensor<'float32'>).data];
}

describe('absorbBiases', () => {
  it.each(['Relu', 'Clip'] as const)('changes no answer on the samples: %s', async (clamp) => {
    const { before, after } = await absorbed(lifted(clamp, 1).graph);
    const bias = constantOf(after, 'Conv', 'a', 2);
    const old = constantOf(before, 'Conv', 'a', 2);
    // The first channel has no lift to give.
    expect(bias[0]).toBe(old[0]);
    expect(bias[5]).toBeLessThan(old[5]! / 2);
    if (clamp === 'Clip') {
      const bounds = constantOf(after, 'Min', 'a_act', 1);
      const taken = old[5]! - bias[5]!;
      expect(bounds[5]).toBeCloseTo(constantOf(before, 'Min', 'a_act', 1)[5]! - taken, 5);
    }
    const expected = await answers(before, data);
    const found = await answers(after, data);
    for (const [i, row] of expected.entries()) {
      for (const [j, value] of row.entries()) expect(found[i]![j]).toBeCloseTo(value, 4);
    }
  });

  it('leaves layers alone that pad what they read', async () => {
    const { before, after } = await absorbed(lifted('Relu', 3).graph);
    expect(after).toBe(before);
  });

  it('leaves channels alone that reach down to 0', async () => {
    const net = new NetBuilder(6);
    net.conv(net.op('Relu', [net.conv('x', 'a', [6, 3, 1])], 'a_act'), 'y', [4, 6, 1]);
    const { before, after } = await absorbed(net.model(input, ['y']).graph);
    expect(after).toBe(before);
  });
});

describe('quantizeStatic with absorbBiases', () => {
  it.each(['Relu', 'Clip'] as const)(
    'spends no codes on what is always there: %s',
    async (clamp) => {
      const model = lifted(clamp, 1);
      const sqnr = async (equalizing: boolean | { readonly absorbBiases: boolean }) => {
        const options = { calibrationData: data, perChannel: false, equalize: equalizing };
        const { model: integer } = await quantizeStatic(model, options);
        const fresh = feedsFor(input, 16, 3);
        return (await compareModels(model, integer, { data: fresh })).outputs[0]!.sqnr;
      };
      expect(await sqnr({ absorbBiases: true })).toBeGreaterThan((await sqnr(true)) + 3);
    },
  );

  it.each([{ absorb: true }, { absorbBiases: 1 }, 'yes'])('refuses %o', async (option) => {
    await expect(
      quantizeStatic(lifted('Relu', 1), { calibrationData: data, equalize: option as never }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
