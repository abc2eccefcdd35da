import { describe, expect, it } from 'vitest';
import { adaroundCodes } from '../../src/quantize/adaround.js';
import { grid, loss, nearest, type Problem, problem } from './roundingProblems.js';

const exact = (one: Problem) => ({ ...one, drift: new Float32Array(one.weight.length), grid });

describe('adaroundCodes', () => {
  it('rounds to the nearest code where inputs have nothing to do with each other', async () => {
    const one = problem(1, 5, 30, 3);
    one.hessian.fill(0);
    for (let i = 0; i < 30; i++) one.hessian[i * 31] = 1 + (i % 7);
    expect(await adaroundCodes(exact(one), {})).toEqual(nearest(one));
  });

  it('leaves weights of inputs that are always zero at the nearest code', async () => {
    const one = problem(3, 3, 10, 2);
    one.hessian.fill(0);
    expect(await adaroundCodes(exact(one), {})).toEqual(nearest(one));
  });

  // So few that the product is done in place, and so many that it is handed over.
  it.each([12, 160])(
    'loses far less of the outputs where inputs are correlated: %i',
    async (inputs) => {
      const one = problem(2, 4, inputs, 4);
      const codes = await adaroundCodes(exact(one), {});
      expect(loss(one, codes)).toBeLessThan(loss(one, nearest(one)) / 8);
      for (const [i, code] of codes.entries()) {
        const wanted = Math.min(Math.max(one.weight[i]! / 0.25, grid.min), grid.max);
        expect(Math.abs(code - wanted)).toBeLessThan(1);
      }
      expect(await adaroundCodes(exact(one), {})).toEqual(codes);
    },
  );

  it('makes up for what earlier layers have done to its inputs', async () => {
    const one = problem(5, 4, 24, 4);
    // The inputs have grown by a tenth: Σ W·(x̂ − x)·x̂ᵀ = W·Ĥ / 11.
    const drift = new Float32Array(one.weight.length);
    for (let o = 0; o < 4; o++) {
      for (let i = 0; i < 24; i++) {
        for (let k = 0; k < 24; k++) {
          drift[o * 24 + i]! += (one.weight[o * 24 + k]! * one.hessian[k * 24 + i]!) / 11;
        }
      }
    }
    const wanted = { ...one, weight: one.weight.map((w) => (w * 10) / 11) };
    const aware = await adaroundCodes({ ...exact(one), drift }, {});
    const unaware = await adaroundCodes(exact(one), {});
    expect(loss(wanted, aware)).toBeLessThan(loss(wanted, unaware) / 4);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort();
    await expect(adaroundCodes(exact(problem(1, 2, 8, 2)), { signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});
