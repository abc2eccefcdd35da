/** Reading what a user names: whole files and lines, with the errors of the file system told as Octavo's. */
import type { Stats } from 'node:fs';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { OctavoError } from '../../core/errors.js';
import { defaultLimits } from '../../core/limits.js';

/** Most bytes of a file that is read whole, and of a line. */
const mostBytes = defaultLimits.tensorBytes;
const mostLineCharacters = 2 ** 28;

/** An error of the file system as `FILE_NOT_FOUND` or `FILE_UNREADABLE`, naming the file. */
export function fileError(cause: unknown, where: string): OctavoError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    return new OctavoError('FILE_NOT_FOUND', 'no such file or folder', { where });
  }
  return new OctavoError('FILE_UNREADABLE', `cannot be read${code ? ` (${code})` : ''}`, {
    where,
    cause,
  });
}

export async function statOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    throw fileError(cause, path);
  }
}

/** Pipes and devices could keep a reader waiting for ever. */
async function requireRegular(file: string): Promise<Stats> {
  const stats = await statOf(file);
  if (stats.isFile()) return stats;
  throw new OctavoError('FILE_UNREADABLE', 'it is not a regular file', { where: file });
}

/** Throws `FILE_NOT_FOUND`, `FILE_UNREADABLE`, or `LIMIT_EXCEEDED` above 2 GiB. */
export async function readWhole(file: string): Promise<Uint8Array> {
  const { size } = await requireRegular(file);
  if (size > mostBytes) {
    throw new OctavoError('LIMIT_EXCEEDED', 'the file is too large', {
      where: file,
      expected: `at most ${mostBytes} bytes`,
      found: String(size),
    });
  }
  try {
    return await readFile(file);
  } catch (cause) {
    throw fileError(cause, file);
  }
}

/** The lines of a text file, without their ends, one held at a time. Throws as `readWhole` does. */
export async function* readLines(file: string): AsyncGenerator<string> {
  await requireRegular(file);
  let rest = '';
  try {
    for await (const chunk of createReadStream(file, 'utf8')) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      if (rest.length > mostLineCharacters) {
        throw new OctavoError('LIMIT_EXCEEDED', 'a line is too long', {
          where: file,
          expected: `at most ${mostLineCharacters} characters`,
        });
      }
      yield* lines;
    }
  } catch (cause) {
    throw cause instanceof OctavoError ? cause : fileError(cause, file);
  }
  if (rest !== '') yield rest;
}
