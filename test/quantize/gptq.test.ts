import { describe, expect, it } from 'vitest';
import { gptqCodes } from '../../src/quantize/gptq.js';
import { createRandom } from '../helpers/random.js';

const grid = { scaleAt: () => 0.25, zeroAt: () => 0, min: -7, max: 7 };

/** Weights [outputs, inputs], and inputs that `mixed` numbers make. */
function problem(seed: number, outputs: number, inputs: number, mixed: number) {
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

type Problem = ReturnType<typeof problem>;

const nearest = ({ weight }: Problem) =>
  Int32Array.from(weight, (w) => Math.min(Math.max(Math.round(w / 0.25), -7), 7));

/** Σ (outputs of the weight − outputs of the codes)². */
function loss({ weight, rows, inputs }: Problem, codes: Int32Array): number {
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

describe('gptqCodes', () => {
  it('rounds to the nearest code where inputs have nothing to do with each other', () => {
    const one = problem(1, 5, 30, 3);
    one.hessian.fill(0);
    for (let i = 0; i < 30; i++) one.hessian[i * 31] = 1 + (i % 7);
    expect(gptqCodes(one.weight, 30, one.hessian, grid)).toEqual(nearest(one));
  });

  // More inputs than a block has, and not a multiple of it.
  it.each([12, 300])('loses far less of the outputs where inputs are correlated: %i', (inputs) => {
    const one = problem(2, 4, inputs, 4);
    const codes = gptqCodes(one.weight, inputs, one.hessian, grid);
    expect(Math.max(...codes.map(Math.abs))).toBeLessThanOrEqual(7);
    expect(loss(one, codes)).toBeLessThan(loss(one, nearest(one)) / 4);
  });

  it('leaves weights of inputs that are always zero at the nearest code', () => {
    const one = problem(3, 3, 10, 2);
    one.hessian.fill(0);
    expect(gptqCodes(one.weight, 10, one.hessian, grid)).toEqual(nearest(one));
  });

  it('refuses what is not finite', () => {
    const one = problem(4, 3, 10, 2);
    one.hessian[0] = Number.NaN;
    expect(() => gptqCodes(one.weight, 10, one.hessian, grid)).toThrow('not finite');
  });
});
