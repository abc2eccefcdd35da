/** Products with 4-bit weights, against their definition and against float, on every backend. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { dequantize, paramsOf, quantize } from '../../src/numerics/index.js';
import { createMatMulNBits, matMulNBits } from '../../src/runtime/matMulNBits.js';
import { createRandom, floats, integers } from '../helpers/random.js';
import { backends } from '../lifecycle/backends.js';

const { fround } = Math;
type Options = Parameters<typeof matMulNBits>[2];

const half = (bytes: Uint8Array, i: number) =>
  i % 2 === 0 ? bytes[i >> 1]! & 15 : bytes[i >> 1]! >> 4;

/** The nearest whole number, the even one of two. */
function nearest(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/** y[m, n], as the docs of createMatMulNBits say it. */
function multiply(x: Tensor<'float32'>, weight: Tensor<'uint8'>, options: Options): Float32Array {
  const [m, k] = x.dims as [number, number];
  const [n, blocks, bytes] = weight.dims as [number, number, number];
  const y = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    const row = x.data.subarray(i * k, (i + 1) * k);
    const step = fround(row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127) || 1;
    const q = Array.from(row, (value) =>
      Math.min(127, Math.max(-128, nearest(fround(value / step)))),
    );
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let b = 0; b < blocks; b++) {
        const zero = options.zeroPoints
          ? half(options.zeroPoints.subarray(j * Math.ceil(blocks / 2)), b)
          : 8;
        let acc = 0;
        for (let l = b * 2 * bytes; l < Math.min(k, (b + 1) * 2 * bytes); l++) {
          acc += q[l]! * (half(weight.data, j * blocks * 2 * bytes + l) - zero);
        }
        sum = fround(sum + fround(fround(acc) * options.scales[j * blocks + b]!));
      }
      y[i * n + j] = fround(sum * step) + (options.bias?.[j] ?? 0);
    }
  }
  return y;
}

describe.each(backends)('on %s', (backend) => {
  it('is its definition', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = createRandom(seed);
      const [m, k, n] = [random.int(1, 9), random.int(1, 150), random.int(1, 80)];
      const blockSize = random.pick([16, 24, 32, 64]);
      const blocks = Math.ceil(k / blockSize);
      const dims = [n, blocks, blockSize / 2];
      const weight = {
        type: 'uint8',
        dims,
        data: integers(random, 'uint8', n * blocks * dims[2]!),
      } as const;
      const options = {
        scales: floats(random, n * blocks),
        zeroPoints: random.chance(0.5)
          ? integers(random, 'uint8', n * Math.ceil(blocks / 2))
          : undefined,
        bias: random.chance(0.5) ? floats(random, n) : undefined,
        k,
      };
      const x = { type: 'float32', dims: [m, k], data: floats(random, m * k, -9, 9) } as const;
      const y = await matMulNBits(x, weight, { ...options, backend });
      const expected = { type: 'float32', dims: [m, n], data: multiply(x, weight, options) };
      expect(y, `seed ${seed}`).toEqual(expected);
    }
  });

  it('takes what quantize makes, and is near the product of floats', async () => {
    const random = createRandom(3);
    const [m, k, n, blockSize] = [5, 128, 40, 32];
    const w = floats(random, n * k);
    const granularity = { axis: 1, block: blockSize };
    const params = paramsOf(w, [n, k], { type: 'uint4', symmetric: true, granularity });
    const data = quantize(w, [n, k], params);
    const weight = { type: 'uint8', dims: [n, k / blockSize, blockSize / 2], data } as const;
    const real = dequantize(data, [n, k], params);
    const operator = await createMatMulNBits(weight, { scales: params.scale, backend });
    const x = { type: 'float32', dims: [m, k], data: floats(random, m * k) } as const;
    const y = (await operator.run(x)).data as Float32Array;
    operator.dispose();
    for (let i = 0; i < m * n; i++) {
      let sum = 0;
      for (let l = 0; l < k; l++)
        sum += x.data[Math.floor(i / n) * k + l]! * real[(i % n) * k + l]!;
      // Half a step of int8 in each of k products.
      expect(Math.abs(y[i]! - sum)).toBeLessThan(k / 254);
    }
  });
});

describe('refused', () => {
  const weight = { type: 'uint8', dims: [3, 2, 8], data: new Uint8Array(48) } as const;
  const scales = new Float32Array(6);
  const wrong: [string, unknown, string?][] = [
    ['null', null],
    ['no scales', {}, 'scales'],
    ['scales in a list', { scales: [1] }, 'scales'],
    ['too few scales', { scales: new Float32Array(5) }, 'scales'],
    ['too few zero points', { scales, zeroPoints: new Uint8Array(2) }, 'zeroPoints'],
    ['zero points of int8', { scales, zeroPoints: new Int8Array(3) }, 'zeroPoints'],
    ['too long a bias', { scales, bias: new Float32Array(4) }, 'bias'],
    ['k in an earlier block', { scales, k: 16 }, 'k'],
    ['k beyond the blocks', { scales, k: 33 }, 'k'],
    ['an unknown option', { scales, zeroPoint: 8 }, 'zeroPoint'],
  ];
  it.each(wrong)('%s', async (_, options, where) => {
    const error = where === undefined ? {} : { where };
    await expect(createMatMulNBits(weight, options as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      ...error,
    });
  });

  it.each([
    ['a weight of int8', { ...weight, type: 'int8' }],
    ['a weight of rank 2', { ...weight, dims: [6, 8] }],
    ['a block of 8', { ...weight, dims: [6, 2, 4] }],
    ['nothing', undefined],
  ])('%s', async (_, bad) => {
    await expect(createMatMulNBits(bad as never, { scales })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      where: 'weight',
    });
  });

  it('x of another width', async () => {
    const operator = await createMatMulNBits(weight, { scales, k: 30, backend: 'reference' });
    const x = { type: 'float32', dims: [1, 32], data: new Float32Array(32) } as const;
    await expect(operator.run(x)).rejects.toMatchObject({ code: 'INVALID_INPUT', where: 'x' });
    operator.dispose();
  });
});
