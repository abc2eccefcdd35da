/**
 * Whole networks, batch 1: milliseconds of one run, in turn with onnxruntime-node, or for WASM with onnxruntime-web, on the
 * same float model and on the same INT8 file. A ratio above 1 means that Octavo is ahead. Below stands where Octavo's time goes, by
 * kind of step. Networks with random weights come first, then the development models where their data are.
 */
import { readFileSync } from 'node:fs';
import { exportModel, quantizeDynamic, quantizeStatic } from '../dist/esm/index.js';
import { hasData, tasks } from './datasets.mjs';
import { encoders } from './encoders.mjs';
import { networks } from './networks.mjs';
import { loadOnnxRuntime, octavoEngine, onnxRuntimeEngine } from './peers.mjs';
import { makeRows, printRows } from './rows.mjs';
import { asyncContender, takeTurns } from './timing.mjs';

/** Samples that scales are taken from: what they are does not change the time of a run. */
const calibrationSamples = 8;
/** Milliseconds for each contender. */
const budget = 700;
/** Runs that a profile is the median of, and those that warm up before. */
const profiled = { runs: 10, warmUp: 2 };

export async function run({ filter, threads, backends = ['native'] }) {
  if (!hasData) console.log('the development models are left out: set OCTAVO_DATA');
  const rows = [];
  for (const task of [...networks, ...encoders, ...(hasData ? tasks : [])]) {
    if (!filter.test(task.name)) continue;
    for (const backend of backends) rows.push(...(await measureNetwork(task, backend, threads)));
  }
  return { rows };
}

async function measureNetwork(task, backend, threads) {
  const feeds = await samplesOf(task);
  const files = await filesOf(task, feeds);
  const found = await contendersOf(files, backend, threads);
  const inputs = feeds(0);
  const contenders = found.map(({ engine, name }) =>
    asyncContender(name, () => engine.run(inputs)),
  );
  const { times, rounds } = await takeTurns(contenders, { budget: budget * contenders.length });
  for (const one of found) {
    if (one.ours) one.profile = await operatorsOf(one.engine, inputs);
    await one.engine.close();
  }
  const ms = times.map((time) => time / 1e6);
  const rows = ['int8', 'fp32'].flatMap((precision) => {
    const ours = found.findIndex((one) => one.ours && one.precision === precision);
    // The float network against peers in float; the int8 one against everything.
    const peers = found.flatMap(({ name, precision: other }, i) =>
      i === ours || (precision === 'fp32' && other !== 'fp32')
        ? []
        : [{ peer: name, peerValue: ms[i] }],
    );
    const measured = {
      suite: 'models',
      case: `${task.name} ${precision}`,
      backend,
      isa: found[ours].engine.isa,
      threads,
      metric: 'ms',
      value: ms[ours],
      rounds,
    };
    const own = makeRows(measured, peers);
    own[0].profile = found[ours].profile;
    printRows(own);
    return own;
  });
  return rows;
}

/** Where the time of a run goes, the slowest kind of step first. */
async function operatorsOf(engine, inputs) {
  const { operators } = await engine.profile(inputs, profiled);
  return operators.map(({ op, steps, ms, share, gops }) => ({ op, steps, ms, share, gops }));
}

/** Inputs of a task by their number, as feeds. */
export async function samplesOf(task) {
  const calibration = await task.calibration();
  return (i) => ({
    [task.input]: { type: 'float32', data: calibration.input(i), dims: task.dims },
  });
}

/**
 * The files of a task: float, INT8 for Octavo, and INT8 for the peer where that is another. Encoders are quantized
 * dynamically: Octavo runs its default, a scale for each token; onnxruntime runs one for the whole tensor, which is what
 * its own quantizer writes and has a fused operator for.
 */
export async function filesOf(task, feeds) {
  const source = task.model;
  const written = ({ model }) => exportModel(model.graph, model.meta);
  const fp32 = typeof source === 'string' ? readFileSync(source) : source;
  if (task.dynamic) {
    const int8 = written(await quantizeDynamic(source));
    const peerInt8 = written(await quantizeDynamic(source, { activations: 'per-tensor' }));
    return { int8, peerInt8, fp32 };
  }
  const { model } = await quantizeStatic(source, {
    calibrationData: Array.from({ length: calibrationSamples }, (_, i) => feeds(i)),
    calibrationMethod: 'max',
  });
  const int8 = exportModel(model.graph, model.meta);
  return { int8, peerInt8: int8, fp32 };
}

/** The engine that a backend is measured against, { label, open(bytes, threads) }; undefined where it is not installed. */
async function peerOf(backend) {
  if (backend === 'wasm') {
    const { installHint, loadOnnxRuntimeWeb } = await import('./webPeers.mjs');
    const web = await loadOnnxRuntimeWeb();
    if (web === undefined) console.log(`onnxruntime-web is missing: ${installHint}`);
    return web && { label: web.name, open: web.engine };
  }
  const node = loadOnnxRuntime();
  return node && { label: `onnxruntime-node ${node.version}`, open: onnxRuntimeEngine };
}

/** [{ name, precision, engine, ours? }]: Octavo, Octavo on one thread if that is another number, and the peer. */
async function contendersOf(files, backend, threads) {
  const found = [];
  const peer = await peerOf(backend);
  for (const precision of ['int8', 'fp32']) {
    const octavo = (count) => octavoEngine(files[precision], { backend, intraOpNumThreads: count });
    const name = `octavo ${backend} ${precision}`;
    found.push({ name, precision, engine: await octavo(threads), ours: true });
    if (threads > 1 && backend === 'native') {
      found.push({ name: `${name} 1 thread`, precision, engine: await octavo(1) });
    }
    if (peer !== undefined) {
      const file = precision === 'int8' ? files.peerInt8 : files.fp32;
      const engine = await peer.open(file, threads);
      found.push({ name: `${peer.label} ${precision}`, precision, engine });
    }
  }
  return found;
}
