/** Reading the model file that the user names. */
import { OctavoError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { node } from './node.js';

/** Bytes of one read: a small file too is read by several threads. */
const [leastPiece, mostPiece] = [2 ** 18, 2 ** 22];

/**
 * Reads under way at once. One alone waits for the system to find memory for what it has read; more than threads of the
 * pool of libuv, of which there are four, would wait for each other.
 */
const readers = 4;

/** Makes memory of so many bytes, zeroed. */
export type Allocate = (bytes: number) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Reads a whole file, which is opened on this thread: to have another one do it takes longer. Throws `FILE_NOT_FOUND`,
 * `FILE_UNREADABLE` (also for folders, pipes and devices) or `LIMIT_EXCEEDED`.
 */
export async function readModelFile(
  file: string,
  limits: Limits,
  allocate: Allocate,
): Promise<Uint8Array> {
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    const { O_RDONLY, O_NONBLOCK = 0 } = node.files.constants;
    descriptor = node.files.openSync(file, O_RDONLY | O_NONBLOCK);
    const stats = node.files.fstatSync(descriptor);
    if (!stats.isFile()) {
      throw new OctavoError('FILE_UNREADABLE', 'it is not a regular file', { where: file });
    }
    if (stats.size > limits.modelBytes) {
      throw new OctavoError('LIMIT_EXCEEDED', 'the model file is too large', {
        where: file,
        expected: `at most ${limits.modelBytes} bytes (limit modelBytes)`,
        found: String(stats.size),
      });
    }
    const data = await allocate(stats.size);
    await readWhole(descriptor, data, file);
    return data;
  } catch (cause) {
    if (cause instanceof OctavoError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new OctavoError(
      missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      missing ? 'there is no such file' : 'the file cannot be read',
      { where: file, cause },
    );
  } finally {
    if (descriptor !== undefined) node.files.closeSync(descriptor);
  }
}

/** Fills `data` from the start of the file. Settles when no read is under way any more. */
async function readWhole(descriptor: number, data: Uint8Array, file: string): Promise<void> {
  const share = Math.ceil(data.length / readers);
  const pieceBytes = Math.min(Math.max(share, leastPiece), mostPiece);
  let next = 0;
  const readPieces = async (): Promise<void> => {
    while (next < data.length) {
      let done = next;
      const end = Math.min(done + pieceBytes, data.length);
      next = end;
      while (done < end) {
        const bytesRead = await read(descriptor, data, done, end);
        if (bytesRead === 0) {
          next = data.length;
          throw new OctavoError('FILE_UNREADABLE', 'the file has shrunk', { where: file });
        }
        done += bytesRead;
      }
    }
  };
  const reads = await Promise.allSettled(Array.from({ length: readers }, readPieces));
  for (const read of reads) if (read.status === 'rejected') throw read.reason;
}

/** Reads what lies there in the file, or the start of it; how many bytes. */
function read(descriptor: number, data: Uint8Array, start: number, end: number): Promise<number> {
  return new Promise((resolve, reject) => {
    node.files.read(descriptor, data, start, end - start, start, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}
