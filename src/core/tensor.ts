/**
 * A tensor as users and graphs hold it: type, dims and row-major data, in the form of
 * onnxruntime-common's. Immutable by convention; data is never copied here.
 */
import {
  allocate,
  type DataType,
  isDataType,
  isStorageOf,
  storageLengthOf,
  type TypedArrayOf,
} from './dtype.js';
import { OctavoError } from './errors.js';
import { elementCount, formatShape, type Shape } from './shape.js';

export interface Tensor<T extends DataType = DataType> {
  readonly type: T;
  readonly dims: Shape;
  /** Row-major elements; see core/dtype for types that have no typed array of their own. */
  readonly data: TypedArrayOf[T];
}

/**
 * Checks that type, data and dims agree and returns them as a tensor that shares `data`.
 * Throws `INVALID_TENSOR` naming `where`.
 */
export function tensor<T extends DataType>(
  type: T,
  data: TypedArrayOf[T],
  dims: Shape,
  where = 'tensor',
): Tensor<T> {
  if (!isDataType(type)) {
    throw new OctavoError('UNSUPPORTED_TYPE', `unknown type '${String(type)}'`, { where });
  }
  if (!Array.isArray(dims)) {
    throw new OctavoError('INVALID_TENSOR', 'dims is not an array', { where });
  }
  const count = elementCount(dims, where);
  if (!isStorageOf(type, data)) {
    throw new OctavoError('INVALID_TENSOR', `wrong container for ${type}`, {
      where,
      expected: allocate(type, 0).constructor.name,
      found: Object.prototype.toString.call(data).slice(8, -1),
    });
  }
  if (data.length !== storageLengthOf(type, count)) {
    throw new OctavoError('INVALID_TENSOR', `wrong number of elements for ${formatShape(dims)}`, {
      where,
      expected: String(storageLengthOf(type, count)),
      found: String(data.length),
    });
  }
  return { type, dims, data };
}

/** A zeroed tensor. */
export function zeros<T extends DataType>(type: T, dims: Shape): Tensor<T> {
  return { type, dims, data: allocate(type, elementCount(dims)) };
}

/** A one-element tensor of rank 0. */
export function scalar<T extends Exclude<DataType, 'int64' | 'uint64'>>(
  type: T,
  value: number,
): Tensor<T> {
  const data = allocate(type, 1);
  (data as unknown as number[])[0] = value;
  return { type, dims: [], data };
}

/** Narrows a tensor to one type; throws `UNSUPPORTED_TYPE` otherwise. */
export function expectType<T extends DataType>(value: Tensor, type: T, where: string): Tensor<T> {
  if (value.type !== type) {
    throw new OctavoError('UNSUPPORTED_TYPE', 'wrong type', {
      where,
      expected: type,
      found: value.type,
    });
  }
  return value as unknown as Tensor<T>;
}
