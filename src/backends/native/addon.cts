/**
 * Loads the addon: a prebuilt binary for this platform, else a local build. CommonJS, because it
 * needs `require`; Node caches the binary itself, so the ESM and the CJS half of the package share it.
 */
import fs from 'node:fs';
import path from 'node:path';

const load = require('node-gyp-build') as (root: string) => unknown;

/** The nearest folder upwards that is the package: its depth differs between src/ and dist/. */
function packageRoot(): string {
  let folder = __dirname;
  while (!fs.existsSync(path.join(folder, 'CMakeLists.txt'))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error(`no octavo package around ${__dirname}`);
    folder = parent;
  }
  return folder;
}

/** The addon's exports, unchecked. Throws node-gyp-build's or the system loader's error. */
export function loadAddon(): unknown {
  return load(packageRoot());
}
