/**
 * Element types: their names (those of onnxruntime-common), widths and typed arrays.
 * Types without a JavaScript typed array are kept as raw bits: float16 and bfloat16 in a Uint16Array,
 * bool in a Uint8Array, and the sub-byte types packed into a Uint8Array, lowest bits first.
 */

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

type TypedArrayConstructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
};

interface TypeInfo {
  readonly bits: number;
  readonly array: TypedArrayConstructor;
  readonly kind: 'float' | 'signed' | 'unsigned' | 'bool';
}

const table = {
  float32: { bits: 32, array: Float32Array, kind: 'float' },
  float64: { bits: 64, array: Float64Array, kind: 'float' },
  float16: { bits: 16, array: Uint16Array, kind: 'float' },
  bfloat16: { bits: 16, array: Uint16Array, kind: 'float' },
  int8: { bits: 8, array: Int8Array, kind: 'signed' },
  uint8: { bits: 8, array: Uint8Array, kind: 'unsigned' },
  int16: { bits: 16, array: Int16Array, kind: 'signed' },
  uint16: { bits: 16, array: Uint16Array, kind: 'unsigned' },
  int32: { bits: 32, array: Int32Array, kind: 'signed' },
  uint32: { bits: 32, array: Uint32Array, kind: 'unsigned' },
  int64: { bits: 64, array: BigInt64Array, kind: 'signed' },
  uint64: { bits: 64, array: BigUint64Array, kind: 'unsigned' },
  bool: { bits: 8, array: Uint8Array, kind: 'bool' },
  int4: { bits: 4, array: Uint8Array, kind: 'signed' },
  uint4: { bits: 4, array: Uint8Array, kind: 'unsigned' },
  int2: { bits: 2, array: Uint8Array, kind: 'signed' },
  uint2: { bits: 2, array: Uint8Array, kind: 'unsigned' },
  int1: { bits: 1, array: Uint8Array, kind: 'signed' },
} as const satisfies Record<string, TypeInfo>;

export type DataType = keyof typeof table;

export const dataTypes = Object.keys(table) as readonly DataType[];

/** Typed array that holds the elements of each type. */
export interface TypedArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  int4: Uint8Array;
  uint4: Uint8Array;
  int2: Uint8Array;
  uint2: Uint8Array;
  int1: Uint8Array;
}

export function isDataType(name: string): name is DataType {
  return Object.hasOwn(table, name);
}

/** Width of one element in bits: 1, 2, 4, 8, 16, 32 or 64. */
export function bitsOf(type: DataType): number {
  return table[type].bits;
}

/** True for int8 … int64, int4, int2 and their unsigned partners; false for floats and bool. */
export function isInteger(type: DataType): boolean {
  const { kind } = table[type];
  return kind === 'signed' || kind === 'unsigned';
}

export function isSigned(type: DataType): boolean {
  return table[type].kind === 'signed';
}

/** Bytes that `count` packed elements take, the last byte padded. */
export function byteLengthOf(type: DataType, count: number): number {
  return Math.ceil((count * table[type].bits) / 8);
}

/** Length of the typed array that stores `count` elements: fewer than `count` for sub-byte types. */
export function storageLengthOf(type: DataType, count: number): number {
  return byteLengthOf(type, count) / table[type].array.BYTES_PER_ELEMENT;
}

/** A zeroed typed array for `count` elements. */
export function allocate<T extends DataType>(type: T, count: number): TypedArrayOf[T] {
  return new table[type].array(storageLengthOf(type, count)) as unknown as TypedArrayOf[T];
}

/** A view of `count` elements at `byteOffset`, which must be a multiple of the element's width. */
export function viewOf<T extends DataType>(
  type: T,
  buffer: ArrayBufferLike,
  byteOffset: number,
  count: number,
): TypedArrayOf[T] {
  const { array }: TypeInfo = table[type];
  return new array(buffer, byteOffset, storageLengthOf(type, count)) as unknown as TypedArrayOf[T];
}

/** Whether `data` is the kind of typed array that stores `type`. */
export function isStorageOf(type: DataType, data: unknown): data is TypedArray {
  return data instanceof table[type].array;
}
