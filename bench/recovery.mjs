/**
 * What each way of quantizing reaches: the defaults, with corrected biases, what onnxruntime's own defaults amount to
 * (max, one scale per weight tensor), the one call with a budget of 1 %, and published files, all by Octavo on the
 * evaluation split, beside the float model.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  calibrate,
  Difference,
  exportModel,
  InferenceSession,
  loadModel,
  quantize,
  quantizeStatic,
} from '../dist/esm/index.js';
import { argmax, feedsOf, logitsOf } from './answers.mjs';
import { dataFolder, hasData, tasks } from './datasets.mjs';

const published = { mobilenet_v2: 'mobilenet_v2_1.0_224_int8pc_qdq.onnx' };

export async function run({ filter, limit }) {
  if (!hasData) throw new Error('no data: set OCTAVO_DATA');
  const rows = [];
  for (const task of tasks.filter(({ name }) => filter.test(name))) {
    rows.push(...(await runTask(task, limit)));
  }
  return { rows };
}

async function runTask(task, limit) {
  const calibrationSet = await task.calibration();
  const evaluation = await task.evaluation();
  const count = Math.min(limit ?? evaluation.count, evaluation.count);
  const data = [...feedsOf(task, calibrationSet, calibrationSet.count)];
  const float = await loadModel(task.model);
  const reference = await answersOf(float, task, evaluation, count);
  const calibration = await calibrate(float, { calibrationData: data });
  const common = { calibration, calibrationData: data };
  const biasCorrection = { samples: 32 };
  const ways = {
    'static (mse)': () => quantizeStatic(float, common),
    'static, biases corrected': () => quantizeStatic(float, { ...common, biasCorrection }),
    'max, weights per tensor': () =>
      quantizeStatic(float, { ...common, calibrationMethod: 'max', perChannel: false }),
    'one call, 1 %': () => quantize(float, { calibrationData: data, maxDrop: 0.01 }),
  };
  const file = path.join(dataFolder, 'models/quantized', published[task.name] ?? '');
  if (published[task.name] && existsSync(file)) {
    ways['published file'] = async () => ({ model: await loadModel(file) });
  }
  console.log(`\n${task.name}: ${count} samples, calibrated on ${calibrationSet.count}`);
  const rows = [rowOf(task, 'float', reference, reference, evaluation, {})];
  for (const [way, make] of Object.entries(ways)) {
    const start = performance.now();
    const { model, floatLayers, accuracy, scheme } = await make();
    const seconds = (performance.now() - start) / 1000;
    const answers = await answersOf(model, task, evaluation, count);
    const bytes = exportModel(model.graph, model.meta).length;
    const extra = { seconds, bytes, floatLayers, budget: accuracy, scheme };
    rows.push(rowOf(task, way, reference, answers, evaluation, extra));
  }
  for (const row of rows) console.log(describe(row));
  return rows;
}

/** Answers in front of a final softmax: behind it every confident answer looks alike. */
async function answersOf(model, task, evaluation, count) {
  const session = await InferenceSession.create({ ...model, graph: withLogits(model.graph) });
  const [input] = session.inputs;
  const answers = [];
  for (const { [task.input]: tensor } of feedsOf(task, evaluation, count)) {
    answers.push(Object.values(await session.run({ [input.name]: tensor })));
  }
  session.dispose();
  return answers;
}

function withLogits(graph) {
  const outputs = graph.outputs.map((output) => ({
    ...output,
    value: logitsOf(graph, output.value),
  }));
  return { ...graph, outputs };
}

function rowOf(task, way, reference, answers, { labels }, extra) {
  const difference = new Difference();
  let right = 0;
  let agreeing = 0;
  answers.forEach((tensors, i) => {
    for (const [o, tensor] of tensors.entries()) difference.add(reference[i][o], tensor, task.name);
    const best = argmax(tensors[0].data);
    if (best === argmax(reference[i][0].data)) agreeing++;
    if (labels !== undefined && best - (task.firstClass ?? 0) === labels[i]) right++;
  });
  const { sqnr, cosine } = difference.measures;
  const isLabelled = task.metric === 'top1' && labels !== undefined;
  return {
    suite: 'recovery',
    case: task.name,
    contender: way,
    samples: answers.length,
    top1: isLabelled ? (100 * right) / answers.length : undefined,
    agreement: (100 * agreeing) / answers.length,
    sqnr,
    cosine,
    ...extra,
  };
}

function describe({ contender, top1, agreement, sqnr, seconds, bytes, floatLayers, budget }) {
  const parts = [
    contender.padEnd(26),
    top1 === undefined ? ''.padEnd(14) : `top-1 ${top1.toFixed(2)} %`.padEnd(14),
    `agreement ${agreement.toFixed(1).padStart(5)} %`,
    `${sqnr.toFixed(1).padStart(6)} dB`,
  ];
  if (bytes) parts.push(`${(bytes / 1e6).toFixed(2)} MB in ${seconds.toFixed(1)} s`);
  if (budget) {
    parts.push(budget.withinBudget ? 'within' : 'NOT within', `float: ${floatLayers.length}`);
  }
  return `  ${parts.join('  ')}`;
}
