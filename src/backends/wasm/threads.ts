/**
 * Threads of the WASM backend: workers that share the memory of one model, each with an instance of
 * its module. A job is one function over a range of units (rows, panels), cut into parts that
 * whoever is free takes. The caller takes parts too, and waits only for parts that a worker has
 * begun: a worker that is not up yet costs nothing, and a browser's main thread, which may not block,
 * need not.
 *
 * Workers spin for a while when there is nothing to do, then sleep. They keep no process alive.
 */
import { OctavoError } from '../../core/errors.js';
import type { WasmExports } from './exports.js';

/** Functions whose last arguments are scratch and a range of units. */
export const partKernels = [
  'qconv',
  'qconvSmall',
  'winograd',
  'depthwise',
  'multiplyRow',
  'multiplyRowQuads',
  'conv',
  'depthwiseFloat',
  'matMul',
  'multiplyNibbles',
  'multiplyNibblesRow',
  'multiplyWords',
  'multiplyWordsRow',
  'quantizeRows',
  'scaleSums',
  'lrn',
  'reduceRows',
  'reduceColumns',
  'unary',
  'softmax',
  'layerNorm',
  'attention',
] as const;

export type PartKernel = (typeof partKernels)[number];

export interface Job {
  readonly kernel: PartKernel;
  /** All arguments but scratch and the range. */
  readonly args: readonly number[];
  /** Scratch of the caller; that of worker i, from 1, is `i · scratchStep` further. */
  readonly scratch: number;
  readonly scratchStep: number;
  readonly units: number;
  readonly unitsOfPart: number;
}

export interface ThreadPool {
  /** Resolves when all workers are up; rejects with `BACKEND_FAILURE` when one fails to start. */
  readonly ready: () => Promise<void>;
  /** Runs a job, here and on the workers that are up. Throws `BACKEND_FAILURE` once one has failed. */
  readonly run: (job: Job) => void;
  readonly close: () => void;
}

/** What a worker is sent. */
interface Start {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  /** From 1; the caller is 0. */
  readonly index: number;
  /** Where its instance has its `edge`. */
  readonly edge: number;
  readonly kernels: readonly string[];
}

/** The words of `control`; the arguments of a job follow as float64. */
const word = {
  /** Counts jobs; negative once the pool has been closed. */
  job: 0,
  /** The next part that nobody has taken. */
  next: 1,
  parts: 2,
  /** Workers that may be at a part. */
  busy: 3,
  failed: 4,
  kernel: 5,
  argCount: 6,
  scratch: 7,
  scratchStep: 8,
  units: 9,
  unitsOfPart: 10,
} as const;

const argsOffset = 64;
const mostArgs = 16;

/** More parts than there are: none is to be had. */
const noPart = 2 ** 30;

/** Looks at the counter of jobs before a worker sleeps. */
const spins = 20_000;

/**
 * Takes parts of the job at hand until there are none. Of a worker this is all there is, with
 * `serve`: their text is its program, so they refer to nothing but their arguments.
 */
function takeParts(
  words: Int32Array,
  args: Float64Array,
  functions: readonly ((...args: number[]) => void)[],
  index: number,
): void {
  for (;;) {
    const part = Atomics.add(words, 1, 1);
    if (part >= Atomics.load(words, 2)) return;
    const [kernel, argCount, scratch, scratchStep, units, unitsOfPart] = words.subarray(
      5,
      11,
    ) as unknown as [number, number, number, number, number, number];
    const begin = part * unitsOfPart;
    const end = Math.min(begin + unitsOfPart, units);
    functions[kernel]!(...args.subarray(0, argCount), scratch + index * scratchStep, begin, end);
  }
}

function serve(
  { module, memory, control, index, edge, kernels }: Start,
  take: typeof takeParts,
  spinCount: number,
  isUp: () => void,
): void {
  const words = new Int32Array(control, 0, 16);
  const args = new Float64Array(control, 64, 16);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as Record<string, unknown>;
  const functions = kernels.map((name) => exports[name] as (...args: number[]) => void);
  (exports['edge'] as { value: number }).value = edge;
  isUp();
  let seen = 0;
  for (;;) {
    let spin = 0;
    while (Atomics.load(words, 0) === seen) {
      if (++spin > spinCount) Atomics.wait(words, 0, seen);
    }
    seen = Atomics.load(words, 0);
    if (seen < 0) return;
    Atomics.add(words, 3, 1);
    try {
      take(words, args, functions, index);
    } catch {
      Atomics.store(words, 4, 1);
    }
    Atomics.sub(words, 3, 1);
  }
}

/**
 * Starts `threads` − 1 workers on the memory of `exports`. `edges` has an address for the `edge` of
 * each of them.
 */
export function startPool(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  exports: WasmExports,
  edges: readonly number[],
): ThreadPool {
  const control = new SharedArrayBuffer(argsOffset + 8 * mostArgs);
  const words = new Int32Array(control, 0, argsOffset / 4);
  const args = new Float64Array(control, argsOffset, mostArgs);
  const functions = partKernels.map((name) => exports[name] as (...args: number[]) => void);
  const kernels = partKernels;
  let failure: OctavoError | undefined;
  const fail = (cause: unknown): void => {
    failure ??= workerFailed(cause);
  };
  const workers = edges.map((edge, i) =>
    startWorker({ module, memory, control, index: i + 1, edge, kernels }, fail),
  );
  const allUp = Promise.all(workers.map(({ up }) => up));
  return {
    async ready() {
      await allUp;
      if (failure !== undefined) throw failure;
    },
    run({ kernel, args: given, scratch, scratchStep, units, unitsOfPart }) {
      if (failure !== undefined) throw failure;
      Atomics.store(words, word.next, noPart); // for who is late for the job before
      args.set(given);
      words[word.kernel] = partKernels.indexOf(kernel);
      words[word.argCount] = given.length;
      words[word.scratch] = scratch;
      words[word.scratchStep] = scratchStep;
      words[word.units] = units;
      words[word.unitsOfPart] = unitsOfPart;
      Atomics.store(words, word.parts, Math.ceil(units / unitsOfPart));
      Atomics.store(words, word.next, 0);
      Atomics.store(words, word.job, (words[word.job]! + 1) & 0x7fffffff);
      Atomics.notify(words, word.job);
      try {
        takeParts(words, args, functions, 0);
      } finally {
        Atomics.store(words, word.next, noPart);
        while (Atomics.load(words, word.busy) > 0);
      }
      if (Atomics.exchange(words, word.failed, 0) !== 0) {
        throw workerFailed(`${kernel} trapped`);
      }
    },
    close() {
      failure ??= new OctavoError('DISPOSED', 'the model was disposed of');
      Atomics.store(words, word.job, -1);
      Atomics.notify(words, word.job);
      for (const { stop } of workers) stop();
    },
  };
}

function workerFailed(cause: unknown): OctavoError {
  return new OctavoError('BACKEND_FAILURE', 'a worker of the WASM backend failed', {
    where: 'threads',
    expected: 'an engine that starts workers, or 1 thread',
    found: cause instanceof Error ? cause.message : String(cause),
    cause,
  });
}

interface StartedWorker {
  /** Resolves once it is, or won't be. */
  readonly up: Promise<void>;
  readonly stop: () => void;
}

/** Starts one worker, of Node or of the browser; `fail` is told if it ends before it is stopped. */
function startWorker(start: Start, fail: (cause: unknown) => void): StartedWorker {
  const program = `const take = ${takeParts}; const serve = ${serve};`;
  const builtin = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  let settle: () => void = () => {};
  const up = new Promise<void>((resolve) => {
    settle = resolve;
  });
  let stopped = false;
  const ended = (cause: unknown): void => {
    if (stopped) return;
    fail(cause);
    settle();
  };
  if (builtin !== undefined) {
    const worker = new builtin.Worker(
      `${program} const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
      serve(workerData, take, ${spins}, () => parentPort.postMessage('up'));`,
      { eval: true, workerData: start, execArgv: [] },
    );
    worker.on('message', () => {
      worker.unref(); // not before: a run may be waiting for it
      settle();
    });
    worker.on('error', ended);
    worker.on('exit', () => ended(new Error('a worker ended')));
    return {
      up,
      stop() {
        stopped = true;
        void worker.terminate();
      },
    };
  }
  const text = `${program} onmessage = ({ data }) => serve(data, take, ${spins}, () => postMessage('up'));`;
  const address = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  const worker = new Worker(address);
  worker.onmessage = () => settle();
  worker.onerror = (event) => ended(new Error(event.message));
  worker.postMessage(start);
  return {
    up,
    stop() {
      stopped = true;
      worker.terminate();
      URL.revokeObjectURL(address);
    },
  };
}
