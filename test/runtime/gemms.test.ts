/** Matrix products of other widths than int8, against their definition, on every backend. */
import { describe, expect, it } from 'vitest';
import { encodeBfloat16, encodeFloat16 } from '../../src/core/half.js';
import type { Tensor } from '../../src/core/tensor.js';
import { pack, roundHalfEven } from '../../src/numerics/index.js';
import {
  createGemm,
  gemm,
  type Int1Output,
  type Int16Output,
} from '../../src/runtime/operators.js';
import { createRandom, floats, gridFloats, integers, type Random } from '../helpers/random.js';
import { backends } from '../lifecycle/backends.js';

const { fround } = Math;

const signs = (random: Random, count: number) =>
  Int8Array.from({ length: count }, () => random.pick([-1, 1]));
const perColumn = (value: number | ArrayLike<number>, column: number) =>
  typeof value === 'number' ? value : value[column]!;

/** Σ x[m, k] · w[k, n] for all m and n, row-major. */
function products(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  [m, k, n]: readonly [number, number, number],
): number[] {
  return Array.from({ length: m * n }, (_, i) => {
    let sum = 0;
    for (let l = 0; l < k; l++) sum += x[Math.floor(i / n) * k + l]! * w[l * n + (i % n)]!;
    return sum;
  });
}

describe.each(backends)('on %s', (backend) => {
  it('int1 is its definition', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = createRandom(seed);
      const size = [random.int(1, 30), random.int(1, 150), random.int(1, 50)] as const;
      const [m, k, n] = size;
      const [left, right] = [signs(random, m * k), signs(random, k * n)];
      const x = { type: 'int1', dims: [m, k], data: pack(left, 'int1') } as const;
      const weight = { type: 'int1', dims: [k, n], data: pack(right, 'int1') } as const;
      const sums = products(left, right, size);
      const multiplier = random.chance(0.5) ? -0.3 : floats(random, n);
      const bias = random.chance(0.5) ? floats(random, n) : undefined;
      const scaled = sums.map((sum, i) => {
        const product = fround(sum * fround(perColumn(multiplier, i % n)));
        return bias ? fround(product + bias[i % n]!) : product;
      });
      const outputs: [Int1Output | undefined, Tensor['data']][] = [
        [undefined, Int32Array.from(sums)],
        [{ type: 'float32', multiplier, bias }, Float32Array.from(scaled)],
      ];
      for (const [output, data] of outputs) {
        const y = await gemm(x, weight, { backend, output });
        expect(y, `seed ${seed}`).toEqual({ type: output?.type ?? 'int32', dims: [m, n], data });
      }
    }
  });

  it('int16 is its definition', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = createRandom(seed);
      const size = [random.int(1, 20), random.int(1, 300), random.int(1, 60)] as const;
      const [m, k, n] = size;
      const x = { type: 'int16', dims: [m, k], data: integers(random, 'int16', m * k) } as const;
      const high = random.pick([127, 2047, 32767]);
      const data = integers(random, 'int16', k * n, -high - 1, high);
      const weight = { type: 'int16', dims: [k, n], data } as const;
      const bias = random.chance(0.5) ? integers(random, 'int32', n) : undefined;
      const sums = products(x.data, data, size).map((sum, i) => sum + (bias?.[i % n] ?? 0));
      const one = () => Math.fround(random.real(0.2, 2) / (high * Math.sqrt(k)));
      const multiplier = random.chance(0.5) ? one() : Float32Array.from({ length: n }, one);
      const scaled = sums.map((sum, i) => fround(fround(sum) * perColumn(multiplier, i % n)));
      const [min, max] = random.pick([
        [-32768, 32767],
        [0, 9000],
      ]);
      const codes = scaled.map((value) => Math.min(max!, Math.max(min!, roundHalfEven(value))));
      const outputs: [Int16Output | undefined, Tensor['data']][] = [
        [undefined, BigInt64Array.from(sums, BigInt)],
        [{ type: 'float32', multiplier }, Float32Array.from(scaled)],
        [{ type: 'int16', multiplier, min, max }, Int16Array.from(codes)],
      ];
      for (const [output, expected] of outputs) {
        const y = await gemm(x, weight, { backend, output, bias });
        const type = output?.type ?? 'int64';
        expect(y, `seed ${seed}`).toEqual({ type, dims: [m, n], data: expected });
      }
    }
  });

  it('int16 sums nothing but the lowest values', async () => {
    const dims = [70_000, 1] as const;
    const weight = { type: 'int16', dims, data: new Int16Array(70_000).fill(-32768) } as const;
    const x = { ...weight, dims: [1, 70_000] };
    const y = await gemm(x, weight, { backend });
    expect(y.data).toEqual(BigInt64Array.of(70_000n * 2n ** 30n));
  });

  it('floats are their definition, whatever they are stored as', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = createRandom(seed);
      const size = [random.int(1, 20), random.int(1, 700), random.int(1, 70)] as const;
      const [m, k, n] = size;
      // On this grid every partial sum is exact, in any order.
      const [left, right] = [gridFloats(random, m * k), gridFloats(random, k * n)];
      const x = { type: 'float32', dims: [m, k], data: left } as const;
      const dims = [k, n];
      const bias = random.chance(0.5) ? gridFloats(random, n) : undefined;
      const max = random.chance(0.5) ? 0.75 : undefined;
      const expected = Float32Array.from(products(left, right, size), (sum, i) =>
        Math.min(sum + (bias?.[i % n] ?? 0), max ?? Number.POSITIVE_INFINITY),
      );
      const weights = [
        { type: 'float32', dims, data: right },
        { type: 'float16', dims, data: encodeFloat16(right) },
        { type: 'bfloat16', dims, data: encodeBfloat16(right) },
      ] as const;
      for (const weight of weights) {
        const y = await gemm(x, weight, { backend, bias, max });
        const about = `seed ${seed}: ${weight.type}`;
        expect(y, about).toEqual({ type: 'float32', dims: [m, n], data: expected });
      }
    }
  });

  it('bfloat16 both is its definition', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = createRandom(seed);
      const size = [random.int(1, 20), random.int(1, 700), random.int(1, 70)] as const;
      const [m, k, n] = size;
      const [left, right] = [gridFloats(random, m * k), gridFloats(random, k * n)];
      const weight = { type: 'bfloat16', dims: [k, n], data: encodeBfloat16(right) } as const;
      const bias = gridFloats(random, n);
      const sums = products(left, right, size).map((sum, i) => sum + bias[i % n]!);
      const expected = { type: 'float32', dims: [m, n], data: Float32Array.from(sums) };
      // One operator takes both types of x.
      const operator = await createGemm(weight, { backend, bias });
      const data = encodeBfloat16(left);
      const halves = await operator.run({ type: 'bfloat16', dims: [m, k], data });
      const floats = operator.runSync({ type: 'float32', dims: [m, k], data: left });
      operator.dispose();
      expect(halves, `seed ${seed}`).toEqual(expected);
      expect(floats, `seed ${seed}`).toEqual(expected);
    }
  });

  it('bfloat16 is for weights of bfloat16', async () => {
    const x = { type: 'bfloat16', dims: [1, 2], data: new Uint16Array(2) } as const;
    for (const type of ['float32', 'float16'] as const) {
      const data = type === 'float32' ? new Float32Array(6) : new Uint16Array(6);
      const weight: Tensor = { type, dims: [2, 3], data };
      const made = gemm(x, weight as Tensor<'bfloat16'>, { backend });
      await expect(made).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('any number of rows, none too', async () => {
    const weight = { type: 'int1', dims: [8, 2], data: Uint8Array.of(0xff, 0xff) } as const;
    const operator = await createGemm(weight, { backend });
    for (const rows of [3, 0, 1]) {
      const x = { type: 'int1', dims: [rows, 8], data: new Uint8Array(rows).fill(255) } as const;
      const y = await operator.run(x);
      const data = new Int32Array(2 * rows).fill(8);
      expect(y).toEqual({ type: 'int32', dims: [rows, 2], data });
    }
    operator.dispose();
  });
});

describe('refused', () => {
  const int1 = { type: 'int1', dims: [9, 3], data: new Uint8Array(4) } as const;
  const half = { type: 'float16', dims: [2, 3], data: new Uint16Array(6) } as const;
  const int16 = { type: 'int16', dims: [2, 3], data: new Int16Array(6) } as const;
  const short = { type: 'int16', multiplier: 1 };
  const output = { type: 'float32', multiplier: 1 };
  const wrong: [string, Tensor, object, string][] = [
    ['int1: a zero point', int1, { zeroPoint: 1 }, 'zeroPoint'],
    ['int1: uint8 results', int1, { output: { type: 'uint8' } }, 'output.type'],
    ['int1: no multiplier', int1, { output: { type: 'float32' } }, 'output.multiplier'],
    ['int1: a multiplier for int32', int1, { output: { ...output, type: 'int32' } }, 'multiplier'],
    [
      'int1: too few multipliers',
      int1,
      { output: { ...output, multiplier: new Float32Array(2) } },
      'output.multiplier',
    ],
    [
      'int1: a short bias',
      int1,
      { output: { ...output, bias: new Float32Array(2) } },
      'output.bias',
    ],
    ['int1: a bias in a list', int1, { output: { ...output, bias: [1, 2, 3] } }, 'bias'],
    ['float16: an empty clamp', half, { min: 1, max: 0 }, 'min'],
    ['float16: a bias of integers', half, { bias: new Int32Array(3) }, 'bias'],
    ['float16: a short bias', half, { bias: new Float32Array(2) }, 'bias'],
    ['float16: an output', half, { output: { type: 'float32' } }, 'output'],
    ['float16: rank 1', { ...half, dims: [6] }, {}, 'weight'],
    ['int16: an empty clamp', int16, { output: { ...short, min: 1, max: 0 } }, 'output.min'],
    ['int16: a clamp beyond', int16, { output: { ...short, max: 32768 } }, 'max'],
    ['int16: no multiplier', int16, { output: { type: 'int16' } }, 'output.multiplier'],
    ['int16: a zero point', int16, { zeroPoint: 1 }, 'zeroPoint'],
    ['int16: a bias of floats', int16, { bias: new Float32Array(3) }, 'bias'],
    ['int16: a short bias', int16, { bias: new Int32Array(2) }, 'bias'],
    ['int16: int32 results', int16, { output: { type: 'int32' } }, 'output.type'],
    ['int16: rank 1', { ...int16, dims: [6] }, {}, 'weight'],
    ['int1: rank 3', { ...int1, dims: [9, 3, 1] }, {}, 'weight'],
  ];
  it.each(wrong)('%s', async (_, weight, options, where) => {
    const made = createGemm(weight as Tensor<'int1'>, options as never);
    await expect(made).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', where });
  });

  it('a multiplier that is infinite', async () => {
    const options = { output: { type: 'float32', multiplier: Number.POSITIVE_INFINITY } } as const;
    await expect(createGemm(int1, options)).rejects.toMatchObject({ code: 'INVALID_QUANTIZATION' });
  });
});
