/** Seeded data of known distributions, and what quantizing it really costs. */
import {
  dequantize,
  type Mapping,
  paramsFromRange,
  perTensor,
  quantize,
  type Range,
} from '../../src/numerics/index.js';

/** Uniform numbers in 0 … 1 (exclusive), 32 bits of them: mulberry32. */
export function uniform(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

type Distribution = (random: () => number) => number;

function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

export const distributions = {
  gaussian,
  laplace: (random) => Math.log(random()) * (random() < 0.5 ? 1 : -1),
  uniform: (random) => 3 * random(),
  postRelu: (random) => Math.max(gaussian(random), 0),
  silu: (random) => {
    const x = 2 * gaussian(random);
    return x / (1 + Math.exp(-x));
  },
  logNormal: (random) => Math.exp(gaussian(random)),
  shifted: (random) => 1.5 + gaussian(random),
  negative: (random) => Math.min(gaussian(random), 0),
  student3: (random) => {
    const chi = gaussian(random) ** 2 + gaussian(random) ** 2 + gaussian(random) ** 2;
    return gaussian(random) / Math.sqrt(chi / 3);
  },
} satisfies Record<string, Distribution>;

export type DistributionName = keyof typeof distributions;

export function draw(name: DistributionName, count: number, seed: number): Float32Array {
  const random = uniform(seed);
  return Float32Array.from({ length: count }, () => distributions[name](random));
}

/** Mean squared difference between values and their quantized forms, by quantizing them. */
export function measuredError(data: Float32Array, range: Range, target: Mapping): number {
  const { scale, zeroPoint } = paramsFromRange(range, target);
  const params = { ...perTensor(target.type, scale, zeroPoint), narrow: target.symmetric === true };
  const restored = dequantize(quantize(data, [data.length], params), [data.length], params);
  return data.reduce((sum, x, i) => sum + (x - restored[i]!) ** 2, 0) / data.length;
}

/** Signal over quantization noise in dB. */
export function measuredSqnr(data: Float32Array, range: Range, target: Mapping): number {
  const power = data.reduce((sum, x) => sum + x * x, 0) / data.length;
  return 10 * Math.log10(power / measuredError(data, range, target));
}
