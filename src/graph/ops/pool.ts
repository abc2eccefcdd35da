/** Pools: x [N, C, …], y [N, C, …]. The quantized ones may be channels-last: x [N, …, C]. */
import { intOf, intsOf } from '../attributes.js';
import type { Dim, Node } from '../ir.js';
import { contradiction, expectInputType, expectRank, expectSameType } from './context.js';
import type { Dims } from './dims.js';
import type { InferContext, OpDefinition } from './op.js';
import { extentOf, type Window, windowOf, windowOutputs } from './window.js';

/** Kernel of a pool. Throws `INVALID_GRAPH` unless it has one size for each spatial axis. */
export function poolKernel(node: Node, rank?: number): readonly number[] {
  const kernel = intsOf(node, 'kernel_shape');
  if (kernel === undefined) throw contradiction(node, "'kernel_shape' is missing");
  if (rank !== undefined && kernel.length !== rank) {
    const [expected, found] = [String(rank), String(kernel.length)];
    throw contradiction(node, "wrong length of 'kernel_shape'", expected, found);
  }
  return kernel;
}

/** A window that lies in padding alone has no maximum and no mean: pads stay below the extent. */
export function checkPoolPads(node: Node, window: Window): void {
  window.kernel.forEach((_, axis) => {
    const pad = Math.max(window.padsBefore[axis]!, window.padsAfter[axis]!);
    if (pad >= extentOf(window, axis)) {
      throw contradiction(
        node,
        'padding as wide as the window',
        `less than ${extentOf(window, axis)}`,
        String(pad),
      );
    }
  });
}

function pooled(context: InferContext, channelsLast: boolean): Dims | undefined {
  const { node, input } = context;
  expectRank(context, 0, 3, 5);
  const dims = input(0)?.dims;
  const window = windowOf(node, poolKernel(node, dims && dims.length - 2));
  checkPoolPads(node, window);
  if (dims === undefined) return undefined;
  const sizes = channelsLast ? dims.slice(1, -1) : dims.slice(2);
  const outputs = windowOutputs(node, window, sizes);
  return channelsLast ? [dims[0], ...outputs, dims.at(-1)] : [dims[0], dims[1], ...outputs];
}

function pooledToOne(context: InferContext, channelsLast: boolean): Dims | undefined {
  expectRank(context, 0, 3, Infinity);
  const dims = context.input(0)?.dims;
  const kept = channelsLast && dims ? dims.length - 1 : 1;
  return dims?.map((dim, axis): Dim => (axis === 0 || axis === kept ? dim : 1));
}

const maxPool: OpDefinition = {
  op: 'MaxPool',
  domain: '',
  since: 1,
  inputs: [1, 1],
  outputs: [1, 2],
  infer: (context) => {
    const dims = pooled(context, false);
    const type = context.input(0)?.type;
    return [type && { type, dims }, { type: 'int64', dims }];
  },
};

function floatPool(
  op: string,
  since: number,
  dimsOf: (context: InferContext, channelsLast: boolean) => Dims | undefined,
): OpDefinition {
  return {
    op,
    domain: '',
    since,
    inputs: [1, 1],
    outputs: [1, 1],
    infer: (context) => {
      const dims = dimsOf(context, false);
      const type = context.input(0)?.type;
      return [type && { type, dims }];
    },
  };
}

/** x, xScale, xZero (optional), yScale, yZero (optional). */
function quantizedPool(
  op: string,
  dimsOf: (context: InferContext, channelsLast: boolean) => Dims | undefined,
): OpDefinition {
  return {
    op,
    domain: 'com.microsoft',
    since: 1,
    inputs: [4, 5],
    outputs: [1, 1],
    optionalInputs: [2],
    infer: (context) => {
      expectInputType(context, 0, 'int8', 'uint8');
      const type = expectSameType(context, [0, 2, 4]);
      const dims = dimsOf(context, intOf(context.node, 'channels_last', 0) !== 0);
      return [type && { type, dims }];
    },
  };
}

export const pools: readonly OpDefinition[] = [
  maxPool,
  floatPool('AveragePool', 7, pooled),
  floatPool('GlobalAveragePool', 1, pooledToOne),
  floatPool('GlobalMaxPool', 1, pooledToOne),
  floatPool('LpPool', 2, pooled),
  floatPool('GlobalLpPool', 2, pooledToOne),
  quantizedPool('QLinearAveragePool', pooled),
  quantizedPool('QLinearGlobalAveragePool', pooledToOne),
];
