/**
 * The messages of an ONNX file: the part of onnx.proto that Octavo reads and writes, with its field
 * numbers. A field that is absent here survives in `unknown` where the message itself is kept.
 * Optional and repeated fields alike are undefined when the file has none.
 */
import type { Limits } from '../core/limits.js';
import { decode } from './decode.js';
import { encode } from './encode.js';
import {
  bytes,
  bytesList,
  float,
  int,
  type Message,
  message,
  messages,
  numbers,
  type Schema,
  schema,
  text,
  texts,
} from './schema.js';

export interface ModelProto extends Message {
  irVersion?: number;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: number;
  docString?: string;
  graph?: GraphProto;
  opsetImport?: OperatorSetIdProto[];
  metadataProps?: StringStringEntryProto[];
  functions?: FunctionProto[];
}

export interface OperatorSetIdProto extends Message {
  domain?: string;
  version?: number;
}

export interface StringStringEntryProto extends Message {
  key?: string;
  value?: string;
}

export interface FunctionProto extends Message {
  name?: string;
  domain?: string;
}

export interface GraphProto extends Message {
  node?: NodeProto[];
  name?: string;
  initializer?: TensorProto[];
  docString?: string;
  input?: ValueInfoProto[];
  output?: ValueInfoProto[];
  valueInfo?: ValueOutlineProto[];
  sparseInitializer?: SparseTensorProto[];
}

export interface NodeProto extends Message {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  attribute?: AttributeProto[];
  domain?: string;
}

export interface AttributeProto extends Message {
  name?: string;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
  type?: number;
  refAttrName?: string;
}

export interface ValueInfoProto extends Message {
  name?: string;
  type?: TypeProto;
}

/**
 * A ValueInfoProto whose shape is left as its bytes: of values inside a graph, which nearly always follows from the nodes.
 * With `decodeShape` and `encodeShape` it is the whole.
 */
export interface ValueOutlineProto extends Message {
  name?: string;
  type?: TypeOutlineProto;
}

export interface TypeOutlineProto extends Message {
  tensorType?: TensorTypeOutlineProto;
}

export interface TensorTypeOutlineProto extends Message {
  elemType?: number;
  shape?: Uint8Array;
}

export interface TypeProto extends Message {
  tensorType?: TensorTypeProto;
}

export interface TensorTypeProto extends Message {
  elemType?: number;
  shape?: TensorShapeProto;
}

export interface TensorShapeProto extends Message {
  dim?: DimensionProto[];
}

export interface DimensionProto extends Message {
  dimValue?: number;
  dimParam?: string;
}

export interface TensorProto extends Message {
  dims?: number[];
  dataType?: number;
  segment?: Message;
  floatData?: Float32Array;
  int32Data?: Int32Array;
  stringData?: Uint8Array[];
  int64Data?: BigInt64Array;
  name?: string;
  rawData?: Uint8Array;
  doubleData?: Float64Array;
  uint64Data?: BigUint64Array;
  externalData?: StringStringEntryProto[];
  dataLocation?: number;
}

export interface SparseTensorProto extends Message {
  values?: TensorProto;
}

/** Values of `AttributeProto.type`. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/** `TensorProto.dataLocation` of a tensor whose data are in another file. */
export const externalLocation = 1;

const operatorSetId = schema<OperatorSetIdProto>({ domain: text(1), version: int(2) });

const stringStringEntry = schema<StringStringEntryProto>({ key: text(1), value: text(2) });

const functionProto = schema<FunctionProto>({ name: text(1), domain: text(10) });

const tensor = schema<TensorProto>({
  dims: numbers(1, 'ints'),
  dataType: int(2),
  segment: message(3, () => schema<Message>({})),
  floatData: numbers(4, 'float32'),
  int32Data: numbers(5, 'int32'),
  stringData: bytesList(6),
  int64Data: numbers(7, 'int64'),
  name: text(8),
  rawData: bytes(9),
  doubleData: numbers(10, 'float64'),
  uint64Data: numbers(11, 'uint64'),
  externalData: messages(13, () => stringStringEntry),
  dataLocation: int(14),
});

const sparseTensor = schema<SparseTensorProto>({ values: message(1, () => tensor) });

const dimension = schema<DimensionProto>({ dimValue: int(1), dimParam: text(2) });
const tensorShape = schema<TensorShapeProto>({ dim: messages(1, () => dimension) });
const tensorType = schema<TensorTypeProto>({
  elemType: int(1),
  shape: message(2, () => tensorShape),
});
const type = schema<TypeProto>({ tensorType: message(1, () => tensorType) });
const valueInfo = schema<ValueInfoProto>({ name: text(1), type: message(2, () => type) });

const tensorOutline = schema<TensorTypeOutlineProto>({ elemType: int(1), shape: bytes(2) });
const typeOutline = schema<TypeOutlineProto>({ tensorType: message(1, () => tensorOutline) });
const valueOutline = schema<ValueOutlineProto>({
  name: text(1),
  type: message(2, () => typeOutline),
});

const attribute: Schema<AttributeProto> = schema<AttributeProto>({
  name: text(1),
  f: float(2),
  i: int(3),
  s: bytes(4),
  t: message(5, () => tensor),
  g: message(6, () => graph),
  floats: numbers(7, 'floats'),
  ints: numbers(8, 'ints'),
  strings: bytesList(9),
  type: int(20),
  refAttrName: text(21),
});

const node = schema<NodeProto>({
  input: texts(1),
  output: texts(2),
  name: text(3),
  opType: text(4),
  attribute: messages(5, () => attribute),
  domain: text(7),
});

const graph: Schema<GraphProto> = schema<GraphProto>({
  node: messages(1, () => node),
  name: text(2),
  initializer: messages(5, () => tensor),
  docString: text(10),
  input: messages(11, () => valueInfo),
  output: messages(12, () => valueInfo),
  valueInfo: messages(13, () => valueOutline),
  sparseInitializer: messages(15, () => sparseTensor),
});

const model = schema<ModelProto>({
  irVersion: int(1),
  producerName: text(2),
  producerVersion: text(3),
  domain: text(4),
  modelVersion: int(5),
  docString: text(6),
  graph: message(7, () => graph),
  opsetImport: messages(8, () => operatorSetId),
  metadataProps: messages(14, () => stringStringEntry),
  functions: messages(25, () => functionProto),
});

/** Decodes the bytes of an ONNX file; `name` is what errors call it. */
export function decodeModel(data: Uint8Array, limits: Limits, name: string): ModelProto {
  return decode(model, plain(data), limits, name);
}

/** Decodes a tensor on its own, as conformance data hold it. */
export function decodeTensor(data: Uint8Array, limits: Limits, name: string): TensorProto {
  return decode(tensor, plain(data), limits, name);
}

/** Decodes the shape of a value of this name. */
export function decodeShape(data: Uint8Array, limits: Limits, name: string): TensorShapeProto {
  return decode(tensorShape, data, limits, name);
}

export function encodeShape(proto: TensorShapeProto): Uint8Array {
  return encode(tensorShape, proto);
}

/** A Buffer's methods differ from those of the Uint8Array that it is: slice() does not copy. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

export function encodeModel(proto: ModelProto): Uint8Array {
  return encode(model, proto);
}
