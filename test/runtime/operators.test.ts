/** Products that stand alone, against their definition, on every backend. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import {
  type Conv2dOptions,
  conv2d,
  createConv2d,
  createGemm,
  gemm,
  type OperatorOptions,
  type OutputFormat,
} from '../../src/runtime/operators.js';
import { createRandom, integers, type Random } from '../helpers/random.js';
import { backends } from '../lifecycle/backends.js';

type Activations = Tensor<'uint8'> | Tensor<'int8'>;
type Weight = Tensor<'int8'>;

const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const perChannel = (
  value: number | ArrayLike<number> | undefined,
  channel: number,
  rest: number,
) => (value === undefined ? rest : typeof value === 'number' ? value : value[channel]!);

/** The nearest whole number, the even one of two. */
function rounded(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** What becomes of a sum. */
function formatted(sum: number, channel: number, output: OutputFormat = { type: 'int32' }): number {
  if (output.type === 'int32') return sum;
  const factor = Math.fround(perChannel(output.multiplier, channel, 1));
  const value = Math.fround(Math.fround(sum) * factor);
  const { min, max } = output;
  if (output.type === 'float32') {
    const bounded = Math.max(value, Math.fround(min ?? Number.NEGATIVE_INFINITY));
    return Math.min(bounded, Math.fround(max ?? Number.POSITIVE_INFINITY));
  }
  const [lowest, highest] = output.type === 'int8' ? [-128, 127] : [0, 255];
  const code = rounded(value) + (output.zeroPoint ?? 0);
  return Math.min(Math.max(code, min ?? lowest), max ?? highest);
}

function multiply(x: Activations, weight: Weight, options: OperatorOptions): number[] {
  const [m, k] = x.dims as [number, number];
  const n = weight.dims[1]!;
  return Array.from({ length: m * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    let sum = options.bias?.[column] ?? 0;
    for (let j = 0; j < k; j++) {
      const w = weight.data[j * n + column]! - perChannel(options.weightZeroPoint, column, 0);
      sum += (x.data[row * k + j]! - (options.zeroPoint ?? 0)) * w;
    }
    return formatted(sum, column, options.output);
  });
}

function convolve(x: Activations, weight: Weight, options: Conv2dOptions) {
  const [batch, height, width, channels] = x.dims as [number, number, number, number];
  const [outputs, kernelH, kernelW, depth] = weight.dims as [number, number, number, number];
  const { strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], groups = 1 } = options;
  const sizeOf = (size: number, kernel: number, axis: 0 | 1) =>
    Math.floor(
      (size + pads[axis] + pads[(axis + 2) as 2 | 3] - dilations[axis] * (kernel - 1) - 1) /
        strides[axis],
    ) + 1;
  const dims = [batch, sizeOf(height, kernelH, 0), sizeOf(width, kernelW, 1), outputs] as const;
  const data: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let oh = 0; oh < dims[1]; oh++)
      for (let ow = 0; ow < dims[2]; ow++)
        for (let o = 0; o < outputs; o++) {
          const first = Math.floor(o / (outputs / groups)) * depth;
          let sum = options.bias?.[o] ?? 0;
          for (let kh = 0; kh < kernelH; kh++)
            for (let kw = 0; kw < kernelW; kw++) {
              const ih = oh * strides[0] + kh * dilations[0] - pads[0];
              const iw = ow * strides[1] + kw * dilations[1] - pads[1];
              if (ih < 0 || ih >= height || iw < 0 || iw >= width) continue;
              for (let c = 0; c < depth; c++) {
                const pixel = ((b * height + ih) * width + iw) * channels + first + c;
                const cell = ((o * kernelH + kh) * kernelW + kw) * depth + c;
                const w = weight.data[cell]! - perChannel(options.weightZeroPoint, o, 0);
                sum += (x.data[pixel]! - (options.zeroPoint ?? 0)) * w;
              }
            }
          data.push(formatted(sum, o, options.output));
        }
  return { dims, data };
}

function drawX(random: Random, dims: readonly number[]): Activations {
  const type = random.pick(['uint8', 'int8'] as const);
  return { type, dims, data: integers(random, type, count(dims)) } as Activations;
}

function drawWeight(random: Random, dims: readonly number[]): Weight {
  return { type: 'int8', dims, data: integers(random, 'int8', count(dims)) };
}

/** Sums of so many products, most of which fill the range of a byte. */
function drawOutput(random: Random, depth: number, channels: number): OutputFormat {
  const type = random.pick(['int32', 'uint8', 'int8', 'float32'] as const);
  if (type === 'int32') return { type };
  const one = () => random.real(0.2, 2) / (74 * Math.sqrt(depth));
  const multiplier = random.chance(0.5) ? one() : Float32Array.from({ length: channels }, one);
  const [low, high] = type === 'float32' ? [-20, 20] : type === 'int8' ? [-128, 127] : [0, 255];
  const min = random.chance(0.3) ? random.int(low, high) : undefined;
  const max = random.chance(0.3) ? random.int(min ?? low, high) : undefined;
  if (type === 'float32') return { type, multiplier, min, max };
  const zeroPoint = random.chance(0.7) ? random.int(low, high) : undefined;
  return { type, multiplier, zeroPoint, min, max };
}

function drawOptions(
  random: Random,
  x: Activations,
  depth: number,
  channels: number,
): OperatorOptions {
  const [low, high] = x.type === 'int8' ? [-128, 127] : [0, 255];
  const optional = <T>(value: T) => (random.chance(0.6) ? value : undefined);
  const zeros = integers(random, 'int32', channels, -128, 127);
  return {
    output: optional(drawOutput(random, depth, channels)),
    zeroPoint: optional(random.int(low, high)),
    weightZeroPoint: optional(random.chance(0.5) ? zeros : random.int(-128, 127)),
    bias: optional(integers(random, 'int32', channels, -100_000, 100_000)),
  };
}

describe.each(backends)('on %s', (backend) => {
  const cases = 60;

  it(`gemm is its definition, ${cases} times`, async () => {
    for (let seed = 0; seed < cases; seed++) {
      const random = createRandom(seed);
      const [m, k, n] = [random.int(1, 30), random.int(1, 70), random.int(1, 40)];
      const x = drawX(random, [m, k]);
      const weight = drawWeight(random, [k, n]);
      const options = drawOptions(random, x, k, n);
      const y = await gemm(x, weight, { ...options, backend });
      const expected = multiply(x, weight, options);
      const about = `seed ${seed}: ${x.type} [${m}, ${k}, ${n}]`;
      expect([y.type, y.dims], about).toEqual([options.output?.type ?? 'int32', [m, n]]);
      expect([...(y as Tensor<'int32'>).data], about).toEqual(expected);
    }
  });

  it(`conv2d is its definition, ${cases} times`, async () => {
    for (let seed = 0; seed < cases; seed++) {
      const random = createRandom(1000 + seed);
      const groups = random.pick([1, 1, 2, 3, 8]);
      const depth = groups === 8 ? 1 : random.int(1, 9);
      const outputs = groups * random.pick([1, 1, 2, 5]);
      const kernel = [random.int(1, 4), random.int(1, 4)] as const;
      const dilations = [random.int(1, 2), random.int(1, 2)] as const;
      const pad = () => random.pick([0, 0, 1, 2]);
      const x = drawX(random, [
        random.int(1, 2),
        random.int(7, 12),
        random.int(7, 12),
        groups * depth,
      ]);
      const weight = drawWeight(random, [outputs, ...kernel, depth]);
      const options: Conv2dOptions = {
        ...drawOptions(random, x, depth * kernel[0] * kernel[1], outputs),
        strides: [random.int(1, 3), random.int(1, 3)],
        dilations,
        pads: random.chance(0.5) ? [pad(), pad(), pad(), pad()] : undefined,
        groups,
      };
      const y = await conv2d(x, weight, { ...options, backend });
      const expected = convolve(x, weight, options);
      const about = `seed ${seed}: ${x.type} ${x.dims} ${weight.dims}`;
      expect([y.type, y.dims], about).toEqual([options.output?.type ?? 'int32', expected.dims]);
      expect([...(y as Tensor<'int32'>).data], about).toEqual(expected.data);
    }
  });

  it('an operator takes any number of rows of either type, at once or not', async () => {
    const random = createRandom(5);
    const weight = drawWeight(random, [9, 7]);
    const options = { zeroPoint: 3, bias: integers(random, 'int32', 7, -99, 99) };
    const operator = await createGemm(weight, { ...options, backend });
    const inputs = Array.from({ length: 12 }, (_, rows) => drawX(random, [rows, 9]));
    const results = await Promise.all(inputs.map((x) => operator.run(x)));
    for (const [i, x] of inputs.entries()) {
      const expected = Int32Array.from(multiply(x, weight, options));
      expect(results[i]).toEqual({ type: 'int32', dims: [x.dims[0], 7], data: expected });
      expect(operator.runSync(x)).toEqual(results[i]);
    }
    operator.dispose();
  });

  it('an operator keeps what it was made of, and a run what it was given', async () => {
    const random = createRandom(6);
    const weight = drawWeight(random, [3, 2, 2, 4]);
    const bias = Int32Array.of(1, 2, 3);
    const multiplier = Float32Array.of(0.5, 1, 2);
    const weightZeroPoint = Int32Array.of(1, 0, -1);
    const options = { bias, weightZeroPoint, output: { type: 'float32', multiplier } } as const;
    const x = drawX(random, [1, 5, 5, 4]);
    const expected = Float32Array.from(convolve(x, weight, options).data);
    const making = createConv2d(weight, { ...options, backend });
    for (const array of [weight.data, bias, multiplier, weightZeroPoint]) array.fill(1);
    structuredClone(weight.data, { transfer: [weight.data.buffer as ArrayBuffer] });
    const operator = await making;
    const running = operator.run(x);
    x.data.fill(0);
    structuredClone(x.data, { transfer: [x.data.buffer as ArrayBuffer] });
    expect((await running).data).toEqual(expected);
    await expect(operator.run(x)).rejects.toMatchObject({ code: 'INVALID_INPUT', where: 'x' });
    operator.dispose();
  });

  it('an empty x has an empty result', async () => {
    const weight = drawWeight(createRandom(7), [4, 1, 1, 4]);
    const x = (...dims: number[]) => ({ type: 'uint8', dims, data: new Uint8Array(0) }) as const;
    expect((await conv2d(x(0, 3, 3, 4), weight, { backend })).dims).toEqual([0, 3, 3, 4]);
    const matrix = { ...weight, dims: [4, 4] };
    expect((await gemm(x(0, 4), matrix, { backend })).dims).toEqual([0, 4]);
  });

  it('an operator that was disposed of refuses, its runs under way end', async () => {
    const weight = drawWeight(createRandom(8), [4, 4]);
    const x = { type: 'uint8', dims: [1, 4], data: new Uint8Array(4) } as const;
    const operator = await createGemm(weight, { backend });
    const running = operator.run(x);
    operator.dispose();
    operator[Symbol.dispose]();
    expect((await running).dims).toEqual([1, 4]);
    await expect(operator.run(x)).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(() => operator.runSync(x)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
  });

  it('a run is aborted by its signal', async () => {
    const operator = await createGemm(drawWeight(createRandom(9), [4, 4]), { backend });
    const x = { type: 'uint8', dims: [1, 4], data: new Uint8Array(4) } as const;
    const signal = AbortSignal.abort();
    await expect(operator.run(x, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
    const wrong = [{ signal: {} }, { signl: signal }, null];
    for (const options of wrong) {
      const error = { code: 'INVALID_ARGUMENT' };
      await expect(operator.run(x, options as never)).rejects.toMatchObject(error);
    }
    operator.dispose();
  });
});
