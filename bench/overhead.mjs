/**
 * What is not arithmetic: the time of a call with next to nothing to do, of one more step in a plan, and how late the event
 * loop is while a model of about 50 ms runs. Beside onnxruntime-node.
 */
import { createNativeBackend } from '../dist/esm/backends/native/index.js';
import { measureLoop } from './loop.mjs';
import { ModelBuilder } from './onnx.mjs';
import { loadOnnxRuntime, octavoEngine, onnxRuntimeEngine } from './peers.mjs';
import { planContender, singleStepPlan } from './plan.mjs';
import { makeRows, printRows } from './rows.mjs';
import { asyncContender, takeTurns } from './timing.mjs';

/** Nodes of the longer of two models whose difference is the time of a step. */
const chainLength = 1001;

export async function run({ filter }) {
  const parts = [
    ['run() of a model of one step', measureRun],
    ['one more step in run()', measureStep],
    ['runSync() of a plan of one step', measurePlan],
    ['event loop delay', measureLoop],
  ];
  const rows = [];
  for (const [name, measure] of parts) {
    if (filter.test(name)) rows.push(...(await measure(name)));
  }
  return { rows };
}

function rowsOf(name, backend, isa, { metric, value, rounds }, peers) {
  const base = { suite: 'overhead', case: name, backend, isa, threads: 1 };
  const rows = makeRows({ ...base, metric, value, rounds }, peers);
  printRows(rows);
  return rows;
}

/** Octavo on its backends and the peer, on one model: [{ name, engine }]. */
async function enginesOf(bytes) {
  const engines = [];
  for (const backend of ['native', 'wasm']) {
    const options = backend === 'native' ? { backend, intraOpNumThreads: 1 } : { backend };
    engines.push({ name: backend, engine: await octavoEngine(bytes, options) });
  }
  const peer = loadOnnxRuntime();
  if (peer !== undefined) {
    const name = `onnxruntime-node ${peer.version}`;
    engines.push({ name, engine: await onnxRuntimeEngine(bytes, 1) });
  }
  return engines;
}

async function measureRun(name) {
  const { engines, times, rounds } = await timesOfChains([1]);
  return backendRows(name, engines, times[0], rounds);
}

async function measureStep(name) {
  const { engines, times, rounds } = await timesOfChains([1, chainLength]);
  const us = engines.map((_, i) => (times[1][i] - times[0][i]) / (chainLength - 1));
  return backendRows(name, engines, us, rounds);
}

function backendRows(name, engines, us, rounds) {
  const isPeer = (engine) => engine.name.includes('onnxruntime');
  const peers = engines.flatMap((engine, i) =>
    isPeer(engine) ? [{ peer: engine.name, peerValue: us[i] }] : [],
  );
  return engines.flatMap(({ name: backend, isa }, i) =>
    isPeer({ name: backend })
      ? []
      : rowsOf(name, backend, isa, { metric: 'us', value: us[i], rounds }, peers),
  );
}

/** Microseconds of `run()` on chains of so many Abs and Neg of one number, by length and engine. */
async function timesOfChains(lengths) {
  const feeds = { x: { type: 'float32', dims: [1], data: Float32Array.of(-1) } };
  const all = [];
  for (const length of lengths) all.push(await enginesOf(chain(length)));
  const contenders = all
    .flat()
    .map(({ name, engine }) => asyncContender(name, () => engine.run(feeds)));
  const { times, rounds } = await takeTurns(contenders, { budget: 1000 * contenders.length });
  for (const { engine } of all.flat()) await engine.close();
  const [engines] = all;
  return {
    engines: engines.map(({ name, engine }) => ({ name, isa: engine.isa })),
    times: lengths.map((_, i) => engines.map((__, j) => times[i * engines.length + j] / 1000)),
    rounds,
  };
}

function chain(length) {
  const model = new ModelBuilder();
  let value = model.input('x', 'float32', [1]);
  for (let i = 0; i < length; i++) value = model.node(i % 2 === 0 ? 'Abs' : 'Neg', [value]);
  model.output(value, 'float32', [1]);
  return model.bytes();
}

/** A synchronous call into the addon, and the same without a call. */
async function measurePlan(name) {
  const operand = { type: 'float32', dims: [1] };
  const plan = singleStepPlan('Copy', [operand], [operand]);
  const backend = createNativeBackend({ threads: 1 });
  const inputs = [Float32Array.of(1)];
  const inside = planContender('inside', plan, inputs, backend);
  const called = {
    name: 'called',
    burst(repeats) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < repeats; i++) inside.answer();
      return Number(process.hrtime.bigint() - start);
    },
  };
  const { times, rounds } = await takeTurns([called, inside]);
  inside.close();
  const [value, peerValue] = times.map((time) => time / 1000);
  const peers = [{ peer: 'octavo native, without the call', peerValue }];
  return rowsOf(name, 'native', backend.isa, { metric: 'us', value, rounds }, peers);
}
