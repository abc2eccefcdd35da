/**
 * onnxruntime as contenders, one model each: the time of `await session.run()` as its user sees it, and the time that
 * its own profiler gives for the kernels that compute, taken in the same rounds.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { median } from './timing.mjs';

/** A session of `ort` on `bytes` and its feeds as tensors. `options` add to what all sessions have. */
async function openSession(ort, bytes, feeds, options) {
  const session = await ort.InferenceSession.create(bytes, {
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...options,
  });
  const tensors = Object.entries(feeds).map(([name, { type, dims, data }]) => [
    name,
    new ort.Tensor(type, data, dims),
  ]);
  return { session, tensors: Object.fromEntries(tensors) };
}

/** The first output of a session. */
const firstOf = (outputs) => Object.values(outputs)[0].data;

export async function wallContender(name, ort, { bytes, feeds }, options) {
  const { session, tensors } = await openSession(ort, bytes, feeds, options);
  return {
    name,
    async burst(repeats) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < repeats; i++) await session.run(tensors);
      return Number(process.hrtime.bigint() - start);
    },
    answer: async () => firstOf(await session.run(tensors)),
    close: () => session.release(),
  };
}

/** What counts as the layer's kernel among the nodes of a profile: not what moves data around it. */
const counted = /MatMul|Gemm|Conv|QuantizeLinear|DequantizeLinear/;

/**
 * A session with the profiler on. Its bursts are timed like any other; `finish()` closes it and gives the median
 * nanoseconds of the kernels that compute, or undefined if there was none (the model was not fused as was meant).
 * The profiler gives whole microseconds, rounded down: half a microsecond is added to each node.
 */
export async function profiledContender(name, ort, { bytes, feeds }, options) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'octavo-bench-'));
  const { session, tensors } = await openSession(ort, bytes, feeds, {
    ...options,
    enableProfiling: true,
    profileFilePrefix: path.join(folder, 'profile'),
  });
  /** Of each run so far, whether it counts. */
  const counts = [];
  let last = 0;
  return {
    name,
    async burst(repeats) {
      last = repeats;
      for (let i = 0; i < repeats; i++) counts.push(false);
      const start = process.hrtime.bigint();
      for (let i = 0; i < repeats; i++) await session.run(tensors);
      return Number(process.hrtime.bigint() - start);
    },
    keep: () => counts.fill(true, counts.length - last),
    async finish() {
      session.endProfiling();
      await session.release();
      const [file] = readdirSync(folder);
      const events = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
      rmSync(folder, { recursive: true });
      return kernelTime(events, counts);
    },
  };
}

/** Events of a profile → nanoseconds. `counts`: of each run, whether it does. */
export function kernelTime(events, counts) {
  const durations = new Map();
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue;
    if (!counted.test(args.op_name)) continue;
    if (!durations.has(name)) durations.set(name, []);
    durations.get(name).push(dur);
  }
  if (durations.size === 0 || !counts.includes(true)) return undefined;
  let total = 0;
  for (const times of durations.values()) {
    total += median(times.filter((_, run) => counts[run])) + 0.5;
  }
  return total * 1000;
}
