/**
 * Every registered kernel, called directly: test/native/kernels is a program of its own, linked with the objects that the
 * addon was made of. A kernel is a test here; one that this CPU cannot run is skipped and says what it lacks.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const target = 'octavo_kernel_tests';

/** Builds the program; why it can't be built on this machine, or undefined. */
function build(): string | undefined {
  if (process.platform === 'win32') return 'needs the memory protection of POSIX';
  if (!existsSync(`${root}build/Release/octavo.node`)) return 'the native addon was not built';
  execFileSync('cmake', ['--build', 'build', '--target', target, '--parallel', '2'], {
    cwd: root,
    stdio: 'pipe',
  });
  return undefined;
}

const missing = build();
if (missing !== undefined) {
  it.skip(`every kernel is its reference: ${missing}`, () => {});
} else {
  const { signal, stdout, stderr } = spawnSync(`${root}build/${target}`, { encoding: 'utf8' });
  const verdicts = [...stdout.matchAll(/^(passed|failed|skipped) (\w+): (.*)$/gm)];

  it('the program of the kernel tests ends by itself', () => {
    expect({ signal, stderr }).toEqual({ signal: null, stderr: '' });
    expect(verdicts.length).toBeGreaterThan(0);
  });

  for (const [, verdict, name, why] of verdicts) {
    if (verdict === 'skipped') {
      it.skip(`${name}: ${why}`, () => {});
    } else {
      it(name!, () => expect(`${verdict}: ${why}`).toMatch(/^passed/));
    }
  }
}
