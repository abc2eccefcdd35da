/** What the README shows is run as it stands there. Needs dist/. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { pictureModel, temporaryFolder } from './fixture.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const { path, remove } = temporaryFolder();
// Inside the project, for there the package's own name leads to what was built.
const folder = join(root, '.cache/readme');
afterAll(() => {
  remove();
  rmSync(folder, { recursive: true, force: true });
});

test('the example quantizes a model, saves it and runs it', async () => {
  const [, example] = /```js\n(.*?)```/s.exec(readme)!;
  const pictures = 'const pictures = [0, 1, 2].map((i) => new Float32Array(150528).fill(i));';
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'example.mjs'), `${pictures}\n${example}`);
  writeFileSync(path('model.onnx'), pictureModel(224, 224));
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [join(folder, 'example.mjs')], { cwd: path('.') });
  expect(stdout).toMatch(/^\d+ → \d+ bytes\n\[ 1, 2 \] Float32Array\(2\)/);
  expect(existsSync(path('model.int8.onnx'))).toBe(true);
});

test('files that it leads to are there', () => {
  const targets = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target!);
  expect(targets.length).toBeGreaterThan(3);
  expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([]);
});
