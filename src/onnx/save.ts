/**
 * Atomic writing: the bytes go to a new file in the same folder, reach the disk, and only then take
 * the old file's place. Whenever the process dies, the path holds the old file or the new one. (A
 * process that is killed may leave a file '.<name>.<pid>.<number>.tmp' behind.)
 */
import { OctavoError } from '../core/errors.js';
import { node } from './node.js';

/**
 * Writes a file whole or not at all. An existing file keeps its permissions; a link to a file stays a
 * link. Throws `FILE_UNWRITABLE`, and leaves what was there as it was.
 */
export async function writeFileAtomic(file: string, data: Uint8Array): Promise<void> {
  const { fileCalls: fs, path } = node;
  let temporary: string | undefined;
  try {
    const { target, mode } = await targetOf(file);
    const folder = path.dirname(target);
    const name = `.${path.basename(target)}.${process.pid}.${node.crypto.randomBytes(6).toString('hex')}.tmp`;
    temporary = path.join(folder, name);
    await writeNew(temporary, data, mode);
    await fs.rename(temporary, target);
    temporary = undefined;
    await syncFolder(folder);
  } catch (cause) {
    if (temporary !== undefined) await fs.rm(temporary, { force: true }).catch(() => {});
    if (cause instanceof OctavoError) throw cause;
    throw new OctavoError('FILE_UNWRITABLE', 'the file cannot be written', { where: file, cause });
  }
}

interface Target {
  readonly target: string;
  /** Permissions of the file that is there. */
  readonly mode: number | undefined;
}

async function targetOf(file: string): Promise<Target> {
  const { fileCalls: fs, path } = node;
  let target: string;
  try {
    target = await fs.realpath(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { target: path.resolve(file), mode: undefined };
  }
  const stats = await fs.stat(target);
  if (!stats.isFile()) {
    throw new OctavoError('FILE_UNWRITABLE', 'it is not a regular file', { where: file });
  }
  // A rename asks only the folder for permission: a file that is write-protected shall stay.
  await fs.access(target, fs.constants.W_OK);
  return { target, mode: stats.mode & 0o7777 };
}

async function writeNew(file: string, data: Uint8Array, mode: number | undefined): Promise<void> {
  const handle = await node.fileCalls.open(file, 'wx', mode ?? 0o666);
  try {
    // The mode given to open is subject to the umask.
    if (mode !== undefined) await handle.chmod(mode);
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the rename last through a power failure, where folders can be opened at all. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await node.fileCalls.open(folder, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch {
    // Some file systems sync no folders; the new file itself is on the disk.
  } finally {
    await handle.close();
  }
}
