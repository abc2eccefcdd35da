import { describe, expect, it } from 'vitest';
import { RecentlyUsed } from '../../src/runtime/recentlyUsed.js';

function cache(most: number, mostWeight?: number) {
  const dropped: number[] = [];
  const weightOf = (entry: number) => entry;
  const entries = new RecentlyUsed<number>({
    ...{ most, mostWeight, weightOf },
    drop: (entry) => dropped.push(entry),
  });
  const get = (entry: number) => entries.get(String(entry), () => entry);
  return { entries, dropped, get };
}

describe('a cache of what was used last', () => {
  it('forgets the entry that was not used for longest', () => {
    const { get, dropped } = cache(2);
    for (const entry of [1, 2, 1, 3]) get(entry);
    expect(dropped).toEqual([2]);
  });

  it('forgets as many as together weigh too much, and never the one asked for', () => {
    const { get, dropped } = cache(10, 10);
    for (const entry of [4, 3, 2]) get(entry);
    expect(dropped).toEqual([]);
    get(6);
    expect(dropped).toEqual([4, 3]);
    get(50);
    expect(dropped).toEqual([4, 3, 2, 6]);
    get(1);
    expect(dropped.at(-1)).toBe(50);
  });

  it('weighs an entry once, however often it is asked for, and drops all in the end', () => {
    const { get, dropped, entries } = cache(10, 10);
    for (const entry of [5, 5, 5, 4]) get(entry);
    expect(dropped).toEqual([]);
    entries.clear();
    expect(dropped).toEqual([5, 4]);
    get(10);
    expect(dropped).toHaveLength(2);
  });
});
