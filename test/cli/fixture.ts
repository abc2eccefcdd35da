/** What the tests of the command line share: small models as files, and the built command as a process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Tensor } from '../../src/core/tensor.js';
import { bytesOf, float32, nodeProto, t } from '../helpers/onnx-builder.js';
import { createRandom } from '../helpers/random.js';

const main = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Outcome>;
}

/** Starts `octavo` with these arguments; no colours, and no terminal. */
export function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const { FORCE_COLOR: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...inherited, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      texts[stream] += chunk;
    });
  }
  const done = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...texts }));
  });
  return { child, done };
}

export function octavo(...args: readonly string[]): Promise<Outcome> {
  return start(args).done;
}

/** A folder for the files of one test file. */
export function temporaryFolder(): { path: (name: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'octavo-cli-'));
  return {
    path: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const random = createRandom(20);
const weights = (...dims: number[]): Tensor =>
  t(
    'float32',
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.real(-1, 1)),
    dims,
  );

/** x [1, 3, H, W] → y [1, 2]: a convolution, ReLU, global pooling and a product. */
export function pictureModel(height: number | string = 8, width: number | string = 8): Uint8Array {
  return bytesOf(13, {
    nodes: [
      nodeProto('Conv', ['x', 'w', 'b'], ['c'], { pads: { kind: 'ints', value: [1, 1, 1, 1] } }),
      nodeProto('Relu', ['c'], ['r']),
      nodeProto('GlobalAveragePool', ['r'], ['g']),
      nodeProto('Flatten', ['g'], ['f']),
      nodeProto('Gemm', ['f', 'v'], ['y']),
    ],
    inputs: { x: float32(1, 3, height, width) },
    outputs: { y: float32(1, 2) },
    constants: { w: weights(4, 3, 3, 3), b: weights(4), v: weights(4, 2) },
  });
}

/** ids int64 [N, 3], x float32 [N, 3] → y = x · w + ids. */
export function pairModel(): Uint8Array {
  return bytesOf(13, {
    nodes: [
      nodeProto('MatMul', ['x', 'w'], ['m']),
      nodeProto('Cast', ['ids'], ['i'], { to: { kind: 'int', value: 1 } }),
      nodeProto('Add', ['m', 'i'], ['y']),
    ],
    inputs: { ids: { type: 'int64', dims: ['N', 3] }, x: float32('N', 3) },
    outputs: { y: float32('N', 3) },
    constants: { w: weights(3, 3) },
  });
}

/** A .npy file, version 1. `descr` such as '<f4'. */
export function npy(descr: string, shape: readonly number[], data: ArrayBufferView): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]),
    length,
    Buffer.from(header, 'latin1'),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
}

export function writeJsonLines(file: string, lines: readonly unknown[]): void {
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Models and samples in a folder: pictures, arrays and pairs of lines, as the commands take them. */
export async function writeSamples(path: (name: string) => string): Promise<void> {
  writeFileSync(path('model.onnx'), pictureModel());
  writeFileSync(path('free.onnx'), pictureModel('H', 'W'));
  writeFileSync(path('pair.onnx'), pairModel());
  mkdirSync(path('pictures'));
  for (const [i, kind] of ['jpeg', 'png', 'webp'].entries()) {
    const noise = { type: 'gaussian', mean: 90 + 40 * i, sigma: 40 } as const;
    const create = { width: 12, height: 10, channels: 3, background: '#888', noise } as const;
    await sharp({ create })
      .toFormat(kind as 'png')
      .toFile(path(`pictures/${i}.${kind}`));
  }
  const data = Float32Array.from({ length: 5 * 192 }, (_, i) => Math.sin(i));
  writeFileSync(path('data.npy'), npy('<f4', [5, 3, 8, 8], data));
  writeJsonLines(path('pairs.jsonl'), [
    { ids: [[1, 2, 3]], x: [[0.5, -1, 2]] },
    { ids: [[0, 0, -9]], x: [[1, 1, 1]] },
  ]);
}

/** Files that a command left behind half written. */
export function leftoversIn(path: (name: string) => string): string[] {
  return readdirSync(path('.')).filter((name) => name.endsWith('.tmp'));
}
