/**
 * Tensors in a file, in each of the encodings ONNX knows, to tensors in memory and back. Dims are
 * compared with the data that are there before anything is allocated, so that a tensor cannot cost
 * more than its file. Raw data become views of the file where they are aligned, or can be, and copies where not.
 */
import {
  allocate,
  bitsOf,
  byteLengthOf,
  type DataType,
  isSigned,
  type TypedArray,
  viewOf,
} from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { elementCount, formatShape } from '../core/shape.js';
import { type Tensor, tensor } from '../core/tensor.js';
import { elementTypeCode } from '../graph/elementTypes.js';
import type { ExternalData } from './externalData.js';
import { externalLocation, type TensorProto } from './messages.js';
import { dataTypeOf } from './types.js';

export interface TensorContext {
  readonly limits: Limits;
  readonly external: ExternalData;
  /** Nobody else reads the bytes of the file any more: data may be moved within them. */
  readonly ownsBytes?: boolean | undefined;
}

/**
 * Reads a tensor. Throws `INVALID_MODEL`, `INVALID_TENSOR`, `UNSUPPORTED_TYPE` (strings among them),
 * `LIMIT_EXCEEDED` or what the external data throw, naming `where`.
 */
export function readTensor(proto: TensorProto, where: string, context: TensorContext): Tensor {
  const { limits } = context;
  const type = dataTypeOf(proto.dataType, where);
  const dims = proto.dims ?? [];
  if (dims.length > limits.rank) {
    throw new OctavoError('LIMIT_EXCEEDED', 'too many dimensions', {
      where,
      expected: `at most ${limits.rank} (limit rank)`,
      found: String(dims.length),
    });
  }
  const count = elementCount(dims, where);
  const bytes = byteLengthOf(type, count);
  if (bytes > limits.tensorBytes) {
    throw new OctavoError('LIMIT_EXCEEDED', `the tensor ${formatShape(dims)} is too large`, {
      where,
      expected: `at most ${limits.tensorBytes} bytes (limit tensorBytes)`,
      found: String(bytes),
    });
  }
  if (proto.segment !== undefined) {
    throw new OctavoError('INVALID_MODEL', 'tensors in segments are not supported', { where });
  }
  const data = dataOf(proto, type, count, where, context);
  if (type === 'bool' && !(data as Uint8Array).every((byte) => byte <= 1)) {
    throw new OctavoError('INVALID_TENSOR', 'bool data other than 0 and 1', { where });
  }
  return tensor(type, data as never, dims, where);
}

function dataOf(
  proto: TensorProto,
  type: DataType,
  count: number,
  where: string,
  { external, ownsBytes = false }: TensorContext,
): TypedArray {
  const bytes = byteLengthOf(type, count);
  if (proto.dataLocation === externalLocation) {
    return viewBytes(type, external.read(proto.externalData ?? [], bytes, where), count, false);
  }
  let list: TypedArray | undefined;
  for (const found of listsOf(proto)) {
    if (found === undefined || found.length === 0) continue;
    if (list !== undefined) {
      throw new OctavoError('INVALID_MODEL', 'the tensor has its data twice', { where });
    }
    list = found;
  }
  if (list === undefined || list === proto.rawData) {
    const found = list?.length ?? 0;
    if (found !== bytes) throw wrongLength(type, proto.dims ?? [], bytes, found, where);
    return list === undefined
      ? allocate(type, 0)
      : viewBytes(type, proto.rawData!, count, ownsBytes);
  }
  if (list !== listFor(proto, type)) {
    throw new OctavoError('INVALID_MODEL', `the data are in a field that is not for ${type}`, {
      where,
    });
  }
  // One element of int32_data holds a whole byte of a packed type.
  const expected = bitsOf(type) < 8 ? bytes : count;
  if (list.length !== expected) {
    throw wrongLength(type, proto.dims ?? [], expected, list.length, where);
  }
  if (list instanceof Int32Array && type !== 'int32') return narrow(list, type, where);
  if (list instanceof BigUint64Array && type === 'uint32') return narrow(list, type, where);
  return list;
}

function listsOf(proto: TensorProto) {
  const { rawData, floatData, int32Data, int64Data, doubleData, uint64Data } = proto;
  return [rawData, floatData, int32Data, int64Data, doubleData, uint64Data];
}

/** The list that holds elements of a type, when they are not raw. */
function listFor(proto: TensorProto, type: DataType) {
  if (type === 'float32') return proto.floatData;
  if (type === 'float64') return proto.doubleData;
  if (type === 'int64') return proto.int64Data;
  if (type === 'uint64' || type === 'uint32') return proto.uint64Data;
  return proto.int32Data;
}

function wrongLength(
  type: DataType,
  dims: readonly number[],
  expected: number,
  found: number,
  where: string,
): OctavoError {
  return new OctavoError(
    'INVALID_TENSOR',
    `wrong amount of data for ${type} ${formatShape(dims)}`,
    {
      where,
      expected: String(expected),
      found: String(found),
    },
  );
}

/** Stores wide elements in a narrow type; float16, bfloat16 and packed types come as their bits. */
function narrow(list: Int32Array | BigUint64Array, type: DataType, where: string): TypedArray {
  const bits = Math.max(bitsOf(type), 8);
  // Signed or not, a byte of a packed type may have been written as either.
  const least = isSigned(type) || bitsOf(type) < 8 ? -(2 ** (bits - 1)) : 0;
  const most = isSigned(type) && bitsOf(type) >= 8 ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const result = allocate(type, (list.length * bits) / bitsOf(type));
  for (let i = 0; i < list.length; i++) {
    const value = Number(list[i]);
    if (value < least || value > most) {
      throw new OctavoError('INVALID_TENSOR', `element ${i} does not fit ${type}`, {
        where,
        expected: `${least} to ${most}`,
        found: String(value),
      });
    }
    result[i] = value;
  }
  return result;
}

/** In front of raw data of so many bytes lie three at least that nobody needs any more: their tag and their length. */
const leastMovable = 128;

function viewBytes(
  type: DataType,
  bytes: Uint8Array,
  count: number,
  isMovable: boolean,
): TypedArray {
  const width = Math.max(bitsOf(type), 8) / 8;
  const { buffer, byteOffset: start, byteLength } = bytes;
  const beyond = start % width;
  if (beyond === 0) return viewOf(type, buffer, start, count);
  if (isMovable && width <= 4 && byteLength >= leastMovable) {
    new Uint8Array(buffer).copyWithin(start - beyond, start, start + byteLength);
    return viewOf(type, buffer, start - beyond, count);
  }
  return viewOf(type, new Uint8Array(bytes).buffer, 0, count);
}

/** Writes a tensor as raw data, which share its memory. */
export function writeTensor(name: string, { type, dims, data }: Tensor): TensorProto {
  return {
    name,
    dims: [...dims],
    dataType: elementTypeCode(type),
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}
