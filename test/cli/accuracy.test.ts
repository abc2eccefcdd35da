/** Commands that look after accuracy, as a user runs them. Needs dist/. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { npy, octavo, pictureModel, temporaryFolder } from './fixture.js';

const { path, remove } = temporaryFolder();
afterAll(remove);

beforeAll(() => {
  writeFileSync(path('model.onnx'), pictureModel());
  const data = Float32Array.from({ length: 8 * 192 }, (_, i) => Math.sin(i));
  writeFileSync(path('data.npy'), npy('<f4', [8, 3, 8, 8], data));
});

const common = () => [path('model.onnx'), '--data', path('data.npy')];

describe.concurrent('octavo quantize --max-drop', () => {
  test('writes a model within the budget, and says what it lost', async () => {
    const output = path('within.onnx');
    const { code, stdout } = await octavo(
      'quantize',
      ...common(),
      '--max-drop',
      '5%',
      '-o',
      output,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/Within the budget: .* lost of 5\.00? ?% allowed/);
    expect(stdout).toMatch(/static, \w+.*, biases corrected; 1 model tried/);
    expect(existsSync(output)).toBe(true);
  });

  test('gives everything as JSON', async () => {
    const output = path('json.onnx');
    const { code, stdout } = await octavo(
      ...['quantize', ...common(), '--max-drop', '0.5', '-o', output],
      ...['--metric', 'signal', '--method', 'max', '--json', '--quiet'],
    );
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ output, floatLayers: [], outOfTime: false });
    expect(result.accuracy).toMatchObject({ metric: 'signal', float: 1, maxDrop: 0.5 });
    expect(result.scheme).toContain('max');
  });

  test('goes on from a state file, and refuses one that is none', async () => {
    const [state, first, second] = [path('state.json'), path('first.onnx'), path('second.onnx')];
    const args = [...common(), '--max-drop', '5%', '--state', state];
    expect((await octavo('quantize', ...args, '-o', first)).code).toBe(0);
    const { octavo: kind, scores } = JSON.parse(readFileSync(state, 'utf8'));
    expect(kind).toBe('quantize');
    expect(Object.keys(scores)).toEqual(['']);
    const resumed = await octavo('quantize', ...args, '-o', second);
    expect(resumed.code).toBe(0);
    expect(readFileSync(second)).toEqual(readFileSync(first));
    expect(resumed.stderr).not.toContain('Choosing a calibrator');
    writeFileSync(state, 'text');
    const { code, stderr } = await octavo('quantize', ...args, '-o', second);
    expect(code).not.toBe(0);
    expect(stderr).toContain('state.json: not the state of a search');
  });

  test.each([
    [['--max-drop', '150%'], /--max-drop takes a share/],
    [['--max-drop', 'x'], /--max-drop takes a share/],
    [['--max-drop', '1%', '--percentile', '99'], /--percentile/],
    [['--max-drop', '1%', '--metric', 'top5'], /--metric/],
    [['--metric', 'signal'], /--metric goes with --max-drop/],
    [['--state', 'x.json'], /--state goes with --max-drop/],
    [['--time-limit', '1'], /--time-limit goes with --max-drop/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await octavo('quantize', ...common(), ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe.concurrent('octavo sensitivity', () => {
  test('lists layers, the worst first', async () => {
    const { code, stdout } = await octavo('sensitivity', ...common(), '--by', 'kl', '--top', '1');
    expect(code).toBe(0);
    expect(stdout).toContain('quantized alone, the worst first by kl');
    expect(stdout).toMatch(/Gemm|Conv/);
    expect(stdout).toContain('3 more (--top)');
  });

  test('gives measures as JSON', async () => {
    const { code, stdout } = await octavo(
      ...['sensitivity', ...common(), '--mode', 'all-but', '--json', '--quiet'],
      ...['--measure-on', '4', '--method', 'max'],
    );
    expect(code).toBe(0);
    const { mode, samples, layers } = JSON.parse(stdout);
    expect({ mode, samples }).toEqual({ mode: 'all-but', samples: 4 });
    expect(layers[0].parts.both.sqnr).toBeGreaterThan(10);
  });

  test.each([
    [['--mode', 'none'], /--mode/],
    [['--by', 'luck'], /--by/],
    [['--top', '0'], /--top/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await octavo('sensitivity', ...common(), ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
