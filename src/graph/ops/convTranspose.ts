/** ConvTranspose: x [N, C, …], weight [C, M / group, …kernel], y [N, M, …], one to three spatial axes. */
import { intsOf } from '../attributes.js';
import type { Dim, Node } from '../ir.js';
import { contradiction, expectRank, expectSameType } from './context.js';
import { groupsOf } from './convolution.js';
import { areStatic, type Dims, unifyDims } from './dims.js';
import type { InferContext, OpDefinition } from './op.js';
import { checkInts, extentOf, windowOf } from './window.js';

/**
 * One spatial axis. Before it is cropped, y has stride · (size − 1) + dilation · (kernel − 1) + 1 cells, and zeros
 * behind them.
 */
export interface TransposedAxis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Cells that are cut off in front. */
  readonly before: number;
  /** Where y ends, counted from the first cell that the last cell of x gives something to. */
  readonly tail: number;
  readonly output: Dim;
}

/** Resolves attributes for an x of these spatial sizes; undefined where what is cut off depends on sizes not known. */
export function transposedAxes(
  node: Node,
  kernel: readonly number[],
  sizes: Dims,
): TransposedAxis[] | undefined {
  const rank = kernel.length;
  if (sizes.length !== rank) {
    throw contradiction(node, 'wrong rank of the kernel', String(sizes.length), String(rank));
  }
  const stated = intsOf(node, 'kernel_shape');
  if (stated !== undefined && (stated.length !== rank || stated.some((k, i) => k !== kernel[i]))) {
    throw contradiction(
      node,
      "'kernel_shape' and weight differ",
      kernel.join(', '),
      stated.join(', '),
    );
  }
  const window = windowOf(node, kernel);
  const padding = intsOf(node, 'output_padding') ?? kernel.map(() => 0);
  checkInts(node, 'output_padding', padding, 0);
  const wanted = intsOf(node, 'output_shape')?.slice(-rank);
  if (padding.length !== rank || (wanted !== undefined && wanted.length !== rank)) {
    throw contradiction(node, "wrong length of 'output_padding' or 'output_shape'", String(rank));
  }
  const { strides, dilations, autoPad } = window;
  const axes = sizes.map((size, axis): TransposedAxis | undefined => {
    const stride = strides[axis]!;
    const reach = extentOf(window, axis) + padding[axis]!;
    const base = { kernel: kernel[axis]!, stride, dilation: dilations[axis]! };
    const end = typeof size === 'number' ? stride * (size - 1) : undefined;
    const cut = (total: number) =>
      autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
    if (wanted !== undefined) {
      if (end === undefined) return undefined;
      const [output] = checkInts(node, 'output_shape', [wanted[axis]!], 1) as [number];
      const before = cut(Math.max(0, end + reach - output));
      return { ...base, before, tail: before + output - end, output };
    }
    const same = autoPad.startsWith('SAME');
    const before = same ? cut(Math.max(0, reach - stride)) : window.padsBefore[axis]!;
    const tail = same ? before + stride : reach - window.padsAfter[axis]!;
    if (end === undefined) {
      return {
        ...base,
        before,
        tail,
        output: stride === 1 && tail === before + 1 ? size : undefined,
      };
    }
    const output = end + tail - before;
    if (output < 1 || output >= 2 ** 31) {
      throw contradiction(node, 'an impossible size of y', 'from 1', String(output));
    }
    return { ...base, before, tail, output };
  });
  return axes.every((axis) => axis !== undefined) ? axes : undefined;
}

function dimsOf(context: InferContext): Dims | undefined {
  const { node, input } = context;
  expectRank(context, 0, 3, 5);
  expectRank(context, 1, 3, 5);
  expectRank(context, 2, 1);
  const x = input(0)?.dims;
  const weight = input(1)?.dims;
  if (x === undefined || weight === undefined) {
    return x && [x[0], ...x.slice(1).fill(undefined)];
  }
  const [channels, depth, ...kernel] = weight;
  const groups = groupsOf(node);
  unifyDims(node, 'input channels and weight', x[1], channels);
  if (typeof channels === 'number' && channels % groups !== 0) {
    throw contradiction(node, `input channels do not divide by ${groups} groups`);
  }
  const outputs = typeof depth === 'number' ? depth * groups : undefined;
  unifyDims(node, 'output channels and bias', outputs, input(2)?.dims?.[0]);
  const axes = areStatic(kernel) ? transposedAxes(node, kernel, x.slice(2)) : undefined;
  return [x[0], outputs, ...(axes?.map((axis) => axis.output) ?? kernel.map(() => undefined))];
}

export const transposedConvolutions: readonly OpDefinition[] = [
  {
    op: 'ConvTranspose',
    domain: '',
    since: 1,
    inputs: [2, 3],
    outputs: [1, 1],
    infer: (context) => {
      const type = expectSameType(context, [0, 1, 2]);
      return [type && { type, dims: dimsOf(context) }];
    },
  },
];
