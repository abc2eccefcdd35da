/** When the end of a run is announced. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compile } from './program.js';

const folder = mkdtempSync(join(tmpdir(), 'octavo-foresight-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = join(folder, 'foresight');
const missing = compile(program, ['test/lifecycle/foresight.cc', 'native/binding/foresight.cc']);

describe.skipIf(missing !== undefined)(`foresight${missing ? `: ${missing}` : ''}`, () => {
  it('tells the step', () => {
    const { status, stdout } = spawnSync(program, { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'ended\n' });
  });
});
