/**
 * Giving layers back to float until a budget is met, and taking back those that turn out not to be needed. The order in
 * which layers are given back comes from a sensitivity analysis; what counts is the score of whole models.
 */
import { throwIfAborted } from '../core/errors.js';

/** A model that was tried. */
export interface Attempt {
  /** Names of the layers that stayed in float. */
  readonly floatLayers: readonly string[];
  /** Higher is better. */
  readonly score: number;
}

export interface SearchOptions {
  /** Layers, those that hurt most first; asked for once it is known that some must go. */
  readonly ranked: () => Promise<readonly string[]>;
  readonly scoreOf: (floatLayers: readonly string[]) => Promise<number>;
  readonly meets: (score: number) => boolean;
  /** Time, as of `performance.now()`, after which nothing new is tried. */
  readonly deadline?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onAttempt?: ((attempt: Attempt, tried: number) => void) | undefined;
}

export interface SearchResult {
  /** The fewest float layers that meet the budget, or, where none does, the attempt of the highest score. */
  readonly best: Attempt;
  readonly meets: boolean;
  readonly attempts: readonly Attempt[];
  /** Whether the deadline ended it early. */
  readonly outOfTime: boolean;
}

/**
 * Doubles the number of float layers until the budget is met, halves the gap down to the least number that does, then
 * tries to take each of them back, the least sensitive first.
 */
export async function search(options: SearchOptions): Promise<SearchResult> {
  const attempts: Attempt[] = [];
  const isOver = (): boolean => performance.now() > (options.deadline ?? Infinity);
  const attempt = async (floatLayers: readonly string[]): Promise<Attempt> => {
    throwIfAborted(options.signal, 'search');
    const tried = { floatLayers, score: await options.scoreOf(floatLayers) };
    attempts.push(tried);
    options.onAttempt?.(tried, attempts.length);
    return tried;
  };
  const isEnough = ({ score }: Attempt): boolean => options.meets(score);
  const first = await attempt([]);
  if (isEnough(first)) return { best: first, meets: true, attempts, outOfTime: false };

  const ranked = await options.ranked();
  let enough: Attempt | undefined;
  let tooFew = 0;
  for (let count = 1; ranked.length > 0 && !isOver(); count = Math.min(2 * count, ranked.length)) {
    const tried = await attempt(ranked.slice(0, count));
    if (isEnough(tried)) {
      enough = tried;
      break;
    }
    tooFew = count;
    if (count === ranked.length) break;
  }
  if (enough === undefined) {
    const best = attempts.reduce((a, b) => (b.score > a.score ? b : a));
    return { best, meets: false, attempts, outOfTime: isOver() };
  }
  while (enough.floatLayers.length - tooFew > 1 && !isOver()) {
    const middle = Math.floor((tooFew + enough.floatLayers.length) / 2);
    const tried = await attempt(ranked.slice(0, middle));
    if (isEnough(tried)) enough = tried;
    else tooFew = middle;
  }
  // The last one is needed: without it there is one too few.
  for (const name of enough.floatLayers.slice(0, -1).reverse()) {
    if (isOver()) break;
    const tried = await attempt(enough.floatLayers.filter((other) => other !== name));
    if (isEnough(tried)) enough = tried;
  }
  return { best: enough, meets: true, attempts, outOfTime: isOver() };
}
