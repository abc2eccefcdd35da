/**
 * Tensor data in other files: read where they are plain files below the model's folder, refused in
 * every other case. The attacks are those that other readers of ONNX fell for (CVE-2022-25882,
 * CVE-2024-27318, CVE-2025-51480, CVE-2026-27489, CVE-2026-34445, CVE-2026-34446, OpenVINO 34070).
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importModel } from '../../src/onnx/import.js';
import { encodeModel, type TensorProto } from '../../src/onnx/messages.js';
import { loadModel, saveModel } from '../../src/onnx/model.js';
import { float32, model, nodeProto } from '../helpers/onnx-builder.js';

const weights = Float32Array.of(1, 2, 3, 4);

let root: string;
let folder: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'octavo-external-'));
  folder = path.join(root, 'model');
  fs.mkdirSync(path.join(folder, 'deep'), { recursive: true });
  for (const name of ['secret.bin', 'model/w.bin', 'model/deep/w.bin']) {
    fs.writeFileSync(path.join(root, name), Buffer.from(weights.buffer));
  }
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

type Entries = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** A model that adds an external tensor of four floats. */
function bytesWith(entries: Entries, tensor: Partial<TensorProto> = {}): Uint8Array {
  const proto = model(13, {
    inputs: { x: float32('N') },
    outputs: ['y'],
    nodes: [nodeProto('Add', ['x', 'w'], ['y'])],
  });
  const pairs = Array.isArray(entries) ? entries : Object.entries(entries);
  const externalData = pairs.map(([key, value]) => ({ key, value }));
  proto.graph.initializer = [
    { name: 'w', dims: [4], dataType: 1, dataLocation: 1, externalData, ...tensor },
  ];
  return encodeModel(proto);
}

const modelPath = () => path.join(folder, 'model.onnx');
const load = (bytes: Uint8Array, options = {}) =>
  importModel(bytes, { path: modelPath(), ...options }).graph.constants.get('w')!.data;

function refused(bytes: Uint8Array, code: string, message = /w: /, options = {}): void {
  expect(() => load(bytes, options)).toThrow(
    expect.objectContaining({
      name: 'OctavoError',
      code,
      where: 'w',
      message: expect.stringMatching(message),
    }),
  );
}

describe('taken', () => {
  test('a file next to the model, and one below', () => {
    for (const location of ['w.bin', './w.bin', 'deep/w.bin', 'deep/./w.bin']) {
      expect(load(bytesWith({ location }))).toEqual(weights);
    }
  });

  test('a range of a file', () => {
    const bytes = bytesWith({ location: 'w.bin', offset: '8', length: '8' }, { dims: [2] });
    expect(load(bytes)).toEqual(Float32Array.of(3, 4));
  });

  test('a folder that is reached through a link of the user', async () => {
    const link = path.join(root, 'link');
    fs.symlinkSync(folder, link);
    fs.writeFileSync(modelPath(), bytesWith({ location: 'w.bin' }));
    const { graph } = await loadModel(path.join(link, 'model.onnx'));
    expect(graph.constants.get('w')!.data).toEqual(weights);
  });

  test('bytes that the caller gives, without any file', async () => {
    const externalData = new Map([['w.bin', new Uint8Array(weights.buffer)]]);
    const { graph } = await loadModel(bytesWith({ location: 'w.bin' }), { externalData });
    expect(graph.constants.get('w')!.data).toEqual(weights);
    const short = bytesWith({ location: 'w.bin', offset: '1' });
    await expect(loadModel(short, { externalData })).rejects.toMatchObject({
      code: 'INVALID_MODEL',
    });
  });

  test('an empty tensor at the end of a file', () => {
    expect(load(bytesWith({ location: 'w.bin', offset: '16' }, { dims: [0] }))).toHaveLength(0);
  });

  test('saved again, the data are in the model', async () => {
    fs.writeFileSync(modelPath(), bytesWith({ location: 'w.bin' }));
    const target = path.join(root, 'whole.onnx');
    await saveModel(await loadModel(modelPath()), target);
    const { graph } = await loadModel(target);
    expect(graph.constants.get('w')!.data).toEqual(weights);
  });
});

describe('paths that leave the folder', () => {
  const locations = [
    '../secret.bin',
    'a/../../secret.bin',
    'deep/../w.bin',
    '..',
    '.',
    './.',
    '',
    '/etc/hostname',
    '//etc/hostname',
    'deep//w.bin',
    'deep/',
    '..\\secret.bin',
    '\\\\server\\share\\w.bin',
    'C:\\w.bin',
    'C:w.bin',
    'w.bin:stream',
    'w.bin\0.txt',
    'file:///etc/hostname',
  ];
  test.each(locations)('%j', (location) => refused(bytesWith({ location }), 'UNSAFE_PATH'));

  test('an absolute path into the folder itself', () => {
    refused(bytesWith({ location: path.join(folder, 'w.bin') }), 'UNSAFE_PATH');
  });
});

describe.skipIf(process.platform === 'win32')('files that are not what they seem', () => {
  const there = (name: string) => path.join(folder, name);

  test('a link to a file outside', () => {
    fs.symlinkSync('../secret.bin', there('link.bin'));
    refused(bytesWith({ location: 'link.bin' }), 'UNSAFE_PATH', /link/);
  });
  test('a link to a file inside', () => {
    fs.symlinkSync('w.bin', there('link.bin'));
    refused(bytesWith({ location: 'link.bin' }), 'UNSAFE_PATH', /link/);
  });
  test('a folder that is a link', () => {
    fs.symlinkSync('..', there('up'));
    refused(bytesWith({ location: 'up/secret.bin' }), 'UNSAFE_PATH', /link/);
  });
  test('a hard link', () => {
    fs.linkSync(path.join(root, 'secret.bin'), there('hard.bin'));
    refused(bytesWith({ location: 'hard.bin' }), 'UNSAFE_PATH', /hard link/);
  });
  test('a folder', () => refused(bytesWith({ location: 'deep' }), 'UNSAFE_PATH', /regular/));
  test('a pipe, without waiting for it', () => {
    execFileSync('mkfifo', [there('pipe')]);
    refused(bytesWith({ location: 'pipe' }), 'UNSAFE_PATH', /regular/);
  });
  test('a device, by way of a link', () => {
    fs.symlinkSync('/dev/zero', there('zero'));
    refused(bytesWith({ location: 'zero' }), 'UNSAFE_PATH', /link/);
  });
  test('a file that may not be read', ({ skip }) => {
    if (process.getuid?.() === 0) skip('root may read everything');
    fs.chmodSync(there('w.bin'), 0);
    refused(bytesWith({ location: 'w.bin' }), 'FILE_UNREADABLE');
  });
});

describe('entries that contradict the tensor or the file', () => {
  const location = 'w.bin';
  const cases: readonly (readonly [string, string, Entries, Partial<TensorProto>?])[] = [
    ['no file', 'FILE_NOT_FOUND', { location: 'absent.bin' }],
    ['no folder', 'FILE_NOT_FOUND', { location: 'absent/w.bin' }],
    ['a file as a folder', 'FILE_NOT_FOUND', { location: 'w.bin/w.bin' }],
    ['no entries', 'INVALID_MODEL', {}],
    ['no location', 'INVALID_MODEL', { offset: '0' }],
    [
      'a location twice',
      'INVALID_MODEL',
      [
        ['location', location],
        ['location', 'deep/w.bin'],
      ],
    ],
    [
      'keys of JavaScript',
      'INVALID_MODEL',
      [
        ['__proto__', location],
        ['constructor', location],
      ],
    ],
    ['an offset behind the end', 'INVALID_MODEL', { location, offset: '17' }],
    ['a range over the end', 'INVALID_MODEL', { location, offset: '1' }],
    [
      'an offset that wraps in 64 bits',
      'INVALID_MODEL',
      { location, offset: '18446744073709551608' },
    ],
    ['an offset that wraps in 53 bits', 'INVALID_MODEL', { location, offset: '9007199254740991' }],
    ['a negative offset', 'INVALID_MODEL', { location, offset: '-4' }],
    ['an offset in hexadecimal', 'INVALID_MODEL', { location, offset: '0x4' }],
    ['an offset with a fraction', 'INVALID_MODEL', { location, offset: '1e1' }],
    ['an empty offset', 'INVALID_MODEL', { location, offset: '' }],
    ['a length that is too short', 'INVALID_MODEL', { location, length: '8' }],
    ['a length that is too long', 'INVALID_MODEL', { location, length: '1099511627776' }],
    ['dims of 1 TB', 'LIMIT_EXCEEDED', { location }, { dims: [2 ** 38] }],
    ['dims that multiply to 2^64', 'LIMIT_EXCEEDED', { location }, { dims: [2 ** 32, 2 ** 32] }],
    ['strings', 'UNSUPPORTED_TYPE', { location }, { dataType: 8 }],
  ];
  const given = cases.map(([name, code, entries, tensor = {}]) => ({
    name,
    code,
    entries,
    tensor,
  }));
  test.each(given)('$name', ({ code, entries, tensor }) => {
    refused(bytesWith(entries, tensor), code);
  });

  test('one TB that the limits allow is still compared with the file first', () => {
    const limits = { tensorBytes: 2 ** 45, modelBytes: 2 ** 45 };
    const bytes = bytesWith({ location }, { dims: [2 ** 38] });
    const before = process.memoryUsage().rss;
    refused(bytes, 'INVALID_MODEL', /end behind/, { limits });
    expect(process.memoryUsage().rss - before).toBeLessThan(20 * 2 ** 20);
  });

  test('more than the limit in all', () => {
    const bytes = bytesWith({ location });
    const modelBytes = bytes.length + 15;
    refused(bytes, 'LIMIT_EXCEEDED', /modelBytes/, { limits: { modelBytes } });
    expect(load(bytes, { limits: { modelBytes: modelBytes + 1 } })).toEqual(weights);
  });

  test('no path to look next to', () => {
    refused(bytesWith({ location }), 'FILE_NOT_FOUND', /externalData/, { path: undefined });
  });

  test('an unknown key is no matter', () => {
    expect(load(bytesWith({ location, checksum: 'x', __proto__x: 'y' }))).toEqual(weights);
  });
});

test('no descriptor stays open, whether it went well or not', ({ skip }) => {
  if (process.platform !== 'linux') skip('descriptors are counted in /proc');
  const open = () => fs.readdirSync('/proc/self/fd').length;
  const before = open();
  for (let i = 0; i < 20; i++) {
    load(bytesWith({ location: 'w.bin' }));
    refused(bytesWith({ location: 'w.bin', offset: '17' }), 'INVALID_MODEL');
    refused(bytesWith({ location: 'deep' }), 'UNSAFE_PATH');
  }
  expect(open()).toBeLessThanOrEqual(before);
});
