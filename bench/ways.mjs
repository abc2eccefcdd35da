/** What suites share that quantize a task's model in several ways, and compare the answers on its evaluation split. */
import { Difference, exportModel, InferenceSession, loadModel } from '../dist/esm/index.js';
import { argmax, feedsOf, logitsOf } from './answers.mjs';

/**
 * Rows of the float model and of each way, printed as they come. `waysOf(float, data)` gives functions that quantize, by
 * the name of the way.
 */
export async function compareWays(suite, task, limit, waysOf) {
  const calibrationSet = await task.calibration();
  const evaluation = await task.evaluation();
  const count = Math.min(limit ?? evaluation.count, evaluation.count);
  const data = [...feedsOf(task, calibrationSet, calibrationSet.count)];
  const float = await loadModel(task.model);
  const reference = await answersOf(float, task, evaluation, count);
  console.log(`\n${task.name}: ${count} samples, calibrated on ${calibrationSet.count}`);
  const rows = [];
  const add = (way, answers, extra) => {
    const row = { suite, ...rowOf(task, way, reference, answers, evaluation, extra) };
    rows.push(row);
    console.log(describe(row));
  };
  add('float', reference, {});
  for (const [way, make] of Object.entries(await waysOf(float, data))) {
    const start = performance.now();
    const { model, floatLayers, accuracy, scheme } = await make();
    const seconds = (performance.now() - start) / 1000;
    const answers = await answersOf(model, task, evaluation, count);
    const bytes = exportModel(model.graph, model.meta).length;
    add(way, answers, { seconds, bytes, floatLayers, budget: accuracy, scheme });
  }
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
    contender.padEnd(32),
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
