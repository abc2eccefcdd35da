/**
 * `npm ci`, when node_modules is not what package-lock.json says. npm keeps its own record of what it installed in
 * node_modules/.package-lock.json; a package that is optional (the binary of another platform) may be missing there.
 */
import fs from 'node:fs';
import path from 'node:path';
import { root, run, say } from './lib/run.mjs';

function packagesOf(lockFile) {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, lockFile), 'utf8')).packages;
  } catch {
    return {};
  }
}

function isInstalled() {
  const installed = packagesOf('node_modules/.package-lock.json');
  return Object.entries(packagesOf('package-lock.json')).every(([place, wanted]) => {
    if (place === '') return true;
    const found = installed[place];
    return found ? found.version === wanted.version : wanted.optional === true;
  });
}

export async function installDependencies() {
  if (isInstalled()) return;
  say('installing dependencies (npm ci)');
  const args = ['ci', '--include=dev', '--prefer-offline'];
  const npm = process.env.npm_execpath;
  if (npm) await run(process.execPath, [npm, ...args]);
  else await run('npm', args, { shell: process.platform === 'win32' });
}
