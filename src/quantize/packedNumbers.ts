/**
 * Many numbers as text, for JSON: their bytes (little-endian), deflated (RFC 1951), in base64. Exact, and small where most
 * of them are alike.
 */
import { deflateSync, inflateSync } from 'fflate';
import { fromBase64, toBase64 } from '../core/base64.js';
import { OctavoError } from '../core/errors.js';

const arrays = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
} as const;

interface ArrayOf {
  readonly int8: Int8Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly float32: Float32Array;
}

export function packNumbers(values: ArrayOf[keyof ArrayOf]): string {
  return toBase64(deflateSync(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)));
}

/** Undefined where all of them are 0, or none are given. */
export function packUnlessZero(values: ArrayOf[keyof ArrayOf] | undefined): string | undefined {
  return values?.some((value) => value !== 0) ? packNumbers(values) : undefined;
}

/** Throws `INVALID_RECIPE`, naming `where`, for text that does not hold exactly `count` numbers. */
export function unpackNumbers<K extends keyof ArrayOf>(
  kind: K,
  text: string,
  count: number,
  where: string,
): ArrayOf[K] {
  const length = count * arrays[kind].BYTES_PER_ELEMENT;
  const bytes = inflated(text, length);
  if (bytes?.length !== length) {
    const found = bytes && (bytes.length > length ? 'more' : `${bytes.length} bytes`);
    throw new OctavoError('INVALID_RECIPE', 'other numbers than there should be', {
      where,
      expected: `${length} bytes, deflated, in base64`,
      found: found ?? 'other text',
    });
  }
  return new arrays[kind](bytes.buffer, 0, count) as ArrayOf[K];
}

/** At most a byte more than `length`, whatever the text would become. */
function inflated(text: string, length: number): Uint8Array<ArrayBuffer> | undefined {
  const deflated = fromBase64(text);
  if (deflated === undefined) return undefined;
  try {
    return inflateSync(deflated, { out: new Uint8Array(length + 1) }) as Uint8Array<ArrayBuffer>;
  } catch {
    return undefined;
  }
}
