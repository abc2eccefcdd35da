/**
 * The engines for browsers, as contenders in Node, one thread each: onnxruntime-web, TensorFlow.js' WASM backend and LiteRT.js.
 * They are installed by `npm install --prefix bench`; each is undefined where it is not.
 *
 * A contender's time is that of a call as its user sees it. TensorFlow.js keeps tensors in its heap, so that its calls copy
 * nothing; the others copy inputs and outputs, as Octavo does.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { wallContender } from './ort.mjs';
import { engineOf } from './peers.mjs';
import { asyncContender } from './timing.mjs';

const require = createRequire(import.meta.url);

/** What to say where they are missing. */
export const installHint = 'npm install --prefix bench';

function folderOf(name) {
  try {
    // Not every package exports its package.json.
    const found = require.resolve.paths(name).map((folder) => path.join(folder, name));
    return found.find((folder) => {
      try {
        return readFileSync(path.join(folder, 'package.json')) !== undefined;
      } catch {
        return false;
      }
    });
  } catch {
    return undefined;
  }
}

function versionOf(folder) {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
}

/** onnxruntime-web: { name, contender(label, model), engine(bytes) }, the last one in the form of peers.mjs. */
export async function loadOnnxRuntimeWeb() {
  const folder = folderOf('onnxruntime-web');
  if (folder === undefined) return undefined;
  const ort = require('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return {
    name: `onnxruntime-web ${versionOf(folder)}`,
    async contender(label, model) {
      const wall = await wallContender(label, ort, model, { executionProviders: ['wasm'] });
      return { ...wall, channelsFirst: true };
    },
    engine: (bytes) => engineOf(ort, bytes, { executionProviders: ['wasm'] }),
  };
}

/** TensorFlow.js, in float alone: { name, contender(label, shape, layer) }. */
export async function loadTensorFlow() {
  const folder = folderOf('@tensorflow/tfjs-backend-wasm');
  if (folder === undefined) return undefined;
  const tf = require('@tensorflow/tfjs-core');
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${path.join(folder, 'dist')}${path.sep}`);
  await tf.setBackend('wasm');
  // Its module catches what nobody caught, and throws it again without its stack.
  for (const event of ['uncaughtException', 'unhandledRejection'])
    process.removeAllListeners(event);
  return {
    name: `tfjs-wasm ${versionOf(folder)}`,
    contender: (label, shape, layer) => tensorFlowContender(tf, label, shape, layer),
  };
}

function tensorFlowContender(tf, label, shape, { x, weight, bias }) {
  const { kind, height, width, inputs, outputs, window, groups, stride, pad } = shape;
  let compute;
  const tensors = [];
  const keep = (tensor) => {
    tensors.push(tensor);
    return tensor;
  };
  if (kind === 'gemm') {
    const a = keep(tf.tensor2d(x, [width, inputs]));
    const b = keep(tf.transpose(keep(tf.tensor2d(weight, [outputs, inputs]))));
    compute = () => tf.matMul(a, b);
  } else {
    const a = keep(tf.tensor4d(x, [1, height, width, inputs]));
    const filter = keep(tf.tensor4d(weight, [outputs, window, window, inputs / groups]));
    const options = { x: a, strides: stride, pad: window === 1 ? 'valid' : pad };
    const depthwise = groups > 1;
    const w = keep(tf.transpose(filter, depthwise ? [1, 2, 0, 3] : [1, 2, 3, 0]));
    const b = keep(tf.tensor1d(bias));
    const fused = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    compute = () => fused({ ...options, filter: w, bias: b });
  }
  return {
    name: label,
    burst(repeats) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < repeats; i++) compute().dispose();
      return Number(process.hrtime.bigint() - start);
    },
    answer: () => tf.tidy(() => compute().dataSync()),
    close: () => tf.dispose(tensors),
  };
}

/** LiteRT.js: { name, contender(label, model) }, of models that tflite.mjs makes. */
export async function loadLiteRt() {
  const folder = folderOf('@litertjs/core');
  if (folder === undefined) return undefined;
  // It is made for pages and workers: what it takes from them, in terms of Node.
  globalThis.self = globalThis;
  globalThis.importScripts = (file) => {
    const code = readFileSync(file, 'utf8');
    const script = `(function (require, __filename, __dirname) { ${code}\nreturn ModuleFactory; })`;
    const factory = vm.runInThisContext(script, { filename: file });
    globalThis.ModuleFactory = factory(createRequire(file), file, path.dirname(file));
    const silent = () => {};
    const wasmBinary = readFileSync(file.replace(/\.js$/, '.wasm'));
    globalThis.Module = { wasmBinary, print: silent, printErr: silent };
  };
  globalThis.location ??= pathToFileURL(`${folder}/wasm/`);
  const litert = await import('@litertjs/core');
  // It complains that there is no WebGPU.
  const { warn, error } = console;
  console.warn = console.error = () => {};
  try {
    await litert.loadLiteRt(path.join(folder, 'wasm'));
  } finally {
    Object.assign(console, { warn, error });
  }
  return {
    name: `litert.js ${versionOf(folder)}`,
    contender: (label, model) => liteRtContender(litert, label, model),
  };
}

async function liteRtContender(litert, label, { bytes, dims, x, answer }) {
  const model = await litert.loadAndCompile(bytes, { accelerator: 'wasm' });
  const call = async () => {
    const input = new litert.Tensor(x, dims);
    const [output] = await model.run([input]);
    const data = output.toTypedArray();
    input.delete();
    output.delete();
    return data;
  };
  return {
    ...asyncContender(label, call),
    // A window of stride 2 over an even size (tflite.mjs).
    padsBehind: true,
    answer: async () => answer(await call()),
    close: () => model.delete(),
  };
}
