/**
 * The labelled data behind the accuracy figures: for each development model its samples, preprocessed
 * as the model wants them, its calibration split and its evaluation split. Nothing is downloaded; the
 * folder is OCTAVO_DATA (default ../shared/data beside the project).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const projectRoot = fileURLToPath(new URL('..', import.meta.url));

export const dataFolder = process.env.OCTAVO_DATA ?? path.join(projectRoot, '../shared/data');
export const hasData = existsSync(path.join(dataFolder, 'models'));

/**
 * @typedef {object} Samples
 * @property {number} count
 * @property {(index: number) => Float32Array} input one preprocessed sample, without the batch axis
 * @property {Int32Array | undefined} labels
 *
 * @typedef {object} Task
 * @property {string} name
 * @property {string} model path of the float model
 * @property {string} input name of its input
 * @property {readonly number[]} dims of one sample, batch axis of 1 included
 * @property {'top1' | 'agreement' | 'sqnr'} metric
 * @property {boolean} tame
 * @property {() => Promise<Samples>} calibration
 * @property {() => Promise<Samples>} evaluation
 */

const pictures = new Map();

/** Pixels of a folder's pictures, [count][256][256][3] bytes, in the order of their names or labels. */
async function pixelsOf(folder, files) {
  const key = `${folder}:${files.length}`;
  if (!pictures.has(key)) {
    const { default: sharp } = await import('sharp');
    const pixels = new Uint8Array(files.length * 256 * 256 * 3);
    for (const [i, file] of files.entries()) {
      const image = await sharp(path.join(folder, file)).toColourspace('srgb').raw().toBuffer();
      pixels.set(image, i * 256 * 256 * 3);
    }
    pictures.set(key, pixels);
  }
  return pictures.get(key);
}

/** Samples cut from 256² pictures and mapped pixel by pixel into planes. */
async function images(split, count, cut) {
  const folder = path.join(dataFolder, 'images', split);
  let files = readdirSync(folder).filter((file) => file.endsWith('.jpg'));
  let labels;
  if (split === 'eval') {
    const lines = readFileSync(path.join(folder, 'labels.csv'), 'utf8').trim().split('\n').slice(1);
    files = lines.map((line) => line.split(',')[0]);
    labels = Int32Array.from(lines, (line) => Number(line.split(',')[1]));
  }
  if (count < files.length) {
    // Evenly spread: the calibration folder is sorted by class.
    files = Array.from({ length: count }, (_, i) => files[Math.floor((i * files.length) / count)]);
    labels = undefined;
  }
  const pixels = await pixelsOf(folder, files);
  return { count: files.length, labels, input: (i) => cut(pixels.subarray(i * 196608)) };
}

function centre224(channel) {
  return (pixels) => {
    const planes = new Float32Array(3 * 224 * 224);
    for (let c = 0, o = 0; c < 3; c++) {
      for (let y = 16; y < 240; y++) {
        for (let x = 16; x < 240; x++, o++) planes[o] = channel(pixels, (y * 256 + x) * 3, c);
      }
    }
    return planes;
  };
}

/** Box-filtered to width × height, as planes. */
function resized(width, height, map) {
  return (pixels) => {
    const planes = new Float32Array(3 * width * height);
    for (let c = 0, o = 0; c < 3; c++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, o++) {
          const sy = Math.floor(((y + 0.5) * 256) / height);
          const sx = Math.floor(((x + 0.5) * 256) / width);
          planes[o] = map(pixels[(sy * 256 + sx) * 3 + c]);
        }
      }
    }
    return planes;
  };
}

/**
 * Photographs of the evaluation split for an input of these dims, batch axis included: channels first, channels last, or the
 * green ones alone. `map` is from 0 … 255.
 */
export function photos([, ...dims], map) {
  const last = dims[2] === 3;
  const [channels, height, width] = last ? [3, dims[0], dims[1]] : dims;
  const size = height * width;
  const planes = resized(width, height, map);
  const cut = (pixels) => {
    const all = planes(pixels);
    if (last) return all.map((_, i) => all[(i % 3) * size + Math.floor(i / 3)]);
    return channels === 1 ? all.slice(size, 2 * size) : all;
  };
  return images('eval', 500, cut);
}

const mean = [0.485, 0.456, 0.406];
const deviation = [0.229, 0.224, 0.225];
const bgrMean = [104, 117, 123];
const torch = (value, c) => (value / 255 - mean[c]) / deviation[c];

function cifar(file, count, map) {
  const bytes = gunzipSync(readFileSync(path.join(dataFolder, 'cifar10', file)));
  const total = bytes.length / 3073;
  // Sorted by class: a fixed stride that shares no factor with the count visits all classes.
  const order = Array.from({ length: Math.min(count, total) }, (_, i) => (i * 7919) % total);
  return {
    count: order.length,
    labels: Int32Array.from(order, (record) => bytes[record * 3073]),
    input: (i) => {
      const planes = new Float32Array(3072);
      const start = order[i] * 3073 + 1;
      for (let j = 0; j < 3072; j++) planes[j] = map(bytes[start + j], Math.floor(j / 1024));
      return planes;
    },
  };
}

function keywords(from, to) {
  const folder = path.join(dataFolder, 'kws');
  const raw = readFileSync(path.join(folder, 'inputs_int8_1000x49x10.bin'));
  const labels = JSON.parse(readFileSync(path.join(folder, 'labels.json'), 'utf8'));
  return {
    count: to - from,
    labels: Int32Array.from(labels.slice(from, to)),
    input: (i) => {
      const sample = new Float32Array(490);
      for (let j = 0; j < 490; j++) {
        sample[j] = (raw.readInt8((from + i) * 490 + j) - 83) * 0.5847029;
      }
      return sample;
    },
  };
}

async function digits(from, to) {
  const { createRequire } = await import('node:module');
  const mnist = createRequire(import.meta.url)('mnist');
  const perDigit = (to - from) / 10;
  const samples = [];
  for (let digit = 0; digit < 10; digit++) {
    for (let i = 0; i < perDigit; i++) samples.push({ digit, index: from / 10 + i });
  }
  return {
    count: samples.length,
    labels: Int32Array.from(samples, (sample) => sample.digit),
    input: (i) =>
      Float32Array.from(mnist[samples[i].digit].get(samples[i].index), (value) => value * 255),
  };
}

/** Smooth pseudo-random spectra in the range of the anomaly detector's log-mel features. */
function spectra(count, seed) {
  return {
    count,
    labels: undefined,
    input: (index) => {
      let state = (seed + index * 2654435761) >>> 0;
      const random = () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32 - 0.5;
      };
      const frame = new Float32Array(640);
      const level = -30 + 20 * random();
      for (let band = 0; band < 128; band++) {
        const tilt = level - band * 0.15 + 6 * random();
        for (let t = 0; t < 5; t++) frame[t * 128 + band] = tilt + 3 * random();
      }
      return frame;
    },
  };
}

const model = (file) => path.join(dataFolder, 'models/cnn', file);
const photo = (name, file, input, tame, metric, dims, cut, calibrationCount = 128) => ({
  name,
  model: model(file),
  input,
  dims,
  metric,
  tame,
  calibration: () => images('calibrate', calibrationCount, cut),
  evaluation: () => images('eval', 500, cut),
});
const cifarTask = (name, file, map) => ({
  name,
  model: model(file),
  input: 'input',
  dims: [1, 3, 32, 32],
  metric: 'top1',
  tame: true,
  calibration: async () => cifar('train_12500.bin.gz', 512, map),
  evaluation: async () => cifar('test_10000.bin.gz', 10_000, map),
});
const keywordTask = (name, file) => ({
  name,
  model: model(file),
  input: 'input',
  dims: [1, 1, 49, 10],
  metric: 'top1',
  tame: true,
  calibration: async () => keywords(0, 200),
  evaluation: async () => keywords(200, 1000),
});

/** @type {readonly Task[]} */
export const tasks = [
  {
    ...photo(
      'mobilenet_v2',
      'mobilenet_v2_1.0_224.onnx',
      'input',
      false,
      'top1',
      [1, 3, 224, 224],
      centre224((p, at, c) => p[at + c] / 127.5 - 1),
    ),
    firstClass: 1,
  },
  photo(
    'googlenet',
    'googlenet_bvlc.onnx',
    'data',
    true,
    'top1',
    [1, 3, 224, 224],
    centre224((p, at, c) => p[at + 2 - c] - bgrMean[c]),
    48,
  ),
  photo(
    'squeezenet1.1',
    'squeezenet1.1.onnx',
    'data',
    true,
    'top1',
    [1, 3, 224, 224],
    centre224((p, at, c) => torch(p[at + c], c)),
    64,
  ),
  cifarTask('resnet20', 'resnet20_cifar10.onnx', torch),
  cifarTask('resnet8', 'resnet8_cifar10.onnx', (value) => value),
  keywordTask('dscnn_kws', 'dscnn_kws.onnx'),
  keywordTask('dscnn_kws_bn', 'dscnn_kws_bn.onnx'),
  photo(
    'vww_mobilenetv1',
    'vww_mobilenetv1_025_96.onnx',
    'input',
    true,
    'agreement',
    [1, 3, 96, 96],
    resized(96, 96, (value) => value / 255),
  ),
  {
    name: 'ad01_autoencoder',
    model: model('ad01_autoencoder.onnx'),
    input: 'input',
    dims: [1, 640],
    metric: 'sqnr',
    tame: true,
    calibration: async () => spectra(128, 1),
    evaluation: async () => spectra(256, 1_000_003),
  },
  photo(
    'ultraface',
    'ultraface_RFB_320.onnx',
    'input',
    false,
    'agreement',
    [1, 3, 240, 320],
    resized(320, 240, (value) => (value - 127) / 128),
  ),
  {
    name: 'mnist_cntk',
    model: model('mnist_cntk.onnx'),
    input: 'Input3',
    dims: [1, 1, 28, 28],
    metric: 'top1',
    tame: true,
    calibration: () => digits(0, 200),
    evaluation: () => digits(2000, 4000),
  },
];
