/**
 * Pictures as network inputs: decoded and scaled by the optional package sharp, cropped to the centre, and
 * normalised in one of the ways that networks are trained with.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { OctavoError } from '../../core/errors.js';
import type { Tensor } from '../../core/tensor.js';
import { fileError, readWhole } from './files.js';

/** Ways to normalise a channel value v of 0 … 255. */
export const normalizations = {
  torch: 'RGB, (v / 255 − mean) / deviation of ImageNet',
  tf: 'RGB, v / 127.5 − 1',
  unit: 'RGB, v / 255',
  raw: 'RGB, v',
  caffe: 'BGR, v − (104, 117, 123)',
} as const;
export type Normalization = keyof typeof normalizations;

export interface ImageInput {
  /** [N, C, H, W] or [N, H, W, C] with C = 1 or 3. */
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  readonly channelsLast: boolean;
  readonly normalization: Normalization;
}

const extensions = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'];

export function isImage(file: string): boolean {
  return extensions.includes(path.extname(file).toLowerCase());
}

/** Pictures in a folder and the folders below, by name. Throws `FILE_NOT_FOUND` when there are none. */
export async function listImages(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((cause) => {
    throw fileError(cause, folder);
  });
  const files = names.filter(isImage).sort();
  if (files.length > 0) return files.map((name) => path.join(folder, name));
  throw new OctavoError('FILE_NOT_FOUND', 'no samples in this folder', {
    where: folder,
    expected: `.npy, .npz, or pictures: ${extensions.join(' ')}`,
    found: names.length === 0 ? 'nothing' : names.slice(0, 5).join(', '),
  });
}

async function requireSharp() {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new OctavoError('MISSING_PACKAGE', 'reading pictures needs it', {
      where: 'sharp',
      expected: 'npm install sharp',
      cause,
    });
  }
}

/** One picture as float32 [1, …]: scaled to cover the input, its centre kept. Throws `FILE_UNREADABLE`. */
export async function readImage(file: string, input: ImageInput): Promise<Tensor<'float32'>> {
  const sharp = await requireSharp();
  const { channels, height, width, channelsLast, normalization } = input;
  const bytes = await readWhole(file);
  let pixels: Uint8Array;
  try {
    const image = sharp(bytes).rotate().resize(width, height, { fit: 'cover' }).removeAlpha();
    pixels = await image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer();
  } catch (cause) {
    throw new OctavoError('FILE_UNREADABLE', 'not a readable picture', { where: file, cause });
  }
  const count = height * width;
  const data = new Float32Array(channels * count);
  for (let channel = 0; channel < channels; channel++) {
    const { source, scale, shift } = channelMap(normalization, channel, channels);
    for (let i = 0; i < count; i++) {
      const value = pixels[i * channels + source]! * scale + shift;
      data[channelsLast ? i * channels + channel : channel * count + i] = value;
    }
  }
  const dims = channelsLast ? [1, height, width, channels] : [1, channels, height, width];
  return { type: 'float32', dims, data };
}

const mean = [0.485, 0.456, 0.406] as const;
const deviation = [0.229, 0.224, 0.225] as const;
const caffeMean = [104, 117, 123] as const;

/** value = pixel[source] · scale + shift for one channel of the input. */
function channelMap(normalization: Normalization, channel: number, channels: 1 | 3) {
  switch (normalization) {
    case 'torch': {
      const scale = 1 / (255 * deviation[channel]!);
      return { source: channel, scale, shift: -mean[channel]! / deviation[channel]! };
    }
    case 'tf':
      return { source: channel, scale: 1 / 127.5, shift: -1 };
    case 'unit':
      return { source: channel, scale: 1 / 255, shift: 0 };
    case 'raw':
      return { source: channel, scale: 1, shift: 0 };
    case 'caffe':
      return { source: channels - 1 - channel, scale: 1, shift: -caffeMean[channel]! };
  }
}
