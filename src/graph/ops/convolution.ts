/**
 * Convolutions: x [N, C, …], weight [O, C / group, …kernel], y [N, O, …], one to three spatial axes.
 * QLinearConv reads x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias; ConvInteger x, w, zeros.
 */
import { formatShape } from '../../core/shape.js';
import { intOf, intsOf } from '../attributes.js';
import type { Dim, Node } from '../ir.js';
import { contradiction, expectInputType, expectRank, expectSameType } from './context.js';
import { areStatic, type Dims, unifyDims } from './dims.js';
import type { InferContext, OpDefinition } from './op.js';
import { checkInt, windowOf, windowOutputs } from './window.js';

/** Groups of a convolution, at least 1. */
export function groupsOf(node: Node): number {
  return checkInt(node, 'group', intOf(node, 'group', 1), 1);
}

/** Dims of a convolution of inputs x and w, checked against the bias. */
export function convolve(
  context: InferContext,
  x: number,
  w: number,
  bias: number,
): Dims | undefined {
  const { node, input } = context;
  expectRank(context, x, 3, 5);
  expectRank(context, w, 3, 5);
  const groups = groupsOf(node);
  const image = input(x)?.dims;
  const weight = input(w)?.dims;
  if (weight === undefined) {
    return image === undefined ? undefined : [image[0], ...image.slice(1).fill(undefined)];
  }
  const [outputs, depth, ...taps] = weight;
  const kernel = kernelOf(node, taps);
  if (typeof outputs === 'number' && outputs % groups !== 0) {
    throw contradiction(
      node,
      `output channels do not divide by ${groups} groups`,
      undefined,
      String(outputs),
    );
  }
  const channels = input(bias)?.dims;
  if (channels !== undefined) {
    if (channels.length !== 1)
      throw contradiction(node, 'wrong rank of the bias', '1', String(channels.length));
    unifyDims(node, 'output channels and bias', outputs, channels[0]);
  }
  if (image === undefined) return [undefined, outputs, ...taps.map(() => undefined)];
  if (image.length !== weight.length) {
    throw contradiction(
      node,
      'input and weight differ in rank',
      formatShape(image),
      formatShape(weight),
    );
  }
  if (typeof depth === 'number')
    unifyDims(node, 'input channels and weight', image[1], depth * groups);
  const sizes = image.slice(2);
  const spatial: Dim[] =
    kernel === undefined
      ? sizes.map(() => undefined)
      : windowOutputs(node, windowOf(node, kernel), sizes);
  return [image[0], outputs, ...spatial];
}

/** The weight's taps, which `kernel_shape`, where given, must repeat. */
function kernelOf(node: Node, taps: Dims): readonly number[] | undefined {
  const stated = intsOf(node, 'kernel_shape');
  if (stated === undefined) return areStatic(taps) ? taps : undefined;
  if (stated.length !== taps.length) {
    throw contradiction(
      node,
      "wrong length of 'kernel_shape'",
      String(taps.length),
      String(stated.length),
    );
  }
  return stated.map(
    (size, i) => unifyDims(node, "'kernel_shape' and weight", size, taps[i]) as number,
  );
}

export const convolutions: readonly OpDefinition[] = [
  {
    op: 'Conv',
    domain: '',
    since: 1,
    inputs: [2, 3],
    outputs: [1, 1],
    infer: (context) => {
      const type = expectSameType(context, [0, 1, 2]);
      const dims = convolve(context, 0, 1, 2);
      return [type && { type, dims }];
    },
  },
  {
    op: 'ConvInteger',
    domain: '',
    since: 10,
    inputs: [2, 4],
    outputs: [1, 1],
    infer: (context) => {
      expectInputType(context, 0, 'int8', 'uint8');
      expectInputType(context, 1, 'int8', 'uint8');
      return [{ type: 'int32', dims: convolve(context, 0, 1, -1) }];
    },
  },
  {
    op: 'QLinearConv',
    domain: '',
    since: 10,
    inputs: [8, 9],
    outputs: [1, 1],
    infer: (context) => {
      expectInputType(context, 0, 'int8', 'uint8');
      expectInputType(context, 3, 'int8', 'uint8');
      expectInputType(context, 8, 'int32');
      expectSameType(context, [0, 2]);
      expectSameType(context, [3, 5]);
      const type = context.input(7)?.type;
      const dims = convolve(context, 0, 3, 8);
      return [type && { type, dims }];
    },
  },
];
