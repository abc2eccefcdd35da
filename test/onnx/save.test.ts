/** Saving and loading files: whole or not at all, also when the process is killed on the way (F1). */
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadModel, type Model, saveModel } from '../../src/onnx/model.js';
import { writeFileAtomic } from '../../src/onnx/save.js';
import { bytesOf, float32, graphOf, node, nodeProto, t } from '../helpers/onnx-builder.js';
import { createRandom } from '../helpers/random.js';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octavo-save-'));
});
afterEach(() => {
  fs.chmodSync(folder, 0o755);
  fs.rmSync(folder, { recursive: true, force: true });
});

const bytes = bytesOf(13, {
  inputs: { x: float32(2) },
  outputs: ['y'],
  nodes: [nodeProto('Relu', ['x'], ['y'])],
});
const at = (name: string) => path.join(folder, name);
const unwritable = { name: 'OctavoError', code: 'FILE_UNWRITABLE' };

describe('a file is written', () => {
  test('and read again', async () => {
    await saveModel(await loadModel(bytes), at('m.onnx'));
    const { graph } = await loadModel(at('m.onnx'));
    expect(graph.nodes.map((n) => n.op)).toEqual(['Relu']);
    expect(fs.readdirSync(folder)).toEqual(['m.onnx']);
  });

  test('over an old one, whose permissions stay', async () => {
    fs.writeFileSync(at('m'), 'old');
    fs.chmodSync(at('m'), 0o640);
    await writeFileAtomic(at('m'), Uint8Array.of(1, 2));
    expect(fs.readFileSync(at('m'))).toEqual(Buffer.of(1, 2));
    expect(fs.statSync(at('m')).mode & 0o7777).toBe(0o640);
  });

  test('through a link, which stays one', async () => {
    fs.mkdirSync(at('inner'));
    fs.writeFileSync(at('inner/m'), 'old');
    fs.symlinkSync('inner/m', at('link'));
    await writeFileAtomic(at('link'), Uint8Array.of(1));
    expect(fs.lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(at('inner/m'))).toEqual(Buffer.of(1));
  });

  test('by several at once: one of them is there in the end', async () => {
    const contents = Array.from({ length: 8 }, (_, i) => new Uint8Array(10_000).fill(i));
    await Promise.all(contents.map((content) => writeFileAtomic(at('m'), content)));
    const found = fs.readFileSync(at('m'));
    expect(contents.some((content) => Buffer.compare(found, content) === 0)).toBe(true);
    expect(fs.readdirSync(folder)).toEqual(['m']);
  });
});

describe('a file is not written', () => {
  test('into a folder that does not exist', async () => {
    const file = at('absent/m');
    await expect(writeFileAtomic(file, bytes)).rejects.toMatchObject({
      ...unwritable,
      where: file,
    });
  });

  test('in place of a folder', async () => {
    fs.mkdirSync(at('m'));
    await expect(writeFileAtomic(at('m'), bytes)).rejects.toMatchObject(unwritable);
    expect(fs.readdirSync(folder)).toEqual(['m']);
  });

  test('over a file that is write-protected, or in a folder that is', async ({ skip }) => {
    if (process.getuid?.() === 0) skip('root may write everything');
    fs.writeFileSync(at('m'), 'old', { mode: 0o444 });
    await expect(writeFileAtomic(at('m'), bytes)).rejects.toMatchObject(unwritable);
    fs.chmodSync(folder, 0o555);
    await expect(writeFileAtomic(at('n'), bytes)).rejects.toMatchObject(unwritable);
    expect(fs.readFileSync(at('m'), 'utf8')).toBe('old');
    expect(fs.readdirSync(folder)).toEqual(['m']);
  });

  test.skipIf(process.platform === 'win32')('when the disk takes no more', () => {
    fs.writeFileSync(at('m'), 'old');
    fs.writeFileSync(at('source'), new Uint8Array(1_000_000));
    const script = compileWriter();
    const before = fs.readdirSync(folder);
    // Blocks of 1 kB or less: the limit strikes in the middle of the file.
    const command = `ulimit -f 100; exec "$@"`;
    const result = spawnSync('sh', [
      '-c',
      command,
      'sh',
      process.execPath,
      script,
      at('m'),
      at('source'),
    ]);
    expect(result.stderr.toString()).toContain('FILE_UNWRITABLE');
    expect(fs.readFileSync(at('m'), 'utf8')).toBe('old');
    expect(fs.readdirSync(folder)).toEqual(before);
  });

  test('when the model cannot be exported', async () => {
    fs.writeFileSync(at('m'), 'old');
    const { meta } = await loadModel(bytes);
    const graph = graphOf({ nodes: [node('QConv', [], ['y'], {}, 'octavo')], outputs: { y: 'y' } });
    await expect(saveModel({ graph, meta }, at('m'))).rejects.toMatchObject({
      code: 'INVALID_GRAPH',
    });
    expect(fs.readFileSync(at('m'), 'utf8')).toBe('old');
  });
});

describe('loading', () => {
  const code = async (source: unknown, options = {}) =>
    loadModel(source as string, options).then(
      () => 'loaded',
      (error) => error.code,
    );

  test('from a path, a URL, bytes, an ArrayBuffer, a Buffer, a model', async () => {
    fs.writeFileSync(at('m'), bytes);
    const loaded = await loadModel(at('m'));
    const sources = [pathToFileURL(at('m')), bytes, bytes.buffer, Buffer.from(bytes), loaded];
    for (const source of sources) {
      const { graph } = await loadModel(source as Uint8Array);
      expect(graph.nodes).toHaveLength(1);
    }
    expect(await loadModel(loaded)).toBe(loaded);
  });

  test('given bytes may be changed afterwards', async () => {
    const given = bytesOf(13, {
      inputs: { x: float32(4) },
      outputs: ['y'],
      nodes: [nodeProto('Add', ['x', 'w'], ['y'])],
      constants: { w: t('float32', [1, 2, 3, 4]) },
    });
    const { graph } = await loadModel(given);
    given.fill(0);
    expect(graph.constants.get('w')!.data).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  test('of what is no file, or no model', async () => {
    fs.writeFileSync(at('large'), bytes);
    fs.writeFileSync(at('empty'), '');
    expect(await code(at('absent'))).toBe('FILE_NOT_FOUND');
    expect(await code('')).toBe('FILE_NOT_FOUND');
    expect(await code(folder)).toBe('FILE_UNREADABLE');
    expect(await code(at('large/inner'))).toBe('FILE_UNREADABLE');
    expect(await code('a\0b')).toBe('FILE_UNREADABLE');
    expect(await code(at('empty'))).toBe('INVALID_MODEL');
    expect(await code(at('large'), { limits: { modelBytes: 10 } })).toBe('LIMIT_EXCEEDED');
    expect(await code(new URL('https://example.com/m.onnx'))).toBe('INVALID_ARGUMENT');
    for (const source of [undefined, null, 7, {}, [], new Float32Array(1)]) {
      expect(await code(source)).toBe('INVALID_ARGUMENT');
    }
  });

  test.skipIf(process.platform !== 'linux')('of a device', async () => {
    expect(await code('/dev/zero')).toBe('FILE_UNREADABLE');
  });
});

/** Overwrites a file with one of two others, in turn, for ever. */
const writer = `
  import fs from 'node:fs';
  import { writeFileAtomic } from './onnx/save.js';
  const [file, ...sources] = process.argv.slice(2);
  const contents = sources.map((source) => new Uint8Array(fs.readFileSync(source)));
  for (let i = 0; ; i++) {
    await writeFileAtomic(file, contents[i % contents.length]);
    if (i === 0) process.send?.('writing');
  }
`;

/** The writer as JavaScript, for a process of its own. */
function compileWriter(): string {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  for (const name of ['onnx/save', 'onnx/node', 'core/errors']) {
    const source = fs.readFileSync(path.resolve(`src/${name}.ts`), 'utf8');
    const { outputText } = ts.transpileModule(source, { compilerOptions: options });
    fs.mkdirSync(at(path.dirname(name)), { recursive: true });
    fs.writeFileSync(at(`${name}.js`), outputText);
  }
  fs.writeFileSync(at('package.json'), '{ "type": "module" }');
  fs.writeFileSync(at('writer.js'), writer);
  return at('writer.js');
}

test('kill -9 at random moments leaves the old file or a new one', async () => {
  const rounds = 20;
  const random = createRandom(3);
  const { meta } = await loadModel(bytes);
  const weights = (version: number): Model => ({
    graph: graphOf({
      inputs: { x: float32(1) },
      nodes: [node('Add', ['x', 'w'], ['y'])],
      constants: { w: t('float32', new Array(250_000).fill(version)) },
      outputs: { y: 'y' },
    }),
    meta: { ...meta, modelVersion: version },
  });
  const sources = [at('one.onnx'), at('two.onnx')];
  await saveModel(weights(1), sources[0]!);
  await saveModel(weights(2), sources[1]!);
  const script = compileWriter();
  fs.mkdirSync(at('target'));
  const file = at('target/model.onnx');

  for (let round = 0; round < rounds; round++) {
    const child = fork(script, [file, ...sources]);
    await once(child, 'message');
    await new Promise((resolve) => setTimeout(resolve, random.real(0, 30)));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const found = await loadModel(file);
    const data = found.graph.constants.get('w')!.data as Float32Array;
    expect(data).toHaveLength(250_000);
    expect(data.every((value) => value === found.meta.modelVersion)).toBe(true);
  }
  // Files left over tell that some of the kills came in the middle of a write.
  expect(fs.readdirSync(at('target')).length).toBeGreaterThan(1);
}, 60_000);
