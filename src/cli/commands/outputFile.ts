/** Where a command writes: a name of its own making, and what is wrong with one that was given. */
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { OctavoError } from '../../core/errors.js';
import { UsageError } from '../options.js';

/** model.onnx → model.int8.onnx */
export function defaultOutput(file: string, type: string): string {
  const { dir, name } = path.parse(file);
  return path.join(dir, `${name}.${type}.onnx`);
}

/** Fails before the calibration and not after it. */
export async function requireWritable(output: string, input?: string): Promise<void> {
  if (input !== undefined && path.resolve(output) === path.resolve(input)) {
    throw new UsageError('--output is the model itself, which would be lost');
  }
  const folder = path.dirname(path.resolve(output));
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    const where = output;
    throw new OctavoError('FILE_UNWRITABLE', 'its folder cannot be written to', { where, cause });
  }
  const existing = await stat(output).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) {
    throw new OctavoError('FILE_UNWRITABLE', 'it is not a regular file', { where: output });
  }
}
