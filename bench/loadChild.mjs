/**
 * node bench/loadChild.mjs ENGINE FILE INPUT DIMS
 *
 * Loads a model in a process of its own and prints what that took, as JSON: milliseconds from before the import of the
 * engine until the session is ready and until the first answer, and the megabytes resident after the first run and after
 * fifty.
 */
const [engine, file, input, dimsText] = process.argv.slice(2);
const dims = JSON.parse(dimsText);
const runs = 50;

const start = performance.now();
const open = { octavo: openOctavo, onnxruntime: openOnnxRuntime }[engine];
const { run, isa } = await open();
const ready = performance.now() - start;
const data = new Float32Array(dims.reduce((a, b) => a * b)).map((_, i) => (i % 7) / 7);
await run(data);
const answer = performance.now() - start;
const first = residentMb();
for (let i = 1; i < runs; i++) await run(data);
console.log(JSON.stringify({ isa, ready, answer, first, last: residentMb() }));
process.exit();

function residentMb() {
  return process.memoryUsage.rss() / 1e6;
}

async function openOctavo() {
  const { InferenceSession } = await import('../dist/esm/index.js');
  const session = await InferenceSession.create(file, { backend: 'native', intraOpNumThreads: 1 });
  const run = (data) => session.run({ [input]: { type: 'float32', dims, data } });
  return { run, isa: session.backend.isa };
}

async function openOnnxRuntime() {
  const { default: ort } = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(file, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  return { run: (data) => session.run({ [input]: new ort.Tensor('float32', data, dims) }) };
}
