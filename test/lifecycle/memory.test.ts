/** The memory of weights, built alone with the thread sanitizer. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compile } from './program.js';

const folder = mkdtempSync(join(tmpdir(), 'octavo-memory-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = join(folder, 'memory');
const sources = ['buffer', 'pages', 'slab'].map((name) => `native/pack/${name}.cc`);
const missing = compile(program, ['test/lifecycle/memory.cc', ...sources], ['-fsanitize=thread']);

describe.skipIf(missing !== undefined)(`memory${missing ? `: ${missing}` : ''}`, () => {
  it('is zeroed, nobody else’s, and given back', () => {
    const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ended\n', stderr: '' });
  });
});
