/**
 * From a fresh clone to something that runs: dependencies, generated sources, TypeScript, the native addon, each only
 * when what it is made from has changed. `npm start`, `npm test` and `npm run build` all begin here.
 */
import { pathToFileURL } from 'node:url';
import { buildNative } from './build-native.mjs';
import { typescriptStep } from './build-typescript.mjs';
import { wasmStep } from './build-wasm.mjs';
import { installDependencies } from './install-dependencies.mjs';
import { withLock } from './lib/lock.mjs';
import { runMain } from './lib/run.mjs';
import { runStep } from './lib/step.mjs';

export function setup() {
  return withLock(async () => {
    await installDependencies();
    await runStep(wasmStep);
    await runStep(typescriptStep);
    await buildNative();
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(setup);
