/** Declared types of values, as a file nests them, to the IR's and back. */
import { type DataType, dataTypes } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { shownDim } from '../core/shape.js';
import { elementTypeCode, elementTypeOf } from '../graph/elementTypes.js';
import type { Dim, ValueType } from '../graph/ir.js';
import {
  type DimensionProto,
  decodeShape,
  encodeShape,
  type TypeOutlineProto,
  type TypeProto,
  type ValueInfoProto,
  type ValueOutlineProto,
} from './messages.js';

/** Names of the types that ONNX has and Octavo has not, for errors. */
const foreignTypes: ReadonlyMap<number, string> = new Map([
  [8, 'string'],
  [14, 'complex64'],
  [15, 'complex128'],
  [17, 'float8e4m3fn'],
  [18, 'float8e4m3fnuz'],
  [19, 'float8e5m2'],
  [20, 'float8e5m2fnuz'],
  [23, 'float4e2m1'],
  [24, 'float8e8m0'],
]);

/** The type of an element type code. Throws `UNSUPPORTED_TYPE`, or `INVALID_MODEL` for no type at all. */
export function dataTypeOf(code: number | undefined, where: string): DataType {
  if (code === undefined || code === 0) {
    throw new OctavoError('INVALID_MODEL', 'the element type is missing', { where });
  }
  const foreign = foreignTypes.get(code);
  if (foreign !== undefined) {
    throw new OctavoError('UNSUPPORTED_TYPE', `tensors of ${foreign} are not supported`, { where });
  }
  return elementTypeOf(code, where);
}

const supportedCodes = new Set(
  dataTypes.filter((type) => type !== 'int1').map((type) => elementTypeCode(type)),
);

/** Whether a value is declared to be of any type: exporters leave some types empty. */
export function isStated(type: TypeProto | undefined): boolean {
  return type?.tensorType !== undefined || (type?.unknown?.length ?? 0) > 0;
}

/** Whether a declared type is a tensor of a type that Octavo has. */
export function isSupported(type: TypeProto | TypeOutlineProto | undefined): boolean {
  return supportedCodes.has(type?.tensorType?.elemType ?? 0);
}

/**
 * The declared type of a value. Sizes below 0 count as unknown, as exporters mean them. Throws
 * `UNSUPPORTED_TYPE` for anything but a tensor and `LIMIT_EXCEEDED` above the limit on ranks.
 */
export function valueTypeOf(proto: ValueInfoProto, limits: Limits): ValueType {
  const where = proto.name ?? '';
  const tensor = proto.type?.tensorType;
  if (tensor === undefined) {
    const found =
      proto.type === undefined ? 'no type' : 'a sequence, map, optional or sparse tensor';
    throw new OctavoError('UNSUPPORTED_TYPE', 'the value is not declared as a tensor', {
      where,
      expected: 'a tensor',
      found,
    });
  }
  const type = dataTypeOf(tensor.elemType, where);
  if (tensor.shape === undefined) return { type };
  const dims = tensor.shape.dim ?? [];
  if (dims.length > limits.rank) {
    throw new OctavoError('LIMIT_EXCEEDED', 'too many dimensions', {
      where,
      expected: `at most ${limits.rank} (limit rank)`,
      found: String(dims.length),
    });
  }
  return { type, dims: dims.map((dim) => dimOf(dim, where)) };
}

/** The declared type of a value that is outlined; with its dims where they are wanted. Throws as `valueTypeOf` does. */
export function outlinedTypeOf(
  { name = '', type }: ValueOutlineProto,
  limits: Limits,
  isWhole: boolean,
): ValueType {
  const { elemType, shape } = type?.tensorType ?? {};
  if (!isWhole || shape === undefined) return { type: dataTypeOf(elemType, name) };
  const tensorType = { elemType, shape: decodeShape(shape, limits, name) };
  return valueTypeOf({ name, type: { tensorType } } as ValueInfoProto, limits);
}

function dimOf({ dimValue, dimParam }: DimensionProto, where: string): Dim {
  if (dimValue === undefined) return dimParam === '' ? undefined : shownDim(dimParam);
  if (dimValue < 0) return undefined;
  if (!Number.isSafeInteger(dimValue)) {
    throw new OctavoError('LIMIT_EXCEEDED', 'a dimension is larger than 2^53', { where });
  }
  return dimValue;
}

/** The declaration of a value; without a type when none is known. */
export function valueInfoOf(name: string, value: ValueType | undefined): ValueInfoProto {
  if (value === undefined) return { name };
  const elemType = elementTypeCode(value.type);
  if (value.dims === undefined) return { name, type: { tensorType: { elemType } } };
  const dim = value.dims.map(shownDim).map((dim): DimensionProto => {
    if (dim === undefined) return {};
    return typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim };
  });
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** The same, outlined. */
export function valueOutlineOf(name: string, value: ValueType): ValueOutlineProto {
  const { elemType, shape } = valueInfoOf(name, value).type!.tensorType!;
  const tensorType = { elemType, ...(shape && { shape: encodeShape(shape) }) };
  return { name, type: { tensorType } } as ValueOutlineProto;
}
