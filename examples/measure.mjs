/** Engines that run one model on one sample at a time, on one thread, and what is measured of them. */
import { InferenceSession, loadModel } from 'octavo';

/**
 * @typedef {object} Engine
 * @property {string} name
 * @property {(data: Float32Array) => Promise<{ probabilities: Float32Array, logits?: Float32Array }>} run
 * @property {() => void | Promise<void>} close
 */

/**
 * An engine on one of Octavo's backends. It gives what goes into the softmax too: up to there an INT8 model
 * promises the same bits on every backend, and a softmax is computed in floats.
 */
export async function openOctavo(file, backend, input, dims) {
  const { graph, meta } = await loadModel(file);
  const [output] = graph.outputs;
  const softmax = graph.nodes.find((node) => node.outputs.includes(output.value));
  const outputs = [output, { name: 'logits', value: softmax.inputs[0] }];
  const session = await InferenceSession.create(
    { graph: { ...graph, outputs }, meta },
    { backend, intraOpNumThreads: 1 },
  );
  const { name, isa } = session.backend;
  return {
    name: isa === 'none' ? `Octavo ${name}` : `Octavo ${name} (${isa})`,
    async run(data) {
      const results = await session.run({ [input]: { type: 'float32', dims, data } });
      return { probabilities: results[output.name].data, logits: results.logits.data };
    },
    close: () => session.dispose(),
  };
}

/** The same on onnxruntime-node; undefined where it is not installed. */
export async function openOnnxRuntime(file, input, dims) {
  const ort = await import('onnxruntime-node').catch(() => undefined);
  if (ort === undefined) return undefined;
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const [output] = session.outputNames;
  return {
    name: `onnxruntime-node ${ort.env.versions.node ?? ''}`.trim(),
    async run(data) {
      const results = await session.run({ [input]: new ort.Tensor('float32', data, dims) });
      return { probabilities: results[output].data };
    },
    close: () => session.release(),
  };
}

/** What an engine gives for each sample, and the median milliseconds that one took. */
export async function answer(engine, samples, onDone) {
  const outputs = [];
  const times = [];
  for (const { data } of samples) {
    const start = performance.now();
    outputs.push(await engine.run(data));
    times.push(performance.now() - start);
    onDone();
  }
  return { outputs, latency: median(times) };
}

/** Median milliseconds of each engine on one sample: `rounds` rounds in which each has its turn. */
export async function latencies(engines, data, rounds, onProgress) {
  const times = engines.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, engine] of engines.entries()) {
      const start = performance.now();
      await engine.run(data);
      times[i].push(performance.now() - start);
    }
    onProgress(round + 1, rounds);
  }
  return times.map(median);
}

/** Share of right answers, share of answers like the baseline's, and SQNR in dB against it. */
export function similarity(outputs, baseline, samples) {
  let right = 0;
  let same = 0;
  let signal = 0;
  let noise = 0;
  outputs.forEach(({ probabilities }, i) => {
    const expected = baseline[i].probabilities;
    if (largest(probabilities) === samples[i].label) right++;
    if (largest(probabilities) === largest(expected)) same++;
    probabilities.forEach((value, j) => {
      signal += expected[j] ** 2;
      noise += (expected[j] - value) ** 2;
    });
  });
  return {
    right: right / outputs.length,
    agreement: same / outputs.length,
    sqnr: noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise),
  };
}

/** Logits whose bits differ, over the samples that both have answered. */
export function differingBits(a, b) {
  let count = 0;
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]].map((data) => new Uint32Array(data.logits.buffer));
    count += x.reduce((sum, bits, j) => sum + (bits === y[j] ? 0 : 1), 0);
  }
  return count;
}

const largest = (values) => values.indexOf(Math.max(...values));
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
