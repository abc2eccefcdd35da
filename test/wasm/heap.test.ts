/**
 * The heap of a model: blocks don't overlap, what is freed is used again, and the end is an error.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHeap, createMemory } from '../../src/backends/wasm/heap.js';
import { tensorAlignment } from '../../src/runtime/plan.js';

const base = 1168;

test('blocks are aligned, lie in the memory and apart from each other, whatever is freed', () => {
  const actions = fc.array(
    fc.record({ bytes: fc.integer({ min: 0, max: 200_000 }), free: fc.nat() }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(actions, (list) => {
      const heap = createHeap(createMemory(), base);
      const blocks: { address: number; bytes: number }[] = [];
      for (const { bytes, free } of list) {
        if (free % 3 === 0 && blocks.length > 0) {
          heap.free(blocks.splice(free % blocks.length, 1)[0]!.address);
        }
        const address = heap.allocate(bytes);
        expect(address % tensorAlignment).toBe(0);
        expect(address).toBeGreaterThanOrEqual(base);
        expect(address + bytes).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
        for (const other of blocks) {
          expect(address + bytes <= other.address || address >= other.address + other.bytes).toBe(
            true,
          );
        }
        blocks.push({ address, bytes });
      }
    }),
    { seed: 7, numRuns: 100 },
  );
});

test('what was freed is used again: the memory does not grow', () => {
  const heap = createHeap(createMemory(), base);
  const first = Array.from({ length: 20 }, (_, i) => heap.allocate(10_000 + 1000 * i));
  const size = heap.memory.buffer.byteLength;
  for (let round = 0; round < 10; round++) {
    // in an order that leaves gaps to be joined
    for (const address of [...first.filter((_, i) => i % 2), ...first.filter((_, i) => !(i % 2))]) {
      heap.free(address);
    }
    first.splice(0);
    first.push(...Array.from({ length: 20 }, (_, i) => heap.allocate(10_000 + 1000 * i)));
  }
  expect(heap.memory.buffer.byteLength).toBe(size);
});

test('a free part at the end is extended', () => {
  const heap = createHeap(createMemory(), base);
  const address = heap.allocate(100_000);
  heap.free(address);
  expect(heap.allocate(150_000)).toBe(address);
});

test('contents survive growth', () => {
  const heap = createHeap(createMemory(), base);
  const address = heap.allocate(1000);
  new Uint8Array(heap.memory.buffer, address, 1000).fill(7);
  heap.allocate(10_000_000);
  expect(new Uint8Array(heap.memory.buffer, address, 1000).every((byte) => byte === 7)).toBe(true);
});

test('more than 32 bits address is LIMIT_EXCEEDED, and the heap goes on', () => {
  const heap = createHeap(createMemory(), base);
  for (const bytes of [2 ** 32, 2 ** 40]) {
    expect(() => heap.allocate(bytes)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  }
  expect(heap.allocate(64)).toBeGreaterThan(0);
});

test('freeing what is not allocated is a bug that is found', () => {
  const heap = createHeap(createMemory(), base);
  const address = heap.allocate(64);
  heap.free(address);
  expect(() => heap.free(address)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});
