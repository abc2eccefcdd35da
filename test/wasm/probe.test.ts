/**
 * The probes of the relaxed dot product, asked of engines that differ: in the sign of the second
 * operand, in sums of two that saturate or wrap, and in what they answer once they have optimized.
 */
import { describe, expect, it } from 'vitest';
import type { WasmExports } from '../../src/backends/wasm/exports.js';
import { probeDot, probePairs } from '../../src/backends/wasm/probe.js';

type PairSum = (first: number, second: number) => number;

const exact: PairSum = (first, second) => first + second;
const saturating: PairSum = (first, second) => Math.min(Math.max(first + second, -32768), 32767);
const wrapping: PairSum = (first, second) => ((first + second) << 16) >> 16;

/** An engine whose dot product takes `second` for its second operand. */
function probeOf(second: Int8Array | Uint8Array, sumOf: PairSum, rounds = Infinity) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const Second = second.constructor as typeof Uint8Array;
  let round = 0;
  const countWrongDots: WasmExports['countWrongDots'] = (a, b, c, expected, count) => {
    const sum = round++ < rounds ? sumOf : saturating;
    const length = 16 * count;
    const [as, bs] = [
      new Int8Array(memory.buffer, a, length),
      new Second(memory.buffer, b, length),
    ];
    const [cs, sums] = [c, expected].map((at) => new Int32Array(memory.buffer, at, 4 * count));
    let wrong = 0;
    for (let i = 0; i < count; i++) {
      const isWrong = [0, 1, 2, 3].some((lane) => {
        const at = 16 * i + 4 * lane;
        const product = (k: number): number => as[at + k]! * bs[at + k]!;
        const found = sum(product(0), product(1)) + sum(product(2), product(3));
        return ((cs![4 * i + lane]! + found) | 0) !== sums![4 * i + lane];
      });
      wrong += Number(isWrong);
    }
    return wrong;
  };
  return probeDot({ heapBase: () => 1024, countWrongDots } as WasmExports, memory);
}

const [u8, s8] = [new Uint8Array(), new Int8Array()];

it('finds an exact unsigned second operand', () => {
  const probe = probeOf(u8, exact);
  expect(probe).toMatchObject({ form: { name: 'u8', flip: 0, lowestWeight: -128 } });
});

it('finds an exact signed one', () => {
  expect(probeOf(s8, exact)).toMatchObject({ form: { name: 's8', flip: 128 } });
});

it('takes a signed one whose sums wrap: they do for weights of -128 only, which it rules out', () => {
  expect(probeOf(s8, wrapping)).toMatchObject({ form: { name: 's8', lowestWeight: -127 } });
});

it.each([
  ['saturates', u8, saturating],
  ['wraps', u8, wrapping],
])('rejects an unsigned one that %s', (_, second, sumOf) => {
  expect(probeOf(second, sumOf)).toMatch(/wrong for u8.*wrong for s8/);
});

it('rejects an engine that answers otherwise once it has optimized', () => {
  expect(probeOf(u8, exact, 1000)).toMatch(/wrong for u8/);
});

it('notices when that happens later', () => {
  const probe = probeOf(u8, exact, 3000);
  if (typeof probe === 'string') throw new Error(probe);
  expect(probe.stillRight()).toBe(true);
  for (let round = 0; round < 1000; round++) probe.stillRight();
  expect(probe.stillRight()).toBe(false);
});

/** The same of sums of two small products. */
function probePairsOf(second: Int8Array | Uint8Array, sumOf: PairSum, rounds = Infinity) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const Second = second.constructor as typeof Uint8Array;
  let round = 0;
  const countWrongPairs: WasmExports['countWrongPairs'] = (a, b, expected, count) => {
    const isExact = round++ < rounds;
    const [as, bs] = [
      new Int8Array(memory.buffer, a, 2 * count),
      new Second(memory.buffer, b, 2 * count),
    ];
    const sums = new Int16Array(memory.buffer, expected, count);
    let wrong = 0;
    for (let i = 0; i < count; i++) {
      const sum = sumOf(as[2 * i]! * bs[2 * i]!, as[2 * i + 1]! * bs[2 * i + 1]!);
      wrong += Number((isExact ? sum : 0) !== sums[i]);
    }
    return wrong;
  };
  return probePairs({ heapBase: () => 1024, countWrongPairs } as WasmExports, memory);
}

describe('sums of two small products', () => {
  it.each([
    ['are exact', exact],
    ['saturate', saturating],
    ['wrap', wrapping],
  ])('are right where large ones %s', (_, sumOf) => {
    expect(probePairsOf(u8, sumOf)).toBeTypeOf('function');
  });

  it('are not where the second operand is signed', () => {
    expect(probePairsOf(s8, exact)).toMatch(/sums of small products are wrong/);
  });

  it('are not where a single product saturates', () => {
    const narrow: PairSum = (first, second) => Math.max(first + second, -32512);
    expect(probePairsOf(u8, narrow)).toMatch(/wrong/);
  });

  it('are not once the engine answers otherwise, early or late', () => {
    expect(probePairsOf(u8, exact, 3)).toMatch(/wrong/);
    const stillRight = probePairsOf(u8, exact, 6);
    if (typeof stillRight === 'string') throw new Error(stillRight);
    expect(stillRight()).toBe(true);
    expect(stillRight()).toBe(false);
  });
});
