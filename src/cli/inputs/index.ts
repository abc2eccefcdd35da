/**
 * Samples from what a user has on disk: a folder of pictures or arrays, a picture, .npy, .npz, or JSON
 * lines. Files are read one by one, so a long list takes the memory of one sample.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { OctavoError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import type { Feeds, PortInfo } from '../../runtime/session.js';
import { UsageError } from '../options.js';
import { convert } from './convert.js';
import { fileError, readWhole, statOf } from './files.js';
import { type ImageInput, isImage, listImages, type Normalization, readImage } from './images.js';
import { type JsonLine, readJsonLines, tensorFromJson } from './jsonl.js';
import { parseNpy, parseNpz } from './npy.js';

export interface SampleOptions {
  /** For pictures; 'torch' by default. */
  readonly normalization?: Normalization | undefined;
  /** Width and height of pictures, where the model leaves them free. */
  readonly size?: readonly [number, number] | undefined;
  /** Most samples to take, spread evenly over pictures and arrays; all by default. */
  readonly limit?: number | undefined;
  /** Of these, take the samples index − 1, index − 1 + count … and read no other. */
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
}

export interface Samples {
  /** Where they come from, for people. */
  readonly description: string;
  /** Number of samples, when it is known beforehand. */
  readonly length: number | undefined;
  /** One name per sample where files are samples, else undefined. */
  readonly names: readonly string[] | undefined;
  [Symbol.asyncIterator](): AsyncIterator<Feeds>;
}

/**
 * Opens `source` for a model with these inputs. Throws `FILE_NOT_FOUND`, `FILE_UNREADABLE`,
 * `INVALID_INPUT` or `INVALID_TENSOR`, naming the file, and UsageError for options that the source does
 * not take.
 */
export async function openSamples(
  source: string,
  inputs: readonly PortInfo[],
  options: SampleOptions,
): Promise<Samples> {
  const stats = await statOf(source);
  const extension = stats.isDirectory() ? '' : path.extname(source).toLowerCase();
  const arrays = stats.isDirectory() ? await listArrays(source) : [];
  if (stats.isDirectory() ? arrays.length === 0 : isImage(source)) {
    const image = imageInput(inputs, options, source);
    const files = stats.isDirectory() ? await listImages(source) : [source];
    return imageSamples(source, pick(files, options), inputs, image);
  }
  if (options.normalization !== undefined || options.size !== undefined) {
    throw new UsageError(`--normalize and --size are for pictures, and ${source} has none`);
  }
  if (arrays.length > 0) return arrayFiles(source, pick(arrays, options), inputs);
  if (extension === '.npy' || extension === '.npz') {
    return arrayRows(source, await readArrays(source, inputs), options);
  }
  if (extension === '.jsonl' || extension === '.ndjson')
    return jsonSamples(source, inputs, options);
  throw new OctavoError('INVALID_INPUT', 'not a kind of data that is known', {
    where: source,
    expected: 'a folder, .npy, .npz, .jsonl or a picture',
    found: extension || 'no extension',
  });
}

async function listArrays(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause) => {
    throw fileError(cause, folder);
  });
  return names
    .filter((name) => /\.np[yz]$/i.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

function imageSamples(
  source: string,
  files: readonly string[],
  inputs: readonly PortInfo[],
  image: ImageInput,
): Samples {
  const { name } = onlyInput(inputs, source);
  const size = `${image.width}×${image.height}`;
  return {
    description: `${countOf(files.length, 'picture')} of ${source}, at ${size}, normalised as '${image.normalization}'`,
    length: files.length,
    names: files,
    async *[Symbol.asyncIterator]() {
      for (const file of files) yield { [name]: await readImage(file, image) };
    },
  };
}

/** Each file is a sample. */
function arrayFiles(
  folder: string,
  files: readonly string[],
  inputs: readonly PortInfo[],
): Samples {
  return {
    description: `${countOf(files.length, 'array file')} of ${folder}`,
    length: files.length,
    names: files,
    async *[Symbol.asyncIterator]() {
      for (const file of files) {
        const tensors = await readArrays(file, inputs);
        yield Object.fromEntries(tensors.map(({ input, tensor }) => [input.name, tensor]));
      }
    },
  };
}

interface InputArray {
  readonly input: PortInfo;
  readonly tensor: Tensor;
}

/** The array of each input, with a batch axis of 1 put before where the model has one more. */
async function readArrays(file: string, inputs: readonly PortInfo[]): Promise<InputArray[]> {
  const bytes = await readWhole(file);
  const names = inputs.map((input) => input.name);
  const members = /\.npz$/i.test(file)
    ? parseNpz(bytes, file, names)
    : new Map([[onlyInput(inputs, file).name, parseNpy(bytes, file)]]);
  return inputs.map((input) => {
    const array = members.get(input.name)!;
    const dims = array.dims.length + 1 === input.dims?.length ? [1, ...array.dims] : array.dims;
    const data = convert(array, input.type, `${file}, '${input.name}'`);
    return { input, tensor: { type: input.type, dims, data } as Tensor };
  });
}

/** The first axis of the arrays is the batch: each of its entries is a sample. */
function arrayRows(source: string, arrays: readonly InputArray[], options: SampleOptions): Samples {
  const batches = arrays.map(({ input, tensor }) => {
    const where = `${source}, '${input.name}'`;
    const rows = tensor.dims[0];
    const batch = typeof input.dims?.[0] === 'number' ? input.dims[0] : 1;
    if (rows !== undefined && batch > 0 && rows % batch === 0) {
      return { name: input.name, tensor, batch, count: rows / batch };
    }
    throw new OctavoError('INVALID_INPUT', 'the first axis does not count samples', {
      where,
      expected: `a multiple of ${batch}`,
      found: formatShape(tensor.dims),
    });
  });
  const count = batches[0]?.count ?? 0;
  const other = batches.find((entry) => entry.count !== count);
  if (other !== undefined) {
    throw new OctavoError('INVALID_INPUT', 'arrays with different numbers of samples', {
      where: `${source}, '${other.name}'`,
      expected: String(count),
      found: String(other.count),
    });
  }
  const picks = pick(
    Array.from({ length: count }, (_, i) => i),
    options,
  );
  return {
    description: `${countOf(picks.length, 'sample')} of ${source}`,
    length: picks.length,
    names: undefined,
    // An async generator, so that all kinds of samples are iterated alike.
    async *[Symbol.asyncIterator]() {
      for (const i of picks) {
        const sample = batches.map(({ name, tensor, batch }) => [name, rowsOf(tensor, i, batch)]);
        yield await Promise.resolve(Object.fromEntries(sample));
      }
    },
  };
}

function rowsOf({ type, dims, data }: Tensor, index: number, batch: number): Tensor {
  const size = (data.length / dims[0]!) * batch;
  const part = data.slice(index * size, (index + 1) * size);
  return { type, dims: [batch, ...dims.slice(1)], data: part } as Tensor;
}

function jsonSamples(
  file: string,
  inputs: readonly PortInfo[],
  { limit = Number.POSITIVE_INFINITY, shard = { index: 1, count: 1 } }: SampleOptions,
): Samples {
  return {
    description: `the lines of ${file}`,
    length: undefined,
    names: undefined,
    async *[Symbol.asyncIterator]() {
      let count = 0;
      for await (const line of readJsonLines(file)) {
        if (count % shard.count === shard.index - 1) yield feedsOfLine(line, inputs);
        if (++count >= limit) return;
      }
    },
  };
}

function feedsOfLine({ where, values }: JsonLine, inputs: readonly PortInfo[]): Feeds {
  const feeds = inputs.map(({ name, type, dims }) => {
    if (values.has(name)) {
      return [name, tensorFromJson(values.get(name), type, dims, `${where}, '${name}'`)];
    }
    throw new OctavoError('INVALID_INPUT', `no value for input '${name}'`, {
      where,
      found: [...values.keys()].join(', ') || 'none',
    });
  });
  return Object.fromEntries(feeds);
}

function onlyInput(inputs: readonly PortInfo[], where: string): PortInfo {
  if (inputs.length === 1) return inputs[0]!;
  throw new OctavoError('INVALID_INPUT', 'the model has several inputs: use .npz or JSON lines', {
    where,
    found: inputs.map((input) => input.name).join(', '),
  });
}

function imageInput(
  inputs: readonly PortInfo[],
  { normalization = 'torch', size = [] as never }: SampleOptions,
  where: string,
): ImageInput {
  const { name, type, dims } = onlyInput(inputs, where);
  const isChannels = (dim: unknown): dim is 1 | 3 => dim === 1 || dim === 3;
  const channelsLast = !isChannels(dims?.[1]);
  const [channels, height, width] = channelsLast
    ? [dims?.[3], dims?.[1], dims?.[2]]
    : [dims[1], dims[2], dims[3]];
  if (type !== 'float32' || dims?.length !== 4 || !isChannels(channels)) {
    throw new OctavoError('INVALID_INPUT', `input '${name}' does not take pictures`, {
      where,
      expected:
        'float32 [N, C, H, W] or [N, H, W, C] with 1 or 3 channels; else use .npy or .jsonl',
      found: `${type} ${dims === undefined ? 'of unknown rank' : formatShape(dims)}`,
    });
  }
  const resolve = (axis: string, dim: unknown, given: number | undefined): number => {
    if (typeof dim === 'number' && (given === undefined || given === dim)) return dim;
    if (typeof dim !== 'number' && given !== undefined) return given;
    throw typeof dim === 'number'
      ? new UsageError(`--size does not fit: input '${name}' has a ${axis} of ${dim}`)
      : new UsageError(`input '${name}' leaves its ${axis} free: say --size <width>x<height>`);
  };
  return {
    channels,
    height: resolve('height', height, size[1]),
    width: resolve('width', width, size[0]),
    channelsLast,
    normalization,
  };
}

/** The items that the options ask for. */
function pick<T>(items: readonly T[], { limit, shard }: SampleOptions): readonly T[] {
  const chosen = spread(items, limit);
  if (shard === undefined) return chosen;
  const picked = chosen.filter((_, i) => i % shard.count === shard.index - 1);
  if (picked.length > 0) return picked;
  const { index, count } = shard;
  const samples = countOf(chosen.length, 'sample');
  throw new UsageError(`--shard ${index}/${count} leaves nothing of ${samples}`);
}

/** At most `limit` of the items, evenly spread: folders are often sorted by class. */
function spread<T>(items: readonly T[], limit: number | undefined): readonly T[] {
  if (limit === undefined || limit >= items.length) return items;
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)]!);
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
