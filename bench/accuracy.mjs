/**
 * What quantizing costs in answers: every development model is quantized on its calibration split and
 * measured on its evaluation split, in float, by Octavo's backends, and by onnxruntime-node running the
 * file that Octavo wrote.
 */
import { readFileSync } from 'node:fs';
import { exportModel, quantizeStatic } from '../dist/esm/index.js';
import { argmax, feedsOf, logitsOf } from './answers.mjs';
import { hasData, tasks } from './datasets.mjs';
import { loadOnnxRuntime, octavoEngine, onnxRuntimeEngine } from './peers.mjs';

export async function run({ filter, limit, method, percentile, backends = ['native', 'wasm'] }) {
  if (!hasData) throw new Error('no data: set OCTAVO_DATA');
  const rows = [];
  for (const task of tasks.filter(({ name }) => filter.test(name))) {
    rows.push(...(await runTask(task, { limit, method, percentile, backends })));
  }
  return { rows };
}

async function runTask(task, { limit, method, percentile, backends }) {
  const calibration = await task.calibration();
  const started = performance.now();
  const { model, report } = await quantizeStatic(task.model, {
    calibrationData: feedsOf(task, calibration, calibration.count),
    calibrationMethod: method,
    percentile,
  });
  const seconds = (performance.now() - started) / 1000;
  const bytes = exportModel(withInteger(model.graph), model.meta);
  const float = readFileSync(task.model);
  const evaluation = await task.evaluation();
  const count = Math.min(limit ?? evaluation.count, evaluation.count);

  const contenders = { 'octavo fp32': () => octavoEngine(float, { backend: 'native' }) };
  for (const backend of backends) {
    contenders[`octavo int8 ${backend}`] = () => octavoEngine(bytes, { backend });
  }
  if (loadOnnxRuntime()) {
    contenders['onnxruntime-node fp32'] = () => onnxRuntimeEngine(float, 1);
    contenders['onnxruntime-node int8'] = () => onnxRuntimeEngine(bytes, 1);
  }
  console.log(
    `\n${task.name}: ${count} samples, calibrated on ${calibration.count} in ${seconds.toFixed(1)} s, ` +
      `${(report.model.bytesBefore / report.model.bytesAfter).toFixed(2)}× smaller`,
  );
  const rows = [];
  let reference;
  for (const [name, open] of Object.entries(contenders)) {
    const answers = await answersOf(await open(), task, evaluation, count);
    reference ??= answers;
    const row = { ...score(task, answers, reference, evaluation.labels), digest: answers.digest };
    rows.push({ suite: 'accuracy', case: task.name, contender: name, samples: count, ...row });
    console.log(
      `  ${name.padEnd(24)} ${row.top1 === undefined ? '' : `top-1 ${row.top1.toFixed(2)} %  `}` +
        `agreement ${row.agreement.toFixed(1)} %  SQNR ${row.sqnr.toFixed(1)} dB  bits ${row.digest}`,
    );
  }
  return rows;
}

/** Name of the extra output whose bits are compared. */
const bitsOutput = 'octavo_bits';

/**
 * The graph with one more output, in front of a final softmax: the last value that integer arithmetic
 * alone decides. Float functions agree within a tolerance, not bit for bit.
 */
function withInteger(graph) {
  const value = logitsOf(graph, graph.outputs[0].value);
  return { ...graph, outputs: [...graph.outputs, { name: bitsOutput, value }] };
}

/** All outputs of an engine on the evaluation split, and a digest of their bits. */
async function answersOf(engine, task, evaluation, count) {
  const outputs = [];
  let digest = 0x811c9dc5;
  for (const feeds of feedsOf(task, evaluation, count)) {
    const { [bitsOutput]: bits, ...result } = await engine.run(feeds);
    const sample = Object.values(result).map(({ data }) => Float32Array.from(data));
    for (const word of new Uint32Array(Float32Array.from(bits?.data ?? sample[0]).buffer)) {
      digest = Math.imul(digest ^ word, 0x01000193) >>> 0;
    }
    outputs.push(sample);
  }
  await engine.close();
  return { outputs, digest: digest.toString(16).padStart(8, '0') };
}

function score({ metric, firstClass = 0 }, { outputs }, reference, labels) {
  let signal = 0;
  let noise = 0;
  let agreeing = 0;
  let right = 0;
  outputs.forEach((sample, i) => {
    sample.forEach((data, o) => {
      const expected = reference.outputs[i][o];
      for (let j = 0; j < data.length; j++) {
        signal += expected[j] ** 2;
        noise += (expected[j] - data[j]) ** 2;
      }
    });
    const best = argmax(sample[0]);
    if (best === argmax(reference.outputs[i][0])) agreeing++;
    if (labels !== undefined && best - firstClass === labels[i]) right++;
  });
  return {
    top1: metric === 'top1' && labels !== undefined ? (100 * right) / outputs.length : undefined,
    agreement: (100 * agreeing) / outputs.length,
    sqnr: 10 * Math.log10(signal / noise),
  };
}
