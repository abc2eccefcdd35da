/**
 * The checks that read the code without running it: Biome (TypeScript, JavaScript, JSON), clang-format (C++), tsc.
 * `npm run lint` runs them, `npm run format` (`--fix`) corrects what they can correct, `npm test` counts each as one test.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { capture, runMain, say } from './lib/run.mjs';
import { listFiles } from './lib/step.mjs';

const require = createRequire(import.meta.url);

function biome(fix) {
  const command = require.resolve('@biomejs/biome/bin/biome');
  return [process.execPath, [command, 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])]];
}

function clangFormat(fix) {
  const sources = ['native', 'test'].flatMap(listFiles).filter((file) => /\.(cc|h)$/.test(file));
  const { clangFormatPath } = require('clang-format-node');
  return [clangFormatPath, [...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...sources]];
}

function typecheck() {
  return [process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.json']];
}

const checks = { biome, 'clang-format': clangFormat, typecheck };

/** Runs every check, prints what the failing ones print; resolves to `{ name: passed }`. */
export async function lint({ fix = false } = {}) {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, commandOf]) => {
      const [command, args] = commandOf(fix);
      const { code, output } = await capture(command, args);
      if (code !== 0) console.error(`${output.trimEnd()}\n`);
      say(`${name} ${code === 0 ? 'passed' : 'failed'}`);
      return [name, code === 0];
    }),
  );
  return Object.fromEntries(results);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(async () => {
    const results = await lint({ fix: process.argv.includes('--fix') });
    return Object.values(results).every(Boolean) ? 0 : 1;
  });
}
