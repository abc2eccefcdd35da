/**
 * How late the event loop is while a model runs: Node's own monitorEventLoopDelay, a timer of 1 ms whose period counts, so
 * that a loop with nothing to do shows a little more than 1. One model has small inputs and outputs, the other takes
 * 9 MB and gives as many back: those are copied on the event loop, once.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelBuilder } from './onnx.mjs';
import { loadOnnxRuntime, octavoEngine, onnxRuntimeEngine } from './peers.mjs';
import { makeRows, printRows } from './rows.mjs';
import { median } from './timing.mjs';

/** Products of rows with a square matrix, in float: about 50 ms on one core each. */
const models = [
  { name: '50 ms', rows: 128, size: 1024, products: 20 },
  { name: '50 ms, 9 MB in and out', rows: 1536, size: 1536, products: 1 },
];
const threadCounts = [1, 2];
const rounds = 7;
const runsOfRound = 10;
const percentiles = { p50: 50, p99: 99, max: 100 };

/** Rows of every model, count of threads and percentile, with the peer's beside ours. */
export async function measureLoop(name) {
  const rows = [];
  for (const model of models) {
    for (const threads of threadCounts) {
      rows.push(...(await measureModel(`${name}, ${model.name}`, model, threads)));
    }
  }
  return rows;
}

async function measureModel(name, { rows, size, products }, threads) {
  const feeds = { x: { type: 'float32', dims: [rows, size], data: numbers(rows * size) } };
  const engines = await enginesOf(chainOfProducts(rows, size, products), threads);
  const delays = engines.map(() => ({ p50: [], p99: [], max: [] }));
  for (const { engine } of engines) await engine.run(feeds);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { engine }] of engines.entries()) {
      const histogram = await delaysDuring(() => engine.run(feeds));
      for (const [key, percent] of Object.entries(percentiles)) {
        delays[i][key].push(histogram.percentile(percent) / 1e6);
      }
    }
  }
  for (const { engine } of engines) await engine.close();
  return Object.keys(percentiles).flatMap((key) => {
    const [value, ...others] = delays.map((delay) => median(delay[key]));
    const peers = others.map((peerValue, i) => ({ peer: engines[i + 1].name, peerValue }));
    const { isa } = engines[0].engine;
    const base = { suite: 'overhead', case: `${name}, ${key}`, backend: 'native', isa, threads };
    const measured = makeRows({ ...base, metric: 'ms', value, rounds }, peers);
    printRows(measured);
    return measured;
  });
}

/** The delays during some calls, one after the other, and the turns between them. */
async function delaysDuring(call) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await sleep(3); // the first period has begun
  for (let i = 0; i < runsOfRound; i++) {
    await call();
    await sleep(1); // so that a run which held up the loop is seen before the next one
  }
  histogram.disable();
  return histogram;
}

async function enginesOf(bytes, threads) {
  const ours = await octavoEngine(bytes, { backend: 'native', intraOpNumThreads: threads });
  const engines = [{ name: 'octavo', engine: ours }];
  const peer = loadOnnxRuntime();
  if (peer !== undefined) {
    const engine = await onnxRuntimeEngine(bytes, threads);
    engines.push({ name: `onnxruntime-node ${peer.version}`, engine });
  }
  return engines;
}

function chainOfProducts(rows, size, products) {
  const model = new ModelBuilder();
  let value = model.input('x', 'float32', [rows, size]);
  const weight = model.constant('float32', [size, size], numbers(size * size));
  for (let i = 0; i < products; i++) value = model.node('MatMul', [value, weight]);
  model.output(value, 'float32', [rows, size]);
  return model.bytes();
}

/** Small enough that no product of products overflows. */
function numbers(length) {
  return new Float32Array(length).map((_, i) => (((i * 31) % 251) / 251 - 0.5) / 16);
}
