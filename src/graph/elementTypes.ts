/**
 * ONNX's numbers for element types (TensorProto.DataType), as attributes such as Cast's `to` hold
 * them. Types that are not listed (strings, complex, float8) are ones Octavo does not know.
 */
import type { DataType } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';

const codes: Readonly<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
  uint2: 25,
  int2: 26,
  // ONNX has no one-bit type; the number lies outside the ones it hands out.
  int1: -1,
};

const types = new Map<number, DataType>(
  Object.entries(codes).map(([type, code]) => [code, type as DataType]),
);

/** ONNX's number of a type. Throws `UNSUPPORTED_TYPE` for int1, which ONNX does not have. */
export function elementTypeCode(type: DataType): number {
  const code = codes[type];
  if (code < 0) throw new OctavoError('UNSUPPORTED_TYPE', `ONNX has no type ${type}`);
  return code;
}

/** The type with this number. Throws `UNSUPPORTED_TYPE` naming `where` when Octavo has none. */
export function elementTypeOf(code: number, where?: string): DataType {
  const type = code > 0 ? types.get(code) : undefined;
  if (type === undefined) {
    throw new OctavoError('UNSUPPORTED_TYPE', 'unknown ONNX element type', {
      where,
      found: String(code),
    });
  }
  return type;
}
