/** Weights to be rounded, and inputs that decide how. */
import { createRandom } from '../helpers/random.js';

export const grid = { scaleAt: () => 0.25, zeroAt: () => 0, min: -7, max: 7 };

/** Weights [outputs, inputs], and inputs that `mixed` numbers make. */
export function problem(seed: number, outputs: number, inputs: number, mixed: number) {
  const random = createRandom(seed);
  const real = () => random.real(-1, 1);
  const weight = Float32Array.from({ length: outputs * inputs }, () => 1.6 * real());
  const mix = Array.from({ length: inputs * mixed }, real);
  const rows = Array.from({ length: 400 }, () => {
    const causes = Array.from({ length: mixed }, real);
    return Array.from(
      { length: inputs },
      (_, i) =>
        causes.reduce((sum, cause, k) => sum + cause * mix[i * mixed + k]!, 0) + 0.05 * real(),
    );
  });
  const hessian = new Float32Array(inputs * inputs);
  for (const row of rows) {
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < inputs; j++) hessian[i * inputs + j]! += row[i]! * row[j]!;
    }
  }
  return { weight, rows, hessian, inputs };
}

export type Problem = ReturnType<typeof problem>;

export const nearest = ({ weight }: Problem) =>
  Int32Array.from(weight, (w) => Math.min(Math.max(Math.round(w / 0.25), -7), 7));

/** Σ (outputs of the weight − outputs of the codes)². */
export function loss({ weight, rows, inputs }: Problem, codes: Int32Array): number {
  let sum = 0;
  for (const row of rows) {
    for (let o = 0; o < weight.length / inputs; o++) {
      let error = 0;
      for (let i = 0; i < inputs; i++) {
        error += row[i]! * (weight[o * inputs + i]! - 0.25 * codes[o * inputs + i]!);
      }
      sum += error * error;
    }
  }
  return sum;
}
