/** C++ programs of tests, built alone from some of the sources of native/. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Builds `sources` into `program`; what is missing on this machine for that, or undefined. */
export function compile(
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
