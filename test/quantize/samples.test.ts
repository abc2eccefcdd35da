import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { ofFewShapes, SampleKeeper } from '../../src/quantize/samples.js';

const sample = (value: number) => ({
  x: { type: 'float32', dims: [1], data: Float32Array.of(value) } as Tensor,
});
const kept = (most: number, offered: number) => {
  const keeper = new SampleKeeper(most);
  for (let i = 0; i < offered; i++) keeper.offer(sample(i));
  return keeper.samples.map((feeds) => Number(feeds['x']!.data[0]));
};

describe('SampleKeeper', () => {
  it.each([
    [4, 3, [0, 1, 2]],
    [4, 4, [0, 1, 2, 3]],
    [4, 5, [0, 2, 4]],
    [4, 8, [0, 2, 4, 6]],
    [4, 9, [0, 4, 8]],
    [3, 20, [0, 8, 16]],
    [2, 5, [0, 4]],
    [0, 5, []],
  ])('keeps an even spread: %i of %i', (most, offered, expected) => {
    expect(kept(most, offered)).toEqual(expected);
  });

  it('never keeps more than asked for, nor less than half of it', () => {
    for (let offered = 8; offered < 200; offered++) {
      expect(kept(8, offered).length).toBeLessThanOrEqual(8);
      expect(kept(8, offered).length).toBeGreaterThanOrEqual(4);
    }
  });

  it('copies, so that a source may fill the same array again', () => {
    const keeper = new SampleKeeper(2);
    const feeds = sample(1);
    keeper.offer(feeds);
    (feeds.x.data as Float32Array)[0] = 2;
    expect(keeper.samples[0]!['x']!.data[0]).toBe(1);
  });
});

describe('ofFewShapes', () => {
  it('keeps all samples of the shapes that come first', () => {
    const shaped = (...dims: number[]) => ({
      x: { type: 'float32', dims, data: new Float32Array(dims.reduce((a, b) => a * b)) } as Tensor,
    });
    const all = [shaped(1, 3), shaped(2, 2), shaped(1, 3), shaped(1, 4), shaped(2, 2)];
    expect(ofFewShapes(all, 2)).toEqual([all[0], all[1], all[2], all[4]]);
    expect(ofFewShapes(all, 9)).toEqual(all);
  });
});
