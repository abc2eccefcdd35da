/**
 * Tensor data outside the model file: the only code that opens a path a model names. A location is
 * taken only if it names, below the model's folder, a regular file reached without any link; what was
 * opened is checked through its descriptor, so a path that is swapped meanwhile gains nothing. Ranges
 * are compared with the file's size before memory is allocated.
 */
import { OctavoError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { StringStringEntryProto } from './messages.js';
import { node } from './node.js';

export interface ExternalData {
  /**
   * The bytes that the entries of a tensor point to, `bytes` of them. Throws `UNSAFE_PATH`,
   * `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `INVALID_MODEL` or `LIMIT_EXCEEDED`, naming `where`.
   */
  read(entries: readonly StringStringEntryProto[], bytes: number, where: string): Uint8Array;
  /** Closes the files. */
  close(): void;
}

export interface ExternalDataOptions {
  /** Path of the model file; locations are relative to its folder. Without it no file is opened. */
  readonly modelPath?: string | undefined;
  /** Contents by location, taken instead of files, and copied. */
  readonly files?: ReadonlyMap<string, Uint8Array> | undefined;
  readonly limits: Limits;
  /** Bytes of the model file itself, which count for the limit. */
  readonly modelBytes: number;
}

/** A file or given bytes, of known size. */
interface Source {
  readonly size: number;
  read(offset: number, length: number, where: string): Uint8Array;
}

export function openExternalData(options: ExternalDataOptions): ExternalData {
  const { modelPath, files, limits } = options;
  const sources = new Map<string, Source>();
  const descriptors: number[] = [];
  let total = options.modelBytes;

  function sourceOf(location: string, where: string): Source {
    let source = sources.get(location);
    if (source === undefined) {
      const given = files?.get(location);
      source =
        given === undefined
          ? fileSource(openInside(modelPath, location, where))
          : {
              size: given.length,
              read: (offset, length) => given.slice(offset, offset + length),
            };
      sources.set(location, source);
    }
    return source;
  }

  function fileSource({ descriptor, size }: OpenFile): Source {
    descriptors.push(descriptor);
    return {
      size,
      read: (offset, length, where) => readRange(descriptor, offset, length, where),
    };
  }

  return {
    read(entries, bytes, where) {
      const { location, offset, length } = rangeOf(entries, bytes, where);
      total += length;
      if (total > limits.modelBytes) {
        throw new OctavoError('LIMIT_EXCEEDED', 'the model is too large with its external data', {
          where,
          expected: `at most ${limits.modelBytes} bytes (limit modelBytes)`,
          found: String(total),
        });
      }
      const source = sourceOf(location, where);
      if (offset > source.size || length > source.size - offset) {
        throw new OctavoError('INVALID_MODEL', `the external data end behind '${location}'`, {
          where,
          expected: `at most ${source.size} bytes`,
          found: `offset ${offset}, length ${length}`,
        });
      }
      return source.read(offset, length, where);
    },
    close() {
      for (const descriptor of descriptors.splice(0)) node.files.closeSync(descriptor);
    },
  };
}

interface Range {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Keys other than location, offset and length mean nothing here. */
function rangeOf(entries: readonly StringStringEntryProto[], bytes: number, where: string): Range {
  const fields = new Map<string, string>();
  for (const { key = '', value = '' } of entries) {
    if (fields.has(key)) {
      throw new OctavoError('INVALID_MODEL', `the external data have '${key}' twice`, { where });
    }
    fields.set(key, value);
  }
  const location = fields.get('location');
  if (location === undefined) {
    throw new OctavoError('INVALID_MODEL', 'the external data have no location', { where });
  }
  const offset = wholeNumber(fields.get('offset') ?? '0', 'offset', where);
  const length = wholeNumber(fields.get('length') ?? String(bytes), 'length', where);
  if (length !== bytes) {
    throw new OctavoError('INVALID_MODEL', 'the external data have the wrong length', {
      where,
      expected: String(bytes),
      found: String(length),
    });
  }
  return { location, offset, length };
}

function wholeNumber(text: string, what: string, where: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new OctavoError('INVALID_MODEL', `the external data have a bad ${what}`, {
      where,
      expected: 'a whole number from 0',
      found: `'${text}'`,
    });
  }
  return value;
}

interface OpenFile {
  readonly descriptor: number;
  readonly size: number;
}

function openInside(modelPath: string | undefined, location: string, where: string): OpenFile {
  const { files: fs, path } = node;
  const refuse = (what: string, cause?: unknown): OctavoError =>
    new OctavoError('UNSAFE_PATH', `external data in '${location}': ${what}`, { where, cause });

  const parts = partsOf(location);
  if (parts === undefined) throw refuse('the location may leave the folder of the model');
  if (modelPath === undefined) {
    throw new OctavoError('FILE_NOT_FOUND', `external data in '${location}'`, {
      where,
      expected: 'the path of the model, or the data by the externalData option',
    });
  }
  let descriptor: number | undefined;
  try {
    const file = path.join(fs.realpathSync(path.dirname(modelPath)), ...parts);
    // Opening a device can have effects, so what is there is looked at before it is opened as well.
    const found = fs.lstatSync(file);
    if (found.isSymbolicLink()) throw refuse('it is a link');
    if (!found.isFile()) throw refuse('it is not a regular file');
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
    descriptor = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const opened = fs.fstatSync(descriptor, { bigint: true });
    const named = fs.lstatSync(file, { bigint: true });
    if (!opened.isFile()) throw refuse('it is not a regular file');
    if (opened.nlink !== 1n) throw refuse('the file has several names (hard links)');
    if (fs.realpathSync(file) !== file) throw refuse('it is reached by a link');
    if (opened.ino !== named.ino || opened.dev !== named.dev) throw refuse('the file was swapped');
    return { descriptor, size: Number(opened.size) };
  } catch (cause) {
    if (descriptor !== undefined) fs.closeSync(descriptor);
    if (cause instanceof OctavoError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ELOOP') throw refuse('it is reached by a link', cause);
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    throw new OctavoError(
      missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      `external data in '${location}' ${missing ? 'are not there' : 'cannot be read'}`,
      { where, cause },
    );
  }
}

/**
 * Names of folders and file on the way, or undefined for anything but a plain relative path in the
 * sense of every system: no '..', no root, no drive, no backslash.
 */
function partsOf(location: string): string[] | undefined {
  const forbidden = location === '' || /[\\:\0]/.test(location) || location.startsWith('/');
  const parts = location.split('/').filter((part) => part !== '.');
  if (forbidden || parts.length === 0 || parts.some((part) => part === '' || part === '..')) {
    return undefined;
  }
  return parts;
}

function readRange(descriptor: number, offset: number, length: number, where: string): Uint8Array {
  const data = new Uint8Array(length);
  // One call reads at most 2 GiB.
  const most = 2 ** 30;
  for (let done = 0; done < length; ) {
    const step = Math.min(most, length - done);
    let read: number;
    try {
      read = node.files.readSync(descriptor, data, done, step, offset + done);
    } catch (cause) {
      throw new OctavoError('FILE_UNREADABLE', 'the external data cannot be read', {
        where,
        cause,
      });
    }
    if (read === 0) throw new OctavoError('FILE_UNREADABLE', 'the file has shrunk', { where });
    done += read;
  }
  return data;
}
