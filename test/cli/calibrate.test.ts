/** octavo calibrate, calibrate merge and quantize --calibration, as a user runs them. Needs dist/. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { npy, octavo, pairModel, pictureModel, start, temporaryFolder } from './fixture.js';

const { path, remove } = temporaryFolder();
afterAll(remove);

const samples = 7;
const values = Float32Array.from({ length: samples * 192 }, (_, i) => Math.sin(i * i));

beforeAll(async () => {
  writeFileSync(path('model.onnx'), pictureModel());
  writeFileSync(path('pair.onnx'), pairModel());
  writeFileSync(path('data.npy'), npy('<f4', [samples, 3, 8, 8], values));
  const rows = Array.from({ length: samples }, (_, i) => [
    ...values.subarray(i * 192, i * 192 + 192),
  ]);
  writeFileSync(path('data.jsonl'), rows.map((x) => `${JSON.stringify({ x })}\n`).join('\n'));
  await calibrated('whole.octcal');
  await Promise.all([1, 2, 3].map((i) => calibrated(`${i}.octcal`, '--shard', `${i}/3`)));
});

/** Calibrates model.onnx to a file, and returns what the command says as JSON. */
async function calibrated(output: string, ...args: string[]) {
  const source = args.includes('--data') ? [] : ['--data', path('data.npy')];
  const all = [path('model.onnx'), ...source, ...args, '-o', path(output), '--json', '--quiet'];
  const { code, stdout, stderr } = await octavo('calibrate', ...all);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const merge = (...args: string[]) => octavo('calibrate', 'merge', ...args);
const quantize = (...args: string[]) => octavo('quantize', path('model.onnx'), ...args);
const bytes = (name: string) => readFileSync(path(name));

describe.concurrent('octavo calibrate', () => {
  test.each(['npy', 'jsonl'])('shards of a .%s merge to the bytes of one run', async (kind) => {
    const data = ['--data', path(`data.${kind}`)];
    const names = [3, 1, 4, 2].map((i) => `${kind}-${i}.${i % 2 === 0 ? 'json' : 'octcal'}`);
    for (const [i, name] of names.entries()) {
      const index = [3, 1, 4, 2][i]!;
      const said = await calibrated(name, ...data, '--shard', `${index}/4`);
      expect(said.samples).toBe(index === 4 ? 1 : 2);
      expect(said.shards).toEqual({ count: 4, seen: [index] });
    }
    const [a, b, c, d] = names.map(path) as [string, string, string, string];
    const two = await merge(a, b, '-o', path(`${kind}-two.json`));
    expect(two.stdout).toContain('Still to be merged: shards 2/4 4/4');
    const { code, stderr } = await merge(path(`${kind}-two.json`), c, d, '-o', path(`${kind}-all`));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(bytes(`${kind}-all`)).toEqual(bytes('whole.octcal'));
  });

  test('says in its JSON form what it is of', async () => {
    const { model, values: watched } = await calibrated('readable.json', '--samples', '5');
    expect(watched).toBeGreaterThan(2);
    const content = JSON.parse(bytes('readable.json').toString());
    expect(content).toMatchObject({ model, samples: 5 });
    expect(model).toMatch(/^[0-9a-f]{16}$/);
  });

  test('takes of --samples its shard', async () => {
    for (const i of [1, 2]) {
      await calibrated(`few-${i}`, '--samples', '5', '--shard', `${i}/2`);
    }
    await calibrated('few', '--samples', '5');
    await merge(path('few-1'), path('few-2'), '-o', path('few-all'));
    expect(bytes('few-all')).toEqual(bytes('few'));
  });

  test('writes beside the model when it is not told where', async () => {
    const args = [path('model.onnx'), '--data', path('data.npy'), '--shard', '2/3'];
    const { code, stdout } = await octavo('calibrate', ...args);
    expect(code).toBe(0);
    expect(stdout).toContain('2 samples: shard 2/3, 2 missing');
    expect(bytes('model.2-of-3.octcal')).toEqual(bytes('2.octcal'));
  });

  test('quantizes to the bytes that the data give', async () => {
    await quantize('--data', path('data.npy'), '-o', path('direct.onnx'));
    const calibration = ['--calibration', path('whole.octcal')];
    const { code, stderr } = await quantize(...calibration, '-o', path('apart.onnx'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Calibrated on 7 samples.\n' });
    expect(bytes('apart.onnx')).toEqual(bytes('direct.onnx'));
  });

  test('corrects biases on samples beside it', async () => {
    const data = ['--data', path('data.npy'), '--bias-correction'];
    await quantize(...data, '-o', path('corrected.onnx'));
    const calibration = ['--calibration', path('whole.octcal')];
    await quantize(...data, ...calibration, '-o', path('corrected-apart.onnx'));
    expect(bytes('corrected-apart.onnx')).toEqual(bytes('corrected.onnx'));
  });

  test('measures for a report on samples beside it', async () => {
    const page = path('apart.html');
    const args = ['--calibration', path('whole.octcal'), '--report', page];
    const bare = await quantize(...args, '-o', path('reported.onnx'));
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining('--data is needed')]);
    const data = ['--data', path('data.npy')];
    const { code } = await quantize(...args, ...data, '-o', path('reported.onnx'));
    expect(code).toBe(0);
    const html = bytes('apart.html').toString();
    expect(html).toContain('7 samples');
    expect(html.match(/<tr data-layer=/g)!.length).toBeGreaterThanOrEqual(2);
    await quantize(...data, '-o', path('unreported.onnx'));
    expect(bytes('reported.onnx')).toEqual(bytes('unreported.onnx'));
  });

  test.skipIf(process.platform === 'win32')('stops at Ctrl+C, leaving nothing behind', async () => {
    const line = `${JSON.stringify({ x: Array(192).fill(0.5) })}\n`;
    writeFileSync(path('long.jsonl'), line.repeat(200_000));
    const args = ['--data', path('long.jsonl'), '-o', path('never.octcal')];
    const { child, done } = start(['calibrate', path('model.onnx'), ...args]);
    child.stderr!.once('data', () => child.kill('SIGINT'));
    const { code, stderr } = await done;
    expect(code).toBe(1);
    expect(stderr).toContain('[ABORTED]');
    expect(existsSync(path('never.octcal'))).toBe(false);
  });
});

describe.concurrent('what octavo calibrate refuses', () => {
  const out = () => ['-o', path('refused')];
  const data = () => ['--data', path('data.npy')];
  const model = () => ['calibrate', path('model.onnx')];
  const merging = (...names: string[]) => ['calibrate', 'merge', ...names.map(path), ...out()];
  const refusals: [what: string, args: () => string[], message: RegExp, code: number][] = [
    ['no data', () => [...model()], /--data is needed/, 2],
    ['two models', () => [...model(), path('pair.onnx'), ...data()], /one model at a time/, 2],
    ['shard 0', () => [...model(), ...data(), '--shard', '0/3'], /--shard takes/, 2],
    ['shard 4 of 3', () => [...model(), ...data(), '--shard', '4/3'], /--shard takes/, 2],
    ['an empty shard', () => [...model(), ...data(), '--shard', '8/9'], /nothing of 7 samples/, 2],
    ['nothing to merge', () => merging(), /takes the files to merge/, 2],
    ['no output', () => ['calibrate', 'merge', path('1.octcal')], /--output is needed/, 2],
    ['data to merge', () => [...merging('1.octcal'), ...data()], /does not take --data/, 2],
    ['a missing part', () => merging('1.octcal', 'none'), /none: no such file/, 1],
    ['another file', () => merging('1.octcal', 'data.npy'), /data\.npy: not a saved cal/, 1],
    ['another JSON', () => merging('1.octcal', 'data.jsonl'), /data\.jsonl: not a saved/, 1],
    ['a shard twice', () => merging('1.octcal', '1.octcal'), /1\.octcal: the same shard twice/, 1],
    ['a shard and the whole', () => merging('1.octcal', 'whole.octcal'), /may be the same/, 1],
    [
      'data beside a calibration',
      () => ['quantize', path('model.onnx'), '--calibration', path('whole.octcal'), ...data()],
      /--data beside --calibration/,
      2,
    ],
    [
      'no data to correct biases on',
      () => ['quantize', path('model.onnx'), '--calibration', 'x', '--bias-correction'],
      /--data is needed/,
      2,
    ],
    [
      'the calibration of another model',
      () => ['quantize', path('pair.onnx'), '--calibration', path('whole.octcal'), ...out()],
      /a calibration of another model/,
      1,
    ],
  ];
  test.each(refusals)('%s', async (_, args, message, expected) => {
    const { code, stderr } = await octavo(...args());
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
    expect(existsSync(path('refused'))).toBe(false);
  });
});
