/**
 * Samples from what a user has on disk: a folder of pictures, .npy and .npz files, or JSON lines. Files
 * are read one by one, so a long list takes the memory of one sample.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { OctavoError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import type { Feeds, PortInfo } from '../../runtime/session.js';
import { type ImageInput, listImages, type Normalization, readImage } from './images.js';
import { readJsonLines, tensorFromJson } from './jsonl.js';
import { parseNpy, parseNpz } from './npy.js';

export interface SampleOptions {
  readonly normalization: Normalization;
  /** Most samples to take, spread evenly over pictures and arrays; all by default. */
  readonly limit?: number | undefined;
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
 * `INVALID_INPUT` or `INVALID_TENSOR`, naming the file.
 */
export async function openSamples(
  source: string,
  inputs: readonly PortInfo[],
  options: SampleOptions,
): Promise<Samples> {
  const kind = await kindOf(source);
  switch (kind) {
    case 'folder':
      return openFolder(source, inputs, options);
    case '.npy':
      return arraySamples(
        source,
        new Map([[onlyInput(inputs, source).name, parseNpy(await readFile(source), source)]]),
        inputs,
        options,
      );
    case '.npz':
      return arraySamples(source, parseNpz(await readFile(source), source), inputs, options);
    case '.jsonl':
      return jsonSamples(source, inputs, options);
    default: {
      const image = imageInput(inputs, options.normalization, source);
      return imageSamples(source, [source], inputs, image);
    }
  }
}

async function kindOf(source: string): Promise<string> {
  try {
    const info = await stat(source);
    return info.isDirectory() ? 'folder' : path.extname(source).toLowerCase();
  } catch (cause) {
    throw new OctavoError('FILE_NOT_FOUND', 'no such file or folder', { where: source, cause });
  }
}

async function openFolder(
  folder: string,
  inputs: readonly PortInfo[],
  options: SampleOptions,
): Promise<Samples> {
  const names = (await readdir(folder)).sort();
  const arrays = names.filter((name) => name.endsWith('.npy') || name.endsWith('.npz'));
  if (arrays.length > 0) {
    const files = spread(arrays, options.limit).map((name) => path.join(folder, name));
    return {
      description: `${files.length} array files in ${folder}`,
      length: files.length,
      names: files,
      async *[Symbol.asyncIterator]() {
        for (const file of files) {
          const bytes = await readFile(file);
          const members = file.endsWith('.npz')
            ? parseNpz(bytes, file)
            : new Map([[onlyInput(inputs, file).name, parseNpy(bytes, file)]]);
          yield feedsOf(members, inputs, file);
        }
      },
    };
  }
  const files = spread(await listImages(folder), options.limit);
  return imageSamples(folder, files, inputs, imageInput(inputs, options.normalization, folder));
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
    description: `${files.length} pictures from ${source}, ${size}, normalised as '${image.normalization}'`,
    length: files.length,
    names: files,
    async *[Symbol.asyncIterator]() {
      for (const file of files) yield { [name]: await readImage(file, image) };
    },
  };
}

/** The first axis of the arrays is the batch: each of its entries is a sample. */
function arraySamples(
  source: string,
  members: ReadonlyMap<string, Tensor>,
  inputs: readonly PortInfo[],
  options: SampleOptions,
): Samples {
  const feeds = feedsOf(members, inputs, source);
  const tensors = Object.entries(feeds);
  const length = tensors[0]![1].dims[0] ?? 1;
  for (const [name, { dims }] of tensors) {
    if ((dims[0] ?? 1) !== length) {
      throw new OctavoError('INVALID_INPUT', 'arrays with different numbers of samples', {
        where: `${source}/${name}`,
        expected: String(length),
        found: formatShape(dims),
      });
    }
  }
  const picks = spread(
    Array.from({ length }, (_, i) => i),
    options.limit,
  );
  return {
    description: `${picks.length} samples from ${source}`,
    length: picks.length,
    names: undefined,
    // An async generator, so that all kinds of samples are iterated alike.
    async *[Symbol.asyncIterator]() {
      for (const i of picks) {
        const sample = tensors.map(([name, tensor]) => [name, rowOf(tensor, i)] as const);
        yield await Promise.resolve(Object.fromEntries(sample));
      }
    },
  };
}

function rowOf(tensor: Tensor, row: number): Tensor {
  const { type, dims, data } = tensor;
  const size = data.length / dims[0]!;
  const part = data.slice(row * size, (row + 1) * size);
  return { type, dims: [1, ...dims.slice(1)], data: part } as Tensor;
}

function jsonSamples(
  file: string,
  inputs: readonly PortInfo[],
  { limit = Number.POSITIVE_INFINITY }: SampleOptions,
): Samples {
  return {
    description: `JSON lines of ${file}`,
    length: undefined,
    names: undefined,
    async *[Symbol.asyncIterator]() {
      let count = 0;
      for await (const line of readJsonLines(file)) {
        if (count++ >= limit) return;
        const feeds: [string, Tensor][] = [];
        for (const { name, type, dims } of inputs) {
          const where = `${file}, sample ${count}, '${name}'`;
          const value = line.get(name);
          if (value === undefined) {
            throw new OctavoError('INVALID_INPUT', 'missing input', {
              where,
              found: [...line.keys()].join(', '),
            });
          }
          feeds.push([name, tensorFromJson(value, type, dims ?? [], where)]);
        }
        yield Object.fromEntries(feeds);
      }
    },
  };
}

function feedsOf(
  members: ReadonlyMap<string, Tensor>,
  inputs: readonly PortInfo[],
  where: string,
): Feeds {
  const feeds = inputs.map(({ name }) => {
    const tensor = members.get(name);
    if (tensor === undefined) {
      throw new OctavoError('INVALID_INPUT', `no array for input '${name}'`, {
        where,
        found: [...members.keys()].join(', '),
      });
    }
    return [name, tensor] as const;
  });
  return Object.fromEntries(feeds);
}

function onlyInput(inputs: readonly PortInfo[], where: string): PortInfo {
  if (inputs.length !== 1) {
    throw new OctavoError('INVALID_INPUT', 'the model has several inputs: use .npz or JSON lines', {
      where,
      found: inputs.map((input) => input.name).join(', '),
    });
  }
  return inputs[0]!;
}

function imageInput(
  inputs: readonly PortInfo[],
  normalization: Normalization,
  where: string,
): ImageInput {
  const { name, type, dims } = onlyInput(inputs, where);
  const [, a, b, c] = dims ?? [];
  const isChannels = (dim: unknown): dim is 1 | 3 => dim === 1 || dim === 3;
  if (type === 'float32' && dims?.length === 4) {
    if (isChannels(a) && typeof b === 'number' && typeof c === 'number') {
      return { channels: a, height: b, width: c, channelsLast: false, normalization };
    }
    if (isChannels(c) && typeof a === 'number' && typeof b === 'number') {
      return { channels: c, height: a, width: b, channelsLast: true, normalization };
    }
  }
  throw new OctavoError('INVALID_INPUT', `input '${name}' does not take pictures`, {
    where,
    expected: 'float32 [N, 3, H, W] or [N, H, W, 3] with H and W known',
    found: `${type} ${formatShape(dims ?? [])}`,
  });
}

/** At most `limit` of the items, evenly spread: folders are often sorted by class. */
function spread<T>(items: readonly T[], limit: number | undefined): T[] {
  if (limit === undefined || limit >= items.length) return [...items];
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)]!);
}
