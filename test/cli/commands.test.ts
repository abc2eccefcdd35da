/** Every command as a user runs it: the built program, files in, files and text out. Needs dist/. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSamples } from '../../src/cli/inputs/index.js';
import type { Tensor } from '../../src/core/tensor.js';
import { InferenceSession } from '../../src/runtime/session.js';
import {
  leftoversIn,
  octavo,
  pictureModel,
  start,
  temporaryFolder,
  writeSamples,
} from './fixture.js';

const { path, remove } = temporaryFolder();
afterAll(remove);

beforeAll(() => writeSamples(path));

/** What the model answers to the samples of a file, in this process and on the reference backend. */
async function answersOf(model: string, source: string): Promise<Record<string, Tensor>[]> {
  const session = await InferenceSession.create(path(model), {
    backend: 'reference',
    isa: 'none',
    intraOpNumThreads: 1,
  });
  const answers = [];
  for await (const feeds of await openSamples(path(source), session.inputs, {})) {
    answers.push(await session.run(feeds));
  }
  session.dispose();
  return answers;
}

const leftovers = () => leftoversIn(path);

describe.concurrent('octavo quantize', () => {
  test.each([
    ['dynamic', ['--dynamic'], /weights quantized/],
    ['tensors', ['--dynamic', '--activations', 'per-tensor', '--op-types', 'Conv,Gemm'], /Saved/],
    ['weights', ['--weights', 'int8'], /smaller/],
    ['blocks', ['--weights', 'int4', '--block-size', '16'], /smaller/],
  ])('without samples: %s', async (name, args, said) => {
    const output = path(`${name}.onnx`);
    const all = ['quantize', path('model.onnx'), ...args, '-o', output];
    const { code, stdout, stderr } = await octavo(...all);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(stdout).toMatch(said);
    expect(await answersOf(`${name}.onnx`, 'data.npy')).toHaveLength(5);
  });

  test.each([
    ['equalized', ['--per-tensor', '--equalize', '--bias-correction', '--method', 'auto'], /tried/],
    ['absorbed', ['--per-tensor', '--equalize', '--absorb-biases'], /Saved/],
    ['gptq', ['--weight-type', 'int4', '--rounding', 'gptq'], /Saved/],
    ['fine', ['--activation-type', 'uint16', '--smooth-quant'], /Saved/],
    [
      'int16',
      ['--weight-type', 'int16', '--activation-type', 'int16', '--symmetric-activations'],
      /Saved/,
    ],
    ['smooth', ['--dynamic', '--op-types', 'Gemm', '--smooth-quant'], /Saved/],
    ['adaround', ['--weight-type', 'int4', '--rounding', 'adaround'], /Saved/],
    ['gptq-blocks', ['--weights', 'int4', '--rounding', 'gptq'], /Saved/],
  ])('by what samples show: %s', async (name, args, said) => {
    const all = ['quantize', path('model.onnx'), '--data', path('data.npy'), ...args];
    const { code, stdout, stderr } = await octavo(...all, '-o', path(`${name}.onnx`));
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(stdout).toMatch(said);
    expect(await answersOf(`${name}.onnx`, 'data.npy')).toHaveLength(5);
  });

  test('prints what looks wrong', async () => {
    const args = ['--data', path('data.npy'), '-o', path('few.onnx')];
    const { stdout } = await octavo('quantize', path('model.onnx'), ...args);
    expect(stdout).toMatch(/Note: .*: ranges rest on 5 samples. Try some 100/);
  });

  test('pictures to an INT8 model, and says what it did', async () => {
    const output = path('pictures.int8.onnx');
    const args = ['--data', path('pictures'), '-o', output];
    const { code, stdout, stderr } = await octavo('quantize', path('model.onnx'), ...args);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `Calibrating on 3 pictures of ${path('pictures')}, at 8×8, normalised as 'torch'.\n`,
    });
    expect(stdout).toContain(`Saved ${output}`);
    expect(stdout).toMatch(/quantized, 2 with weights; 3 samples seen/);
    const session = await InferenceSession.create(output);
    expect(session.inputs).toEqual([{ name: 'x', type: 'float32', dims: [1, 3, 8, 8] }]);
    session.dispose();
    expect(leftovers()).toEqual([]);
  });

  test('--quiet --json: the report and nothing else', async () => {
    const output = path('report.onnx');
    const args = ['--data', path('data.npy'), '-o', output, '--quiet', '--json'];
    const { code, stdout, stderr } = await octavo('quantize', path('model.onnx'), ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ output, model: { samples: 5, int8: { Conv: 1, Gemm: 1 } } });
    expect(report.weights.map((weight: { scales: number }) => weight.scales)).toEqual([4, 2]);
    expect(report.activations.length).toBeGreaterThan(2);
  });

  test('its options reach the quantization', async () => {
    const { code, stdout, stderr } = await octavo(
      ...['quantize', path('model.onnx'), '--data', path('data.npy'), '--samples', '2'],
      ...['--method', 'percentile', '--percentile', '99', '--activation-type', 'int8'],
      ...['--per-tensor', '--exclude', '/Gemm/', '-o', path('options.onnx'), '--json', '--quiet'],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(report.model.samples).toBe(2);
    expect(report.model.float).toMatchObject({ Gemm: 1 });
    expect(report.weights.map((weight: { scales: number }) => weight.scales)).toEqual([1]);
    expect(report.activations[0].calibrator).toBe('percentile 99');
  });

  test.each([
    ['--dynamic', [], /Not on this page.*no samples were given/s],
    ['--dynamic', ['--data', 'data.npy'], /Not on this page.*Which layer hurts/s],
    ['--weights=int4', [], /Not on this page.*no samples were given/s],
    ['--weights=int4', ['--data', 'data.npy', '--samples', '3'], /Which layer hurts/],
  ])('--report: a page of what needs no calibration: %s %j', async (way, args, shown) => {
    const name = `${way}${args.length}`;
    const page = path(`${name}.html`);
    const given = args.map((arg) => (arg.endsWith('.npy') ? path(arg) : arg));
    const all = [way, ...given, '-o', path(`${name}.onnx`), '--report', page];
    const { code, stderr } = await octavo('quantize', path('model.onnx'), ...all);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`Wrote ${page}`)]);
    expect(readFileSync(page, 'utf8')).toMatch(shown);
  });

  test('--report: a page that names every layer', async () => {
    const page = path('report.html');
    const args = ['--data', path('data.npy'), '-o', path('reported.onnx'), '--report', page];
    const { code, stderr } = await octavo('quantize', path('model.onnx'), ...args);
    expect(code).toBe(0);
    expect(stderr).toContain(`Wrote ${page}.`);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('<h1>model.onnx</h1>');
    expect(html.match(/<tr data-layer=/g)!.length).toBeGreaterThanOrEqual(2);
  });

  describe.concurrent('--recipe: the bytes of the file again', () => {
    const data = () => ['--data', path('data.npy')];
    test.each([
      ['static', () => [...data(), '--bias-correction', '--rounding', 'gptq']],
      ['budget', () => [...data(), '--max-drop', '5%']],
      ['dynamic', () => ['--dynamic', '--op-types', 'Conv,Gemm']],
      ['int4', () => ['--weights', 'int4']],
    ])('%s', async (name, args) => {
      const [output, recipe, again] = ['first.onnx', 'json', 'again.onnx'].map((end) =>
        path(`${name}.recipe.${end}`),
      ) as [string, string, string];
      const all = [...args(), '-o', output, '--write-recipe', recipe];
      const first = await octavo('quantize', path('model.onnx'), ...all, '--json');
      expect(first.code).toBe(0);
      expect(JSON.parse(first.stdout)).not.toHaveProperty('recipe');
      expect(JSON.parse(readFileSync(recipe, 'utf8'))).toMatchObject({ octavo: 'recipe' });
      const follow = ['--recipe', recipe, '-o', again];
      const { code, stdout, stderr } = await octavo('quantize', path('model.onnx'), ...follow);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/2 layers with quantized weights/);
      expect(readFileSync(again).equals(readFileSync(output))).toBe(true);
    });

    test('from the page of --report, beside the model', async () => {
      mkdirSync(path('paged'));
      writeFileSync(path('paged/net.onnx'), pictureModel());
      const page = path('paged/report.html');
      const output = path('paged/first.onnx');
      const all = [...data(), '--equalize', '-o', output, '--report', page];
      expect((await octavo('quantize', path('paged/net.onnx'), ...all)).code).toBe(0);
      const args = ['--recipe', page, '--json', '--quiet'];
      const { code, stdout } = await octavo('quantize', path('paged/net.onnx'), ...args);
      expect(code).toBe(0);
      const said = JSON.parse(stdout);
      expect(said).toMatchObject({
        output: path('paged/net.int8.onnx'),
        kind: 'static',
        layers: 2,
      });
      const bytes = readFileSync(output);
      expect(readFileSync(said.output).equals(bytes)).toBe(true);
      expect(said.bytesAfter).toBe(bytes.length);
    });
  });

  test('writes model.int8.onnx beside the model when it is not told where', async () => {
    mkdirSync(path('beside'));
    writeFileSync(path('beside/net.onnx'), pictureModel());
    const { code } = await octavo('quantize', path('beside/net.onnx'), '--data', path('data.npy'));
    expect(code).toBe(0);
    expect(readdirSync(path('beside')).sort()).toEqual(['net.int8.onnx', 'net.onnx']);
  });

  test('pictures of a size that the model leaves free', async () => {
    const args = ['--data', path('pictures'), '-o', path('free.int8.onnx'), '--quiet'];
    const size = ['--size', '10x6', '--normalize', 'unit'];
    const { code, stderr } = await octavo('quantize', path('free.onnx'), ...args, ...size);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('a failure while calibrating leaves the old output as it was', async () => {
    writeFileSync(path('old.onnx'), 'old');
    writeFileSync(path('bad.jsonl'), `${JSON.stringify({ x: Array(192).fill(1) })}\n{"x": [1]}\n`);
    for (const output of ['old.onnx', 'new.onnx']) {
      const args = ['--data', path('bad.jsonl'), '-o', path(output)];
      const { code, stderr } = await octavo('quantize', path('model.onnx'), ...args);
      expect(code).toBe(1);
      expect(stderr).toContain('[INVALID_INPUT]');
    }
    expect(readFileSync(path('old.onnx'), 'utf8')).toBe('old');
    expect(existsSync(path('new.onnx'))).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  test.skipIf(process.platform === 'win32')('stops at Ctrl+C, leaving nothing behind', async () => {
    const line = `${JSON.stringify({ x: Array(192).fill(0.5) })}\n`;
    writeFileSync(path('long.jsonl'), line.repeat(200_000));
    const args = ['--data', path('long.jsonl'), '-o', path('never.onnx')];
    const { child, done } = start(['quantize', path('model.onnx'), ...args]);
    child.stderr!.once('data', () => child.kill('SIGINT'));
    const { code, stderr } = await done;
    expect(code).toBe(1);
    expect(stderr).toContain('[ABORTED]');
    expect(existsSync(path('never.onnx'))).toBe(false);
  });
});

describe.concurrent('octavo run', () => {
  test.each([
    ['model.onnx', 'data.npy', 5],
    ['model.onnx', 'pictures', 3],
    ['pair.onnx', 'pairs.jsonl', 2],
  ])('%s on %s: the answers of a session', async (model, source, count) => {
    const args = ['--data', path(source), '--json', '--full', '--quiet'];
    const { code, stdout, stderr } = await octavo('run', path(model), ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const answers = JSON.parse(stdout);
    const expected = await answersOf(model, source);
    expect(answers).toHaveLength(count);
    for (const [i, { y }] of expected.entries()) {
      const found = answers[i].outputs.y;
      expect(found).toMatchObject({ type: 'float32', dims: y!.dims });
      const values = Array.from(y!.data as Float32Array);
      for (const [j, value] of values.entries()) expect(found.data[j]).toBeCloseTo(value, 4);
      expect(found.top[0].value).toBeCloseTo(Math.max(...values), 4);
    }
  });

  test('prints a row for each sample', async () => {
    const args = ['--data', path('pictures'), '--top', '1', '--samples', '2'];
    const { code, stdout, stderr } = await octavo('run', path('model.onnx'), ...args);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Running on 2 pictures .*; (native|wasm|reference), \w+\.\n$/);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[2]).toMatch(/0\.jpeg +y +float32 \[1, 2\] +\d: -?[\d.]+ +[\d.]+ ms$/);
  });
});

describe.concurrent('octavo compare', () => {
  test('a model with itself: no difference', async () => {
    const args = [path('model.onnx'), path('model.onnx'), '--data', path('data.npy'), '--json'];
    const { code, stdout } = await octavo('compare', ...args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      samples: 5,
      outputs: [{ name: 'y', sqnr: 'Infinity', maxError: 0, top1Agreement: 1 }],
    });
  });

  test('a model with its INT8 form', async () => {
    const int8 = path('compared.onnx');
    const data = ['--data', path('data.npy'), '--quiet'];
    await octavo('quantize', path('model.onnx'), ...data, '-o', int8);
    const { code, stdout } = await octavo('compare', path('model.onnx'), int8, ...data);
    expect(code).toBe(0);
    const sqnr = Number(/^y +([\d.]+) dB/m.exec(stdout)![1]);
    expect(sqnr).toBeGreaterThan(25);
    expect(sqnr).toBeLessThan(80);
  });
});

describe.concurrent('octavo inspect', () => {
  test('the graph as it was imported', async () => {
    const { code, stdout, stderr } = await octavo('inspect', path('model.onnx'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const op of ['Conv', 'Relu', 'GlobalAveragePool', 'Flatten', 'Gemm']) {
      expect(stdout).toMatch(new RegExp(`^${op} +1$`, 'm'));
    }
  });

  test('--json --lowered: in Octavo’s own operators', async () => {
    const { code, stdout } = await octavo('inspect', path('model.onnx'), '--json', '--lowered');
    expect(code).toBe(0);
    const { operators, inputs, outputs, trace } = JSON.parse(stdout);
    expect(Object.keys(operators).every((op) => op.startsWith('octavo:'))).toBe(true);
    expect(inputs).toEqual([{ name: 'x', type: 'float32', dims: [1, 3, 8, 8] }]);
    expect(outputs).toEqual([{ name: 'y', type: 'float32', dims: [1, 2] }]);
    expect(trace).toBeUndefined();
  });

  test('--dim: with sizes for free dimensions', async () => {
    const args = ['inspect', path('free.onnx'), '--json', '--dim', 'H=6', '--dim', 'W=7'];
    const { inputs } = JSON.parse((await octavo(...args)).stdout);
    expect(inputs).toEqual([{ name: 'x', type: 'float32', dims: [1, 3, 6, 7] }]);
  });

  test('--stop-after: so many patches and no more', async () => {
    const args = ['inspect', path('model.onnx'), '--json'];
    const { trace } = JSON.parse((await octavo(...args, '--trace')).stdout);
    expect(trace.length).toBeGreaterThan(3);
    const stopped = JSON.parse((await octavo(...args, '--stop-after', '2')).stdout);
    expect(stopped.trace).toEqual(trace.slice(0, 2));
  });

  test('a reader that closes early is no failure', async () => {
    const { child, done } = start(['inspect', path('model.onnx'), '--lowered']);
    child.stdout!.destroy();
    expect((await done).stderr).toBe('');
  });
});

describe.concurrent('octavo doctor', () => {
  test('names what is in force, and a reason for each backend', async () => {
    const { code, stdout, stderr } = await octavo('doctor', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { chosen, backends, node, packages } = JSON.parse(stdout);
    expect(backends.map(({ name }: { name: string }) => name)).toEqual([
      'native',
      'wasm',
      'reference',
    ]);
    const inForce = backends.filter(({ status }: { status: string }) => status === 'in force');
    expect(inForce.map(({ name }: { name: string }) => name)).toEqual([chosen]);
    for (const { reason } of backends) expect(reason).toMatch(/\S/);
    expect(node).toBe(process.version);
    expect(packages).toContainEqual({ name: 'sharp', version: expect.stringMatching(/^\d/) });
  });

  test('a forced backend is in force', async () => {
    const { stdout } = await octavo(
      'doctor',
      '--backend',
      'reference',
      '--isa',
      'none',
      '--threads',
      '1',
    );
    expect(stdout).toMatch(/reference +in force: none, 1 thread$/m);
  });

  test('fails when what is forced is not here', async () => {
    const args = ['--backend', 'reference', '--isa', 'avx2'];
    const { code, stdout } = await octavo('doctor', ...args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/reference +unavailable: /);
  });
});

describe.concurrent('octavo itself', () => {
  test('--version and --help', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect((await octavo('--version')).stdout).toContain(`octavo/${version}`);
    const help = await octavo('quantize', '--help');
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('octavo quantize model.onnx --data images/ -o model.int8.onnx');
  });
});

describe.concurrent('octavo bench', () => {
  test('says where the time goes, in a table, as JSON and as a page', async () => {
    const page = path('profile.html');
    const args = [path('model.onnx'), '--runs', '3', '--html', page];
    const { code, stdout } = await octavo('bench', ...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ms a run \(median of 3/);
    expect(stdout).toMatch(/Conv +\d/);
    expect(readFileSync(page, 'utf8')).toContain('<h1>model.onnx</h1>');
    const json = await octavo('bench', path('model.onnx'), '--runs', '2', '--json', '--quiet');
    const result = JSON.parse(json.stdout);
    expect(result).toMatchObject({ runs: 2, latency: { median: expect.any(Number) } });
    expect(result.steps.length).toBeGreaterThan(1);
  });

  test('takes sizes of free dimensions, and refuses what is no number of runs', async () => {
    const sizes = ['--dim', 'H=8', '--dim', 'W=8'];
    const { code } = await octavo('bench', path('free.onnx'), ...sizes, '--runs', '1', '--quiet');
    expect(code).toBe(0);
    expect((await octavo('bench', path('model.onnx'), '--runs', '0')).code).toBe(2);
  });
});
