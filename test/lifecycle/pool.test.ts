/** The thread pool, built alone with the thread sanitizer. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'octavo-pool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Builds a program; what is missing on this machine, or undefined. */
function compile(program: string): string | undefined {
  if (process.platform !== 'linux') return 'only tried on Linux';
  const flags = ['-std=c++17', '-O1', '-g', '-fsanitize=thread', '-pthread', '-I.'];
  const sources = ['test/lifecycle/pool.cc', 'native/threading/pool.cc', 'native/threading/os.cc'];
  if (spawnSync('c++', ['--version']).status !== 0) return 'no C++ compiler';
  const probe = spawnSync('c++', [...flags, '-x', 'c++', '-', '-o', program], {
    input: 'int main() {}',
  });
  if (probe.status !== 0 || spawnSync(program).status !== 0) return 'no thread sanitizer';
  execFileSync('c++', [...flags, ...sources, '-o', program], { cwd: root, stdio: 'pipe' });
  return undefined;
}

const program = join(folder, 'pool');
const missing = compile(program);

it.skipIf(missing !== undefined)(`the pool has no races${missing ? `: ${missing}` : ''}`, () => {
  const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ended\n', stderr: '' });
});
