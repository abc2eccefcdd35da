/**
 * What it takes to have a model ready, and what it keeps: each measurement in a process of its own, Octavo and
 * onnxruntime-node in turn on the same files, from disk.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { encoders } from './encoders.mjs';
import { filesOf, samplesOf } from './models.mjs';
import { networks } from './networks.mjs';
import { loadOnnxRuntime } from './peers.mjs';
import { makeRows, printRows } from './rows.mjs';
import { median } from './timing.mjs';

const rounds = 5;

const child = fileURLToPath(new URL('./loadChild.mjs', import.meta.url));

/** What a child tells, and what it is. */
const figures = {
  ready: ['session ready', 'ms'],
  answer: ['first answer', 'ms'],
  first: ['resident after 1 run', 'mb'],
  last: ['resident after 50 runs', 'mb'],
};

export async function run({ filter }) {
  const rows = [];
  for (const task of [...networks, ...encoders]) {
    const wanted = ['int8', 'fp32'].filter((precision) => filter.test(`${task.name} ${precision}`));
    if (wanted.length > 0) rows.push(...(await measureTask(task, wanted)));
  }
  return { rows };
}

async function measureTask(task, precisions) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'octavo-bench-'));
  try {
    const files = await filesOf(task, await samplesOf(task));
    const rows = [];
    for (const precision of precisions) {
      const ours = path.join(folder, `${precision}.onnx`);
      const theirs = path.join(folder, `${precision}-peer.onnx`);
      writeFileSync(ours, files[precision]);
      writeFileSync(theirs, precision === 'int8' ? files.peerInt8 : files.fp32);
      rows.push(...measureFiles(`${task.name} ${precision}`, task, { ours, theirs }));
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function measureFiles(name, task, { ours, theirs }) {
  const peer = loadOnnxRuntime();
  const octavo = [];
  const others = [];
  for (let round = 0; round < rounds; round++) {
    octavo.push(measureChild('octavo', ours, task));
    if (peer !== undefined) others.push(measureChild('onnxruntime', theirs, task));
  }
  const of = (reports, key) => median(reports.map((report) => report[key]));
  return Object.entries(figures).flatMap(([key, [what, metric]]) => {
    const base = { suite: 'load', case: `${name}, ${what}`, backend: 'native', isa: octavo[0].isa };
    const peers =
      peer === undefined
        ? []
        : [{ peer: `onnxruntime-node ${peer.version}`, peerValue: of(others, key) }];
    const value = of(octavo, key);
    const rows = makeRows({ ...base, threads: 1, metric, value, rounds }, peers);
    printRows(rows);
    return rows;
  });
}

function measureChild(engine, file, { input, dims }) {
  const args = [child, engine, file, input, JSON.stringify(dims)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${engine} failed on ${file}: ${stderr}`);
  return JSON.parse(stdout);
}
