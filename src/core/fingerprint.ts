/** Telling contents apart: not against malice, but against a mix-up of files. */

/** 64 bits as 16 hexadecimal digits: MurmurHash3 (x86, 32 bit) under two seeds. */
export function fingerprint(bytes: Uint8Array): string {
  return [0, 0x9747b28c].map((seed) => hex(murmur3(bytes, seed))).join('');
}

/** Austin Appleby's MurmurHash3_x86_32, as an unsigned number. */
export function murmur3(bytes: Uint8Array, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const whole = bytes.length & ~3;
  let hash = seed;
  for (let at = 0; at < whole; at += 4) {
    hash ^= mixed(view.getInt32(at, true));
    hash = (hash << 13) | (hash >>> 19);
    hash = Math.imul(hash, 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at]!;
  if (whole < bytes.length) hash ^= mixed(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mixed(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
