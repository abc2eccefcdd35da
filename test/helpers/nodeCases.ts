/**
 * ONNX's node conformance cases, from `onnx-node/node.tar.gz` of the data folder: one small model each,
 * with inputs and the outputs that ONNX's own implementation computes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { resolveLimits } from '../../src/core/limits.js';
import type { Tensor } from '../../src/core/tensor.js';
import { openExternalData } from '../../src/onnx/externalData.js';
import { decodeTensor } from '../../src/onnx/messages.js';
import { readTensor } from '../../src/onnx/tensors.js';

export interface NodeCase {
  readonly name: string;
  readonly model: Uint8Array;
  /** In the order of the model's inputs; undefined where the file holds no tensor Octavo reads. */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly (Tensor | undefined)[];
}

const archive = join(process.env['OCTAVO_DATA'] ?? '', 'onnx-node', 'node.tar.gz');

/** Why there are no cases, for the name of a skipped test; undefined when there are. */
export const noNodeCases = existsSync(archive) ? undefined : `no ${archive}`;

export function loadNodeCases(): NodeCase[] {
  const files = readTar(gunzipSync(readFileSync(archive)));
  const names = new Set<string>();
  for (const path of files.keys()) {
    const match = /^node\/([^/]+)\/model\.onnx$/.exec(path);
    if (match !== null) names.add(match[1]!);
  }
  return [...names].sort().map((name) => ({
    name,
    model: files.get(`node/${name}/model.onnx`)!,
    inputs: tensorsOf(files, `node/${name}/test_data_set_0/input_`),
    outputs: tensorsOf(files, `node/${name}/test_data_set_0/output_`),
  }));
}

function tensorsOf(files: ReadonlyMap<string, Uint8Array>, prefix: string) {
  const tensors: (Tensor | undefined)[] = [];
  for (let i = 0; ; i++) {
    const bytes = files.get(`${prefix}${i}.pb`);
    if (bytes === undefined) return tensors;
    tensors.push(tensorOf(bytes));
  }
}

/** Strings, sequences and optionals are not tensors that Octavo reads. */
function tensorOf(bytes: Uint8Array): Tensor | undefined {
  const limits = resolveLimits();
  const external = openExternalData({
    modelPath: undefined,
    files: undefined,
    limits,
    modelBytes: 0,
  });
  try {
    return readTensor(decodeTensor(bytes, limits, 'tensor'), 'tensor', { limits, external });
  } catch {
    return undefined;
  } finally {
    external.close();
  }
}

/** The regular files of a tar archive (ustar, GNU and pax long names). */
function readTar(bytes: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (start: number, length: number): string =>
    Buffer.from(bytes.subarray(start, start + length))
      .toString('utf8')
      .replace(/\0.*$/s, '');
  let longName: string | undefined;
  for (let at = 0; at + 512 <= bytes.length; ) {
    const name = text(at, 100);
    if (name === '') break;
    const size = Number.parseInt(text(at + 124, 12), 8);
    const type = text(at + 156, 1);
    const prefix = text(at + 257, 5) === 'ustar' ? text(at + 345, 155) : '';
    const start = at + 512;
    if (type === 'L') longName = text(start, size);
    else if (type === 'x') longName = /(?:^|\n)\d+ path=(.*)\n/.exec(text(start, size))?.[1];
    else {
      const path = longName ?? (prefix === '' ? name : `${prefix}/${name}`);
      if (type === '0' || type === '') files.set(path, bytes.slice(start, start + size));
      longName = undefined;
    }
    at = start + Math.ceil(size / 512) * 512;
  }
  return files;
}
