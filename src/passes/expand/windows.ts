/**
 * Windows as a gathered axis: rare pools, and convolutions and pools over three axes, read every window's cells from x
 * by constant places and reduce or multiply them. What the steps for pictures can do stays with them.
 */
import { allocate } from '../../core/dtype.js';
import type { Tensor } from '../../core/tensor.js';
import { attribute, intOf } from '../../graph/attributes.js';
import { groupsOf } from '../../graph/ops/convolution.js';
import { checkPoolPads, poolKernel } from '../../graph/ops/pool.js';
import { resolveWindow, type WindowAxis, windowOf } from '../../graph/ops/window.js';
import type { Expand, Expansion } from './expansion.js';
import { positions } from './positions.js';

interface Windows {
  /** [N, C, windows, cells] */
  readonly patches: string;
  /** Dims of x, and sizes of y along the spatial axes. */
  readonly shape: readonly [number, number, ...number[]];
  readonly outputs: readonly number[];
  /** Of each window's cells their places on x, by axis, which may lie in the padding. */
  readonly places: readonly (readonly (readonly number[])[])[];
  readonly axes: readonly WindowAxis[];
}

/** Whether a place lies on x, or, with `padded`, on what its padding adds. */
function isInside(
  place: readonly number[],
  { axes, shape }: Pick<Windows, 'axes' | 'shape'>,
  padded = false,
) {
  return place.every((at, i) => {
    const { before, after } = axes[i]!;
    const size = shape[i + 2]!;
    return padded ? at >= -before && at < size + after : at >= 0 && at < size;
  });
}

function rowMajor(place: readonly number[], sizes: readonly number[]): number {
  return place.reduce((index, at, i) => index * sizes[i]! + at, 0);
}

/** The windows of an x of known dims; what lies in the padding is `fill`. */
function windowsOf(
  to: Expansion,
  x: string,
  kernel: readonly number[],
  fill: number,
): Windows | undefined {
  const shape = to.shapeOf(x) as [number, number, ...number[]] | undefined;
  const type = to.typeOf(x);
  if (shape === undefined || type === undefined) return undefined;
  const [n, c, ...sizes] = shape;
  const axes = resolveWindow(to.node, kernel, sizes);
  const outputs = axes.map(({ output }) => output);
  const taps = positions(kernel);
  const places = positions(outputs).map((output) =>
    taps.map((tap) =>
      axes.map(
        ({ stride, before, dilation }, i) => output[i]! * stride - before + tap[i]! * dilation,
      ),
    ),
  );
  const cells = sizes.reduce((a, b) => a * b, 1);
  const on = { axes, shape };
  const data = Int32Array.from(
    places.flatMap((window) =>
      window.map((place) => (isInside(place, on) ? rowMajor(place, sizes) : cells)),
    ),
  );
  const padding = allocate(type, n * c) as unknown as number[];
  for (let i = 0; i < n * c; i++) padding[i] = fill;
  const beyond = to.tensor({ type, dims: [n, c, 1], data: padding } as unknown as Tensor);
  const flat = to.op('Reshape', [x, to.constant('int64', [n, c, cells])]);
  const whole = to.op('Concat', [flat, beyond], { axis: 2 });
  const table = to.tensor({ type: 'int32', dims: [places.length, taps.length], data });
  const patches = to.op('Gather', [whole, table], { axis: 2 });
  return { patches, shape, outputs, places, axes };
}

function poolWindows(to: Expansion, x: string, fill: number): Windows | undefined {
  const kernel = poolKernel(to.node, to.dimsOf(x)?.length && to.dimsOf(x)!.length - 2);
  checkPoolPads(to.node, windowOf(to.node, kernel));
  return windowsOf(to, x, kernel, fill);
}

/** A value for each window, in the dims of y. */
function shaped(to: Expansion, value: string, { shape, outputs }: Windows): string {
  return to.op('Reshape', [value, to.constant('int64', [shape[0], shape[1], ...outputs])]);
}

const leastOf: Readonly<Record<string, number>> = {
  float32: Number.NEGATIVE_INFINITY,
  uint8: 0,
  int8: -128,
};

/** MaxPool over three axes, or with the places of the maxima. */
const maxPool: Expand = (to) => {
  const x = to.input(0);
  const places = (to.node.outputs[1] ?? '') !== '';
  const fill = leastOf[to.typeOf(x) ?? ''];
  if (fill === undefined || (!places && to.dimsOf(x)?.length !== 5)) return false;
  const windows = poolWindows(to, x, fill);
  if (windows === undefined) return false;
  const last = to.constant('int64', [3]);
  const most = to.op('ReduceMax', [windows.patches, last]);
  to.output(0, shaped(to, most, windows));
  if (places) to.output(1, shaped(to, placesOf(to, windows, most), windows));
  return true;
};

/** The first place in each window that has its maximum, counted over all of x. */
function placesOf(to: Expansion, windows: Windows, most: string): string {
  const [n, c, ...sizes] = windows.shape;
  const cells = sizes.reduce((a, b) => a * b, 1);
  const columns = intOf(to.node, 'storage_order', 0) !== 0;
  const beyond = n * c * cells;
  const numbers = windows.places.flatMap((window) =>
    window.map((place) => (isInside(place, windows) ? rowMajor(place, sizes) : beyond)),
  );
  const dims = [windows.places.length, numbers.length / windows.places.length];
  const table = to.tensor({ type: 'int64', dims, data: BigInt64Array.from(numbers, BigInt) });
  const equal = to.op('Equal', [windows.patches, most]);
  const found = to.op('Where', [equal, table, to.constant('int64', beyond)]);
  let first = to.op('ReduceMin', [found, to.constant('int64', [3])]);
  if (columns) {
    // Places counted along the first axis first: a table from one order to the other.
    const turned = positions(sizes).map((place) =>
      rowMajor(place.toReversed(), sizes.toReversed()),
    );
    first = to.op('Gather', [to.constant('int64', turned), first], { axis: 0 });
  }
  const starts = BigInt64Array.from({ length: n * c }, (_, i) => BigInt(i * cells));
  return to.op('Add', [first, to.tensor({ type: 'int64', dims: [n, c, 1, 1], data: starts })]);
}

/** AveragePool over three axes. */
const averagePool: Expand = (to) => {
  const x = to.input(0);
  if (to.typeOf(x) !== 'float32' || to.dimsOf(x)?.length !== 5) return false;
  const windows = poolWindows(to, x, 0);
  if (windows === undefined) return false;
  const padded = intOf(to.node, 'count_include_pad', 0) !== 0;
  const counts = windows.places.map(
    (window) => window.filter((place) => isInside(place, windows, padded)).length,
  );
  const sum = to.op('ReduceSum', [windows.patches, to.constant('int64', [3])]);
  const divisor = to.tensor({
    type: 'float32',
    dims: [counts.length, 1],
    data: Float32Array.from(counts),
  });
  to.output(0, shaped(to, to.op('Div', [sum, divisor]), windows));
  return true;
};

/** The p-norm of each row of the axes; of positive numbers p and its root are a square and its root, or powers. */
function normOf(to: Expansion, x: string, axes: readonly number[], p: number): string {
  const size = to.op('Abs', [x]);
  const power = (value: string, exponent: number) =>
    to.op('Pow', [value, to.constant('float32', exponent)]);
  const raised = p === 1 ? size : p === 2 ? to.op('Mul', [size, size]) : power(size, p);
  const sum = to.op('ReduceSum', [raised, to.constant('int64', axes)]);
  return p === 1 ? sum : p === 2 ? to.op('Sqrt', [sum]) : power(sum, 1 / p);
}

const lpPool: Expand = (to) => {
  const windows =
    to.typeOf(to.input(0)) === 'float32' ? poolWindows(to, to.input(0), 0) : undefined;
  if (windows === undefined) return false;
  to.output(0, shaped(to, normOf(to, windows.patches, [3], intOf(to.node, 'p', 2)), windows));
  return true;
};

const globalLpPool: Expand = (to) => {
  const x = to.input(0);
  const dims = to.dimsOf(x);
  if (dims === undefined || to.typeOf(x) !== 'float32') return false;
  const axes = dims.slice(2).map((_, i) => i + 2);
  to.output(0, normOf(to, x, axes, intOf(to.node, 'p', 2)));
  return true;
};

/** Conv over three axes: the weights by a matrix of all windows. */
const conv: Expand = (to) => {
  const [x, w, bias] = [to.input(0), to.input(1), to.input(2)];
  const weight = to.shapeOf(w);
  if (weight?.length !== 5 || to.typeOf(x) !== 'float32') return false;
  const [outputs, depth, ...kernel] = weight as [number, number, ...number[]];
  const windows = windowsOf(to, x, kernel, 0);
  if (windows === undefined) return false;
  const { shape, places } = windows;
  const groups = groupsOf(to.node);
  const [n, taps] = [shape[0], kernel.reduce((a, b) => a * b, 1)];
  const reshape = (value: string, dims: readonly number[]) =>
    to.op('Reshape', [value, to.constant('int64', dims)]);
  const split = reshape(windows.patches, [n, groups, depth, places.length, taps]);
  const turned = to.op('Transpose', [split], { perm: attribute.ints([0, 1, 2, 4, 3]) });
  const columns = reshape(turned, [n, groups, depth * taps, places.length]);
  const rows = reshape(w, [groups, outputs / groups, depth * taps]);
  const y = reshape(to.op('MatMul', [rows, columns]), [n, outputs, ...windows.outputs]);
  to.output(0, bias === '' ? y : to.op('Add', [y, reshape(bias, [outputs, 1, 1, 1])]));
  return true;
};

export const windowed: Readonly<Record<string, Expand>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalLpPool: globalLpPool,
  Conv: conv,
};
