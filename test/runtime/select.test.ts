import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backendNames } from '../../src/backends/backend.js';
import { describeBackends, selectBackend } from '../../src/backends/select.js';

const variables = ['OCTAVO_BACKEND', 'OCTAVO_ISA', 'OCTAVO_THREADS'];
const saved = new Map<string, string | undefined>();

beforeEach(() => {
  for (const name of variables) {
    saved.set(name, process.env[name]);
    delete process.env[name];
  }
});
afterEach(() => {
  for (const [name, value] of saved) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

describe('selectBackend', () => {
  it('takes the first that loads, and the reference only where it is asked for', async () => {
    const { backend, report } = await selectBackend();
    expect(['native', 'wasm']).toContain(backend.name);
    expect(report.chosen).toBe(backend.name);
    expect(report.backends.map(({ name }) => name)).toEqual([...backendNames]);
    const status = (name: string) => report.backends.find((one) => one.name === name)!.status;
    expect(status(backend.name)).toBe('in force');
    expect(status('reference')).toBe('not tried');
    if (backend.name === 'wasm') expect(status('native')).toBe('unavailable');
    for (const { reason } of report.backends) expect(reason).not.toBe('');
  });

  it('takes what an option forces, before what a variable does', async () => {
    process.env['OCTAVO_BACKEND'] = 'wasm';
    expect((await selectBackend()).backend.name).toBe('wasm');
    const { backend, report } = await selectBackend({ backend: 'reference' });
    expect(backend.name).toBe('reference');
    expect(report.backends[0]).toEqual({
      name: 'native',
      status: 'not tried',
      reason: "option 'backend' asks for another",
    });
  });

  it('takes an empty variable for none', async () => {
    process.env['OCTAVO_BACKEND'] = '';
    process.env['OCTAVO_THREADS'] = '';
    expect((await selectBackend()).report.chosen).not.toBe('reference');
  });

  it.each([
    ['backend', { backend: 'gpu' }, {}, "option 'backend'"],
    ['backend', {}, { OCTAVO_BACKEND: 'toString' }, 'OCTAVO_BACKEND'],
    ['threads', { threads: 0 }, {}, "option 'threads'"],
    ['threads', { threads: 1.5 }, {}, "option 'threads'"],
    ['threads', {}, { OCTAVO_THREADS: 'many' }, 'OCTAVO_THREADS'],
  ])('refuses a bad %s: %o %o', async (_, options, environment, where) => {
    Object.assign(process.env, environment);
    const error = { code: 'INVALID_ARGUMENT', where };
    await expect(selectBackend(options)).rejects.toMatchObject(error);
    await expect(describeBackends(options)).rejects.toMatchObject(error);
  });

  it('refuses what is forced and not here, with the reason', async () => {
    process.env['OCTAVO_BACKEND'] = 'reference';
    process.env['OCTAVO_ISA'] = 'avx2';
    await expect(selectBackend()).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      where: 'isa',
    });
    process.env['OCTAVO_BACKEND'] = '';
    process.env['OCTAVO_ISA'] = 'avx1024';
    // Every backend that was tried says why it is not the one.
    await expect(selectBackend()).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      found: expect.stringContaining(' | '),
    });
  });
});

describe('describeBackends', () => {
  it('says of each backend what became of it', async () => {
    const report = await describeBackends({ backend: 'reference' });
    expect(report.chosen).toBe('reference');
    expect(report.backends.at(-1)).toEqual({
      name: 'reference',
      status: 'in force',
      reason: 'none, 1 thread',
    });
    for (const { status } of report.backends.slice(0, -1)) {
      expect(['available', 'unavailable']).toContain(status);
    }
  });

  it('chooses nothing where what is forced is not here', async () => {
    const report = await describeBackends({ backend: 'reference', threads: 3 });
    expect(report.chosen).toBeUndefined();
    expect(report.backends.at(-1)!.status).toBe('unavailable');
    expect(report.backends.at(-1)!.reason).toContain('threads');
  });
});
