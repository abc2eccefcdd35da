/** What the evaluators of constant folding share: their form, and reading tensors through strides. */
import { allocate, bitsOf, type DataType, type TypedArray } from '../../core/dtype.js';
import { elementCount, type Shape, stridesOf } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import type { InferContext } from '../../graph/ops/op.js';

/** A node whose inputs are all constants, and the types that inference gives its outputs. */
export interface Evaluation {
  readonly context: InferContext;
  /** Undefined for absent optional inputs. */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly StaticType[];
}

export interface StaticType {
  readonly type: DataType;
  readonly dims: Shape;
}

/** Values of the outputs; undefined when this evaluator does not do this case, which is no error. */
export type Evaluator = (evaluation: Evaluation) => readonly Tensor[] | undefined;

/**
 * Values of the outputs of an operator whose dims follow from its inputs' elements; those that the node does not name
 * may be left out. Their bytes are within a small multiple of the inputs'.
 */
export type ShapedEvaluator = (
  evaluation: Omit<Evaluation, 'outputs'>,
) => readonly Tensor[] | undefined;

/** Any typed array, element by element. Numbers and bigints are never mixed within one array. */
export interface Elements {
  readonly length: number;
  [i: number]: number | bigint;
}

export function elementsOf(data: TypedArray): Elements {
  return data as unknown as Elements;
}

/** Whether elements have an index of their own: not so below a byte. */
export function isAddressable(type: DataType): boolean {
  return bitsOf(type) >= 8;
}

export function tensorFrom(type: DataType, dims: Shape, fill: (out: Elements) => void): Tensor {
  const data = allocate(type, elementCount(dims));
  fill(elementsOf(data));
  return { type, dims, data } as Tensor;
}

/** The tensor of `dims` whose element at [i, j, …] is the source's at offset + i·strides[0] + …. */
export function strided(
  source: Tensor,
  dims: Shape,
  strides: readonly number[],
  offset = 0,
): Tensor {
  const from = elementsOf(source.data);
  return tensorFrom(source.type, dims, (out) => {
    const position = new Array<number>(dims.length).fill(0);
    let at = offset;
    for (let i = 0; i < out.length; i++) {
      out[i] = from[at]!;
      for (let axis = dims.length - 1; axis >= 0; axis--) {
        at += strides[axis]!;
        if (++position[axis]! < dims[axis]!) break;
        at -= strides[axis]! * dims[axis]!;
        position[axis] = 0;
      }
    }
  });
}

/** The tensor spread over `dims` by the rules of broadcasting. */
export function broadcastTo(source: Tensor, dims: Shape): Tensor {
  if (source.dims.length === dims.length && source.dims.every((dim, i) => dim === dims[i])) {
    return source;
  }
  const own = stridesOf(source.dims);
  const ahead = dims.length - source.dims.length;
  const strides = dims.map((_, i) =>
    i < ahead || source.dims[i - ahead] === 1 ? 0 : own[i - ahead]!,
  );
  return strided(source, dims, strides);
}
