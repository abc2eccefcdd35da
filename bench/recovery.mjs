/**
 * What each way of quantizing reaches (./recoveryWays.mjs), and published files, all by Octavo on the evaluation split,
 * beside the float model: the task's own metric, how often the answer is the float model's, and the signal to noise.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { calibrate, loadModel } from '../dist/esm/index.js';
import { dataFolder, hasData, tasks } from './datasets.mjs';
import { recoveryWays } from './recoveryWays.mjs';
import { textTasks } from './textTasks.mjs';
import { compareWays } from './ways.mjs';

const published = { mobilenet_v2: 'mobilenet_v2_1.0_224_int8pc_qdq.onnx' };

export async function run({ filter, ...options }) {
  if (!hasData) throw new Error('no data: set OCTAVO_DATA');
  const rows = [];
  for (const task of [...tasks, ...textTasks].filter(({ name }) => filter.test(name))) {
    const waysOf = (float, data) => waysFor(task, float, data);
    rows.push(...(await compareWays('recovery', task, options, waysOf)));
  }
  return { rows };
}

async function waysFor(task, model, data) {
  const calibration = await calibrate(model, { calibrationData: data });
  const ways = Object.entries(recoveryWays(task)).map(([name, make]) => [
    name,
    () => make({ model, data, calibration }),
  ]);
  const file = path.join(dataFolder, 'models/quantized', published[task.name] ?? '');
  if (published[task.name] && existsSync(file)) {
    ways.push(['published file', async () => ({ model: await loadModel(file) })]);
  }
  return Object.fromEntries(ways);
}
