/**
 * How threads and processes end: workers that come and go, terminate() and process.exit() in the middle of runs, and
 * sessions that nobody disposes of. In processes of their own, so that a crash is seen for what it is. Reads dist/.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { attribute } from '../../src/graph/attributes.js';
import { bytesOf, nodeProto } from '../helpers/onnx-builder.js';
import { noNative } from './backends.js';
import { chainBytes } from './nets.js';

const isLong = process.env['OCTAVO_LONG'] === '1';
const child = fileURLToPath(new URL('./child.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'octavo-lifecycle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, bytes: Uint8Array, columns: number): [file: string, columns: string] {
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, bytes);
  return [file, String(columns)];
}

const modelFile = (products: number, size: number) =>
  write(`${products}x${size}`, chainBytes(products, size), size);

const repetition = bytesOf(13, {
  nodes: [nodeProto('Concat', new Array(32).fill('x'), ['y'], { axis: attribute.int(0) })],
  inputs: { x: { type: 'uint8', dims: ['N'] } },
  outputs: { y: { type: 'uint8', dims: ['M'] } },
});

const models = {
  small: modelFile(6, 48),
  /** Runs of some tenths of a second. */
  long: modelFile(200, 512),
  /** Runs of minutes, in steps of some tenths of a second. */
  endless: modelFile(400, 1024),
  /** 4 MiB of weights. */
  large: modelFile(2, 1024),
  /** y is x 32 times. */
  repeated: write('repeated', repetition, 1),
};

const flagsOf: Readonly<Record<string, readonly string[]>> = {
  drop: ['--expose-gc'],
  handles: ['--expose-gc'],
  // V8's own threads of the garbage collector end the process where they get no memory.
  poor: ['--single-threaded-gc'],
};

const environmentOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Else each thread that is the first to allocate in the little room left takes 64 MiB of addresses, glibc's arena.
  poor: { MALLOC_ARENA_MAX: '1' },
};

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(scenario: string, model: keyof typeof models, ...args: string[]): Promise<End> {
  const flags = flagsOf[scenario] ?? [];
  const running = spawn(process.execPath, [...flags, child, scenario, ...models[model], ...args], {
    env: { ...process.env, ...environmentOf[scenario] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    running[stream].setEncoding('utf8').on('data', (text: string) => {
      texts[stream] += text;
    });
  }
  return new Promise((resolve, reject) => {
    running.on('error', reject);
    running.on('close', (code, signal) => resolve({ code, signal, ...texts }));
  });
}

/** What a process prints that ends as it should. */
async function reportOf(...args: Parameters<typeof run>): Promise<unknown> {
  const { stdout, ...end } = await run(...args);
  expect(end).toEqual({ code: 0, signal: null, stderr: '' });
  return stdout === '' ? undefined : JSON.parse(stdout);
}

const minutes = isLong ? 10 : 2;

describe
  .skipIf(noNative !== undefined)
  .concurrent('a process', { timeout: minutes * 60_000 }, () => {
    const workers = isLong ? 200 : 40;
    it(`with ${workers} workers that load the package, run a model and exit`, async () => {
      expect(await reportOf('workers', 'small', String(workers))).toEqual({ answers: 1 });
    });

    const terminations = isLong ? 100 : 20;
    it(`with ${terminations} workers that are terminated in the middle of four runs`, async () => {
      const report = await reportOf('terminate', 'long', String(terminations));
      expect(report).toEqual({ dims: [1, 512] });
    });

    it('whose own runs go on while workers are terminated', async () => {
      expect(await reportOf('neighbours', 'long')).toEqual({ right: 4 });
    });

    // Were the runs not cut short, these would end by the timeout.
    it('that exits in the middle of runs', { timeout: 60_000 }, async () => {
      expect(await reportOf('exit', 'endless')).toBeUndefined();
    });

    it('that throws in the middle of runs', { timeout: 60_000 }, async () => {
      const { code, signal, stderr } = await run('throw', 'endless');
      expect({ code, signal }).toEqual({ code: 1, signal: null });
      expect(stderr).toContain('on purpose');
    });

    it('that waits for its runs, and for nothing else', async () => {
      expect(await reportOf('idle', 'small')).toEqual({ dims: [1, 48] });
    });

    const canLimit =
      process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;
    it.skipIf(!canLimit)(
      `that has too little memory${canLimit ? '' : ': no prlimit'}`,
      async () => {
        const refused = new Array(4).fill('LIMIT_EXCEEDED');
        expect(await reportOf('poor', 'repeated')).toEqual({ outcomes: [32, ...refused, 2 ** 28] });
      },
    );

    it.each([
      // Of each session 8 MiB are native, weights as they were and packed, and 4 MiB are the heap's.
      ['sessions', 'drop'],
      // 8 MiB each, none of which the heap sees.
      ['native handles', 'handles'],
    ])('that drops %s without disposing of them', async (_, scenario) => {
      const count = 150;
      const dropped = count * 2 ** 23;
      const report = (await reportOf(scenario, 'large', String(count))) as Record<string, number>;
      expect(report['peak']).toBeLessThan(dropped / 3);
      expect(report['rss']).toBeLessThan(dropped / 5);
    });
  });
