/**
 * node bench/calibrateChild.mjs calibrate|quantize|sensitivity COUNT
 *
 * Does that on so many samples and prints as JSON the milliseconds and the most megabytes resident. The model and its
 * pictures are those of OCTAVO_DATA, the pictures repeated as needed; without them weights are random, and inputs noise.
 */
import { existsSync } from 'node:fs';
import { calibrate, InferenceSession, quantizeStatic, sensitivity } from '../dist/esm/index.js';
import { tasks } from './datasets.mjs';
import { networks } from './networks.mjs';
import { generator } from './random.mjs';

const [what, countText] = process.argv.slice(2);
const count = Number(countText);
/** Different samples held, and repeated. */
const most = 64;

const { model, dims, input, inputAt } = await subject();
const inputs = Array.from({ length: Math.min(count, most) }, (_, i) => inputAt(i));

function* samples() {
  for (let i = 0; i < count; i++) {
    yield { [input]: { type: 'float32', dims, data: inputs[i % inputs.length] } };
  }
}

const { isa, threads } = await backendInForce();
const work = { calibrate, quantize: quantizeStatic, sensitivity }[what];
const start = performance.now();
await work(model, { calibrationData: samples() });
const ms = performance.now() - start;
console.log(JSON.stringify({ isa, threads, ms, mb: process.resourceUsage().maxRSS / 1024 }));
process.exit();

async function subject() {
  const task = tasks.find(({ name }) => name === 'mobilenet_v2');
  if (existsSync(task.model)) {
    const pictures = await task.calibration();
    return { ...task, inputAt: (i) => pictures.input(i) };
  }
  const network = networks.find(({ name }) => name.startsWith('MobileNetV2'));
  const random = generator('calibrate');
  const size = network.dims.reduce((a, b) => a * b);
  const inputAt = () => Float32Array.from({ length: size }, () => random() * 2 - 1);
  return { ...network, inputAt };
}

async function backendInForce() {
  const session = await InferenceSession.create(model, { backend: 'native' });
  const { isa, threads } = session.backend;
  session.dispose();
  return { isa, threads };
}
