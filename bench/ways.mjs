/** What suites share that quantize a task's model in several ways, and compare the answers on its evaluation split. */
import { Difference, exportModel, InferenceSession, loadModel } from '../dist/esm/index.js';
import { argmax, feedsOf, logitsOf } from './answers.mjs';

/**
 * Rows of the float model and of each way, printed as they come. `waysOf(float, data)` gives functions that quantize, by
 * the name of the way; only those whose names match `ways` are called.
 */
export async function compareWays(suite, task, { limit, ways: wanted = /(?:)/ }, waysOf) {
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
    if (!wanted.test(way)) continue;
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
  const names = session.inputs.map(({ name }) => name);
  const answers = [];
  for (const feeds of feedsOf(task, evaluation, count)) {
    // The input of a published file may have another name.
    const renamed = names.length === 1 ? { [names[0]]: Object.values(feeds)[0] } : feeds;
    answers.push(await session.run(renamed));
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

const answerOf = ({ answer }, tensors) => tensors[answer] ?? Object.values(tensors)[0];

function rowOf(task, way, reference, answers, evaluation, extra) {
  const { labels } = evaluation;
  const difference = new Difference();
  let right = 0;
  let agreeing = 0;
  for (const [i, tensors] of answers.entries()) {
    const [expected, found] = [Object.values(reference[i]), Object.values(tensors)];
    for (const [o, tensor] of found.entries()) difference.add(expected[o], tensor, task.name);
    const best = argmax(answerOf(task, tensors).data);
    if (best === argmax(answerOf(task, reference[i]).data)) agreeing++;
    if (labels !== undefined && best - (task.firstClass ?? 0) === labels[i]) right++;
  }
  const { sqnr, cosine, top1Agreement } = difference.measures;
  const isLabelled = task.metric === 'top1' && labels !== undefined;
  const share = task.right?.(answers.map(Object.values), evaluation);
  return {
    case: task.name,
    contender: way,
    samples: answers.length,
    top1: isLabelled ? (100 * right) / answers.length : share && 100 * share,
    agreement: 100 * (task.right ? top1Agreement : agreeing / answers.length),
    sqnr,
    cosine,
    ...(task.embedding && cosinesOf(task.embedding, reference, answers)),
    ...extra,
  };
}

/** Mean and lowest cosine between the embeddings of a sample. */
function cosinesOf(name, reference, answers) {
  const cosines = answers.map(({ [name]: { data } }, i) => {
    const expected = reference[i][name].data;
    const dot = (a, b) => a.reduce((sum, x, j) => sum + x * b[j], 0);
    return dot(data, expected) / Math.sqrt(dot(data, data) * dot(expected, expected));
  });
  const sum = cosines.reduce((a, b) => a + b, 0);
  return { meanCosine: sum / cosines.length, lowestCosine: Math.min(...cosines) };
}

function describe(row) {
  const { contender, top1, agreement, sqnr, seconds, bytes, floatLayers, budget, scheme } = row;
  const parts = [
    contender.padEnd(30),
    top1 === undefined ? ''.padEnd(13) : `right ${top1.toFixed(2).padStart(5)} %`,
    `same ${agreement.toFixed(1).padStart(5)} %`,
    `${sqnr.toFixed(1).padStart(5)} dB`,
  ];
  if (row.meanCosine !== undefined) {
    parts.push(`cosine ${row.meanCosine.toFixed(5)}, lowest ${row.lowestCosine.toFixed(4)}`);
  }
  if (bytes) parts.push(`${(bytes / 1e6).toFixed(2)} MB in ${seconds.toFixed(1)} s`);
  if (budget) {
    parts.push(budget.withinBudget ? 'within' : 'NOT within', `float: ${floatLayers.length}`);
    parts.push(scheme);
  }
  return `  ${parts.join('  ')}`;
}
