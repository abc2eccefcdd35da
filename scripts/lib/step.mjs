/**
 * Incremental build steps. A step runs when the content of its inputs differs from that of its last success, or when an
 * output is missing. Content and not time decides, so a fresh checkout, a touched file or a clock that jumps costs nothing.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { root } from './run.mjs';

const stampFolder = path.join(root, '.cache', 'stamps');

/** All files below `entry` (a file or a folder, relative to the root), sorted; none when it does not exist. */
export function listFiles(entry) {
  const absolute = path.join(root, entry);
  if (!fs.existsSync(absolute)) return [];
  if (fs.statSync(absolute).isFile()) return [entry];
  return fs
    .readdirSync(absolute, { withFileTypes: true, recursive: true })
    .filter((item) => item.isFile())
    .map((item) => path.relative(root, path.join(item.parentPath, item.name)))
    .sort();
}

/** A digest over the names and the contents of `entries`. */
export function digestOf(entries) {
  const hash = createHash('sha256');
  hash.update(`${process.platform} ${process.arch}\n`);
  for (const file of entries.flatMap(listFiles)) {
    const content = fs.readFileSync(path.join(root, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** Writes `text` to `file` unless it already holds it, so that what depends on `file` by time is left alone. */
export function writeIfChanged(file, text) {
  const absolute = path.join(root, file);
  if (fs.existsSync(absolute) && fs.readFileSync(absolute, 'utf8') === text) return;
  fs.mkdirSync(path.dirname(absolute), { recursive: true });
  fs.writeFileSync(absolute, text);
}

/** Whether step `name` has nothing to do. */
export function isUpToDate({ name, inputs, outputs }) {
  const stamp = path.join(stampFolder, name);
  return (
    outputs.every((file) => fs.existsSync(path.join(root, file))) &&
    fs.existsSync(stamp) &&
    fs.readFileSync(stamp, 'utf8') === digestOf(inputs)
  );
}

/**
 * Runs `step.build` unless the step is up to date. A step is `{ name, inputs, outputs, build }`, the paths relative to the root.
 * The digest is taken before the build: an input edited meanwhile makes the next run build again.
 */
export async function runStep(step) {
  if (isUpToDate(step)) return;
  const stamp = path.join(stampFolder, step.name);
  const digest = digestOf(step.inputs);
  fs.rmSync(stamp, { force: true });
  await step.build();
  fs.mkdirSync(stampFolder, { recursive: true });
  fs.writeFileSync(stamp, digest);
}
