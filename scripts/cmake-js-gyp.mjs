/**
 * Stands in for node-gyp under prebuildify, which calls `rebuild --target=… --arch=… --release`: hands over to cmake-js.
 * To build for another architecture, set CMAKE_TOOLCHAIN_FILE, which CMake reads itself.
 */
import { createRequire } from 'node:module';
import os from 'node:os';
import { attach, root, runMain } from './lib/run.mjs';

await runMain(() => {
  const arch = process.argv.find((arg) => arg.startsWith('--arch='))?.slice('--arch='.length);
  const cli = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  return attach(process.execPath, [
    ...[cli, 'rebuild', '--directory', root, '--arch', arch ?? os.arch()],
    ...['--parallel', String(os.availableParallelism())],
  ]);
});
