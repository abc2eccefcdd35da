/** Models as files: the graph, and what else the file says. */
import { OctavoError } from '../core/errors.js';
import { type Limits, resolveLimits } from '../core/limits.js';
import type { Graph } from '../graph/ir.js';
import { exportModel } from './export.js';
import { importModel } from './import.js';
import { type Allocate, readModelFile } from './load.js';
import { node } from './node.js';
import { writeFileAtomic } from './save.js';

/** What an ONNX file says besides its graph. */
export interface ModelMeta {
  /** Version of the file format that the model came in; export writes the one its opset needs. */
  readonly irVersion: number;
  /** Operator sets that the model came with, by domain; the graph may be in newer ones. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: number;
  readonly docString: string;
  /** metadata_props. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Fields of the file that Octavo does not know, as they were. */
  readonly unknown: readonly Uint8Array[];
}

export interface Model {
  readonly graph: Graph;
  readonly meta: ModelMeta;
}

export interface LoadModelOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** External data by the location that the model gives, taken instead of files next to it. */
  readonly externalData?: ReadonlyMap<string, Uint8Array> | undefined;
}

/**
 * Loads a model from a path or from the bytes of an ONNX file; a model that is loaded already is
 * returned as it is. Given bytes are copied, and may be changed or transferred afterwards. Without a
 * path, external data are taken from `externalData` only.
 * Throws `INVALID_ARGUMENT`, what `importModel` throws, and for a path `FILE_NOT_FOUND` and `FILE_UNREADABLE`.
 */
export async function loadModel(
  source: Model | string | URL | Uint8Array | ArrayBuffer,
  options: LoadModelOptions = {},
): Promise<Model> {
  return loadModelInto(async (bytes) => new Uint8Array(bytes), source, options);
}

/** The same, the bytes of the file in memory that `allocate` makes. */
export async function loadModelInto(
  allocate: Allocate,
  source: Model | string | URL | Uint8Array | ArrayBuffer,
  { externalData, limits }: LoadModelOptions,
): Promise<Model> {
  if (typeof source === 'string' || source instanceof URL) {
    const path = typeof source === 'string' ? source : pathOf(source);
    const bytes = await readModelFile(path, resolveLimits(limits), allocate);
    return importModel(bytes, { path, externalData, limits, ownsBytes: true });
  }
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) {
    const bytes = source instanceof Uint8Array ? source : new Uint8Array(source);
    return importModel(new Uint8Array(bytes), { externalData, limits, ownsBytes: true });
  }
  if (isModel(source)) return source;
  throw new OctavoError('INVALID_ARGUMENT', 'not a model', {
    expected: 'a path, the bytes of an ONNX file, or a model',
    found: source === null ? 'null' : typeof source,
  });
}

function pathOf(url: URL): string {
  try {
    return node.url.fileURLToPath(url);
  } catch (cause) {
    throw new OctavoError('INVALID_ARGUMENT', 'not the URL of a file', { where: url.href, cause });
  }
}

function isModel(source: unknown): source is Model {
  return typeof source === 'object' && source !== null && 'graph' in source && 'meta' in source;
}

/**
 * Writes a model as an ONNX file, whole or not at all: a failure, even of the process, leaves the old
 * file in place. Throws `FILE_UNWRITABLE` and what `exportModel` throws.
 */
export async function saveModel(model: Model, path: string): Promise<void> {
  await writeFileAtomic(path, exportModel(model.graph, model.meta));
}
