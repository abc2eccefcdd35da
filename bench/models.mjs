/**
 * Whole networks, batch 1: milliseconds of one run, interleaved with onnxruntime-node on the same float
 * model and on the same INT8 file. A ratio above 1 means that Octavo is ahead.
 */
import { readFileSync } from 'node:fs';
import { exportModel, quantizeStatic } from '../dist/esm/index.js';
import { hasData, tasks } from './datasets.mjs';
import { interleave, loadOnnxRuntime, octavoEngine, onnxRuntimeEngine } from './peers.mjs';

export async function run({ filter, threads, backends = ['native'] }) {
  if (!hasData) throw new Error('no data: set OCTAVO_DATA');
  const peer = loadOnnxRuntime();
  const rows = [];
  for (const task of tasks.filter(({ name }) => filter.test(name))) {
    const calibration = await task.calibration();
    const feeds = (i) => ({
      [task.input]: { type: 'float32', data: calibration.input(i), dims: task.dims },
    });
    const { model } = await quantizeStatic(task.model, {
      calibrationData: Array.from({ length: 8 }, (_, i) => feeds(i)),
      calibrationMethod: 'max',
    });
    const float = readFileSync(task.model);
    const int8 = exportModel(model.graph, model.meta);
    const native = { intraOpNumThreads: threads };
    const contenders = [];
    for (const backend of backends) {
      const options = backend === 'native' ? { backend, ...native } : { backend };
      contenders.push({ name: `${backend} int8`, open: () => octavoEngine(int8, options) });
      contenders.push({ name: `${backend} fp32`, open: () => octavoEngine(float, options) });
    }
    if (peer !== undefined) {
      const name = `onnxruntime-node ${peer.version}`;
      contenders.push({ name: `${name} int8`, open: () => onnxRuntimeEngine(int8, threads) });
      contenders.push({ name: `${name} fp32`, open: () => onnxRuntimeEngine(float, threads) });
    }
    const engines = await Promise.all(contenders.map(({ open }) => open()));
    const ms = await interleave(engines, feeds(0));
    for (const engine of engines) await engine.close();

    console.log(`\n${task.name}, ${threads} thread${threads === 1 ? '' : 's'}`);
    const [best] = ms;
    contenders.forEach(({ name }, i) => {
      const ratio = i === 0 ? '' : `  ${(ms[i] / best).toFixed(2)}×`;
      console.log(`  ${name.padEnd(32)} ${ms[i].toFixed(3).padStart(9)} ms${ratio}`);
      if (i > 0) {
        rows.push({
          suite: 'models',
          case: `${task.name} int8`,
          backend: backends[0],
          threads,
          metric: 'ms',
          value: best,
          peer: name,
          peerValue: ms[i],
          ratio: ms[i] / best,
          rounds: 31,
        });
      }
    });
  }
  return { rows };
}
