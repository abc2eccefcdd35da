/**
 * What each way of quantizing reaches: the defaults, with corrected biases, what onnxruntime's own defaults amount to
 * (max, one scale per weight tensor), the one call with a budget of 1 %, and published files, all by Octavo on the
 * evaluation split, beside the float model.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { calibrate, loadModel, quantize, quantizeStatic } from '../dist/esm/index.js';
import { dataFolder, hasData, tasks } from './datasets.mjs';
import { compareWays } from './ways.mjs';

const published = { mobilenet_v2: 'mobilenet_v2_1.0_224_int8pc_qdq.onnx' };

export async function run({ filter, limit }) {
  if (!hasData) throw new Error('no data: set OCTAVO_DATA');
  const rows = [];
  for (const task of tasks.filter(({ name }) => filter.test(name))) {
    rows.push(
      ...(await compareWays('recovery', task, limit, (float, data) => waysOf(task, float, data))),
    );
  }
  return { rows };
}

async function waysOf(task, float, data) {
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
  return ways;
}
