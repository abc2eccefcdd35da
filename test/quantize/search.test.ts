import { describe, expect, it } from 'vitest';
import { search } from '../../src/quantize/search.js';

/** Layers cost what they are said to; the budget is what all of them may cost together. */
function problem(costs: Readonly<Record<string, number>>, budget: number, order?: string[]) {
  const tried: string[] = [];
  const ranked = order ?? Object.keys(costs).sort((a, b) => costs[b]! - costs[a]!);
  return {
    tried,
    options: {
      ranked: () => Promise.resolve(ranked),
      scoreOf(floatLayers: readonly string[]) {
        tried.push(floatLayers.join(''));
        const left = Object.entries(costs).filter(([name]) => !floatLayers.includes(name));
        return Promise.resolve(-left.reduce((sum, [, cost]) => sum + cost, 0));
      },
      meets: (score: number) => score >= -budget,
    },
  };
}

const letters = (count: number) =>
  Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));

describe('search', () => {
  it('stops at once when nothing need be given back', async () => {
    const { tried, options } = problem({ a: 1, b: 1 }, 2);
    expect(await search(options)).toMatchObject({ best: { floatLayers: [] }, meets: true });
    expect(tried).toEqual(['']);
  });

  it.each(letters(12).map((_, i) => i))('finds the least number of equal layers: %i', async (n) => {
    const costs = Object.fromEntries(letters(12).map((name) => [name, 1]));
    const { best, meets } = await search(problem(costs, 12 - n).options);
    expect(meets).toBe(true);
    expect(best.floatLayers).toHaveLength(n);
  });

  it('takes back layers that a wrong order gave back', async () => {
    const { options } = problem({ a: 1, b: 0, c: 5, d: 0 }, 1, ['b', 'a', 'd', 'c']);
    const { best } = await search(options);
    expect(best.floatLayers).toEqual(['c']);
  });

  it('says when nothing is enough, and what came nearest', async () => {
    const { options } = problem({ a: 3, b: 2 }, -1);
    const { best, meets, attempts } = await search(options);
    expect(meets).toBe(false);
    expect(best).toEqual({ floatLayers: ['a', 'b'], score: -0 });
    expect(attempts).toHaveLength(3);
  });

  it('survives a model in which no layer can be given back', async () => {
    const { options } = problem({ a: 3 }, 1, []);
    expect(await search(options)).toMatchObject({ meets: false, best: { floatLayers: [] } });
  });

  it('tries nothing new behind its deadline', async () => {
    const { tried, options } = problem({ a: 3, b: 2 }, 0);
    const result = await search({ ...options, deadline: -1 });
    expect(result).toMatchObject({ meets: false, outOfTime: true });
    expect(tried).toEqual(['']);
  });

  it('ends when aborted', async () => {
    const controller = new AbortController();
    const { options } = problem({ a: 3, b: 2 }, 0);
    const running = search({
      ...options,
      signal: controller.signal,
      onAttempt: () => controller.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
