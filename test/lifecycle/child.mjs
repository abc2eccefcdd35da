/**
 * A process of the tests: `node child.mjs SCENARIO MODEL COLUMNS`. It prints one line of JSON, if anything, and its
 * end is what is looked at: by itself, with code 0, by no signal.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

const [scenario, file, columns, ...rest] = process.argv.slice(2);
const model = readFileSync(file);
const options = { backend: 'native' };
const script = new URL('./worker.mjs', import.meta.url);

const load = () => import('../../dist/esm/index.js');

/** x of so many rows, all 0.5. */
function feedsOf(rows) {
  const dims = [rows, Number(columns)];
  return { x: { type: 'float32', dims, data: new Float32Array(rows * columns).fill(0.5) } };
}

function startWorker(data) {
  return new Worker(script, {
    workerData: { model, dims: [8, Number(columns)], runs: 1, stay: false, ...data },
  });
}

/** What a worker posts, once it has exited. */
function postsOf(worker) {
  return new Promise((resolve, reject) => {
    const posts = [];
    worker.on('message', (post) => posts.push(post));
    worker.on('error', reject);
    worker.on('exit', (code) =>
      code === 0 ? resolve(posts) : reject(new Error(`worker exited with ${code}`)),
    );
  });
}

const untilRunning = (worker) =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** Calls `job` `count` times, `width` at once. */
async function inLanes(count, width, job) {
  let next = 0;
  const lane = async () => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

const scenarios = {
  /** Workers load, run and exit; the main thread never loads the package. */
  async workers() {
    const answers = new Set();
    await inLanes(Number(rest[0]), 4, async () => {
      const [results] = await postsOf(startWorker({ runs: 2 }));
      for (const result of results) answers.add(Buffer.from(result.buffer).toString('base64'));
    });
    print({ answers: answers.size });
  },

  /** Workers are terminated with four runs in flight, and the process goes on. */
  async terminate() {
    await inLanes(Number(rest[0]), 2, async () => {
      const worker = startWorker({ dims: [256, Number(columns)], runs: 4, stay: true });
      if ((await untilRunning(worker)) !== 'running') throw new Error('not running');
      await worker.terminate();
    });
    const { InferenceSession } = await load();
    const session = await InferenceSession.create(model, options);
    const { y } = await session.run(feedsOf(1));
    print({ dims: y.dims });
  },

  /** The same while the main thread has runs of its own, which end as if nothing were. */
  async neighbours() {
    const { InferenceSession } = await load();
    const session = await InferenceSession.create(model, options);
    const expected = Buffer.from((await session.run(feedsOf(64))).y.data.buffer);
    let right = 0;
    await inLanes(4, 2, async () => {
      const worker = startWorker({ dims: [256, Number(columns)], runs: 4, stay: true });
      await untilRunning(worker);
      const running = session.run(feedsOf(64));
      await worker.terminate();
      const { y } = await running;
      if (expected.equals(Buffer.from(y.data.buffer))) right++;
    });
    print({ right });
  },

  /** process.exit() in the middle of runs that would take minutes. */
  async exit() {
    const { InferenceSession } = await load();
    const session = await InferenceSession.create(model, options);
    for (let i = 0; i < 4; i++) void session.run(feedsOf(8192));
    setTimeout(() => process.exit(0), 50);
  },

  /** An exception that nobody catches, in the middle of such runs: the usual end of a process. */
  async throw() {
    const { InferenceSession } = await load();
    const session = await InferenceSession.create(model, options);
    for (let i = 0; i < 4; i++) void session.run(feedsOf(8192));
    setTimeout(() => {
      throw new Error('on purpose');
    }, 50);
  },

  /** The runs keep the process alive, a session does not. */
  async idle() {
    const { InferenceSession } = await load();
    const session = await InferenceSession.create(model, options);
    session.run(feedsOf(1)).then(({ y }) => print({ dims: y.dims }));
  },

  /** Runs for which the system has too little memory: for the activations, or for the results alone. */
  async poor() {
    const { InferenceSession } = await load();
    const session = await InferenceSession.create(model, options);
    const megabyte = 2 ** 20;
    const feeds = (length) => ({
      x: { type: 'uint8', dims: [length], data: new Uint8Array(length) },
    });
    // Results of 256 MiB, activations of 8 more.
    const rich = feeds(8 * megabyte);
    const code = async (run) => {
      try {
        return (await run()).y.dims[0];
      } catch (error) {
        return error.code;
      }
    };
    const outcomes = [await code(() => session.run(feeds(1)))];
    for (const room of [128, 400]) {
      for (const method of ['run', 'runSync']) {
        const fresh = await InferenceSession.create(model, options);
        const [, used] = /VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
        limitMemory(used * 1024 + room * megabyte);
        outcomes.push(await code(() => fresh[method](rich)));
        limitMemory('unlimited');
        fresh.dispose();
      }
    }
    outcomes.push(await code(() => session.run(rich)));
    print({ outcomes });
  },

  /** Sessions are made, used and dropped without dispose(). */
  async drop() {
    const { InferenceSession } = await load();
    const use = async () => {
      const session = await InferenceSession.create(model, options);
      await session.run(feedsOf(32));
    };
    print(await memoryOf(use));
  },

  /** The same with what is native of a session alone, which the heap sees nothing of. */
  async handles() {
    const { createNativeBackend } = await import('../../dist/esm/backends/native/index.js');
    const backend = createNativeBackend();
    const constants = new Uint8Array(2 ** 23).fill(1);
    print(await memoryOf(() => void backend.open(constants)));
  },
};

/** How much memory this process may address, what it has already included. */
function limitMemory(bytes) {
  execFileSync('prlimit', ['--pid', String(process.pid), `--as=${bytes}:unlimited`]);
}

/** Bytes that `use`, called again and again, adds to the process: at most, and once all is collected. */
async function memoryOf(use) {
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
  const settle = async () => {
    for (let i = 0; i < 4; i++) {
      globalThis.gc();
      await nextTurn();
    }
    return process.memoryUsage();
  };
  for (let i = 0; i < 3; i++) await use();
  const before = await settle();
  let peak = 0;
  for (let i = 0; i < Number(rest[0]); i++) {
    await use();
    await nextTurn();
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  const after = await settle();
  return { peak: peak - before.rss, rss: after.rss - before.rss };
}

await scenarios[scenario]();
