/**
 * The WASM backend beside the engines for browsers, one thread each, on this Node and on others (--node PATH, or OCTAVO_NODES, a
 * list as in PATH): what V8 makes of WebAssembly differs between them. Times are those of calls, copies included.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createWasmBackend } from '../dist/esm/backends/wasm/index.js';
import { cases } from './cases.mjs';
import { drawLayer, floatLayer, floatPlan, int8Plan } from './layer.mjs';
import { channelsLast, floatModel, int8Model } from './onnx.mjs';
import { planContender } from './plan.mjs';
import { makeRows, printRows } from './rows.mjs';
import { takeTurns } from './timing.mjs';

/** Shapes that engines for browsers get through in tolerable time. */
const shapes = cases.filter(({ ops }) => ops < 3e9);
/** Milliseconds before V8 has compiled everything with its best compiler, and for each contender. */
const warmUp = 300;
const budgetOfContender = 250;

const main = fileURLToPath(new URL('./main.mjs', import.meta.url));

export async function run({ filter, isa, alone = false, node: others }) {
  const rows = await measureHere({ filter, isa, alone });
  const nodes = others ?? (process.env.OCTAVO_NODES ?? '').split(path.delimiter).filter(Boolean);
  for (const node of nodes) rows.push(...measureUnder(node, { filter, isa, alone }));
  return { rows };
}

/** The same suite under another Node. */
function measureUnder(node, { filter, isa, alone }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'octavo-bench-'));
  const file = path.join(folder, 'rows.json');
  const args = [main, 'wasm', '--filter', filter.source, '--json', file];
  if (isa !== undefined) args.push('--isa', isa);
  if (alone) args.push('--alone');
  const env = { ...process.env, OCTAVO_NODES: '' };
  const { status } = spawnSync(node, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  if (status !== 0) throw new Error(`the suite failed under ${node}`);
  const { rows } = JSON.parse(readFileSync(file, 'utf8'));
  rmSync(folder, { recursive: true });
  return rows;
}

async function measureHere({ filter, isa, alone }) {
  const backend = createWasmBackend({ isa });
  const peers = alone ? {} : await loadPeers();
  console.log(`\nNode ${process.version}, ${backend.isa}`);
  const rows = [];
  for (const shape of shapes) {
    const int8Name = shape.kind === 'gemm' ? `${shape.name} u8s8u8` : shape.name;
    const layer = drawLayer(shape);
    if (filter.test(int8Name)) {
      const contenders = await int8Contenders(shape, layer, backend, peers);
      rows.push(...(await measureCase(int8Name, shape, contenders, backend)));
    }
    if (filter.test(`${shape.name} f32`)) {
      const contenders = await floatContenders(shape, floatLayer(layer), backend, peers);
      rows.push(...(await measureCase(`${shape.name} f32`, shape, contenders, backend)));
    }
  }
  return rows;
}

async function loadPeers() {
  const { installHint, loadLiteRt, loadOnnxRuntimeWeb, loadTensorFlow } = await import(
    './webPeers.mjs'
  );
  const peers = {
    ort: await loadOnnxRuntimeWeb(),
    tf: await loadTensorFlow(),
    litert: await loadLiteRt(),
  };
  const missing = Object.values(peers).includes(undefined);
  if (missing) console.log(`engines for browsers are missing: ${installHint}`);
  return peers;
}

async function int8Contenders(shape, layer, backend, { ort, litert }) {
  const contenders = [planContender('octavo', int8Plan(shape, layer), [layer.x], backend)];
  if (ort !== undefined) {
    contenders.push(await ort.contender(`${ort.name} int8`, int8Model(shape, layer)));
  }
  if (litert !== undefined) {
    const { int8Tflite } = await import('./tflite.mjs');
    contenders.push(await litert.contender(`${litert.name} int8`, int8Tflite(shape, layer)));
  }
  return checked(shape, contenders, () => 1);
}

async function floatContenders(shape, layer, backend, { ort, tf, litert }) {
  const contenders = [planContender('octavo', floatPlan(shape, layer), [layer.x], backend)];
  if (ort !== undefined) {
    contenders.push(await ort.contender(`${ort.name} fp32`, floatModel(shape, layer)));
  }
  if (tf !== undefined) contenders.push(tf.contender(`${tf.name} fp32`, shape, layer));
  if (litert !== undefined) {
    const { floatTflite } = await import('./tflite.mjs');
    contenders.push(await litert.contender(`${litert.name} fp32`, floatTflite(shape, layer)));
  }
  return checked(
    shape,
    contenders,
    (answer) => 1e-4 * answer.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  );
}

/** Compares the answers of all with the first one's; who differs is said to. */
async function checked(shape, contenders, toleranceOf) {
  const [expected] = contenders[0].answer();
  const tolerance = toleranceOf(expected);
  for (const contender of contenders.slice(1)) {
    const data = await contender.answer();
    const answer = contender.channelsFirst ? channelsLast(shape, data) : data;
    const pads = contender.padsBehind && shape.stride > 1;
    const agrees = expected.every((value, i) => Math.abs(value - answer[i]) <= tolerance);
    if (!pads && !agrees) contender.name += ' (inexact)';
  }
  return contenders;
}

async function measureCase(name, shape, contenders, backend) {
  for (const contender of contenders) {
    const end = performance.now() + warmUp;
    while (performance.now() < end) await contender.burst(1);
  }
  const budget = budgetOfContender * contenders.length;
  const { times, rounds } = await takeTurns(contenders, { budget });
  const peers = contenders.map((contender, i) => ({
    peer: contender.name,
    peerValue: shape.ops / times[i],
  }));
  const measured = {
    suite: 'wasm',
    case: name,
    backend: 'wasm',
    isa: backend.isa,
    threads: 1,
    metric: 'gops',
    value: shape.ops / times[0],
    rounds,
  };
  const rows = makeRows(measured, peers.slice(1)).map((row) => ({ ...row, node: process.version }));
  printRows(rows);
  for (const contender of contenders) await contender.close();
  return rows;
}
