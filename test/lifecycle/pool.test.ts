/** The thread pool, built alone with the thread sanitizer. */
import { spawnSync } from 'node:child_process';
import { describe, it } from 'vitest';
import { expectToEnd, programOf, threading } from './program.js';

const { file, missing } = programOf(
  'pool',
  ['test/lifecycle/pool.cc', ...threading],
  ['-fsanitize=thread'],
);

describe.skipIf(missing !== undefined)(`the pool${missing ? `: ${missing}` : ''}`, () => {
  it('has no races', () => expectToEnd(file));

  const pin = spawnSync('taskset', ['-c', '0', 'true']).status === 0;
  it.skipIf(!pin)(`comes to an end on one CPU${pin ? '' : ': no taskset, or no CPU 0'}`, () =>
    expectToEnd('taskset', ['-c', '0', file]),
  );
});
