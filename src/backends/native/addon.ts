/**
 * Loads the addon: a prebuilt binary for this platform, else a local build. Node caches the binary itself, so the ESM and
 * the CJS half of the package share it.
 *
 * What Node's own modules give is looked up, not imported: an import brings up all that a module exports.
 */

/** The nearest folder upwards that is the package: its depth differs between src/ and dist/. */
function packageRoot(): string {
  const [fs, path] = [process.getBuiltinModule('node:fs'), process.getBuiltinModule('node:path')];
  const here = path.dirname(process.getBuiltinModule('node:url').fileURLToPath(import.meta.url));
  let folder = here;
  while (!fs.existsSync(path.join(folder, 'CMakeLists.txt'))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error(`no octavo package around ${here}`);
    folder = parent;
  }
  return folder;
}

/** The addon's exports, unchecked. Throws node-gyp-build's or the system loader's error. */
export function loadAddon(): unknown {
  const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
  return (require('node-gyp-build') as (root: string) => unknown)(packageRoot());
}
