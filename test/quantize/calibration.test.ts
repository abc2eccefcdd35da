import { describe, expect, it } from 'vitest';
import { exportModel } from '../../src/onnx/export.js';
import { calibrate } from '../../src/quantize/calibrate.js';
import { Calibration } from '../../src/quantize/calibration.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { feedsFor, smallCnn, smallCnnInput } from './nets.js';

const data = feedsFor(smallCnnInput, 12);
const cnn = (seed = 1) => smallCnn(seed).model(smallCnnInput, ['y', 'logits']);
const part = (from: number, to: number) =>
  calibrate(cnn(), { calibrationData: data.slice(from, to) });

describe('calibrate', () => {
  it('gives parts that merge to the bytes of the whole, in any order', async () => {
    const whole = (await part(0, 12)).save();
    const parts = [await part(0, 5), await part(5, 6), await part(6, 12)];
    const [a, b, c] = parts as [Calibration, Calibration, Calibration];
    expect(a.merge(b).merge(c).save()).toEqual(whole);
    expect(c.merge(a.merge(b)).save()).toEqual(whole);
    expect(a.samples).toBe(5);
  });

  it('knows its shards, until it has seen all of them', async () => {
    const whole = (await part(0, 12)).save();
    const shard = async (index: number) => {
      const mine = data.filter((_, i) => i % 3 === index - 1);
      return (await calibrate(cnn(), { calibrationData: mine })).asShard(index, 3);
    };
    const loaded = async (index: number) => Calibration.load((await shard(index)).save());
    const [a, b, c] = [await loaded(1), await loaded(2), await loaded(3)];
    const two = Calibration.load(c.merge(a).save());
    expect(two.shards).toEqual({ count: 3, seen: [1, 3] });
    expect(two.merge(b).save()).toEqual(whole);
    expect(two.merge(b).shards).toBeUndefined();
    expect((await part(0, 12)).asShard(1, 1).save()).toEqual(whole);
    const refused: [Calibration, Calibration, RegExp][] = [
      [two, a, /here: the same shard twice; found shard 1\/3/],
      [two, two, /shards 1\/3 3\/3/],
      [two, await part(0, 1), /found shards 1\/3 3\/3 and no shard/],
      [a, b.asShard(2, 4), /found shard 1\/3 and shard 2\/4/],
    ];
    for (const [left, right, message] of refused) {
      const error = { code: 'INVALID_CALIBRATION', message: expect.stringMatching(message) };
      expect(() => left.merge(right, 'here')).toThrowError(expect.objectContaining(error));
    }
    for (const [index, count] of [
      [0, 2],
      [3, 2],
      [1.5, 2],
      [1, Number.NaN],
    ] as const) {
      expect(() => a.asShard(index, count)).toThrowError(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', where: 'shard' }),
      );
    }
  });

  it('refuses marks of shards that make no sense', async () => {
    const text = Buffer.from((await part(0, 1)).asShard(1, 9).save()).toString('latin1');
    const marks = ['"count":1', '"count":-', '"seen":[]', '"seen":[0', '"seen":{1'];
    for (const mark of marks) {
      const old = mark.startsWith('"c') ? '"count":9' : '"seen":[1'.slice(0, mark.length);
      const bytes = Buffer.from(text.replace(old, mark), 'latin1');
      expect(bytes.toString('latin1')).not.toBe(text);
      expect(() => Calibration.load(bytes)).toThrowError(
        expect.objectContaining({ code: 'INVALID_CALIBRATION' }),
      );
    }
  });

  it('comes back from its bytes', async () => {
    const bytes = (await part(0, 3)).save();
    const loaded = Calibration.load(bytes);
    expect(loaded.save()).toEqual(bytes);
    expect(loaded.samples).toBe(3);
    expect(loaded.values).toContain('stem_relu');
  });

  it('quantizes as the data themselves do, whatever the method', async () => {
    const calibration = Calibration.load((await part(0, 12)).save());
    for (const calibrationMethod of ['max', 'mse'] as const) {
      const direct = await quantizeStatic(cnn(), { calibrationData: data, calibrationMethod });
      const apart = await quantizeStatic(cnn(), { calibration, calibrationMethod });
      expect(exportModel(apart.model.graph)).toEqual(exportModel(direct.model.graph));
      expect(apart.report.model.samples).toBe(12);
    }
  });

  it('takes samples beside it for what needs them', async () => {
    const options = { calibrationData: data, biasCorrection: true };
    const direct = await quantizeStatic(cnn(), options);
    const apart = await quantizeStatic(cnn(), { ...options, calibration: await part(0, 12) });
    expect(exportModel(apart.model.graph)).toEqual(exportModel(direct.model.graph));
    await expect(
      quantizeStatic(cnn(), { calibration: await part(0, 12), biasCorrection: true }),
    ).rejects.toMatchObject({ code: 'INVALID_CALIBRATION', where: 'calibrationData' });
  });

  it('refuses the calibration of another model, or of another choice of nodes', async () => {
    const other = await calibrate(cnn(2), { calibrationData: data });
    const invalid = { code: 'INVALID_CALIBRATION' };
    expect(() => other.collector('nothing')).toThrowError(expect.objectContaining(invalid));
    await expect(quantizeStatic(cnn(), { calibration: other })).rejects.toMatchObject(invalid);
    const some = await calibrate(cnn(), { calibrationData: data, nodesToExclude: ['Conv_flat'] });
    await expect(quantizeStatic(cnn(), { calibration: some })).rejects.toMatchObject(invalid);
    const mine = await part(0, 1);
    expect(() => mine.merge(other)).toThrowError(expect.objectContaining(invalid));
    expect(() => mine.merge(some)).toThrowError(expect.objectContaining(invalid));
  });

  it('refuses bytes that it did not write', async () => {
    const bytes = (await part(0, 1)).save();
    const changed = (at: number, value: number) => {
      const copy = bytes.slice();
      copy[at] = value;
      return copy;
    };
    const cases = [
      new Uint8Array(),
      bytes.subarray(0, 8),
      bytes.subarray(0, 40),
      bytes.subarray(0, bytes.length - 1),
      Uint8Array.of(...bytes, 0),
      changed(0, 1),
      changed(4, 9),
      changed(5, 0),
      changed(8, 255),
      changed(9, 65),
      'text' as unknown as Uint8Array,
    ];
    for (const broken of cases) {
      expect(() => Calibration.load(broken)).toThrowError(
        expect.objectContaining({ code: 'INVALID_CALIBRATION' }),
      );
    }
  });

  it('needs data', async () => {
    await expect(quantizeStatic(cnn(), {})).rejects.toMatchObject({ code: 'INVALID_CALIBRATION' });
    await expect(calibrate(cnn(), { calibrationData: [] })).rejects.toMatchObject({
      code: 'INVALID_CALIBRATION',
    });
  });
});
