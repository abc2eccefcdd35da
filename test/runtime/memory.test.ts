import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensor } from '../../src/core/tensor.js';
import { type Lifetime, layoutArena, layoutConstants } from '../../src/runtime/memory.js';
import { tensorAlignment, tensorSlack } from '../../src/runtime/plan.js';

const lifetimes = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 5000 }), fc.nat(60), fc.nat(20))
    .map(([bytes, birth, span]): Lifetime => ({ bytes, birth, death: birth + span })),
  { maxLength: 60 },
);

/** Fails where two lifetimes that overlap in time overlap in memory. */
function expectDisjoint(all: readonly Lifetime[], offsets: readonly number[]): void {
  all.forEach((a, i) => {
    all.forEach((b, j) => {
      if (i >= j || a.bytes === 0 || b.bytes === 0) return;
      if (a.death < b.birth || b.death < a.birth) return;
      const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
      expect(apart, `${i} at ${offsets[i]}, ${j} at ${offsets[j]}`).toBe(true);
    });
  });
}

describe('layoutArena', () => {
  it('never lets two live tensors share a byte, and keeps offsets aligned and inside', () => {
    fc.assert(
      fc.property(lifetimes, (all) => {
        const { offsets, bytes } = layoutArena(all, 2 ** 40);
        expectDisjoint(all, offsets);
        all.forEach((one, i) => {
          expect(offsets[i]! % tensorAlignment).toBe(0);
          expect(offsets[i]! + one.bytes + tensorSlack).toBeLessThanOrEqual(bytes);
        });
      }),
      { seed: 20240611, numRuns: 500 },
    );
  });

  it('needs no more than the two tensors that are live at once in a chain', () => {
    const chain = Array.from({ length: 50 }, (_, i) => ({ bytes: 1000, birth: i, death: i + 1 }));
    expect(layoutArena(chain, 2 ** 40).bytes).toBe(2 * 1024 + tensorSlack);
  });

  it('fills the tightest gap', () => {
    const { offsets } = layoutArena(
      [
        { bytes: 640, birth: 0, death: 9 },
        { bytes: 512, birth: 0, death: 1 },
        { bytes: 448, birth: 0, death: 9 },
        { bytes: 128, birth: 0, death: 1 },
        { bytes: 64, birth: 0, death: 9 },
        { bytes: 64, birth: 2, death: 3 },
      ],
      2 ** 40,
    );
    expect(offsets).toEqual([0, 640, 1152, 1600, 1728, 1600]);
  });

  it('lays out more tensors than it sorts by size', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      bytes: 64 + (i % 7) * 64,
      birth: i,
      death: i + (i % 3),
    }));
    const { offsets, bytes } = layoutArena(many, 2 ** 40);
    expect(bytes).toBeLessThan(8192);
    for (let i = 0; i < many.length; i += 97) {
      expectDisjoint(many.slice(i, i + 5), offsets.slice(i, i + 5));
    }
  });

  it('refuses an arena above the limit', () => {
    const one = [{ bytes: 1024, birth: 0, death: 1 }];
    expect(() => layoutArena(one, 1024)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', where: 'arenaBytes' }),
    );
    expect(layoutArena(one, 1024 + tensorSlack).bytes).toBe(1024 + tensorSlack);
  });
});

describe('layoutConstants', () => {
  it('copies bytes to aligned offsets and stores shared data once', () => {
    const shared = Float32Array.of(1, 2, 3);
    const bytes = new Uint8Array(100).map((_, i) => i).subarray(30, 60);
    const { bytes: space, offsets } = layoutConstants([
      tensor('float32', shared, [3]),
      tensor('uint8', bytes, [30]),
      tensor('float32', shared, [1, 3]),
    ]);
    expect([...offsets.values()]).toEqual([0, 64]);
    expect(space.length).toBe(128 + tensorSlack);
    expect([...new Float32Array(space.buffer, 0, 3)]).toEqual([1, 2, 3]);
    expect(space.subarray(64, 94)).toEqual(bytes);
  });

  it('keeps the slack even when there is nothing', () => {
    expect(layoutConstants([]).bytes.length).toBe(tensorSlack);
  });
});
