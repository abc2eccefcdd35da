/** package.json and what `npm pack` makes of it: the package as its users get it. Reads dist/, so `npm run build` first. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { octavoVersion } from '../../src/core/version.js';
import { importsOf, root, sourceFiles } from './sources.js';

interface Manifest {
  readonly version: string;
  readonly bin: Record<string, string>;
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly peerDependenciesMeta: Record<string, { readonly optional: boolean }>;
}

const require = createRequire(import.meta.url);
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest;

/** Runs a command in the project root; a failure carries what the command printed. */
function output(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`);
  }
}

describe('package.json', () => {
  test('has the version that files are marked with', () => {
    expect(octavoVersion).toBe(manifest.version);
  });

  test('has no script that runs on a user’s machine at install', () => {
    const lifecycle = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(Object.keys(manifest.scripts).filter((name) => lifecycle.includes(name))).toEqual([]);
  });

  test('declares every package that the sources import, and no other', () => {
    const imported = new Set(
      sourceFiles('src')
        .flatMap((file) => importsOf(file).map(({ specifier }) => specifier))
        .filter((specifier) => !/^(\.|node:)/.test(specifier))
        .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)![0]),
    );
    const declared = new Set([
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.peerDependencies),
    ]);
    expect([...imported].filter((name) => !declared.has(name))).toEqual([]);
    expect(Object.keys(manifest.dependencies).filter((name) => !imported.has(name))).toEqual([]);
  });

  test('has optional peers only', () => {
    for (const name of Object.keys(manifest.peerDependencies)) {
      expect(manifest.peerDependenciesMeta[name], name).toEqual({ optional: true });
    }
  });
});

describe('the package as built', () => {
  test('loads what makes models when it is first called', () => {
    const script = `
      const loaded = () => Object.keys(require.cache).map((file) => require('node:path').basename(file));
      const octavo = require('./dist/cjs/index.js');
      const before = loaded();
      octavo.selectBackend().then(async () => {
        const running = loaded();
        const { code } = await octavo.quantizeWeights(new Uint8Array()).catch((error) => error);
        console.log(JSON.stringify({ before, running, after: loaded(), code }));
      });
    `;
    const { before, running, after, code } = JSON.parse(output(process.execPath, ['-e', script]));
    expect(before).toEqual(['index.js', 'octavo.js']);
    expect(running).not.toContain('making.js');
    expect(after).toContain('making.js');
    expect(code).toBe('INVALID_MODEL');
  });
});

describe('the packed package', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octavo-pack-'));
  let tarball = '';
  let files: string[] = [];

  beforeAll(() => {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const json = output(npm, ['pack', '--json', '--loglevel=error', '--pack-destination', folder]);
    const [packed] = JSON.parse(json) as [{ filename: string; files: { path: string }[] }];
    tarball = path.join(folder, packed.filename);
    files = packed.files.map((file) => file.path);
  });

  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  test('holds both builds, the sources they map to, and what a local native build needs', () => {
    for (const file of [
      ...['dist/esm/index.js', 'dist/esm/index.d.ts', 'dist/cjs/index.js', 'dist/cjs/index.d.ts'],
      ...['dist/cjs/package.json', 'src/index.ts', 'CMakeLists.txt', 'LICENSE', 'README.md'],
      ...Object.values(manifest.bin),
    ]) {
      expect(files).toContain(file);
    }
    expect(files.some((file) => /^native\/.*\.cc$/.test(file))).toBe(true);
  });

  test('holds no tests, scripts, caches or build folders', () => {
    expect(
      files.filter((file) => /^(test|scripts|bench|build)\/|\.tsbuildinfo$/.test(file)),
    ).toEqual([]);
  });

  test('starts its commands with a shebang', () => {
    for (const file of Object.values(manifest.bin)) {
      expect(fs.readFileSync(path.join(root, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });

  test('passes publint', async () => {
    const bytes = fs.readFileSync(tarball);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
    const pkg = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test('passes attw: types agree with the code under every module resolution', () => {
    const attw = path.join(
      path.dirname(require.resolve('@arethetypeswrong/cli/package.json')),
      'dist/index.js',
    );
    output(process.execPath, [
      attw,
      tarball,
      '--no-definitely-typed',
      '--no-color',
      '--format',
      'ascii',
    ]);
  });
});

test('files of the build that benchmarks, tests and examples open are there', () => {
  const named = ['bench', 'examples', 'test'].flatMap((folder) =>
    sourceFiles(folder, /\.(mjs|ts)$/).flatMap((file) => {
      const text = fs.readFileSync(path.join(root, file), 'utf8');
      return [...text.matchAll(/from '[./]*\/(dist\/esm\/[\w/]+\.js)'/g)].map(([, name]) => name!);
    }),
  );
  expect(named).toContain('dist/esm/runtime/steps.js');
  expect(named.filter((name) => !fs.existsSync(path.join(root, name)))).toEqual([]);
});

describe('both builds', () => {
  const print = 'console.log(JSON.stringify(Object.keys(octavo).sort()))';
  const namesFrom = (type: string, load: string) =>
    JSON.parse(output(process.execPath, [`--input-type=${type}`, '-e', `${load}; ${print}`]));

  test('export the same names', () => {
    const esm = namesFrom('module', "import * as octavo from 'octavo'");
    expect(esm.length).toBeGreaterThan(0);
    expect(namesFrom('commonjs', "const octavo = require('octavo')")).toEqual(esm);
  });
});
