import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { inferTypes } from '../../src/graph/infer.js';
import type { Graph } from '../../src/graph/ir.js';
import { sortNodes } from '../../src/graph/patch.js';
import { biasOf, correctBiases } from '../../src/quantize/biases.js';
import { carriedShifts, shiftBiases } from '../../src/quantize/biasShifts.js';
import { PieceRunner } from '../../src/quantize/pieces.js';
import { SampleKeeper } from '../../src/quantize/samples.js';
import { prepareStatic, quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { createSession } from '../../src/runtime/session.js';
import { feedsFor, NetBuilder, smallCnn, smallCnnInput } from './nets.js';

const data = feedsFor(smallCnnInput, 16);
const fresh = feedsFor(smallCnnInput, 64, 7);
const cnn = () => smallCnn().model(smallCnnInput, ['y', 'logits']);

describe('PieceRunner', () => {
  it('gives every value that a whole run gives', async () => {
    const { graph } = cnn();
    const names = graph.nodes.map((node) => node.name);
    const outputs = graph.nodes.map((node) => node.outputs[0]!);
    const whole = await createSession({
      ...graph,
      outputs: outputs.map((value) => ({ name: value, value })),
    });
    const pieces = new PieceRunner(data.slice(0, 2));
    for (const [i, name] of names.entries()) {
      const found = await pieces.advance(graph, name);
      for (const [s, feeds] of data.slice(0, 2).entries()) {
        const expected = (await whole.run(feeds))[outputs[i]!]!.data as Float32Array;
        expect(found[s]!.data).toHaveLength(expected.length);
        (found[s]!.data as Float32Array).forEach((value, j) => {
          expect(value).toBeCloseTo(expected[j]!, 4);
        });
      }
    }
    whole.dispose();
  });

  it('takes samples of different lengths', async () => {
    const net = new NetBuilder(8);
    net.op('MatMul', [net.op('Relu', ['x'], 'positive'), net.constant('w', [6, 4])], 'y');
    const fixed = net.graph([1, 3, 6], ['y']);
    const types = new Map([['x', { type: 'float32', dims: [1, 'length', 6] } as const]]);
    const graph = inferTypes({ ...fixed, types });
    const lengths = [3, 5, 3, 1];
    const samples = lengths.flatMap((length, i) => feedsFor([1, length, 6], 1, i));
    const pieces = new PieceRunner(samples);
    for (const name of ['Relu_positive', 'MatMul_y']) {
      const found = await pieces.advance(graph, name);
      expect(found.map(({ dims }) => dims[1])).toEqual(lengths);
    }
    const { report } = await quantizeStatic(
      { ...net.model([1, 3, 6], ['y']), graph },
      { calibrationData: samples, biasCorrection: true },
    );
    expect(report.layers[0]!.before).toBeGreaterThan(20);
  });

  it('lets later nodes read what was put in the place of a value', async () => {
    const { graph } = cnn();
    const pieces = new PieceRunner(data.slice(0, 1));
    const [stem] = await pieces.advance(graph, 'Conv_stem');
    const negative = new Float32Array(stem!.data.length).fill(-1);
    pieces.replace('stem', [{ ...stem!, data: negative } as Tensor]);
    const [relu] = await pieces.advance(graph, 'Relu_stem_relu');
    expect((relu!.data as Float32Array).every((value) => value === 0)).toBe(true);
  });
});

describe('biasCorrection', () => {
  it('brings the mean of each channel back, layer by layer', async () => {
    const model = cnn();
    const options = { calibrationData: data, weightType: 'int8', perChannel: false } as const;
    const plain = await quantizeStatic(model, options);
    const corrected = await quantizeStatic(model, { ...options, biasCorrection: true });
    const noise = async (candidate: typeof plain) =>
      (await compareModels(model, candidate.model, { data: fresh })).outputs[1]!.sqnr;
    expect(await noise(corrected)).toBeGreaterThan(await noise(plain));
    const { layers } = corrected.report;
    expect(layers.map(({ node }) => node)).toEqual(
      corrected.report.weights.map(({ node }) => node),
    );
    for (const { before, after } of layers) expect(after).toBeGreaterThanOrEqual(before - 0.01);
    expect(plain.report.layers).toEqual([]);
  });

  it('gives shifts that other graphs of the model take in steps of their own', async () => {
    const options = { calibrationData: data, biasCorrection: true } as const;
    const whole = await prepareStatic(cnn(), options, new SampleKeeper(8));
    const { graph, placement, draft } = whole;
    const names = placement.anchors.map(({ name }) => name);
    const corrected = await correctBiases(graph, draft.quantized, names, { samples: data });
    const carriedTo = (to: typeof graph) => carriedShifts(draft.quantized, corrected.graph, to);
    // To the graph that they come from they are what they were.
    const back = shiftBiases(draft.quantized, carriedTo(draft.quantized));
    expect(back.constants).toEqual(corrected.graph.constants);
    const [first] = names;
    const coarse = await prepareStatic(
      cnn(),
      {
        ...options,
        nodesToExclude: [first!],
        activationType: 'int8',
        symmetric: { activations: true },
      },
      new SampleKeeper(8),
    );
    const carried = carriedTo(coarse.draft.quantized);
    expect([...carried.keys()].sort()).toEqual(names.slice(1).sort());
    const shifted = shiftBiases(coarse.draft.quantized, carried);
    for (const name of names.slice(1)) {
      const real = (before: typeof graph, after: typeof graph) => {
        const [a, b] = [before, after].map(
          (one) => biasOf(one, one.nodes.find((node) => node.name === name)!)!,
        );
        return Float64Array.from(
          b!.tensor.data,
          (code, c) => (code - a!.tensor.data[c]!) * a!.scale[c]!,
        );
      };
      const wanted = real(draft.quantized, corrected.graph);
      const found = real(coarse.draft.quantized, shifted);
      const step = biasOf(shifted, shifted.nodes.find((node) => node.name === name)!)!.scale;
      for (const [c, value] of found.entries()) {
        expect(Math.abs(value - wanted[c]!)).toBeLessThanOrEqual(0.5001 * step[c]!);
      }
    }
  });

  it('does not depend on the order of branches', async () => {
    const { graph, placement, draft } = await prepareStatic(
      cnn(),
      { calibrationData: data },
      new SampleKeeper(0),
    );
    const names = placement.anchors.map((node) => node.name);
    const run = { samples: data.slice(0, 4) };
    const { quantized } = draft;
    const isRight = (name: string) => /right/.test(name);
    const right = quantized.nodes.filter(({ name }) => isRight(name));
    const rest = quantized.nodes.filter(({ name }) => !isRight(name));
    // Sorted as near to this order as dependencies allow: the right branch now stands in front of the left one.
    const turned = { ...quantized, nodes: sortNodes([...right, ...rest]) };
    const position = (of: Graph, name: string) => of.nodes.findIndex((node) => node.name === name);
    expect(position(turned, 'Conv_right')).toBeLessThan(position(turned, 'Conv_left'));
    const expected = await correctBiases(graph, quantized, names, run);
    const found = await correctBiases(graph, turned, names, run);
    expect(found.layers.map(({ node }) => node)).toEqual(names);
    const codesOf = ({ graph: { constants } }: typeof expected) =>
      [...constants].flatMap(([name, { type, data: codes }]) =>
        type === 'int32' ? [[name, codes] as const] : [],
      );
    expect(codesOf(expected)).toHaveLength(names.length);
    expect(new Map(codesOf(found))).toEqual(new Map(codesOf(expected)));
  });

  it('adds a bias to a convolution that has none', async () => {
    const net = new NetBuilder(3);
    net.op('Conv', ['x', net.constant('w', [4, 3, 1, 1])], 'y');
    const model = net.model([1, 3, 8, 8], ['y']);
    const options = { calibrationData: feedsFor([1, 3, 8, 8], 4) };
    const plain = await quantizeStatic(model, options);
    const corrected = await quantizeStatic(model, { ...options, biasCorrection: { samples: 2 } });
    const convOf = ({ model: { graph } }: typeof plain) =>
      graph.nodes.find((node) => node.op === 'Conv')!;
    expect(convOf(plain).inputs).toHaveLength(2);
    expect(convOf(corrected).inputs).toHaveLength(3);
  });

  it('leaves matrix products without a bias as they are, and measures them', async () => {
    const net = new NetBuilder(4);
    net.op('MatMul', ['x', net.constant('w', [6, 4])], 'y');
    const model = net.model([2, 6], ['y']);
    const { report } = await quantizeStatic(model, {
      calibrationData: feedsFor([2, 6], 4),
      biasCorrection: true,
    });
    expect(report.layers).toHaveLength(1);
    expect(report.layers[0]!.after).toBe(report.layers[0]!.before);
    expect(report.layers[0]!.before).toBeGreaterThan(20);
  });

  it('can be aborted between layers', async () => {
    const controller = new AbortController();
    const running = quantizeStatic(cnn(), {
      calibrationData: data,
      biasCorrection: true,
      signal: controller.signal,
      onProgress: ({ phase, done }) => {
        if (phase === 'correct' && done === 2) controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('leaves graphs without quantized biases alone', async () => {
    const { graph } = cnn();
    const { graph: same, layers } = await correctBiases(graph, graph, ['Conv_stem'], {
      samples: data.slice(0, 1),
    });
    expect(same).toBe(graph);
    expect(layers).toEqual([{ node: 'Conv_stem', before: Infinity, after: Infinity }]);
  });

  it.each([{ samples: 0 }, { samples: 1.5 }, { sample: 3 }])(
    'refuses %o',
    async (biasCorrection) => {
      await expect(
        quantizeStatic(cnn(), { calibrationData: data, biasCorrection: biasCorrection as object }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );
});
