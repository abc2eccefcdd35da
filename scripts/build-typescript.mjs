/**
 * src/ → dist/esm and dist/cjs, by plain tsc. Under `module: nodenext` the nearest package.json decides what a .ts file
 * becomes, so the CommonJS half is compiled from a mirror of src/ that stands beside a package.json of type commonjs.
 * The mirror lies as deep as the real tree: the paths in declaration and source maps hold for both.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root, run, say } from './lib/run.mjs';
import { listFiles } from './lib/step.mjs';

const mirror = path.join(root, '.cache', 'cjs');
const commonjs = '{ "type": "commonjs" }\n';

// Resolved when called: on a fresh clone this file is loaded before there is a node_modules.
function compile(project) {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  return run(process.execPath, [tsc, '--pretty', 'false', '-p', project]);
}

/** Deletes from `folder` what no source file stands behind any more. */
function prune(folder, sources) {
  const compiled = /(\.d)?\.[cm]?[jt]s(\.map)?$/;
  for (const file of listFiles(folder)) {
    const stem = path.relative(folder, file).replace(compiled, '');
    if (compiled.test(file) && !sources.has(stem)) fs.rmSync(path.join(root, file));
  }
}

async function build() {
  say('compiling TypeScript (tsc)');
  const sources = new Set(
    listFiles('src').map((file) => path.relative('src', file).replace(/\.[cm]?ts$/, '')),
  );
  fs.rmSync(path.join(mirror, 'src'), { recursive: true, force: true });
  fs.cpSync(path.join(root, 'src'), path.join(mirror, 'src'), { recursive: true });
  fs.writeFileSync(path.join(mirror, 'package.json'), commonjs);
  const halves = await Promise.allSettled([
    compile('tsconfig.build.json'),
    compile('tsconfig.cjs.json'),
  ]);
  const failed = halves.find((half) => half.status === 'rejected');
  if (failed) throw failed.reason;
  for (const folder of ['dist/esm', '.cache/cjs/dist/cjs', 'dist/cjs']) prune(folder, sources);
  fs.cpSync(path.join(mirror, 'dist/cjs'), path.join(root, 'dist/cjs'), { recursive: true });
  fs.writeFileSync(path.join(root, 'dist/cjs/package.json'), commonjs);
}

export const typescriptStep = {
  name: 'typescript',
  inputs: [
    'src',
    'tsconfig.json',
    'tsconfig.build.json',
    'tsconfig.cjs.json',
    'scripts/build-typescript.mjs',
    'package-lock.json',
  ],
  outputs: ['dist/esm/index.js', 'dist/cjs/index.js'],
  build,
};
