/**
 * Octavo's own operators: one per step of runtime/steps, with the same inputs and attributes, and
 * `Reshape`, which moves nothing and has no step: it reads x and a constant int64 target, whose 0 and
 * -1 mean what they mean in ONNX. Spatial operators are channels-last.
 *
 * Attributes that only the graph needs, so that output types follow; the plan compiler drops them:
 * - `padBottom`, `padRight` (Conv, QConv, QConvDynamic and the pools; 0 when absent) and `ceilMode` (the pools).
 * - `outputType`, a data type's name: QConv and QAveragePool ('uint8' when absent), QConvDynamic ('float32'), DynamicQuantizeRows ('int8'), Lookup (x's type),
 *   QuantizeLinear without zero point ('uint8'), Cast (required).
 * - `sizes` (Slice): elements taken along each axis, or -1 for all from the start on. `after` (Pad):
 *   cells of padding behind each axis. `dims` (Expand): the shape of y. `k` (TopK): elements chosen along the axis.
 * i32x8 attributes are `ints` with one entry per axis; zeros behind the rank are let through.
 */
import { type DataType, isDataType } from '../../core/dtype.js';
import { formatShape } from '../../core/shape.js';
import { intOf, intsOf, stringOf } from '../attributes.js';
import type { Dim, Node, ValueType } from '../ir.js';
import { contradiction, expectInputType, expectRank, expectSameType } from './context.js';
import { broadcastDims, type Dims, unifyDims } from './dims.js';
import { concatenated, permuted, reshaped } from './layouts.js';
import { matMulDims } from './matmul.js';
import type { InferContext, OpDefinition } from './op.js';
import { checkPoolPads } from './pool.js';
import { checkGranularity } from './quantize.js';
import { checkInt, checkInts, type Window, windowOutputs } from './window.js';

type Infer = OpDefinition['infer'];

export function step(
  op: string,
  inputs: readonly [number, number],
  infer: Infer,
  rest: Partial<OpDefinition> = {},
): OpDefinition {
  return { op, domain: 'octavo', since: 1, inputs, outputs: [1, 1], infer, ...rest };
}

/** The `outputType` attribute. */
export function outputTypeOf(node: Node, fallback: DataType | undefined): DataType | undefined {
  const name = stringOf(node, 'outputType', fallback ?? '');
  if (name === '' || isDataType(name)) return name === '' ? undefined : name;
  throw contradiction(node, "unknown 'outputType'", undefined, name);
}

function windowOfStep(node: Node, kernel: readonly number[], isPool: boolean): Window {
  const read = (name: string, fallback: number, least: number) =>
    checkInt(node, name, intOf(node, name, fallback), least);
  return {
    kernel: checkInts(node, 'kernel', kernel, 1),
    strides: [read('strideH', 1, 1), read('strideW', 1, 1)],
    dilations: [read('dilationH', 1, 1), read('dilationW', 1, 1)],
    padsBefore: [read('padTop', 0, 0), read('padLeft', 0, 0)],
    padsAfter: [read('padBottom', 0, 0), read('padRight', 0, 0)],
    autoPad: 'NOTSET',
    ceilMode: isPool && intOf(node, 'ceilMode', 0) !== 0,
  };
}

/** x [N, H, W, C], weight [O, KH, KW, C / groups], vectors [O]: y [N, H', W', O]. */
function convolved(context: InferContext, vectors: readonly number[]): Dims | undefined {
  const { node, input } = context;
  expectRank(context, 0, 4);
  expectRank(context, 1, 4);
  const weight = input(1)?.dims;
  if (weight === undefined) return undefined;
  const [outputs, kernelH, kernelW, depth] = weight;
  const groups = checkInt(node, 'groups', intOf(node, 'groups', 1), 1);
  if (typeof outputs === 'number' && outputs % groups !== 0) {
    throw contradiction(node, `output channels do not divide by ${groups} groups`);
  }
  for (const i of vectors) {
    expectRank(context, i, 1);
    unifyDims(node, `output channels and input ${i}`, outputs, input(i)?.dims?.[0]);
  }
  const x = input(0)?.dims ?? [undefined, undefined, undefined, undefined];
  if (typeof depth === 'number') unifyDims(node, 'channels', x[3], depth * groups);
  if (typeof kernelH !== 'number' || typeof kernelW !== 'number') return undefined;
  const window = windowOfStep(node, [kernelH, kernelW], false);
  return [x[0], ...windowOutputs(node, window, x.slice(1, 3)), outputs];
}

function pooled(context: InferContext): Dims | undefined {
  const { node, input } = context;
  expectRank(context, 0, 4);
  const kernel = [intOf(node, 'kernelH', 0), intOf(node, 'kernelW', 0)];
  const window = windowOfStep(node, kernel, true);
  checkPoolPads(node, window);
  const x = input(0)?.dims;
  return x && [x[0], ...windowOutputs(node, window, x.slice(1, 3)), x[3]];
}

/** An `ints` attribute with one entry per axis, and zeros behind them. */
function perAxis(node: Node, name: string, rank: number): readonly number[] {
  const values = intsOf(node, name) ?? [];
  if (values.length < rank || values.slice(rank).some((value) => value !== 0)) {
    throw contradiction(node, `'${name}' does not fit the rank`, String(rank), formatShape(values));
  }
  return values.slice(0, rank);
}

/** A step with one output of x's type, whose dims follow from x's. */
function moving(op: string, dimsOf: (node: Node, dims: Dims) => Dims): OpDefinition {
  return step(op, [1, 1], ({ node, input }) => {
    const x = input(0);
    return [x && { type: x.type, dims: x.dims && dimsOf(node, x.dims) }];
  });
}

const floatToFloat: Infer = (context) => {
  expectInputType(context, 0, 'float32');
  return [context.input(0)];
};

const broadcast =
  (type: DataType): Infer =>
  (context) => {
    const { node, input } = context;
    expectInputType(context, 0, type);
    expectInputType(context, 1, type);
    return [{ type, dims: broadcastDims(node, input(0)?.dims, input(1)?.dims) }];
  };

const qConv = step(
  'QConv',
  [4, 6],
  (context) => {
    expectInputType(context, 0, 'uint8');
    expectInputType(context, 1, 'int8');
    expectInputType(context, 2, 'int32');
    expectInputType(context, 3, 'float32');
    expectInputType(context, 4, 'int32');
    expectInputType(context, 5, 'uint8');
    const type = outputTypeOf(context.node, 'uint8')!;
    const dims = convolved(context, [2, 3, 4]);
    const residual = context.input(5)?.dims;
    if (dims === undefined || residual === undefined) return [{ type, dims }];
    expectRank(context, 5, 4);
    const unified = dims.map((dim, i) =>
      unifyDims(context.node, `axis ${i} of y and the residual`, dim, residual[i]),
    );
    return [{ type, dims: unified }];
  },
  { optionalInputs: [2, 4] },
);

const qConvDynamic = step(
  'QConvDynamic',
  [3, 7],
  (context) => {
    for (const i of [0, 2]) expectInputType(context, i, 'uint8');
    expectInputType(context, 1, 'int8');
    expectInputType(context, 4, 'int32');
    for (const i of [3, 5, 6]) expectInputType(context, i, 'float32');
    const type = outputTypeOf(context.node, 'float32')!;
    return [{ type, dims: convolved(context, [3, 4, 6]) }];
  },
  { optionalInputs: [3, 4, 5] },
);

/** Types of float weights: those of 16 bits are computed with as float32. */
const floatTypes: readonly DataType[] = ['float32', 'float16', 'bfloat16'];

const conv = step('Conv', [2, 3], (context) => {
  for (const i of [0, 2]) expectInputType(context, i, 'float32');
  expectInputType(context, 1, ...floatTypes);
  return [{ type: 'float32', dims: convolved(context, [2]) }];
});

const matMul = step('MatMul', [2, 3], (context) => {
  const { node, input } = context;
  expectInputType(context, 0, 'float32', 'bfloat16');
  expectInputType(context, 2, 'float32');
  const isHalf = input(0)?.type === 'bfloat16';
  expectInputType(context, 1, ...(isHalf ? (['bfloat16'] as const) : floatTypes));
  if (isHalf && intOf(node, 'transposeA', 0) !== 0) {
    throw contradiction(node, 'bfloat16 is not transposed');
  }
  const oriented = (i: number, attribute: string): Dims | undefined => {
    const dims = input(i)?.dims;
    if (dims === undefined || intOf(node, attribute, 0) === 0) return dims;
    return [...dims.slice(0, -2), dims.at(-1), dims.at(-2)];
  };
  expectRank(context, 0, 2, Infinity);
  expectRank(context, 1, 2, Infinity);
  const dims = matMulDims(node, oriented(0, 'transposeA'), oriented(1, 'transposeB'));
  if (dims !== undefined) broadcastDims(node, dims, input(2)?.dims ?? []);
  return [{ type: 'float32', dims }];
});

const quantizeLinear = step('QuantizeLinear', [2, 3], (context) => {
  const { node, input } = context;
  expectInputType(context, 0, 'float32');
  checkGranularity(context, intOf(node, 'axis', 1), intOf(node, 'blockSize', 0));
  const type = (node.inputs[2] ?? '') === '' ? outputTypeOf(node, 'uint8') : input(2)?.type;
  return [type && { type, dims: input(0)?.dims }];
});

const dequantizeLinear = step('DequantizeLinear', [2, 3], (context) => {
  const { node, input } = context;
  expectSameType(context, [0, 2]);
  checkGranularity(context, intOf(node, 'axis', 1), intOf(node, 'blockSize', 0));
  return [{ type: 'float32', dims: input(0)?.dims }];
});

const dynamicQuantizeLinear = step(
  'DynamicQuantizeLinear',
  [1, 1],
  (context) => {
    expectInputType(context, 0, 'float32');
    const scale: ValueType = { type: 'float32', dims: [] };
    return [{ type: 'uint8', dims: context.input(0)?.dims }, scale, { type: 'uint8', dims: [] }];
  },
  { outputs: [3, 3] },
);

const lookup = step('Lookup', [2, 2], (context) => {
  const { node, input } = context;
  expectInputType(context, 0, 'uint8', 'int8');
  expectInputType(context, 1, 'uint8');
  unifyDims(node, 'length of the table and 256', 256, input(1)?.dims?.[0]);
  const type = outputTypeOf(node, input(0)?.type);
  return [type && { type, dims: input(0)?.dims }];
});

const qAveragePool = step('QAveragePool', [1, 1], (context) => {
  expectInputType(context, 0, 'uint8');
  return [{ type: outputTypeOf(context.node, 'uint8')!, dims: pooled(context) }];
});

const maxPool = step('MaxPool', [1, 1], (context) => {
  expectInputType(context, 0, 'uint8', 'int8', 'float32');
  const type = context.input(0)?.type;
  return [type && { type, dims: pooled(context) }];
});

const averagePool = step('AveragePool', [1, 1], (context) => {
  expectInputType(context, 0, 'float32');
  return [{ type: 'float32', dims: pooled(context) }];
});

const concat = step('Concat', [1, Infinity], (context) => {
  const { node, input } = context;
  const indexes = node.inputs.map((_, i) => i);
  const type = expectSameType(context, indexes);
  const parts = indexes.map((i) => input(i)?.dims);
  return [type && { type, dims: concatenated(node, parts, intOf(node, 'axis', 0)) }];
});

const cast = step('Cast', [1, 1], ({ node, input }) => {
  const type = outputTypeOf(node, undefined);
  if (type === undefined) throw contradiction(node, "'outputType' is missing");
  return [{ type, dims: input(0)?.dims }];
});

const slice = moving('Slice', (node, dims) => {
  const rank = dims.length;
  const sizes = checkInts(node, 'sizes', perAxis(node, 'sizes', rank), -1);
  const starts = checkInts(node, 'starts', perAxis(node, 'starts', rank), 0);
  const steps = perAxis(node, 'steps', rank);
  return dims.map((dim, i): Dim => {
    const [size, start, step] = [sizes[i]!, starts[i]!, steps[i]!];
    if (size === -1 && step > 0) {
      if (typeof dim !== 'number') return start === 0 && step === 1 ? dim : undefined;
      return Math.max(0, Math.ceil((dim - start) / step));
    }
    const last = start + (size - 1) * step;
    const inside = last >= 0 && (typeof dim !== 'number' || Math.max(last, start) < dim);
    if (step === 0 || size === -1 || (size > 0 && !inside)) {
      throw contradiction(node, `the slice leaves axis ${i}`, undefined, formatShape(dims));
    }
    return size;
  });
});

const pad = moving('Pad', (node, dims) => {
  const before = checkInts(node, 'before', perAxis(node, 'before', dims.length), 0);
  const after = checkInts(node, 'after', perAxis(node, 'after', dims.length), 0);
  return dims.map((dim, i): Dim => {
    const more = before[i]! + after[i]!;
    return more === 0 ? dim : typeof dim === 'number' ? dim + more : undefined;
  });
});

const reshape = step('Reshape', [2, 2], (context) => {
  const { node, input } = context;
  expectInputType(context, 1, 'int64');
  const x = input(0);
  const target = context.contents(1);
  return [x && { type: x.type, dims: target && reshaped(node, x.dims, target, false) }];
});

const reduce = moving('Reduce', (node, dims) => {
  const axes = perAxis(node, 'axes', dims.length);
  return dims.map((dim, i): Dim => (axes[i] === 0 ? dim : 1));
});

export const steps: readonly OpDefinition[] = [
  quantizeLinear,
  dequantizeLinear,
  dynamicQuantizeLinear,
  qConv,
  qConvDynamic,
  step('QAdd', [2, 2], broadcast('uint8')),
  step('QMul', [2, 2], broadcast('uint8')),
  qAveragePool,
  lookup,
  maxPool,
  averagePool,
  conv,
  matMul,
  step('Binary', [2, 2], broadcast('float32')),
  step('Unary', [1, 1], floatToFloat),
  step('Softmax', [1, 1], floatToFloat),
  step('Lrn', [1, 1], floatToFloat),
  step('LayerNorm', [2, 4], floatToFloat),
  reduce,
  concat,
  moving('Transpose', (node, dims) => permuted(node, dims, perAxis(node, 'perm', dims.length))),
  slice,
  pad,
  moving('Copy', (_, dims) => dims),
  cast,
  reshape,
];
