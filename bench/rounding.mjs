/**
 * What rounding, equalization and bias correction reach where codes are coarse: weights of four bits, and one scale for a
 * whole weight, by Octavo on the evaluation split, beside the float model.
 */
import { calibrate, quantizeStatic } from '../dist/esm/index.js';
import { hasData, tasks } from './datasets.mjs';
import { compareWays } from './ways.mjs';

export async function run({ filter, ...options }) {
  if (!hasData) throw new Error('no data: set OCTAVO_DATA');
  const rows = [];
  for (const task of tasks.filter(({ name }) => filter.test(name))) {
    rows.push(...(await compareWays('rounding', task, options, waysOf)));
  }
  return { rows };
}

async function waysOf(float, data) {
  const calibration = await calibrate(float, { calibrationData: data });
  const common = { calibration, calibrationData: data };
  const ways = {};
  for (const weightType of ['int8', 'int4']) {
    for (const rounding of ['nearest', 'gptq', 'adaround']) {
      for (const biasCorrection of [false, true]) {
        const options = { ...common, weightType, rounding, biasCorrection };
        const name = `${weightType} ${rounding}${biasCorrection ? ', corrected' : ''}`;
        ways[name] = () => quantizeStatic(float, options);
      }
    }
  }
  const whole = { calibrationData: data, perChannel: false, biasCorrection: true };
  const settings = {
    'per tensor': {},
    'per tensor, equalized': { equalize: true },
    'per tensor, absorbed': { equalize: { absorbBiases: true } },
    'per tensor, gptq': { equalize: true, rounding: 'gptq' },
    'per tensor, adaround': { equalize: true, rounding: 'adaround' },
  };
  for (const [name, options] of Object.entries(settings)) {
    ways[`${name}, corrected`] = () => quantizeStatic(float, { ...whole, ...options });
  }
  return ways;
}
