/** examples/bullmq as its README tells: a producer, workers of which one dies, Redis between them. Needs dist/. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.warn('skipped: the example of BullMQ needs redis-server (Debian has it)');

let folder = '';
let redis: ChildProcess | undefined;
let url = '';
const started: ChildProcess[] = [];

beforeAll(async () => {
  if (!hasRedis) return;
  folder = mkdtempSync(join(tmpdir(), 'octavo-redis-'));
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  url = `redis://127.0.0.1:${port}`;
  for await (const text of redis.stdout!) if (`${text}`.includes('Ready to accept')) return;
  throw new Error('redis-server has ended');
});

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  if (redis !== undefined && redis.exitCode === null) {
    redis.kill('SIGKILL');
    await once(redis, 'close');
  }
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a script of the example; resolves to how it ended, and what it said on either stream. */
function start(script: string, ...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'examples/bullmq', script), ...args], {
    env: { ...process.env, REDIS_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, said }));
  return { child, ended };
}

test.skipIf(!hasRedis)(
  'two workers give the bytes of one process, though a third dies amid its shard',
  async () => {
    const dying = start('worker.mjs', '--die');
    const producer = start('producer.mjs', '4', '16');
    expect(await dying.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
    const workers = [start('worker.mjs'), start('worker.mjs')];
    const { code, said } = await producer.ended;
    expect(said).toContain('was lost with its worker: once more');
    expect(said).toContain('merged: 16 of 16 samples');
    expect(said).toContain('the same bytes as one process');
    expect(code).toBe(0);
    for (const { child } of workers) child.kill('SIGTERM');
    const ends = await Promise.all(workers.map(({ ended }) => ended));
    expect(ends.map((end) => end.code)).toEqual([0, 0]);
    expect(
      ends
        .map((end) => end.said)
        .join('')
        .match(/done: 4 samples/g),
    ).toHaveLength(4);
  },
  120_000,
);
