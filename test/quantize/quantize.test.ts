import { describe, expect, it } from 'vitest';
import { exportModel } from '../../src/onnx/export.js';
import type { Model } from '../../src/onnx/model.js';
import { quantizeDynamic } from '../../src/quantize/dynamic.js';
import type { QuantizeState } from '../../src/quantize/memory.js';
import type { Progress } from '../../src/quantize/progress.js';
import { type QuantizeOptions, quantize } from '../../src/quantize/quantize.js';
import { compareModels } from '../../src/report/compare.js';
import type { InferenceSession } from '../../src/runtime/session.js';
import { feedsFor, NetBuilder, smallCnn, smallCnnInput } from './nets.js';

const data = feedsFor(smallCnnInput, 24);
const cnn = () => smallCnn().model(smallCnnInput, ['y', 'logits']);
const within = (options: Partial<QuantizeOptions> = {}, model = cnn()) =>
  quantize(model, { calibrationData: data, correctionSamples: 4, ...options });

/** A metric that only sees one layer: how near the model's answers are to the float model's. */
async function signal(session: InferenceSession): Promise<number> {
  const { logits } = await session.run(data[0]!);
  const expected = await reference();
  let noise = 0;
  let power = 0;
  (logits!.data as Float32Array).forEach((value, i) => {
    noise += (value - expected[i]!) ** 2;
    power += expected[i]! ** 2;
  });
  return 1 - noise / power;
}

let answer: Promise<Float32Array> | undefined;
function reference(): Promise<Float32Array> {
  answer ??= (async () => {
    const { InferenceSession: Session } = await import('../../src/runtime/session.js');
    const session = await Session.create(cnn());
    const { logits } = await session.run(data[0]!);
    session.dispose();
    return logits!.data as Float32Array;
  })();
  return answer;
}

describe('quantize', () => {
  it('quantizes all layers where that is within the budget', async () => {
    const model = cnn();
    const before = exportModel(model.graph);
    const result = await within({}, model);
    expect(result.floatLayers).toEqual([]);
    expect(result.attempts).toHaveLength(1);
    expect(result.accuracy).toMatchObject({ metric: 'agreement', float: 1, withinBudget: true });
    expect(result.scheme).toMatch(/^static, (mse|max|percentile 99.999), biases corrected$/);
    const { outputs } = await compareModels(model, result.model, { data });
    for (const { sqnr } of outputs) expect(sqnr).toBeGreaterThan(25);
    expect(exportModel(model.graph)).toEqual(before);
  });

  it('corrects layers that have no bias, too', async () => {
    const net = new NetBuilder(6);
    net.op('Conv', ['x', net.constant('w', [4, 3, 1, 1])], 'y');
    const calibrationData = feedsFor([1, 3, 8, 8], 8);
    const { model, scheme } = await quantize(net.model([1, 3, 8, 8], ['y']), { calibrationData });
    expect(scheme).toContain('biases corrected');
    expect(model.graph.nodes.find(({ op }) => op === 'Conv')!.inputs).toHaveLength(3);
  });

  it('gives the fewest layers back that meet a tight budget', async () => {
    const options = { evaluate: signal, calibrationMethods: ['max'] as const };
    const plain = await within(options);
    expect(plain.accuracy.metric).toBe('evaluate');
    expect(plain.accuracy.drop).toBeGreaterThan(0);
    const maxDrop = plain.accuracy.drop / 4;
    const { accuracy, floatLayers, attempts, model } = await within({ ...options, maxDrop });
    expect(accuracy.withinBudget).toBe(true);
    expect(accuracy.drop).toBeLessThanOrEqual(maxDrop);
    expect(floatLayers.length).toBeGreaterThan(0);
    const tooFew = attempts.filter((a) => a.floatLayers.length < floatLayers.length);
    for (const { score } of tooFew) expect(accuracy.float - score).toBeGreaterThan(maxDrop);
    // Tried with the biases of the whole model, and in the end with those that were corrected for it.
    const same = attempts.filter((a) => a.floatLayers.join() === floatLayers.join());
    expect(same).toHaveLength(2);
    expect(attempts.at(-1)).toBe(same[1]);
    expect(accuracy.quantized).toBe(Math.max(...same.map(({ score }) => score)));
    for (const { score } of same) expect(accuracy.float - score).toBeLessThan(maxDrop * 1.5);
    for (const name of floatLayers) {
      const node = model.graph.nodes.find((candidate) => candidate.name === name)!;
      expect(model.graph.constants.has(node.inputs[1]!) || node.op !== 'Conv').toBe(true);
    }
  });

  it('says when no set of layers is enough', async () => {
    let calls = 0;
    const { accuracy, attempts } = await within({
      evaluate: () => (calls++ === 0 ? 1 : 0.5 + calls / 1000),
      calibrationMethods: ['max'],
    });
    expect(accuracy).toMatchObject({ withinBudget: false, float: 1 });
    const best = Math.max(...attempts.map(({ score }) => score));
    expect(accuracy.quantized).toBe(best);
    expect(accuracy.drop).toBeCloseTo(1 - best, 12);
  });

  it('takes the calibration method of the nearest answers', async () => {
    const all = await within({ calibrationMethods: ['max', 'entropy'] });
    const method = /static, (\w+)/.exec(all.scheme)![1]!;
    const sqnrOf = async (calibrationMethod: 'max' | 'entropy') => {
      const { model } = await within({ calibrationMethods: [calibrationMethod] });
      const heldOut = data.filter((_, i) => i % 4 === 3);
      return (await compareModels(cnn(), model, { data: heldOut })).outputs[1]!.sqnr;
    };
    const [max, entropy] = [await sqnrOf('max'), await sqnrOf('entropy')];
    expect(method).toBe(max > entropy ? 'max' : 'entropy');
  });

  it('quantizes encoders dynamically, and measures signal where nothing is chosen', async () => {
    const net = new NetBuilder(5);
    const ones = { type: 'float32', dims: [16], data: new Float32Array(16).fill(1) } as const;
    const normal = net.op('LayerNormalization', ['x', net.given('g', ones)], 'normal');
    const hidden = net.op(
      'Relu',
      [net.op('MatMul', [normal, net.constant('w1', [16, 32], 0.3)], 'inner')],
      'hidden',
    );
    net.op('MatMul', [hidden, net.constant('w2', [32, 16], 0.3)], 'y');
    const model = net.model([1, 4, 16], ['y']);
    const result = await quantize(model, { calibrationData: feedsFor([1, 4, 16], 8) });
    expect(result.scheme).toMatch(/^dynamic, per-row/);
    expect(result.accuracy.metric).toBe('signal');
    expect(result.accuracy.quantized).toBeGreaterThan(0.99);
    expect(result.model.graph.nodes.filter(({ op }) => op === 'MatMulInteger')).toHaveLength(2);
    const tight = await quantize(model, {
      calibrationData: feedsFor([1, 4, 16], 8),
      maxDrop: result.accuracy.drop * 0.9,
    });
    expect(tight.floatLayers).toHaveLength(1);
  });

  it('smooths the products of an encoder where that brings its answers nearer', async () => {
    const outliers = (ratio: number) => {
      const net = new NetBuilder(5);
      const scale = Float32Array.from({ length: 16 }, (_, c) => (c === 3 ? ratio : 1));
      net.given('g', { type: 'float32', dims: [16], data: scale });
      const normal = net.op('LayerNormalization', ['x', 'g'], 'normal');
      net.op('MatMul', [normal, net.constant('w', [16, 32], 0.3)], 'y');
      return net.model([6, 16], ['y']);
    };
    const calibrationData = feedsFor([6, 16], 16);
    const schemeOf = async (ratio: number) =>
      (await quantize(outliers(ratio), { calibrationData })).scheme;
    expect(await schemeOf(100)).toBe('dynamic, per-row, smoothed');
    const { model, scheme } = await quantize(outliers(100), { calibrationData, maxDrop: 1 });
    const plain = await quantizeDynamic(outliers(100));
    const sqnrOf = async (of: Model) =>
      (await compareModels(outliers(100), of, { data: calibrationData })).outputs[0]!.sqnr;
    expect(scheme).toContain('smoothed');
    expect(await sqnrOf(model)).toBeGreaterThan((await sqnrOf(plain.model)) + 6);
  });

  it('goes on from the state of a search that was interrupted', async () => {
    const states: QuantizeState[] = [];
    let calls = 0;
    const maxDrop = 1e-6;
    const options = { calibrationMethods: ['max', 'mse'], metric: 'signal', maxDrop } as const;
    const whole = await within({ ...options, onState: (state) => states.push(state) });
    expect(whole.attempts.length).toBeGreaterThan(3);
    for (const at of [0, 1, Math.floor(states.length / 2), states.length - 1]) {
      const state = JSON.parse(JSON.stringify(states[at])) as QuantizeState;
      const later: QuantizeState[] = [];
      const resumed = await within({ ...options, state, onState: (next) => later.push(next) });
      expect(resumed.attempts).toEqual(whole.attempts);
      expect(exportModel(resumed.model.graph)).toEqual(exportModel(whole.model.graph));
      expect(later).toHaveLength(states.length - 1 - at);
      calls++;
    }
    expect(calls).toBe(4);
    const [state] = states;
    await expect(within({ ...options, kind: 'static', state })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: 'state.settings',
    });
    const other = smallCnn(2).model(smallCnnInput, ['y', 'logits']);
    await expect(within({ ...options, state }, other)).rejects.toMatchObject({
      where: 'state.model',
    });
  });

  it('tells of its progress, and ends when aborted', async () => {
    const seen: Progress[] = [];
    const controller = new AbortController();
    await within({ onProgress: (progress) => seen.push(progress) });
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['calibrate', 'choose', 'search']);
    const running = within({
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'choose') controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('tries nothing more when its time is over', async () => {
    let calls = 0;
    const result = await within({
      evaluate: () => (calls++ === 0 ? 1 : 0),
      calibrationMethods: ['max'],
      timeLimit: 0,
    });
    expect(result.outOfTime).toBe(true);
    expect(result.attempts).toHaveLength(1);
    expect(result.accuracy.withinBudget).toBe(false);
  });

  it.each([
    [{ maxDrop: -1 }, 'maxDrop'],
    [{ maxDrop: Number.NaN }, 'maxDrop'],
    [{ timeLimit: -1 }, 'timeLimit'],
    [{ kind: 'other' }, 'kind'],
    [{ metric: 'other' }, 'metric'],
    [{ metric: 'signal', evaluate: () => 1 }, 'metric'],
    [{ calibrationMethods: [] }, 'calibrationMethods'],
    [{ calibrationMethods: ['other'] }, 'calibrationMethods'],
    [{ correctionSamples: 0 }, 'correctionSamples'],
    [{ heldOutSamples: 1.5 }, 'heldOutSamples'],
    [{ colour: 1 }, 'colour'],
  ])('refuses %o', async (options, where) => {
    await expect(within(options as object)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where,
    });
  });

  it.each(['static', 'dynamic'] as const)('needs data: %s', async (kind) => {
    await expect(within({ kind, calibrationData: [] })).rejects.toMatchObject({
      code: 'INVALID_CALIBRATION',
    });
  });
});
