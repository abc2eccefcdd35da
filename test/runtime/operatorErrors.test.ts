/** What products that stand alone refuse: every option that is none, every weight and x that do not fit. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { conv2d, createConv2d, createGemm, gemm } from '../../src/runtime/operators.js';

type Activations = Tensor<'uint8'> | Tensor<'int8'>;
type Weight = Tensor<'int8'>;

describe('refused', () => {
  const backend = 'reference';
  const weight: Weight = { type: 'int8', dims: [2, 3], data: new Int8Array(6).fill(1) };
  const kernel: Weight = { type: 'int8', dims: [4, 1, 1, 2], data: new Int8Array(8).fill(1) };
  const multiplier = 0.5;

  const optionsOfBoth: [string, unknown, string?][] = [
    ['null', null],
    ['a number', 3],
    ['unknown', { zeroPoints: 1 }, 'zeroPoints'],
    ['a zero point that is not whole', { zeroPoint: 0.5 }, 'zeroPoint'],
    ['a zero point of no type', { zeroPoint: 256 }, 'zeroPoint'],
    ['a zero point in a string', { zeroPoint: '1' }, 'zeroPoint'],
    ['a weight zero point out of range', { weightZeroPoint: 128 }, 'weightZeroPoint'],
    ['a weight zero point that is not whole', { weightZeroPoint: 0.5 }, 'weightZeroPoint'],
    ['too few weight zero points', { weightZeroPoint: new Int32Array(1) }, 'weightZeroPoint'],
    ['weight zero points in a list', { weightZeroPoint: [0, 0, 0] }, 'weightZeroPoint'],
    ['a bias that is a number', { bias: 0 }, 'bias'],
    ['a bias of floats', { bias: new Float32Array(3) }, 'bias'],
    ['too long a bias', { bias: new Int32Array(5) }, 'bias'],
    ['half a thread', { threads: 0.5 }, 'threads'],
    ['no threads', { threads: 0 }, 'threads'],
    ['a backend that is a number', { backend: 1 }, 'backend'],
    ['an instruction set that is null', { isa: null }, 'isa'],
    ['an output that is null', { output: null }, 'output'],
    ['an output that is a name', { output: 'uint8' }, 'output'],
    ['an output of no type', { output: {} }, 'output.type'],
    ['an output of an unknown type', { output: { type: 'int16' } }, 'output.type'],
    ['an output of an inherited type', { output: { type: 'toString' } }, 'output.type'],
    ['an output without multiplier', { output: { type: 'uint8' } }, 'output.multiplier'],
    ['a multiplier for int32', { output: { type: 'int32', multiplier } }, 'multiplier'],
    [
      'a zero point for floats',
      { output: { type: 'float32', multiplier, zeroPoint: 1 } },
      'zeroPoint',
    ],
    ['a multiplier in a list', { output: { type: 'uint8', multiplier: [1, 1, 1] } }, 'multiplier'],
    [
      'too few multipliers',
      { output: { type: 'uint8', multiplier: new Float32Array(1).fill(1) } },
      'output.multiplier',
    ],
    [
      'an output zero point of another type',
      { output: { type: 'int8', multiplier, zeroPoint: 200 } },
      'zeroPoint',
    ],
    [
      'a negative zero point for uint8',
      { output: { type: 'uint8', multiplier, zeroPoint: -1 } },
      'zeroPoint',
    ],
    ['a clamp out of range', { output: { type: 'uint8', multiplier, max: 256 } }, 'max'],
    ['a clamp that is not whole', { output: { type: 'int8', multiplier, min: 0.5 } }, 'min'],
    ['a clamp that is NaN', { output: { type: 'float32', multiplier, min: Number.NaN } }, 'min'],
    ['an empty clamp', { output: { type: 'uint8', multiplier, min: 9, max: 8 } }, 'output.min'],
    [
      'an empty clamp of floats',
      { output: { type: 'float32', multiplier, min: 1, max: 0 } },
      'output.min',
    ],
  ];
  const optionsOfConv2d: typeof optionsOfBoth = [
    ['a stride that is a number', { strides: 2 }, 'strides'],
    ['one stride', { strides: [2] }, 'strides'],
    ['a stride of 0', { strides: [0, 1] }, 'strides'],
    ['a dilation that is not whole', { dilations: [1.5, 1] }, 'dilations'],
    ['a huge dilation', { dilations: [2 ** 31, 1] }, 'dilations'],
    ['two pads', { pads: [1, 1] }, 'pads'],
    ['a negative pad', { pads: [0, 0, -1, 0] }, 'pads'],
    ['a pad that is NaN', { pads: [0, 0, Number.NaN, 0] }, 'pads'],
    ['no groups', { groups: 0 }, 'groups'],
    ['groups that do not divide', { groups: 3 }, 'groups'],
  ];

  it.each(optionsOfBoth)('options that are %s', async (_, options, where) => {
    const error = { code: 'INVALID_ARGUMENT', ...(where && { where }) };
    await expect(createGemm(weight, options as never)).rejects.toMatchObject(error);
    await expect(createConv2d(kernel, options as never)).rejects.toMatchObject(error);
  });

  it.each(optionsOfConv2d)('options that are %s, and all of a gemm', async (_, options, where) => {
    const error = { code: 'INVALID_ARGUMENT', where };
    await expect(createConv2d(kernel, options as never)).rejects.toMatchObject(error);
    await expect(createGemm(weight, options as never)).rejects.toMatchObject(error);
  });

  it.each([0, -1, Number.POSITIVE_INFINITY, 1e-60, 1e60])('a multiplier of %d', async (factor) => {
    const error = { code: 'INVALID_QUANTIZATION', where: 'output.multiplier' };
    for (const multiplier of [factor, Float32Array.of(1, factor, 1)]) {
      const output = { type: 'float32', multiplier } as const;
      await expect(createGemm(weight, { output })).rejects.toMatchObject(error);
    }
  });

  it('a backend that is not there, or has no such threads', async () => {
    const wrong = [{ backend: 'gpu' }, { backend, isa: 'avx2' }, { backend, threads: 2 }];
    const codes = ['INVALID_ARGUMENT', 'BACKEND_UNAVAILABLE', 'BACKEND_UNAVAILABLE'];
    for (const [i, options] of wrong.entries()) {
      await expect(createGemm(weight, options)).rejects.toMatchObject({ code: codes[i] });
    }
  });

  it.each([
    ['none', undefined],
    ['null', null],
    ['of another type', { type: 'uint8', dims: [2, 3], data: new Uint8Array(6) }],
    ['of another rank', { ...weight, dims: [6] }],
    ['empty', { ...weight, dims: [0, 3], data: new Int8Array(0) }],
    ['without dims', { type: 'int8', data: weight.data }],
    ['without data', { type: 'int8', dims: [2, 3] }],
    ['with too little data', { ...weight, data: new Int8Array(5) }],
    ['with other data', { ...weight, data: new Uint8Array(6) }],
    ['with dims that are none', { ...weight, dims: [-2, -3] }],
  ])('a weight that is %s', async (_, bad) => {
    const code = expect.stringMatching(/^INVALID_(ARGUMENT|TENSOR)$/);
    const error = { code, where: 'weight' };
    await expect(createGemm(bad as never)).rejects.toMatchObject(error);
    const dims = (bad as { dims?: number[] } | null | undefined)?.dims;
    const conv = bad && { ...bad, dims: dims && [...dims, 1, 1] };
    await expect(createConv2d(conv as never)).rejects.toMatchObject(error);
  });

  it('sums that might not fit, and no others', async () => {
    const k = 66_310;
    const tall = (rows: number, value: number): Weight => {
      return { type: 'int8', dims: [rows, 1], data: new Int8Array(rows).fill(value) };
    };
    const error = { code: 'LIMIT_EXCEEDED', where: 'weight' };
    const x: Activations = { type: 'uint8', dims: [1, k], data: new Uint8Array(k).fill(255) };
    const y = await gemm(x, tall(k, 127), { backend });
    expect(y.data[0]).toBe(k * 255 * 127);
    await expect(
      createGemm(tall(k, -128), { bias: Int32Array.of(-(2 ** 30)) }),
    ).rejects.toMatchObject(error);
    await expect(createGemm(tall(2 * k, 127))).rejects.toMatchObject(error);
    await expect(createGemm(tall(k, 127), { weightZeroPoint: -1 })).rejects.toMatchObject(error);
    (await createGemm(tall(2 * k, 60), { backend })).dispose();
  });

  it('what is no x for it', async () => {
    const operator = await createGemm(weight, { backend });
    const image = await createConv2d(kernel, { backend, groups: 2 });
    const data = new Uint8Array(4);
    const x = { type: 'uint8', dims: [2, 2], data };
    const wrong: unknown[] = [
      undefined,
      null,
      7,
      {},
      { ...x, type: 'float32', data: new Float32Array(4) },
      { ...x, type: 'int8' },
      { ...x, data: new Int8Array(4) },
      { ...x, data: [1, 2, 3, 4] },
      { ...x, dims: [4] },
      { ...x, dims: [1, 4] },
      { ...x, dims: [-2, 2] },
      { ...x, dims: [3, 2] },
      { ...x, dims: [2 ** 40, 2] },
      { ...x, dims: '2,2' },
    ];
    for (const bad of wrong) {
      for (const made of [operator, image]) {
        const error = { code: 'INVALID_INPUT', where: 'x' };
        await expect(made.run(bad as never)).rejects.toMatchObject(error);
        expect(() => made.runSync(bad as never)).toThrow(expect.objectContaining(error));
      }
    }
    operator.dispose();
    image.dispose();
  });

  it('an x whose type has no such zero point', async () => {
    const make = (zeroPoint: number) => createGemm(weight, { backend, zeroPoint });
    const unsigned = { type: 'uint8', dims: [1, 2], data: new Uint8Array(2) } as const;
    const signed = { type: 'int8', dims: [1, 2], data: new Int8Array(2) } as const;
    const error = { code: 'INVALID_INPUT', where: 'x' };
    await expect((await make(-1)).run(unsigned)).rejects.toMatchObject(error);
    await expect((await make(128)).run(signed)).rejects.toMatchObject(error);
    expect((await (await make(-1)).run(signed)).data).toEqual(Int32Array.of(2, 2, 2));
    expect((await (await make(128)).run(unsigned)).data).toEqual(Int32Array.of(-256, -256, -256));
  });

  it('a kernel larger than x, and results larger than memory', async () => {
    const wide: Weight = { type: 'int8', dims: [1, 3, 3, 1], data: new Int8Array(9) };
    const x = { type: 'uint8', dims: [1, 4, 4, 1], data: new Uint8Array(16) } as const;
    const spread = conv2d(x, wide, { backend, dilations: [1, 2] });
    await expect(spread).rejects.toMatchObject({ code: 'INVALID_INPUT', where: 'x' });
    for (const pads of [
      [2 ** 20, 2 ** 20, 0, 0],
      [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1],
    ] as const) {
      await expect(conv2d(x, wide, { backend, pads })).rejects.toMatchObject({
        code: 'LIMIT_EXCEEDED',
      });
    }
  });
});
