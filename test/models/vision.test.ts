/**
 * Detectors and readers of text in FP32, against onnxruntime-node, at sizes that vary. The largest difference is held
 * against the largest answer: long float sums come in another order.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { importModel } from '../../src/onnx/import.js';
import { createSession } from '../../src/runtime/session.js';
import { ocrModels } from '../helpers/devModels.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom } from '../helpers/random.js';

/** max |a − b| / max |b| */
const tolerance = 1e-4;

const shapes: Readonly<Record<string, readonly (readonly number[])[]>> = {
  det: [
    [1, 3, 64, 96],
    [2, 3, 64, 160],
  ],
  rec: [
    [1, 3, 48, 160],
    [2, 3, 48, 96],
  ],
  cls: [
    [1, 3, 48, 192],
    [3, 3, 48, 96],
  ],
};

/** Dark strokes on a light ground, a line of them as high as half of the picture: text enough to be found. */
function pictureOf(dims: readonly number[]): Tensor<'float32'> {
  const [batch, channels, height, width] = dims as [number, number, number, number];
  const random = createRandom(width);
  const data = new Float32Array(batch * channels * height * width);
  for (let plane = 0, at = 0; plane < batch * channels; plane++) {
    const strokes = Array.from({ length: width }, (_, x) => x % 8 > 2 && random.chance(0.6));
    for (let y = 0; y < height; y++) {
      const inLine = y > height / 4 && y < (3 * height) / 4;
      for (let x = 0; x < width; x++) {
        const ink = inLine && (strokes[x]! || (x % 8 > 2 && y % 7 === 0));
        data[at++] = (ink ? -2 : 2) + random.real(-0.1, 0.1);
      }
    }
  }
  return { type: 'float32', dims: [...dims], data };
}

const cases = ocrModels.flatMap((file) =>
  (shapes[/_(det|rec|cls)_/.exec(file)?.[1] ?? ''] ?? []).map((dims) => [file, dims] as const),
);

describe('PP-OCR', () => {
  it('has three models at two sizes', () => {
    expect(cases).toHaveLength(6);
  });

  it.each(cases)('%s %j', async (file, dims) => {
    const bytes = readFileSync(file);
    const feeds = { x: pictureOf(dims) };
    const session = await createSession(importModel(bytes).graph);
    const ours = await session.run(feeds);
    session.dispose();
    for (const [name, expected] of await runOnnxRuntime(bytes, feeds)) {
      const found = ours[name]!;
      expect(found.dims).toEqual(expected.dims);
      const [a, b] = [found.data as Float32Array, expected.data as Float32Array];
      const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const difference = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
      expect(largest).toBeGreaterThan(0.1);
      expect(difference / largest).toBeLessThanOrEqual(tolerance);
    }
  });
});
