/** Operators that make tensors out of shapes and numbers, and Cast. */
import { bfloat16ToFloat32, float16ToFloat32 } from '../../core/half.js';
import type { Tensor } from '../../core/tensor.js';
import { intOf, tensorOf } from '../attributes.js';
import { elementTypeOf } from '../elementTypes.js';
import type { Dim } from '../ir.js';
import { contradiction, expectInputType, expectSameType } from './context.js';
import type { Dims } from './dims.js';
import { productOf } from './dims.js';
import { numbersOf } from './movement.js';
import type { InferContext, OpDefinition } from './op.js';

/** The dims that a Shape node hands out. */
function shapeOf({ node, input }: InferContext): Dims | undefined {
  const dims = input(0)?.dims;
  // ONNX clamps out-of-range ends here, as a slice does.
  return dims?.slice(intOf(node, 'start', 0), intOf(node, 'end', dims.length));
}

const shape: OpDefinition = {
  op: 'Shape',
  domain: '',
  since: 1,
  inputs: [1, 1],
  outputs: [1, 1],
  infer: (context) => [{ type: 'int64', dims: [shapeOf(context)?.length] }],
  contents: shapeOf,
};

const size: OpDefinition = {
  op: 'Size',
  domain: '',
  since: 1,
  inputs: [1, 1],
  outputs: [1, 1],
  infer: () => [{ type: 'int64', dims: [] }],
  contents: ({ node, input }) => {
    const dims = input(0)?.dims;
    return dims && [productOf(node, dims)];
  },
};

const cast: OpDefinition = {
  op: 'Cast',
  domain: '',
  since: 6,
  inputs: [1, 1],
  outputs: [1, 1],
  infer: ({ node, input }) => {
    const type = elementTypeOf(intOf(node, 'to', 0), node.name);
    return [{ type, dims: input(0)?.dims }];
  },
  contents: ({ node, contents }) => {
    const type = elementTypeOf(intOf(node, 'to', 0), node.name);
    return type === 'int64' || type === 'int32' ? contents(0) : undefined;
  },
};

/** The one-element tensor that ConstantOfShape fills with; float32 zero when absent. */
export function fillOf({ node }: Pick<InferContext, 'node'>): Tensor {
  const value = tensorOf(node, 'value');
  if (value === undefined) return { type: 'float32', dims: [1], data: new Float32Array(1) };
  if (value.data.length !== 1) {
    throw contradiction(node, "'value' must have one element", '1', String(value.data.length));
  }
  return value;
}

/** x, and a tensor whose type y has. */
const castLike: OpDefinition = {
  op: 'CastLike',
  domain: '',
  since: 15,
  inputs: [2, 2],
  outputs: [1, 1],
  infer: ({ input }) => {
    const type = input(1)?.type;
    return [type && { type, dims: input(0)?.dims }];
  },
};

const constantOfShape: OpDefinition = {
  op: 'ConstantOfShape',
  domain: '',
  since: 9,
  inputs: [1, 1],
  outputs: [1, 1],
  infer: (context) => {
    expectInputType(context, 0, 'int64');
    const target = context.contents(0);
    if (
      target?.some((dim) => typeof dim === 'number' && !(Number.isSafeInteger(dim) && dim >= 0))
    ) {
      throw contradiction(context.node, 'bad shape', 'sizes from 0', target.join(', '));
    }
    return [{ type: fillOf(context).type, dims: target }];
  },
};

const range: OpDefinition = {
  op: 'Range',
  domain: '',
  since: 11,
  inputs: [3, 3],
  outputs: [1, 1],
  infer: (context) => {
    const type = expectSameType(context, [0, 1, 2]);
    return [type && { type, dims: [rangeLength(context)] }];
  },
};

/** Number of elements of a Range; undefined when its bounds are computed. */
export function rangeLength(context: InferContext): Dim {
  const [start, limit, delta] = [0, 1, 2].map((i) => {
    const constant = context.constant(i);
    return constant === undefined ? numbersOf(context, i)?.[0] : firstOf(constant);
  });
  if (start === undefined || limit === undefined || delta === undefined) return undefined;
  const length = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isSafeInteger(length)) {
    throw contradiction(context.node, 'the range does not end', undefined, `step ${delta}`);
  }
  return length;
}

function firstOf({ type, data }: Tensor): number {
  const first = Number(data[0]);
  if (type === 'float16') return float16ToFloat32(first);
  return type === 'bfloat16' ? bfloat16ToFloat32(first) : first;
}

export const generators: readonly OpDefinition[] = [
  shape,
  size,
  cast,
  castLike,
  constantOfShape,
  range,
];
