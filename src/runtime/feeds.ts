/**
 * The border between callers' tensors and plans: what inputs and outputs a model has, and whether what
 * a caller hands in are they. Callers may be JavaScript without types; nothing about a feed is believed.
 */
import {
  allocate,
  type DataType,
  isStorageOf,
  storageLengthOf,
  type TypedArray,
} from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { elementCount, formatShape, type Shape, shownDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { type Dim, type Graph, typeOf } from '../graph/ir.js';

/** An input or output of a model. */
export interface PortInfo {
  readonly name: string;
  readonly type: DataType;
  /** Numbers, names of free dimensions, undefined for unknown ones; absent when the rank is unknown. */
  readonly dims?: readonly Dim[] | undefined;
}

/** Tensors by input name. */
export type Feeds = Readonly<Record<string, Tensor>>;

export function describeInputs(graph: Graph): PortInfo[] {
  return graph.inputs.map((name) => describe(graph, name, name));
}

export function describeOutputs(graph: Graph): PortInfo[] {
  return graph.outputs.map(({ name, value }) => describe(graph, name, value));
}

function describe(graph: Graph, name: string, value: string): PortInfo {
  const type = typeOf(graph, value);
  if (type === undefined) {
    throw new OctavoError('INVALID_GRAPH', 'nothing is known of its type', { where: name });
  }
  return { name, type: type.type, dims: type.dims?.map(shownDim) };
}

export interface CheckedFeeds {
  readonly dims: ReadonlyMap<string, Shape>;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Equal for equal dims. */
  readonly key: string;
}

/**
 * Checks that there is one tensor for each input, of its type and rank, with as much data as its dims
 * say. Throws `INVALID_INPUT` naming the feed. Whether the sizes suit the model shows when they are bound.
 */
export function checkFeeds(feeds: Feeds, inputs: readonly PortInfo[]): CheckedFeeds {
  if (typeof feeds !== 'object' || feeds === null) {
    throw new OctavoError('INVALID_INPUT', 'feeds are not an object', {
      expected: 'a tensor for each input name',
      found: feeds === null ? 'null' : typeof feeds,
    });
  }
  for (const name of Object.keys(feeds)) {
    if (inputs.some((input) => input.name === name)) continue;
    throw new OctavoError('INVALID_INPUT', 'the model has no such input', {
      where: name,
      expected: inputs.map((input) => input.name).join(', ') || 'no feeds',
    });
  }
  const dims = new Map<string, Shape>();
  const tensors = new Map<string, Tensor>();
  for (const input of inputs) {
    const tensor = Object.hasOwn(feeds, input.name) ? feeds[input.name] : undefined;
    if (tensor === undefined || tensor === null) {
      throw new OctavoError('INVALID_INPUT', 'this input is missing from the feeds', {
        where: input.name,
      });
    }
    const shape = checkDims(tensor.dims, input);
    dims.set(input.name, shape);
    const data = checkData(tensor, shape, input);
    tensors.set(input.name, { type: input.type, dims: shape, data } as Tensor);
  }
  return { dims, tensors, key: keyOf(dims) };
}

/** Names the dims of all inputs, in their order. */
export function keyOf(dims: ReadonlyMap<string, Shape>): string {
  return [...dims.values()].map((shape) => shape.join()).join(';');
}

function checkDims(dims: unknown, { name, dims: declared }: PortInfo): Shape {
  const refuse = (what: string, found: string) =>
    new OctavoError('INVALID_INPUT', what, {
      where: name,
      expected: declared === undefined ? 'whole numbers from 0' : formatShape(declared),
      found,
    });
  if (!Array.isArray(dims)) throw refuse("'dims' is not an array", typeof dims);
  const shape: unknown[] = [...dims];
  if (!shape.every((size): size is number => Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw refuse('bad dimension', `[${shape.map(String).join(', ')}]`);
  }
  if (declared === undefined) return shape;
  if (declared.length !== shape.length) throw refuse('wrong rank', formatShape(shape));
  const bad = declared.findIndex((dim, i) => typeof dim === 'number' && dim !== shape[i]);
  if (bad >= 0) throw refuse(`wrong size of axis ${bad}`, formatShape(shape));
  return shape;
}

function checkData(tensor: Tensor, dims: Shape, { name, type }: PortInfo): TypedArray {
  if (tensor.type !== type) {
    throw new OctavoError('INVALID_INPUT', 'wrong type', {
      where: name,
      expected: type,
      found: String(tensor.type),
    });
  }
  const { data } = tensor as { readonly data: unknown };
  if (!isStorageOf(type, data)) {
    throw new OctavoError('INVALID_INPUT', `wrong container for ${type}`, {
      where: name,
      expected: allocate(type, 0).constructor.name,
      found: Object.prototype.toString.call(data).slice(8, -1),
    });
  }
  let length: number;
  try {
    length = storageLengthOf(type, elementCount(dims, name));
  } catch (cause) {
    const found = formatShape(dims);
    throw new OctavoError('INVALID_INPUT', 'impossible dims', { where: name, found, cause });
  }
  if (data.length !== length) {
    const emptied = data.length === 0 && data.buffer.byteLength === 0;
    throw new OctavoError(
      'INVALID_INPUT',
      emptied
        ? 'the data are empty; was their buffer transferred away?'
        : `wrong number of elements for ${formatShape(dims)}`,
      { where: name, expected: String(length), found: String(data.length) },
    );
  }
  return data;
}

/** Results by output name, in an object without prototype, so that any name is just a name. */
export function resultsOf(
  outputs: readonly { readonly name: string; readonly type: DataType; readonly dims: Shape }[],
  data: readonly TypedArray[],
  wanted: ReadonlySet<string> | undefined,
): Record<string, Tensor> {
  const results: Record<string, Tensor> = Object.create(null);
  outputs.forEach(({ name, type, dims }, i) => {
    if (wanted !== undefined && !wanted.has(name)) return;
    results[name] = { type, dims: [...dims], data: data[i]! } as Tensor;
  });
  return results;
}
