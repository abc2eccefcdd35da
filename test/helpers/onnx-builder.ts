/**
 * Small ONNX models for tests: `model` lists the parts of a file of any opset, well formed or not, and
 * `bytesOf` encodes it; `graphOf` does the same for the IR. `t` makes tensors, `float32` and so on.
 */
import type { DataType, TypedArrayOf } from '../../src/core/dtype.js';
import { allocate } from '../../src/core/dtype.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { Attribute, Dim, Graph, Node, ValueType } from '../../src/graph/ir.js';
import { writeAttribute } from '../../src/onnx/attributes.js';
import {
  encodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
} from '../../src/onnx/messages.js';
import { writeTensor } from '../../src/onnx/tensors.js';
import { valueInfoOf } from '../../src/onnx/types.js';

export interface GraphParts {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: Readonly<Record<string, ValueType>>;
  /** Names, or names with types. */
  readonly outputs: readonly string[] | Readonly<Record<string, ValueType | undefined>>;
  readonly constants?: Readonly<Record<string, Tensor>>;
}

/** A tensor of the given elements; `dims` is a vector's by default. */
export function t<T extends DataType>(
  type: T,
  values: readonly number[] | readonly bigint[],
  dims: readonly number[] = [values.length],
): Tensor<T> {
  const data = allocate(type, elementCount(dims));
  for (const [i, value] of values.entries()) {
    const stored = data instanceof BigInt64Array || data instanceof BigUint64Array;
    (data as unknown as (number | bigint)[])[i] = stored ? BigInt(value) : Number(value);
  }
  return { type, dims, data: data as TypedArrayOf[T] };
}

export function float32(...dims: Dim[]): ValueType {
  return { type: 'float32', dims };
}

const noGraphs = (): never => {
  throw new Error('give subgraphs to nodeProto as AttributeProto');
};

/** A node of a file. */
export function nodeProto(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  more: Partial<NodeProto> = {},
): NodeProto {
  return {
    opType,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([name, value]) =>
      writeAttribute(name, value, noGraphs),
    ),
    ...more,
  };
}

export function graphProto({
  nodes,
  inputs = {},
  outputs,
  constants = {},
}: GraphParts): GraphProto {
  const declared = Array.isArray(outputs)
    ? outputs.map((name: string) => [name, undefined] as const)
    : Object.entries(outputs as Readonly<Record<string, ValueType | undefined>>);
  return {
    name: 'test',
    node: [...nodes],
    input: Object.entries(inputs).map(([name, type]) => valueInfoOf(name, type)),
    output: declared.map(([name, type]) => valueInfoOf(name, type)),
    initializer: Object.entries(constants).map(([name, tensor]) => writeTensor(name, tensor)),
  };
}

/** A model of one opset of ONNX's domain. */
export function model(opset: number, parts: GraphParts): ModelProto & { graph: GraphProto } {
  return {
    irVersion: opset < 9 ? 3 : opset < 15 ? 7 : 8,
    producerName: 'test',
    opsetImport: [{ domain: '', version: opset }],
    graph: graphProto(parts),
  };
}

/** A model's bytes; short for `encodeModel(model(opset, parts))`. */
export function bytesOf(opset: number, parts: GraphParts): Uint8Array {
  return encodeModel(model(opset, parts));
}

export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): Node {
  const name = `${op}_${outputs[0]}`;
  return { name, op, domain, inputs, outputs, attributes: new Map(Object.entries(attributes)) };
}

export interface IrParts {
  readonly nodes: readonly Node[];
  readonly inputs?: Readonly<Record<string, ValueType>>;
  /** Output names, each with the value that backs it. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly types?: Readonly<Record<string, ValueType>>;
  readonly opsets?: Readonly<Record<string, number>>;
}

/** A graph of the IR, at opset 21. */
export function graphOf(parts: IrParts): Graph {
  const { nodes, inputs = {}, outputs, constants = {}, types = {}, opsets = { '': 21 } } = parts;
  return {
    name: 'test',
    inputs: Object.keys(inputs),
    outputs: Object.entries(outputs).map(([name, value]) => ({ name, value })),
    nodes,
    constants: new Map(Object.entries(constants)),
    types: new Map(Object.entries({ ...inputs, ...types })),
    opsets: new Map(Object.entries(opsets)),
  };
}
