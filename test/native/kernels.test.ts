/**
 * Every registered kernel, called directly: test/native/kernels is a program of its own, linked with the objects that the
 * addon was made of. A kernel is a test here; one that this CPU cannot run is skipped and says what it lacks. With
 * OCTAVO_LONG=1 nothing is sampled: as many processes as there are CPUs share what that takes.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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

interface Ended {
  readonly signal: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(`${root}build/${target}`, args, (error, stdout, stderr) => {
      resolve({ signal: error?.signal ?? null, stdout, stderr });
    });
  });
}

const missing = build();
if (missing !== undefined) {
  it.skip(`every kernel is its reference: ${missing}`, () => {});
} else {
  const parts = process.env['OCTAVO_LONG'] === '1' ? availableParallelism() : 0;
  const calls = Array.from({ length: parts }, (_, i) => ['--all', `--part=${i}/${parts}`]);
  const ended = await Promise.all((parts > 0 ? calls : [[]]).map(run));
  /** Of each kernel, by name: its verdict and why, the worst one if there are several. */
  const verdicts = new Map<string, string>();
  for (const { stdout } of ended) {
    for (const [, verdict, name, why] of stdout.matchAll(/^(\w+) (\w+): (.*)$/gm)) {
      if (verdict !== 'passed' || !verdicts.has(name!)) verdicts.set(name!, `${verdict}: ${why}`);
    }
  }

  it('the program of the kernel tests ends by itself', () => {
    for (const { signal, stderr } of ended) {
      expect({ signal, stderr }).toEqual({ signal: null, stderr: '' });
    }
    expect(verdicts.size).toBeGreaterThan(0);
  });

  for (const [name, verdict] of verdicts) {
    if (verdict.startsWith('skipped')) {
      it.skip(`${name}, ${verdict}`, () => {});
    } else {
      it(name, () => expect(verdict).toMatch(/^passed/));
    }
  }
}
