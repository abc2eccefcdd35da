/** C++ programs of tests, built alone from some of the sources of native/. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The sources of native/threading. */
export const threading = ['pool', 'worker', 'placement', 'cgroup', 'os'].map(
  (name) => `native/threading/${name}.cc`,
);

/** Builds `sources` into `program`; what is missing on this machine for that, or undefined. */
function compile(
  program: string,
  sources: readonly string[],
  extraFlags: readonly string[] = [],
): string | undefined {
  if (process.platform !== 'linux') return 'only tried on Linux';
  const flags = ['-std=c++17', '-O1', '-g', '-pthread', '-I.', ...extraFlags];
  if (spawnSync('c++', ['--version']).status !== 0) return 'no C++ compiler';
  const probe = spawnSync('c++', [...flags, '-x', 'c++', '-', '-o', program], {
    input: 'int main() {}',
  });
  const usable = probe.status === 0 && spawnSync(program).status === 0;
  if (!usable) return `the compiler does not take ${extraFlags.join(' ')}`;
  execFileSync('c++', [...flags, ...sources, '-o', program], { cwd: root, stdio: 'pipe' });
  return undefined;
}

/** A program of some sources, in a folder that goes with the tests of a file. */
export interface Program {
  readonly folder: string;
  readonly file: string;
  /** What this machine lacks to build it; then there is none. */
  readonly missing: string | undefined;
}

/** Builds `sources` for the tests of a file. */
export function programOf(
  name: string,
  sources: readonly string[],
  extraFlags?: readonly string[],
): Program {
  const folder = mkdtempSync(join(tmpdir(), `octavo-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, name);
  return { folder, file, missing: compile(file, sources, extraFlags) };
}

/** Runs a program that prints nothing but 'ended', last. */
export function expectToEnd(command: string, args: readonly string[] = []): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ended\n', stderr: '' });
}
