/**
 * The main job of `npm start`: a trained network and labelled pictures in; calibrate, quantize, save,
 * reload; run FP32 and INT8 on every backend that loads, and on onnxruntime-node where it is installed;
 * print one table. Exits with 1 when backends give different INT8 bits.
 */
import { mkdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { OctavoError, quantizeStatic, saveModel } from 'octavo';
import {
  createTerminal,
  formatDecibels,
  formatMilliseconds,
  formatPercent,
  formatTable,
} from '../dist/esm/cli/terminal.js';
import { formatBytes } from '../dist/esm/graph/print.js';
import {
  answer,
  differingBits,
  latencies,
  openOctavo,
  openOnnxRuntime,
  similarity,
} from './measure.mjs';
import { dims, drawTextDirection, inputName, modelFile } from './text-direction.mjs';

const counts = { calibration: 128, evaluation: 512 };
/** The reference backend is plain TypeScript: a few pictures will do. */
const referenceCount = 16;
const latencyRounds = 200;

const root = fileURLToPath(new URL('..', import.meta.url));
const int8File = path.join(root, '.cache/examples/text-direction.int8.onnx');
const terminal = createTerminal({ quiet: false, json: false });

/** Runs `work` under a progress line, and says when it is done. */
async function withProgress(label, work) {
  const line = terminal.progress(label);
  const start = performance.now();
  try {
    return await work((done, total) => line.update(done, total));
  } finally {
    line.end();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    terminal.note(`  ${label.padEnd(24)}${seconds.padStart(5)} s`);
  }
}

async function quantizeToFile(samples) {
  const calibrationData = samples.map(({ data }) => ({
    [inputName]: { type: 'float32', dims, data },
  }));
  const { model, report } = await withProgress('Calibrating', (update) =>
    quantizeStatic(modelFile, {
      calibrationData,
      onProgress: ({ phase, done, total }) => phase === 'calibrate' && update(done, total),
    }),
  );
  mkdirSync(path.dirname(int8File), { recursive: true });
  await saveModel(model, int8File);
  return report;
}

/** Every engine that there is here, FP32 before INT8; a backend that does not load says why. */
async function openEngines() {
  const engines = [];
  const missing = new Set();
  for (const [precision, file] of [
    ['FP32', modelFile],
    ['INT8', int8File],
  ]) {
    const common = { precision, bytes: statSync(file).size };
    const runtime = await openOnnxRuntime(file, inputName, dims);
    if (runtime !== undefined) engines.push({ ...common, ...runtime });
    for (const backend of ['native', 'wasm', 'reference']) {
      try {
        const engine = await openOctavo(file, backend, inputName, dims);
        const isSlow = backend === 'reference';
        engines.push({ ...common, ...engine, backend, isSlow });
      } catch (error) {
        if (!(error instanceof OctavoError) || error.code !== 'BACKEND_UNAVAILABLE') throw error;
        missing.add(error.message);
      }
    }
  }
  for (const message of missing) terminal.note(`Left out: ${message}`);
  return engines;
}

async function answerAll(engines, samples) {
  const samplesFor = ({ isSlow }) => samples.slice(0, isSlow ? referenceCount : undefined);
  const total = engines.reduce((sum, engine) => sum + samplesFor(engine).length, 0);
  await withProgress('Answering', async (update) => {
    let done = 0;
    for (const engine of engines) {
      Object.assign(engine, await answer(engine, samplesFor(engine), () => update(++done, total)));
    }
  });
}

function printTable(engines, samples) {
  const baseline = engines[0];
  const rows = engines.map((engine) => {
    const { precision, name, outputs, bytes, latency } = engine;
    const { right, agreement, sqnr } = similarity(outputs, baseline.outputs, samples);
    const isBaseline = engine === baseline;
    return [
      `${precision}  ${name}`,
      engine.isSlow
        ? `${Math.round(right * outputs.length)} of ${outputs.length}`
        : formatPercent(right),
      isBaseline ? '–' : formatPercent(agreement),
      isBaseline ? '–' : formatDecibels(sqnr),
      formatBytes(bytes),
      formatMilliseconds(latency),
      engine.isSlow ? '–' : `${(baseline.latency / latency).toPrecision(2)}×`,
    ];
  });
  const head = ['', 'right', 'same as FP32', 'SQNR', 'size', 'latency', 'speed'];
  console.log(`\n${formatTable(head, rows)}\n`);
}

/** One line on the bits of the INT8 logits; returns whether they are the same on all backends. */
function compareBits(engines) {
  const [first, ...others] = engines.filter(
    ({ precision, backend }) => precision === 'INT8' && backend,
  );
  const differences = others
    .map(({ backend, outputs }) => [backend, differingBits(first.outputs, outputs)])
    .filter(([, count]) => count > 0);
  if (differences.length === 0) {
    const names = [first, ...others].map(({ backend }) => backend).join(', ');
    console.log(`✔ INT8 logits are the same bits on ${names}`);
    return true;
  }
  const list = differences.map(([backend, count]) => `${backend} (${count})`).join(', ');
  console.log(`✘ INT8 logits have other bits than ${first.backend}'s on ${list}`);
  return false;
}

console.log(
  'Octavo takes a trained network (PP-OCR: is this line of text upside down?) from FP32 to INT8.\n',
);
const data = await withProgress('Drawing lines of text', (update) =>
  drawTextDirection({ ...counts, onProgress: update }),
);
const report = await quantizeToFile(data.calibration);
const engines = await openEngines();
await answerAll(engines, data.evaluation);
const fast = engines.filter((engine) => !engine.isSlow);
const medians = await withProgress('Timing', (update) =>
  latencies(fast, data.evaluation[0].data, latencyRounds, update),
);
fast.forEach((engine, i) => {
  engine.latency = medians[i];
});
const int8Nodes = Object.values(report.model.int8).reduce((a, b) => a + b, 0);
console.log(`
${os.cpus()[0]?.model.trim()}, Node ${process.version}, one thread, one picture at a time.
${counts.evaluation} pictures; calibrated on ${counts.calibration} others; ${int8Nodes} operators in INT8.`);
printTable(engines, data.evaluation);
const areIdentical = compareBits(engines);
for (const engine of engines) await engine.close();
console.log(`✔ The INT8 model is an ordinary ONNX file: ${path.relative(process.cwd(), int8File)}

Now yours:  npx octavo quantize model.onnx --data images/ -o model.int8.onnx`);
process.exitCode = areIdentical ? 0 : 1;
