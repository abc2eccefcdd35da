import { describe, expect, it } from 'vitest';
import { gptqCodes } from '../../src/quantize/gptq.js';
import { grid, loss, nearest, problem } from './roundingProblems.js';

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
