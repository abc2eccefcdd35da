/**
 * src/ → dist/esm and dist/cjs. rolldown bundles the code, once for each module system: loading some hundred small files
 * would take longer than loading a model. tsc checks the types and writes the declarations, which are the same for both.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { BuildError, root, run, say } from './lib/run.mjs';

/** Those but the native one are loaded when they are needed. */
const backends = ['backends/native/index', 'backends/reference/index', 'backends/wasm/index'];

/** Files of dist/esm that the package's own benchmarks, tests and examples open, besides the entries of its users. */
const doors = [
  ...['cli/terminal', 'core/dtype', 'core/half', 'core/shape', 'graph/print', 'onnx/attributes'],
  ...['onnx/messages', 'onnx/tensors', 'onnx/types', 'runtime/plan', 'runtime/steps'],
];

const inputsOf = (names) =>
  Object.fromEntries(names.map((name) => [name, path.join(root, 'src', `${name}.ts`)]));

/** What stays an import: dependencies and Node's own modules. */
const isExternal = (id) => !(id.startsWith('.') || path.isAbsolute(id));

/** Notes which modules running a model takes, so that the others, which few processes need, make a chunk of their own. */
function notingEager(entries, eager) {
  return {
    name: 'octavo:eager',
    buildEnd(error) {
      if (error !== undefined) return;
      const waiting = [...entries];
      for (const id of waiting) {
        if (eager.has(id)) continue;
        eager.add(id);
        waiting.push(...(this.getModuleInfo(id)?.importedIds ?? []));
      }
    },
  };
}

/** Loaded by src/making.ts when it is called; that the command line loads it anyway is no fault. */
const isExpected = ({ code }) => code === 'INEFFECTIVE_DYNAMIC_IMPORT';

async function bundle(folder, format, inputs) {
  const running = ['index', ...backends].flatMap((name) => inputs[name] ?? []);
  const { rolldown } = await import('rolldown');
  const eager = new Set();
  const shared = /\/src\/(?!cli\/|backends\/(reference|wasm)\/)/;
  const built = await rolldown({
    input: inputs,
    cwd: root,
    platform: 'node',
    external: isExternal,
    resolve: { extensionAlias: { '.js': ['.ts'] } },
    transform: { target: 'es2022' },
    plugins: [notingEager(running, eager)],
    onLog(_level, log) {
      if (!isExpected(log)) throw new BuildError(`rolldown: ${log.message}`);
    },
  });
  await built.write({
    dir: path.join(root, folder),
    format,
    sourcemap: true,
    comments: false,
    // Cold, an engine takes as long to read the code as to run it. ASCII takes it half of the memory; names that stack
    // traces and profiles show stay.
    charset: 'ascii',
    minify: { compress: false, mangle: { toplevel: false, keepNames: true }, codegen: false },
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: {
      groups: [
        { name: 'octavo', test: (id) => shared.test(id) && eager.has(id) },
        { name: 'making', test: (id) => shared.test(id) && !eager.has(id) },
      ],
    },
  });
  await built.close();
}

/** The declarations of dist/esm also for the CommonJS half, which leaves the command line out. */
function copyDeclarations() {
  const from = path.join(root, 'dist/esm');
  const filter = (file) =>
    fs.statSync(file).isDirectory()
      ? file !== path.join(from, 'cli')
      : /\.d\.ts(\.map)?$/.test(file);
  fs.cpSync(from, path.join(root, 'dist/cjs'), { recursive: true, filter });
}

async function build() {
  say('compiling TypeScript (tsc, rolldown)');
  for (const folder of ['dist/esm', 'dist/cjs']) {
    fs.rmSync(path.join(root, folder), { recursive: true, force: true });
  }
  // Resolved when called: on a fresh clone this file is loaded before there is a node_modules.
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  await run(process.execPath, [tsc, '--pretty', 'false', '-p', 'tsconfig.build.json']);
  copyDeclarations();
  const entries = ['index', ...backends];
  await bundle('dist/esm', 'esm', inputsOf([...entries, 'cli/main', ...doors]));
  await bundle('dist/cjs', 'cjs', inputsOf(entries));
  fs.writeFileSync(path.join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n');
}

export const typescriptStep = {
  name: 'typescript',
  inputs: [
    'src',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build-typescript.mjs',
    'package-lock.json',
  ],
  outputs: ['dist/esm/index.js', 'dist/cjs/index.js'],
  build,
};
