/**
 * Operators that read indices, hand them out, or go along an axis in order: ONNX's, and the steps of the same names,
 * whose inputs are the same. Of those whose dims follow from elements only the rank is told.
 */
import { intOf } from '../attributes.js';
import type { Dim, Node, ValueType } from '../ir.js';
import { contradiction, expectInputType, expectRank, expectSameType } from './context.js';
import { axisOf, type Dims, unifyDims } from './dims.js';
import { numbersOf } from './movement.js';
import { step } from './octavo.js';
import type { InferContext, OpDefinition } from './op.js';
import { floatTypes } from './unary.js';

type Infer = OpDefinition['infer'];

function onnx(
  op: string,
  since: number,
  inputs: readonly [number, number],
  infer: Infer,
  rest: Partial<OpDefinition> = {},
): OpDefinition {
  return { op, domain: '', since, inputs, outputs: [1, 1], infer, ...rest };
}

function ofX({ input }: InferContext, dims: Dims | undefined): ValueType | undefined {
  const x = input(0);
  return x && { type: x.type, dims };
}

/** Dims with one along `axis` replaced. */
function withAxis(node: Node, dims: Dims, axis: number, dim: Dim): Dims {
  return dims.with(axisOf(node, axis, dims.length), dim);
}

/** Indices [batch…, tuples…, n] into x [batch…, n axes, slice…]: [batch…, tuples…, slice…]. */
function slicesOf({ node, input }: InferContext, batchDims: number): Dims | undefined {
  const [x, indices] = [input(0)?.dims, input(1)?.dims];
  if (x === undefined || indices === undefined) return undefined;
  const depth = indices.at(-1);
  if (indices.length === 0 || batchDims < 0 || batchDims >= indices.length) {
    throw contradiction(node, 'the axes of a batch are not axes of the indices');
  }
  for (let i = 0; i < batchDims; i++) unifyDims(node, `dims of axis ${i}`, x[i], indices[i]);
  if (typeof depth !== 'number') return undefined;
  if (batchDims + depth > x.length) {
    const expected = `at most ${x.length - batchDims} axes`;
    throw contradiction(node, 'indices address more axes than there are', expected, String(depth));
  }
  return [...indices.slice(0, -1), ...x.slice(batchDims + depth)];
}

const gatherElements: Infer = (context) => {
  const { node, input } = context;
  expectInputType(context, 1, 'int32', 'int64');
  const [x, indices] = [input(0)?.dims, input(1)?.dims];
  if (x !== undefined) {
    const axis = axisOf(node, intOf(node, 'axis', 0), x.length);
    expectRank(context, 1, x.length);
    const beyond = indices?.findIndex((dim, i) => {
      const size = x[i];
      return i !== axis && typeof dim === 'number' && typeof size === 'number' && dim > size;
    });
    if (beyond !== undefined && beyond >= 0) {
      const found = String(indices![beyond]);
      throw contradiction(node, `indices leave axis ${beyond}`, `at most ${x[beyond]}`, found);
    }
  }
  return [ofX(context, indices)];
};

const gatherND =
  (attribute: string): Infer =>
  (context) => {
    expectInputType(context, 1, 'int32', 'int64');
    return [ofX(context, slicesOf(context, intOf(context.node, attribute, 0)))];
  };

const scatterElements: Infer = (context) => {
  const { node, input } = context;
  gatherElements(context);
  expectSameType(context, [0, 2]);
  const indices = input(1)?.dims;
  if (indices !== undefined) expectRank(context, 2, indices.length);
  for (const [i, dim] of indices?.entries() ?? []) {
    unifyDims(node, 'indices and updates', dim, input(2)?.dims?.[i]);
  }
  return [input(0)];
};

const scatterND: Infer = (context) => {
  const { node, input } = context;
  expectInputType(context, 1, 'int32', 'int64');
  expectSameType(context, [0, 2]);
  const slices = slicesOf(context, 0);
  if (slices !== undefined) expectRank(context, 2, slices.length);
  for (const [i, dim] of slices?.entries() ?? []) {
    unifyDims(node, 'slices and updates', dim, input(2)?.dims?.[i]);
  }
  return [input(0)];
};

/** x with k elements along the axis, and where they were. */
function chosen({ node, input }: InferContext, k: Dim): readonly (ValueType | undefined)[] {
  const x = input(0);
  if (x?.dims === undefined) return [x && { type: x.type }, { type: 'int64' }];
  const axis = axisOf(node, intOf(node, 'axis', -1), x.dims.length);
  const size = x.dims[axis];
  if (typeof k === 'number' && (k < 0 || (typeof size === 'number' && k > size))) {
    throw contradiction(node, "'k' out of range", `0 to ${size ?? 'the dim'}`, String(k));
  }
  const dims = x.dims.with(axis, k);
  return [
    { type: x.type, dims },
    { type: 'int64', dims },
  ];
}

const argReduction = (op: string) =>
  onnx(op, 1, [1, 1], ({ node, input }) => {
    const dims = input(0)?.dims;
    if (dims === undefined) return [{ type: 'int64' }];
    const axis = axisOf(node, intOf(node, 'axis', 0), dims.length);
    const kept = intOf(node, 'keepdims', 1) !== 0;
    return [{ type: 'int64', dims: kept ? dims.with(axis, 1) : dims.toSpliced(axis, 1) }];
  });

const reverseSequence: Infer = (context) => {
  const { node, input } = context;
  expectRank(context, 0, 2, Infinity);
  expectRank(context, 1, 1);
  expectInputType(context, 1, 'int64');
  const [batch, time] = [intOf(node, 'batch_axis', 1), intOf(node, 'time_axis', 0)];
  if (![batch, time].includes(0) || ![batch, time].includes(1)) {
    throw contradiction(node, 'the axes must be 0 and 1', undefined, `${batch} and ${time}`);
  }
  unifyDims(node, 'batch and lengths', input(0)?.dims?.[batch], input(1)?.dims?.[0]);
  return [input(0)];
};

/** A property of floats. */
const flag: Infer = (context) => {
  expectInputType(context, 0, ...floatTypes);
  return [{ type: 'bool', dims: context.input(0)?.dims }];
};

const nonZero: Infer = ({ input }) => [
  { type: 'int64', dims: [input(0)?.dims?.length || undefined, undefined] },
];

const nonMaxSuppression: Infer = (context) => {
  expectInputType(context, 0, 'float32');
  expectInputType(context, 1, 'float32');
  expectInputType(context, 2, 'int64');
  for (const i of [3, 4]) expectInputType(context, i, 'float32');
  for (const i of [0, 1]) expectRank(context, i, 3);
  const [boxes, scores] = [context.input(0)?.dims, context.input(1)?.dims];
  unifyDims(context.node, 'coordinates and 4', 4, boxes?.[2]);
  unifyDims(context.node, 'batches', boxes?.[0], scores?.[0]);
  unifyDims(context.node, 'boxes', boxes?.[1], scores?.[2]);
  return [{ type: 'int64', dims: [undefined, 3] }];
};

const compress: Infer = (context) => {
  const { node, input } = context;
  expectInputType(context, 1, 'bool');
  expectRank(context, 1, 1);
  if (!node.attributes.has('axis')) return [ofX(context, [undefined])];
  const dims = input(0)?.dims;
  return [ofX(context, dims && withAxis(node, dims, intOf(node, 'axis', 0), undefined))];
};

const unique: Infer = (context) => {
  const { node, input } = context;
  const dims = input(0)?.dims;
  const flat = !node.attributes.has('axis');
  const count: ValueType = { type: 'int64', dims: [undefined] };
  const axis = intOf(node, 'axis', 0);
  const y = flat ? [undefined] : dims && withAxis(node, dims, axis, undefined);
  return [ofX(context, y), count, count, count];
};

const cumSum: Infer = (context) => {
  expectInputType(context, 1, 'int32', 'int64');
  const dims = context.input(0)?.dims;
  const axis = numbersOf(context, 1)?.[0];
  if (dims !== undefined && axis !== undefined) axisOf(context.node, axis, dims.length);
  return [context.input(0)];
};

const topK: Infer = (context) => {
  expectInputType(context, 1, 'int64');
  return chosen(context, numbersOf(context, 1)?.[0]);
};

export const indexings: readonly OpDefinition[] = [
  onnx('GatherElements', 11, [2, 2], gatherElements),
  onnx('GatherND', 11, [2, 2], gatherND('batch_dims')),
  onnx('ScatterElements', 11, [3, 3], scatterElements),
  onnx('ScatterND', 11, [3, 3], scatterND),
  onnx('TopK', 10, [2, 2], topK, { outputs: [2, 2] }),
  argReduction('ArgMax'),
  argReduction('ArgMin'),
  onnx('CumSum', 11, [2, 2], cumSum),
  onnx('ReverseSequence', 10, [2, 2], reverseSequence),
  onnx('Hardmax', 13, [1, 1], ({ node, input }) => {
    const dims = input(0)?.dims;
    if (dims !== undefined) axisOf(node, intOf(node, 'axis', -1), dims.length);
    return [input(0)];
  }),
  onnx('IsNaN', 9, [1, 1], flag),
  onnx('IsInf', 10, [1, 1], flag),
  onnx('NonZero', 9, [1, 1], nonZero),
  onnx('NonMaxSuppression', 10, [2, 5], nonMaxSuppression),
  onnx('Compress', 9, [2, 2], compress),
  onnx('Unique', 11, [1, 1], unique, { outputs: [1, 4] }),
];

export const indexSteps: readonly OpDefinition[] = [
  step('GatherElements', [2, 2], gatherElements),
  step('GatherND', [2, 2], gatherND('batchDims')),
  step('ScatterElements', [3, 3], scatterElements),
  step('ScatterND', [3, 3], scatterND),
  step('TopK', [1, 1], (context) => chosen(context, intOf(context.node, 'k', 0)), {
    outputs: [2, 2],
  }),
  step('ArgReduce', [1, 1], ({ node, input }) => {
    const dims = input(0)?.dims;
    return [{ type: 'int64', dims: dims && withAxis(node, dims, intOf(node, 'axis', 0), 1) }];
  }),
  step('CumSum', [1, 1], ({ node, input }) => {
    const dims = input(0)?.dims;
    if (dims !== undefined) axisOf(node, intOf(node, 'axis', 0), dims.length);
    return [input(0)];
  }),
];
