import { describe, expect, it } from 'vitest';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph } from '../../src/graph/ir.js';
import { quantizeDynamic } from '../../src/quantize/dynamic.js';
import { type SmoothOptions, smooth } from '../../src/quantize/smooth.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { createSession, type Feeds } from '../../src/runtime/session.js';
import { feedsFor, NetBuilder } from './nets.js';

const input = [6, 16] as const;
const data = feedsFor(input, 12);
const fresh = feedsFor(input, 12, 9);

/** A block as in an encoder: a norm with two channels far larger than the rest, and what reads it. */
function encoder({ residual = false } = {}) {
  const net = new NetBuilder(21);
  const scale = Float32Array.from({ length: 16 }, (_, c) => (c % 8 === 3 ? 60 : 1));
  net.given('gamma', { type: 'float32', dims: [16], data: scale });
  const norm = net.op('LayerNormalization', ['x', 'gamma', net.constant('beta', [16])], 'norm', {
    axis: attribute.int(-1),
  });
  const q = net.op('MatMul', [norm, net.constant('wq', [16, 24], 0.3)], 'q');
  const k = net.op('MatMul', [norm, net.constant('wk', [16, 24], 0.3)], 'k');
  const hidden = net.op(
    'Relu',
    [net.op('Add', [q, net.constant('bq', [24])], 'q_biased')],
    'hidden',
  );
  const wide = net.op('Gelu', [net.op('Add', [k, net.constant('bk', [24])], 'k_biased')], 'wide');
  const a = net.op('MatMul', [hidden, net.constant('wa', [24, 16])], 'a');
  const b = net.op('MatMul', [wide, net.constant('wb', [24, 16])], 'b');
  const sum = net.op('Add', [a, b], 'y');
  return net.model(input, [residual ? net.op('Add', [sum, norm], 'z') : sum]);
}

const rowWise: SmoothOptions = {
  samples: data,
  alpha: 0.5,
  activations: { type: 'int8', symmetric: true, granularity: 'row' },
  weightType: 'int8',
  perChannel: true,
  mayMultiply: () => true,
};

async function answers(graph: Graph, feeds: readonly Feeds[]) {
  const session = await createSession(graph);
  const results = [];
  for (const one of feeds)
    results.push(Object.values(await session.run(one))[0]!.data as Float32Array);
  session.dispose();
  return results;
}

async function expectSameAnswers(before: Graph, after: Graph) {
  const expected = await answers(before, fresh);
  const found = await answers(after, fresh);
  for (const [i, row] of expected.entries()) {
    const most = Math.max(...row.map(Math.abs));
    for (const [j, value] of row.entries())
      expect(found[i]![j]! / most).toBeCloseTo(value / most, 5);
  }
}

describe('smooth', () => {
  it('changes no answer of the float graph, and folds into what makes a value', async () => {
    const { graph } = encoder();
    const { graph: even, layers } = await smooth(graph, new Set(graph.nodes), rowWise);
    await expectSameAnswers(graph, even);
    // q and k read the same value: they share their factors, which the norm takes.
    expect(layers[0]).toMatchObject({
      nodes: ['MatMul_q', 'MatMul_k'],
      alpha: 0.5,
      by: 'constants',
    });
    expect(layers[0]!.after).toBeGreaterThan(layers[0]!.before + 3);
    const folded = layers.find(({ nodes }) => nodes[0] === 'MatMul_a');
    expect(folded).toMatchObject({ by: 'constants' });
    const multiplied = layers.filter(({ by }) => by === 'node').length;
    expect(even.nodes).toHaveLength(graph.nodes.length + multiplied);
  });

  it('multiplies where something else reads the value, only if it pays and only where it may', async () => {
    const { graph } = encoder({ residual: true });
    const all = new Set(graph.nodes);
    const { graph: even, layers } = await smooth(graph, all, rowWise);
    await expectSameAnswers(graph, even);
    expect(layers[0]).toMatchObject({ nodes: ['MatMul_q', 'MatMul_k'], by: 'node' });
    for (const { by, before, after } of layers) {
      if (by === 'node') expect(after).toBeGreaterThan(before + 1);
    }
    const none = await smooth(graph, all, { ...rowWise, mayMultiply: () => false });
    expect(none.layers.every(({ by }) => by === 'constants')).toBe(true);
    expect(none.graph.nodes).toHaveLength(graph.nodes.length);
  });

  it('never does worse by searching than without', async () => {
    const { graph } = encoder();
    const all = new Set(graph.nodes);
    const { graph: even, layers } = await smooth(graph, all, { ...rowWise, alpha: 'search' });
    await expectSameAnswers(graph, even);
    const fixed = await smooth(graph, all, rowWise);
    for (const layer of layers) {
      expect(layer.after).toBeGreaterThan(layer.before);
      const other = fixed.layers.find(({ nodes }) => nodes[0] === layer.nodes[0]);
      if (other) expect(layer.after).toBeGreaterThanOrEqual(other.after);
    }
  });

  it('leaves a weight alone that two layers read', async () => {
    const net = new NetBuilder(2);
    net.constant('w', [16, 16]);
    net.op('MatMul', [net.op('MatMul', ['x', 'w'], 'h'), 'w'], 'y');
    const { graph } = net.model(input, ['y']);
    expect(await smooth(graph, new Set(graph.nodes), rowWise)).toEqual({
      ...{ graph, layers: [], factors: [] },
    });
  });
});

describe('smoothQuant', () => {
  const model = encoder();
  const sqnrOf = async (candidate: Parameters<typeof compareModels>[1], on = fresh) =>
    (await compareModels(model, candidate, { data: on })).outputs[0]!.sqnr;

  it('helps dynamic quantization', async () => {
    const plain = await quantizeDynamic(model);
    for (const smoothQuant of [true, { alpha: 0.5 }]) {
      const even = await quantizeDynamic(model, { smoothQuant, calibrationData: data });
      expect(await sqnrOf(even.model)).toBeGreaterThan((await sqnrOf(plain.model)) + 3);
      expect(even.report.smoothed.length).toBeGreaterThan(0);
    }
    expect(plain.report.smoothed).toEqual([]);
  });

  it('helps static quantization', async () => {
    // Sums in between would be rounded too, by more than is won.
    const options = { calibrationData: data, opTypes: ['MatMul'] };
    const plain = await quantizeStatic(model, options);
    const even = await quantizeStatic(model, { ...options, smoothQuant: true });
    // Values beyond what calibration saw are clipped in either.
    expect(await sqnrOf(even.model, data)).toBeGreaterThan((await sqnrOf(plain.model, data)) + 3);
    expect(even.report.smoothed.length).toBeGreaterThan(0);
  });

  it.each([
    [{ smoothQuant: { alpha: 2 }, calibrationData: data }, 'INVALID_ARGUMENT'],
    [{ smoothQuant: { beta: 0.5 }, calibrationData: data }, 'INVALID_ARGUMENT'],
    [{ smoothQuant: true }, 'INVALID_CALIBRATION'],
    [{ smoothQuant: true, calibrationData: [] }, 'INVALID_CALIBRATION'],
    [{ calibrationData: data }, 'INVALID_ARGUMENT'],
  ])('refuses %#', async (options, code) => {
    await expect(quantizeDynamic(model, options as object)).rejects.toMatchObject({ code });
  });
});
