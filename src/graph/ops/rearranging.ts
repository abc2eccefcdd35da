/** Operators that rearrange or repeat elements, and masks: passes/expand writes them in others. */
import { intOf, intsOf, stringOf } from '../attributes.js';
import { elementTypeOf } from '../elementTypes.js';
import type { Dim, ValueType } from '../ir.js';
import { contradiction, expectInputType, expectRank } from './context.js';
import { axisOf, type Dims } from './dims.js';
import { moving, numbersOf } from './movement.js';
import type { InferContext, OpDefinition } from './op.js';

function definition(
  op: string,
  since: number,
  inputs: readonly [number, number],
  infer: (context: InferContext) => ValueType | undefined,
): OpDefinition {
  return {
    op,
    domain: '',
    since,
    inputs,
    outputs: [1, 1],
    infer: (context) => [infer(context)],
  };
}

/** Moved elements, whose dims follow from x's once its rank is known. */
function ofDims(
  op: string,
  since: number,
  inputs: readonly [number, number],
  dimsOf: (context: InferContext, dims: Dims) => Dims,
): OpDefinition {
  return moving(op, since, inputs, (context, dims) => dims && dimsOf(context, dims));
}

/** 'blocksize', from 1. */
function blockOf({ node }: InferContext): number {
  const block = intOf(node, 'blocksize', 0);
  if (block < 1) throw contradiction(node, "'blocksize' out of range", 'from 1', String(block));
  return block;
}

/** A dim by a whole number, which must divide it. */
function divided({ node }: InferContext, dim: Dim, by: number): Dim {
  if (typeof dim !== 'number') return undefined;
  if (dim % by !== 0) {
    throw contradiction(node, 'a dimension does not divide', `a multiple of ${by}`, String(dim));
  }
  return dim / by;
}

function times(dim: Dim, by: number): Dim {
  return typeof dim === 'number' ? dim * by : undefined;
}

const tile = ofDims('Tile', 6, [2, 2], (context, dims) => {
  expectInputType(context, 1, 'int64');
  const repeats = numbersOf(context, 1);
  if (repeats === undefined) return dims.map(() => undefined);
  const bad = repeats.some((count) => !Number.isSafeInteger(count) || count < 0);
  if (repeats.length !== dims.length || bad) {
    const expected = `${dims.length} numbers from 0`;
    throw contradiction(context.node, 'bad repeats', expected, repeats.join(', '));
  }
  return dims.map((dim, i) => (repeats[i] === 1 ? dim : times(dim, repeats[i]!)));
});

const depthToSpace = ofDims('DepthToSpace', 1, [1, 1], (context, dims) => {
  expectRank(context, 0, 4);
  const block = blockOf(context);
  const mode = stringOf(context.node, 'mode', 'DCR');
  if (mode !== 'DCR' && mode !== 'CRD') {
    throw contradiction(context.node, 'unknown mode', 'DCR or CRD', mode);
  }
  const [n, c, h, w] = dims;
  return [n, divided(context, c, block ** 2), times(h, block), times(w, block)];
});

const spaceToDepth = ofDims('SpaceToDepth', 1, [1, 1], (context, dims) => {
  expectRank(context, 0, 4);
  const block = blockOf(context);
  const [n, c, h, w] = dims;
  return [n, times(c, block ** 2), divided(context, h, block), divided(context, w, block)];
});

const centerCropPad = ofDims('CenterCropPad', 18, [2, 2], (context, dims) => {
  const { node } = context;
  expectInputType(context, 1, 'int32', 'int64');
  const axes = intsOf(node, 'axes') ?? dims.map((_, axis) => axis);
  const shape = context.contents(1);
  const result = [...dims];
  if (shape !== undefined && shape.length !== axes.length) {
    const [expected, found] = [String(axes.length), String(shape.length)];
    throw contradiction(node, 'wrong length of the shape', expected, found);
  }
  axes.forEach((axis, i) => {
    result[axisOf(node, axis, dims.length)] = shape?.[i];
  });
  return result;
});

const trilu = ofDims('Trilu', 14, [1, 2], (context, dims) => {
  expectInputType(context, 1, 'int64');
  expectRank(context, 0, 2, Infinity);
  return dims;
});

const eyeLike = definition('EyeLike', 9, [1, 1], (context) => {
  expectRank(context, 0, 2);
  const x = context.input(0);
  const to = intOf(context.node, 'dtype', 0);
  const type = to === 0 ? x?.type : elementTypeOf(to, context.node.name);
  return type && { type, dims: x?.dims };
});

const oneHot = definition('OneHot', 11, [3, 3], (context) => {
  const { node, input, constant } = context;
  const values = input(2);
  const indices = input(0)?.dims;
  if (values === undefined || indices === undefined) return values && { type: values.type };
  const depth = constant(1);
  const count = depth === undefined ? undefined : Number(depth.data[0]);
  const given = intOf(node, 'axis', -1);
  const axis = given < 0 ? given + indices.length + 1 : given;
  if (axis < 0 || axis > indices.length) {
    const expected = `-${indices.length + 1} to ${indices.length}`;
    throw contradiction(node, 'axis out of range', expected, String(given));
  }
  return { type: values.type, dims: indices.toSpliced(axis, 0, count) };
});

export const rearrangements: readonly OpDefinition[] = [
  tile,
  depthToSpace,
  spaceToDepth,
  centerCropPad,
  trilu,
  eyeLike,
  oneHot,
];
