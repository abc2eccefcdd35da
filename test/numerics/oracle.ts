/**
 * ONNX Runtime as an oracle: runs a list of nodes on given tensors. The model is written by hand,
 * field by field, so that these tests stand on nothing of Octavo's own ONNX code.
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { DataType, TypedArray } from '../../src/core/dtype.js';
import type { Tensor } from '../../src/core/tensor.js';

/** TensorProto.DataType. */
const elementTypes: Partial<Record<DataType, number>> = {
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
};

/** An integer, integers, a string, or a float. */
export type OracleAttribute = number | readonly number[] | string | { readonly float: number };

export interface OracleNode {
  readonly op: string;
  /** Default the one of ONNX itself. */
  readonly domain?: 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OracleAttribute>>;
}

export interface OracleModel {
  readonly nodes: readonly OracleNode[];
  /** Fed at run time. */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /** Stored in the model. */
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, DataType>>;
  /** Default 21. */
  readonly opset?: number;
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(BigInt(field << 3)), varint(BigInt(value))]);
}

function bytes(field: number, ...parts: (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint(BigInt((field << 3) | 2)), varint(BigInt(body.length)), body]);
}

function valueInfo(field: number, name: string, type: DataType, dims?: readonly number[]): Buffer {
  const shape = dims ? [bytes(2, ...dims.map((dim) => bytes(1, integer(1, dim))))] : [];
  return bytes(
    field,
    bytes(1, name),
    bytes(2, bytes(1, integer(1, elementTypes[type]!), ...shape)),
  );
}

function initializer(name: string, { type, dims, data }: Tensor): Buffer {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const shape = dims.map((dim) => integer(1, dim));
  return bytes(5, ...shape, integer(2, elementTypes[type]!), bytes(8, name), bytes(9, raw));
}

/** The value of an attribute, and which of its forms that is. */
function attributeValue(value: OracleAttribute): Buffer[] {
  if (typeof value === 'number') return [integer(3, value), integer(20, 2)];
  if (typeof value === 'string') return [bytes(4, value), integer(20, 3)];
  if (!('float' in value)) return [...value.map((item) => integer(8, item)), integer(20, 7)];
  const float = Buffer.alloc(4);
  float.writeFloatLE(value.float);
  return [Buffer.concat([varint(BigInt((2 << 3) | 5)), float]), integer(20, 1)];
}

function nodeProto({ op, domain, inputs, outputs, attributes = {} }: OracleNode): Buffer {
  return bytes(
    1,
    ...inputs.map((name) => bytes(1, name)),
    ...outputs.map((name) => bytes(2, name)),
    bytes(4, op),
    ...(domain === undefined ? [] : [bytes(7, domain)]),
    ...Object.entries(attributes).map(([name, value]) =>
      bytes(5, bytes(1, name), ...attributeValue(value)),
    ),
  );
}

function modelProto({ nodes, feeds = {}, constants = {}, outputs, opset = 21 }: OracleModel) {
  const graph = bytes(
    7,
    ...nodes.map(nodeProto),
    bytes(2, 'oracle'),
    ...Object.entries(constants).map(([name, tensor]) => initializer(name, tensor)),
    ...Object.entries(feeds).map(([name, { type, dims }]) => valueInfo(11, name, type, dims)),
    ...Object.entries(outputs).map(([name, type]) => valueInfo(12, name, type)),
  );
  const contrib = bytes(8, bytes(1, 'com.microsoft'), integer(2, 1));
  return Buffer.concat([integer(1, 10), bytes(8, integer(2, opset)), contrib, graph]);
}

/** Outputs by name, as typed arrays. Without graph optimizations: the operators run as written. */
export async function runOracle(model: OracleModel): Promise<Record<string, TypedArray>> {
  const session = await InferenceSession.create(modelProto(model), {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const feeds = Object.entries(model.feeds ?? {}).map(([name, { type, data, dims }]) => [
    name,
    new OrtTensor(type as 'float32', data as Float32Array, dims),
  ]);
  const results = await session.run(Object.fromEntries(feeds));
  const data = Object.entries(results).map(([name, { data }]) => [name, data]);
  await session.release();
  return Object.fromEntries(data);
}
