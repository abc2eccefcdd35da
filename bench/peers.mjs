/** The engines that Octavo is measured against, behind one shape: create(bytes) → { run(feeds), close() }. */
import { createRequire } from 'node:module';
import { InferenceSession } from '../dist/esm/index.js';

const require = createRequire(import.meta.url);

/** onnxruntime-node, or undefined where it is not installed. */
export function loadOnnxRuntime() {
  try {
    const ort = require('onnxruntime-node');
    const { version } = require('onnxruntime-node/package.json');
    return { ort, version };
  } catch {
    return undefined;
  }
}

/** A session of onnxruntime-node at its best: workers that do not spin where there is only one. */
export function onnxRuntimeEngine(bytes, threads) {
  const { ort } = loadOnnxRuntime();
  return engineOf(ort, bytes, { executionProviders: ['cpu'], intraOpNumThreads: threads });
}

/** A session of `ort`, onnxruntime-node or onnxruntime-web; `options` add to what all sessions have. */
export async function engineOf(ort, bytes, options) {
  const session = await ort.InferenceSession.create(bytes, {
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...options,
  });
  return {
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [
        name,
        new ort.Tensor(type, data, dims),
      ]);
      return session.run(Object.fromEntries(tensors));
    },
    close: () => session.release(),
  };
}

export async function octavoEngine(bytes, options) {
  const session = await InferenceSession.create(bytes, options);
  return {
    isa: session.backend.isa,
    run: (feeds) => session.run(feeds),
    profile: (feeds, options) => session.profile(feeds, options),
    close: () => session.dispose(),
  };
}
