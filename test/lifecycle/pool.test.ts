/** The thread pool, built alone with the thread sanitizer. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compile } from './program.js';

const folder = mkdtempSync(join(tmpdir(), 'octavo-pool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = join(folder, 'pool');
const sources = ['pool', 'worker', 'placement', 'cgroup', 'os'];
const missing = compile(
  program,
  ['test/lifecycle/pool.cc', ...sources.map((name) => `native/threading/${name}.cc`)],
  ['-fsanitize=thread'],
);

describe.skipIf(missing !== undefined)(`the pool${missing ? `: ${missing}` : ''}`, () => {
  const run = (command: string, args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ended\n', stderr: '' });
  };

  it('has no races', () => run(program, []));

  const pin = spawnSync('taskset', ['-c', '0', 'true']).status === 0;
  it.skipIf(!pin)(`comes to an end on one CPU${pin ? '' : ': no taskset, or no CPU 0'}`, () =>
    run('taskset', ['-c', '0', program]),
  );
});
