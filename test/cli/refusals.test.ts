/** What the command line refuses: how it says so, and that nothing is left behind. */
import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { octavo, temporaryFolder, writeSamples } from './fixture.js';

const { path, remove } = temporaryFolder();
afterAll(remove);

beforeAll(() => writeSamples(path));

describe.concurrent('what the command line refuses', () => {
  const data = () => ['--data', path('data.npy')];
  const model = () => path('model.onnx');

  const mistakes: readonly [what: string, args: () => string[], message: RegExp][] = [
    ['no command', () => [], /Usage:/],
    ['an unknown command', () => ['fold'], /unknown command 'fold'/],
    ['no model', () => ['quantize'], /missing required args/],
    ['no data', () => ['run', model()], /--data is needed/],
    ['an unknown option', () => ['run', model(), ...data(), '--fast'], /Unknown option `--fast`/],
    ['an option without its value', () => ['run', model(), '--data'], /value is missing/],
    ['a value twice', () => ['run', model(), ...data(), ...data()], /--data takes one value/],
    ['no number', () => ['run', model(), ...data(), '--samples', 'all'], /--samples/],
    ['a number too small', () => ['run', model(), ...data(), '--samples', '0'], /from 1/],
    ['no threads', () => ['run', model(), ...data(), '--threads', '0'], /--threads/],
    ['--full without --json', () => ['run', model(), ...data(), '--full'], /--json/],
    ['an unknown method', () => ['quantize', model(), ...data(), '--method', 'best'], /--method/],
    [
      'a percentile for another method',
      () => ['quantize', model(), ...data(), '--percentile', '99'],
      /percentile/,
    ],
    [
      'a node that is not there',
      () => ['quantize', model(), ...data(), '--exclude', 'n'],
      /NO_MATCH/,
    ],
    ['two ways', () => ['quantize', model(), '--dynamic', '--weights', 'int8'], /two ways/],
    ['samples of none', () => ['quantize', model(), ...data(), '--dynamic'], /--data/],
    ['equalizing of none', () => ['quantize', model(), '--dynamic', '--equalize'], /--equalize/],
    [
      'absorbing what is not equalized',
      () => ['quantize', model(), ...data(), '--absorb-biases'],
      /--absorb-biases goes with --equalize/,
    ],
    [
      'absorbing within a budget',
      () => ['quantize', model(), ...data(), '--max-drop', '1%', '--absorb-biases'],
      /--max-drop does not take --absorb-biases/,
    ],
    [
      'smoothing without samples',
      () => ['quantize', model(), '--dynamic', '--smooth-quant'],
      /--data/,
    ],
    ['a bad weight', () => ['quantize', model(), '--weights', 'int3'], /--weights/],
    [
      'blocks of samples',
      () => ['quantize', model(), ...data(), '--block-size', '32'],
      /--block-size/,
    ],
    [
      'a report without samples',
      () => ['quantize', model(), '--report', 'r.html'],
      /--data is needed/,
    ],
    [
      'what a recipe settles',
      () => ['quantize', model(), '--recipe', 'r.json', '--per-tensor'],
      /--recipe .*--per-tensor/,
    ],
    [
      'samples beside a recipe',
      () => ['quantize', model(), '--recipe', 'r.json', ...data()],
      /--recipe .*--data/,
    ],
    ['a bad pattern', () => ['quantize', model(), ...data(), '--only', '/(/'], /\(/],
    ['its own input as output', () => ['quantize', model(), ...data(), '-o', model()], /--output/],
    ['an unknown backend', () => ['run', model(), ...data(), '--backend', 'gpu'], /found gpu/],
    [
      'a normalisation without pictures',
      () => ['run', model(), ...data(), '--normalize', 'tf'],
      /--normalize/,
    ],
    ['a bad dimension', () => ['inspect', model(), '--dim', 'N'], /--dim takes/],
    ['a dimension that is not there', () => ['inspect', model(), '--dim', 'N=1'], /NO_MATCH/],
    ['a bad size', () => ['run', model(), ...data(), '--size', 'big'], /--size takes/],
  ];
  test.each(mistakes)('%s: exit code 2', async (_what, args, message) => {
    const { code, stdout, stderr } = await octavo(...args());
    expect(code).toBe(2);
    expect(stderr + stdout).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  const failures: readonly [what: string, args: () => string[], code: string, named: string][] = [
    [
      'a model that is not there',
      () => ['run', path('no.onnx'), ...data()],
      'FILE_NOT_FOUND',
      'no.onnx',
    ],
    ['a folder as model', () => ['run', path('.'), ...data()], 'FILE_UNREADABLE', path('.')],
    [
      'a model that is none',
      () => ['run', path('data.npy'), ...data()],
      'INVALID_MODEL',
      'data.npy',
    ],
    [
      'data that are not there',
      () => ['run', model(), '--data', path('no')],
      'FILE_NOT_FOUND',
      path('no'),
    ],
    [
      'data of another shape',
      () => ['run', path('pair.onnx'), '--data', path('data.npy')],
      'INVALID_INPUT',
      'ids',
    ],
    [
      'a folder that is not there to write to',
      () => ['quantize', model(), ...data(), '-o', path('no/m.onnx')],
      'FILE_UNWRITABLE',
      path('no/m.onnx'),
    ],
    [
      'a recipe that is not there',
      () => ['quantize', model(), '--recipe', path('no.json')],
      'FILE_NOT_FOUND',
      path('no.json'),
    ],
    [
      'a recipe that is none',
      () => ['quantize', model(), '--recipe', path('pairs.jsonl')],
      'INVALID_RECIPE',
      path('pairs.jsonl'),
    ],
    [
      'a folder as output',
      () => ['quantize', model(), ...data(), '-o', path('pictures')],
      'FILE_UNWRITABLE',
      path('pictures'),
    ],
    [
      'an instruction set that is not here',
      () => ['run', model(), ...data(), '--backend', 'reference', '--isa', 'avx2'],
      'BACKEND_UNAVAILABLE',
      'isa',
    ],
  ];
  test.each(failures)('%s: exit code 1 and a named error', async (_what, args, code, named) => {
    const plain = await octavo(...args());
    expect(plain.code).toBe(1);
    expect(plain.stdout).toBe('');
    expect(plain.stderr).toContain(`[${code}]`);
    expect(plain.stderr).toContain(named);
    expect(plain.stderr).not.toMatch(/^ +at /m);
    const json = await octavo(...args(), '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout).error.code).toBe(code);
  });

  test('files without samples', async () => {
    writeFileSync(path('blank.jsonl'), '\n');
    for (const command of ['run', 'quantize']) {
      const { code, stderr } = await octavo(command, model(), '--data', path('blank.jsonl'));
      expect(code).toBe(1);
      expect(stderr).toContain('octavo: ');
    }
    expect(existsSync(path('model.int8.onnx'))).toBe(false);
  });
});
