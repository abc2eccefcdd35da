/** Samples from files: what each kind of file gives, and what is refused. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSamples, type SampleOptions } from '../../src/cli/inputs/index.js';
import type { PortInfo } from '../../src/runtime/session.js';
import { npy, temporaryFolder, writeJsonLines } from './fixture.js';

const { path, remove } = temporaryFolder();
afterAll(remove);

const picture: PortInfo[] = [{ name: 'x', type: 'float32', dims: [1, 3, 2, 4] }];
const vector: PortInfo[] = [{ name: 'x', type: 'float32', dims: ['N', 3] }];
const pair: PortInfo[] = [
  { name: 'ids', type: 'int64', dims: ['N', 3] },
  { name: 'x', type: 'float32', dims: ['N', 3] },
];

async function collect(source: string, inputs: readonly PortInfo[], options: SampleOptions = {}) {
  const samples = await openSamples(path(source), inputs, options);
  const result = [];
  for await (const feeds of samples) result.push(feeds);
  if (samples.length !== undefined) expect(result).toHaveLength(samples.length);
  return result;
}

const float = (dims: number[], ...values: number[]) => ({
  type: 'float32',
  dims,
  data: Float32Array.from(values),
});
const int64 = (dims: number[], ...values: number[]) => ({
  type: 'int64',
  dims,
  data: BigInt64Array.from(values, BigInt),
});

/** A picture of one colour. */
function paint(name: string, background: { r: number; g: number; b: number }): Promise<unknown> {
  return sharp({ create: { width: 8, height: 4, channels: 3, background } })
    .png()
    .toFile(path(name));
}

describe('pictures', () => {
  beforeAll(async () => {
    mkdirSync(path('pictures/more'), { recursive: true });
    await paint('pictures/b.png', { r: 255, g: 51, b: 0 });
    await paint('pictures/a.PNG', { r: 0, g: 0, b: 255 });
    await paint('pictures/more/c.png', { r: 102, g: 102, b: 102 });
    writeFileSync(path('pictures/notes.txt'), 'no picture');
  });

  const channels = (feeds: Record<string, { data: unknown }>) => {
    const data = feeds.x!.data as Float32Array;
    return [data[0], data[8], data[16]].map((value) => Math.round(value! * 1000) / 1000);
  };

  test.each([
    ['raw', [255, 51, 0]],
    ['unit', [1, 0.2, 0]],
    ['tf', [1, -0.6, -1]],
    ['caffe', [-104, 51 - 117, 255 - 123]],
    ['torch', [2.249, -1.143, -1.804]],
    [undefined, [2.249, -1.143, -1.804]],
  ] as const)('normalised as %s', async (normalization, expected) => {
    const [feeds] = await collect('pictures/b.png', picture, { normalization });
    expect(feeds!.x).toMatchObject({ type: 'float32', dims: [1, 3, 2, 4] });
    expect(channels(feeds!)).toEqual(expected);
  });

  test('of a folder and the folders below, by name', async () => {
    const samples = await openSamples(path('pictures'), picture, { normalization: 'raw' });
    expect(samples.names).toEqual(
      ['a.PNG', 'b.png', 'more/c.png'].map((name) => path(`pictures/${name}`)),
    );
    const all = await collect('pictures', picture, { normalization: 'raw' });
    expect(all.map(channels)).toEqual([
      [0, 0, 255],
      [255, 51, 0],
      [102, 102, 102],
    ]);
  });

  test('as many as asked for, evenly spread', async () => {
    const samples = await openSamples(path('pictures'), picture, { limit: 2 });
    expect(samples.names).toEqual([path('pictures/a.PNG'), path('pictures/b.png')]);
  });

  test('channels last, grey, and of a size that is given', async () => {
    const last: PortInfo[] = [{ name: 'x', type: 'float32', dims: ['N', 'H', 'W', 3] }];
    const [colour] = await collect('pictures/b.png', last, { normalization: 'raw', size: [2, 1] });
    expect(colour!.x).toEqual(float([1, 1, 2, 3], 255, 51, 0, 255, 51, 0));
    const grey: PortInfo[] = [{ name: 'x', type: 'float32', dims: ['N', 1, 1, 2] }];
    const [tone] = await collect('pictures/more/c.png', grey, { normalization: 'raw' });
    expect(tone!.x).toEqual(float([1, 1, 1, 2], 102, 102));
  });
});

const npyOf = (values: number[], shape: number[]) => npy('<f4', shape, Float32Array.from(values));

describe('arrays', () => {
  const six = [1, 2, 3, 4, 5, 6];

  test.each([
    ['f4', npyOf(six, [2, 3])],
    ['f8', npy('<f8', [2, 3], Float64Array.from(six))],
    ['f2', npy('<f2', [2, 3], Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600))],
    ['u1', npy('|u1', [2, 3], Uint8Array.from(six))],
    ['i8', npy('<i8', [2, 3], BigInt64Array.from(six, BigInt))],
  ])('.npy of %s: a sample for each entry of the first axis', async (type, bytes) => {
    writeFileSync(path(`${type}.npy`), bytes);
    expect(await collect(`${type}.npy`, vector)).toEqual([
      { x: float([1, 3], 1, 2, 3) },
      { x: float([1, 3], 4, 5, 6) },
    ]);
  });

  test('.npy of one sample without a batch axis', async () => {
    writeFileSync(path('one.npy'), npyOf([1, 2, 3], [3]));
    expect(await collect('one.npy', vector)).toEqual([{ x: float([1, 3], 1, 2, 3) }]);
  });

  test('.npy for a model of a fixed batch', async () => {
    writeFileSync(path('four.npy'), npyOf([1, 2, 3, 4], [4, 1]));
    const batched: PortInfo[] = [{ name: 'x', type: 'float32', dims: [2, 1] }];
    expect(await collect('four.npy', batched)).toEqual([
      { x: float([2, 1], 1, 2) },
      { x: float([2, 1], 3, 4) },
    ]);
  });

  test('.npz, by input name; other members are left alone', async () => {
    const archive = zipSync({
      'x.npy': npyOf(six, [2, 3]),
      'ids.npy': npy('<i4', [2, 3], Int32Array.from([7, 8, 9, -1, 0, 1])),
      'labels.npy': Buffer.from('not an array'),
    });
    writeFileSync(path('pair.npz'), archive);
    expect(await collect('pair.npz', pair)).toEqual([
      { ids: int64([1, 3], 7, 8, 9), x: float([1, 3], 1, 2, 3) },
      { ids: int64([1, 3], -1, 0, 1), x: float([1, 3], 4, 5, 6) },
    ]);
  });

  test('a folder of them: each file is a sample', async () => {
    mkdirSync(path('arrays'));
    for (const i of [1, 2]) writeFileSync(path(`arrays/${i}.npy`), npyOf([i, i, i], [1, 3]));
    expect(await collect('arrays', vector)).toEqual([
      { x: float([1, 3], 1, 1, 1) },
      { x: float([1, 3], 2, 2, 2) },
    ]);
  });
});

describe('JSON lines', () => {
  test('nested, flat and without a batch axis', async () => {
    writeJsonLines(path('lines.jsonl'), [
      { ids: [[1, 2, 3]], x: [[0.5, 1, 1.5]], note: 'left alone' },
      { ids: [4, 5, 6], x: [0, 0, 1] },
    ]);
    expect(await collect('lines.jsonl', pair)).toEqual([
      { ids: int64([1, 3], 1, 2, 3), x: float([1, 3], 0.5, 1, 1.5) },
      { ids: int64([1, 3], 4, 5, 6), x: float([1, 3], 0, 0, 1) },
    ]);
  });

  test('several samples in a line, flat pictures, booleans, blank lines, no end of line', async () => {
    writeFileSync(path('mixed.jsonl'), '{"x": [[1, 2, 3], [4, 5, 6]]}\n\n{"x": [7, 8, 9]}');
    expect(await collect('mixed.jsonl', vector)).toEqual([
      { x: float([2, 3], 1, 2, 3, 4, 5, 6) },
      { x: float([1, 3], 7, 8, 9) },
    ]);
    writeJsonLines(path('flat.jsonl'), [{ x: [1, 2, 3, 4] }]);
    const free: PortInfo[] = [{ name: 'x', type: 'float32', dims: ['N', 1, 'H', 2] }];
    expect(await collect('flat.jsonl', free)).toEqual([{ x: float([1, 1, 2, 2], 1, 2, 3, 4) }]);
    writeJsonLines(path('mask.jsonl'), [{ m: [[true, false]] }]);
    const mask: PortInfo[] = [{ name: 'm', type: 'bool', dims: undefined }];
    expect(await collect('mask.jsonl', mask)).toEqual([
      { m: { type: 'bool', dims: [1, 2], data: Uint8Array.of(1, 0) } },
    ]);
  });

  test('only as many lines as asked for are read', async () => {
    writeFileSync(path('head.jsonl'), '{"x": [1, 2, 3]}\nnot JSON\n');
    expect(await collect('head.jsonl', vector, { limit: 1 })).toHaveLength(1);
  });
});

describe('refused', () => {
  const uint8: PortInfo[] = [{ name: 'x', type: 'uint8', dims: ['N', 3] }];
  const lines = (...values: unknown[]) => Buffer.from(values.map((v) => `${v}\n`).join(''));

  const cases: readonly [
    what: string,
    file: string,
    content: Uint8Array | undefined,
    inputs: readonly PortInfo[],
    code: string,
    message: RegExp,
  ][] = [
    ['no such file', 'none.npy', undefined, vector, 'FILE_NOT_FOUND', /none\.npy/],
    ['a file as a folder', 'f4.npy/x', undefined, vector, 'FILE_UNREADABLE', /ENOTDIR/],
    ['another kind', 'data.csv', lines('1,2'), vector, 'INVALID_INPUT', /\.csv/],
    ['.npy: not one', 'a.npy', lines('hello world, hello'), vector, 'INVALID_TENSOR', /a\.npy/],
    ['.npy: cut off', 'b.npy', npyOf([1], [1]).subarray(0, 40), vector, 'INVALID_TENSOR', /b\.npy/],
    ['.npy: too short', 'c.npy', npyOf([1], [2, 3]), vector, 'INVALID_TENSOR', /24 bytes/],
    ['.npy: huge', 'd.npy', npyOf([1], [2 ** 40, 2 ** 40]), vector, 'LIMIT_EXCEEDED', /d\.npy/],
    ['.npy: no dim', 'e.npy', npyOf([1], [1.5]), vector, 'INVALID_TENSOR', /e\.npy/],
    [
      '.npy: strings',
      'f.npy',
      npy('<U4', [1], new Uint8Array(16)),
      vector,
      'UNSUPPORTED_TYPE',
      /U4/,
    ],
    [
      '.npy: big-endian',
      'g.npy',
      npy('>f4', [1], new Uint8Array(4)),
      vector,
      'UNSUPPORTED_TYPE',
      />f4/,
    ],
    ['.npy: a scalar', 'h.npy', npyOf([1], []), vector, 'INVALID_INPUT', /h\.npy/],
    ['.npy: out of range', 'i.npy', npyOf([1, 2, 256], [1, 3]), uint8, 'INVALID_INPUT', /256/],
    ['.npy: a fraction', 'j.npy', npyOf([1, 2, 0.5], [1, 3]), uint8, 'INVALID_INPUT', /0\.5/],
    ['.npy: two inputs', 'k.npy', npyOf([1], [1]), pair, 'INVALID_INPUT', /ids, x/],
    ['.npz: not one', 'a.npz', lines('hello'), vector, 'INVALID_TENSOR', /a\.npz/],
    [
      '.npz: no array',
      'b.npz',
      zipSync({ 'z.npy': npyOf([1], [1]) }),
      vector,
      'INVALID_INPUT',
      /found z/,
    ],
    [
      '.npz: bad array',
      'c.npz',
      zipSync({ 'x.npy': lines('1') }),
      vector,
      'INVALID_TENSOR',
      /c\.npz\/x/,
    ],
    [
      '.npz: different lengths',
      'd.npz',
      zipSync({ 'x.npy': npyOf([1, 2, 3], [1, 3]), 'ids.npy': npyOf([1, 2, 3, 4, 5, 6], [2, 3]) }),
      pair,
      'INVALID_INPUT',
      /numbers of samples/,
    ],
    [
      '.jsonl: not JSON',
      'a.jsonl',
      lines('{"x": [1, 2, 3]}', '{'),
      vector,
      'INVALID_INPUT',
      /a\.jsonl:2/,
    ],
    ['.jsonl: a list', 'b.jsonl', lines('[1]'), vector, 'INVALID_INPUT', /b\.jsonl:1/],
    ['.jsonl: no input', 'c.jsonl', lines('{"z": 1}'), vector, 'INVALID_INPUT', /'x'.*found z/],
    [
      '.jsonl: inherited',
      'd.jsonl',
      lines('{}'),
      [{ name: 'toString', type: 'float32', dims: [1] }],
      'INVALID_INPUT',
      /toString/,
    ],
    ['.jsonl: text', 'e.jsonl', lines('{"x": ["a"]}'), vector, 'INVALID_INPUT', /found "a"/],
    ['.jsonl: null', 'f.jsonl', lines('{"x": null}'), vector, 'INVALID_INPUT', /found null/],
    [
      '.jsonl: ragged',
      'g.jsonl',
      lines('{"x": [[1, 2], [3]]}'),
      vector,
      'INVALID_INPUT',
      /lengths/,
    ],
    [
      '.jsonl: deep',
      'h.jsonl',
      lines(`{"x": ${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
      vector,
      'INVALID_INPUT',
      /nested/,
    ],
    [
      '.jsonl: out of range',
      'i.jsonl',
      lines('{"x": [1, 2, 1e400]}'),
      uint8,
      'INVALID_INPUT',
      /Infinity/,
    ],
    ['a picture: not one', 'a.png', lines('hello'), picture, 'FILE_UNREADABLE', /a\.png/],
    [
      'a picture: no such input',
      'b.png',
      lines('hello'),
      vector,
      'INVALID_INPUT',
      /'x' does not take/,
    ],
    ['a picture: two inputs', 'c.png', lines('hello'), pair, 'INVALID_INPUT', /several inputs/],
  ];

  test.each(cases)('%s', async (_what, file, content, inputs, code, message) => {
    if (content !== undefined) writeFileSync(path(file), content);
    const failure = collect(file, inputs);
    await expect(failure).rejects.toMatchObject({ name: 'OctavoError', code });
    await expect(failure).rejects.toThrow(message);
  });

  test('an empty folder', async () => {
    mkdirSync(path('empty'));
    await expect(collect('empty', picture)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test('a folder that is named as an array', async () => {
    mkdirSync(path('folder/x.npy'), { recursive: true });
    await expect(collect('folder', vector)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  test.skipIf(process.platform === 'win32')('pipes, which could block for ever', async () => {
    for (const name of ['pipe.npy', 'pipe.jsonl', 'pipe.png']) {
      execFileSync('mkfifo', [path(name)]);
      await expect(collect(name, picture)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    }
  });

  test.skipIf(process.getuid?.() === 0)(
    'what one may not read (skipped for root, who may)',
    async () => {
      mkdirSync(path('locked'));
      writeFileSync(path('locked.npy'), npyOf([1], [1]));
      for (const name of ['locked', 'locked.npy']) {
        chmodSync(path(name), 0);
        await expect(collect(name, vector)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
      }
      chmodSync(path('locked'), 0o700);
    },
  );

  test('a file of more than 2 GiB, before it is read', async () => {
    writeFileSync(path('huge.npy'), '');
    truncateSync(path('huge.npy'), 2 ** 31);
    await expect(collect('huge.npy', vector)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  test('an archive that claims to unpack to more than it may', async () => {
    const archive = zipSync({ 'x.npy': npyOf([1, 2, 3], [3]) });
    const directory = Buffer.from(archive).indexOf('PK\x01\x02', 0, 'latin1');
    new DataView(archive.buffer).setUint32(directory + 24, 0xfffffff0, true);
    writeFileSync(path('bomb.npz'), archive);
    await expect(collect('bomb.npz', vector)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  test.each([
    ['--normalize without pictures', 'f4.npy', vector, { normalization: 'tf' }, /--normalize/],
    ['--size without pictures', 'f4.npy', vector, { size: [2, 2] }, /--size/],
    ['--size other than the model’s', 'pictures/b.png', picture, { size: [9, 2] }, /width of 4/],
    [
      'no --size where the model has none',
      'pictures/b.png',
      [{ name: 'x', type: 'float32', dims: ['N', 3, 'H', 'W'] }],
      {},
      /say --size/,
    ],
  ] as const)('%s', async (_what, file, inputs, options, message) => {
    await expect(collect(file, inputs as PortInfo[], options)).rejects.toThrow(message);
  });
});
