/**
 * Packing of types narrower than a byte, as ONNX has it: the first value in the lowest bits, the
 * last byte filled up with zero bits. int4 and int2 are two's complement. int1 is one bit per
 * value, set for +1 and clear for −1; two int1 vectors agree in their padding, so that it vanishes
 * from the xor that counts where they differ.
 */
import { bitsOf, byteLengthOf, isSigned } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { integerRange } from './params.js';

/** Typed array that holds one unpacked value per element. */
export interface UnpackedArrayOf {
  int4: Int8Array;
  uint4: Uint8Array;
  int2: Int8Array;
  uint2: Uint8Array;
  int1: Int8Array;
}

export type PackedType = keyof UnpackedArrayOf;

const packedTypes: readonly string[] = ['int4', 'uint4', 'int2', 'uint2', 'int1'];

export function isPackedType(type: string): type is PackedType {
  return packedTypes.includes(type);
}

/**
 * Packs one value per element into ceil(length · bits / 8) bytes. Throws `INVALID_ARGUMENT` for a
 * value that the type does not hold, and `UNSUPPORTED_TYPE` for a type that is not packed.
 */
export function pack(values: Int8Array | Uint8Array, type: PackedType): Uint8Array {
  const { bits, mask, byteShift, slotMask } = layoutOf(type);
  const { min, max } = integerRange(type);
  const packed = new Uint8Array(byteLengthOf(type, values.length));
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min || value > max || (bits === 1 && value === 0)) {
      throw new OctavoError('INVALID_ARGUMENT', `value ${i} does not fit into ${type}`, {
        expected: bits === 1 ? '-1 or 1' : `${min} to ${max}`,
        found: String(value),
      });
    }
    const code = bits === 1 ? (value + 1) >> 1 : value & mask;
    packed[i >>> byteShift]! |= code << ((i & slotMask) * bits);
  }
  return packed;
}

/**
 * Unpacks `count` values, one per element. Throws `INVALID_TENSOR` unless `packed` holds exactly as
 * many bytes as `count` values take, and `UNSUPPORTED_TYPE` for a type that is not packed.
 */
export function unpack<T extends PackedType>(
  packed: Uint8Array,
  count: number,
  type: T,
): UnpackedArrayOf[T] {
  const { bits, mask, byteShift, slotMask } = layoutOf(type);
  if (!Number.isSafeInteger(count) || count < 0 || packed.length !== byteLengthOf(type, count)) {
    throw new OctavoError('INVALID_TENSOR', `wrong number of bytes for ${count} × ${type}`, {
      expected: String(byteLengthOf(type, count)),
      found: String(packed.length),
    });
  }
  const values = new Uint8Array(count);
  const sign = isSigned(type) ? 2 ** (bits - 1) : 0;
  for (let i = 0; i < count; i++) {
    const code = (packed[i >>> byteShift]! >> ((i & slotMask) * bits)) & mask;
    values[i] = bits === 1 ? 2 * code - 1 : (code ^ sign) - sign;
  }
  return (sign ? new Int8Array(values.buffer) : values) as UnpackedArrayOf[T];
}

/** Value i lies in byte i >>> byteShift, slot i & slotMask. */
function layoutOf(type: PackedType) {
  if (!isPackedType(type)) {
    throw new OctavoError('UNSUPPORTED_TYPE', 'not a packed type', {
      expected: packedTypes.join(', '),
      found: String(type),
    });
  }
  const bits = bitsOf(type);
  const perByte = 8 / bits;
  return { bits, mask: 2 ** bits - 1, byteShift: Math.log2(perByte), slotMask: perByte - 1 };
}
