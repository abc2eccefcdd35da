import { describe, expect, it } from 'vitest';
import { fingerprint, murmur3 } from '../../src/core/fingerprint.js';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('murmur3', () => {
  // Published vectors of MurmurHash3_x86_32.
  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['Hello, world!', 0, 0xc0363e43],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['aa', 0x9747b28c, 0x5d211726],
    ['aaa', 0x9747b28c, 0x283e0130],
  ])('%j under seed %i', (text, seed, expected) => {
    expect(murmur3(bytes(text), seed)).toBe(expected);
  });
});

describe('fingerprint', () => {
  it('has 16 digits, and differs with any byte', () => {
    const seen = new Set<string>();
    for (let at = 0; at < 9; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const data = new Uint8Array(9);
        data[at] = 1 << bit;
        seen.add(fingerprint(data));
      }
    }
    expect(seen.size).toBe(72);
    for (const text of seen) expect(text).toMatch(/^[0-9a-f]{16}$/);
  });
});
