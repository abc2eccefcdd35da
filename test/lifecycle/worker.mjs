/** A worker thread of the tests: loads the package, opens a model, runs it, and does as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession } from '../../dist/esm/index.js';

const { model, dims, runs, stay } = workerData;
const session = await InferenceSession.create(model, { backend: 'native' });
const data = new Float32Array(dims[0] * dims[1]).fill(0.5);
const started = Array.from({ length: runs }, () =>
  session.run({ x: { type: 'float32', dims, data } }),
);
if (stay) {
  parentPort.postMessage('running');
  await Promise.all(started);
  parentPort.postMessage('ended');
} else {
  const results = await Promise.all(started);
  parentPort.postMessage(results.map(({ y }) => y.data));
}
