/** Evaluators of operators that choose elements, so that the dims of what they give follow from the elements themselves. */
import { elementCount, type Shape, stridesOf } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import { intOf } from '../../graph/attributes.js';
import { axisOf } from '../../graph/ops/dims.js';
import type { InferContext } from '../../graph/ops/op.js';
import { widened } from './convert.js';
import { type Elements, elementsOf, type ShapedEvaluator, tensorFrom } from './evaluation.js';
import { nonMaxSuppression } from './nonMaxSuppression.js';

function int64(values: readonly number[], dims: Shape = [values.length]): Tensor {
  return { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) };
}

/** Coordinates of the elements that are not 0, an axis a row, in row-major order of the elements. */
const nonZero: ShapedEvaluator = ({ inputs }) => {
  const [x] = inputs;
  const values = widened(x!);
  if (values === undefined) return undefined;
  const places: number[] = [];
  for (let i = 0; i < values.length; i++) if (Number(values[i]) !== 0) places.push(i);
  // A scalar counts as a vector of one element.
  const dims = x!.dims.length === 0 ? [1] : x!.dims;
  const strides = stridesOf(dims);
  const rows = dims.map((size, axis) =>
    places.map((place) => Math.floor(place / strides[axis]!) % size),
  );
  return [int64(rows.flat(), [dims.length, places.length])];
};

/** A tensor as slices along one axis, or as single elements without one. */
interface Slices {
  readonly count: number;
  /** Elements of a slice as they compare, in row-major order. */
  readonly slice: (i: number) => ArrayLike<number | bigint>;
  /** The slices of these numbers as a tensor. */
  readonly take: (chosen: readonly number[]) => Tensor;
}

function slicesOf({ node }: InferContext, x: Tensor): Slices | undefined {
  const values = widened(x);
  if (values === undefined) return undefined;
  const from: Elements = elementsOf(x.data);
  const flat = !node.attributes.has('axis');
  const dims = flat ? [elementCount(x.dims)] : x.dims;
  const axis = flat ? 0 : axisOf(node, intOf(node, 'axis', 0), dims.length);
  const size = dims[axis]!;
  const inner = elementCount(dims.slice(axis + 1));
  const outer = elementCount(dims.slice(0, axis));
  const placeOf = (block: number, i: number, j: number) => (block * size + i) * inner + j;
  return {
    count: size,
    slice: (i) =>
      Array.from(
        { length: outer * inner },
        (_, cell) => values[placeOf(Math.floor(cell / inner), i, cell % inner)]!,
      ),
    take: (chosen) =>
      tensorFrom(x.type, dims.with(axis, chosen.length), (out) => {
        let to = 0;
        for (let block = 0; block < outer; block++) {
          for (const i of chosen)
            for (let j = 0; j < inner; j++) out[to++] = from[placeOf(block, i, j)]!;
        }
      }),
  };
}

/** Slices where the condition holds; it may be shorter than the axis. */
const compress: ShapedEvaluator = ({ context, inputs }) => {
  const slices = slicesOf(context, inputs[0]!);
  if (slices === undefined) return undefined;
  const condition = elementsOf(inputs[1]!.data);
  const chosen: number[] = [];
  for (let i = 0; i < Math.min(condition.length, slices.count); i++) {
    if (condition[i] !== 0) chosen.push(i);
  }
  return [slices.take(chosen)];
};

/** Slices that differ, where each occurs first, which of them each slice is, and how often it occurs. */
const unique: ShapedEvaluator = ({ context, inputs }) => {
  const slices = slicesOf(context, inputs[0]!);
  if (slices === undefined) return undefined;
  const places = new Map<string, number>();
  const found: {
    readonly first: number;
    readonly elements: ArrayLike<number | bigint>;
    count: number;
  }[] = [];
  const kinds = Array.from({ length: slices.count }, (_, i) => {
    const elements = slices.slice(i);
    const key = Array.from(elements).join();
    const kind = places.get(key) ?? found.length;
    if (kind === found.length) {
      places.set(key, kind);
      found.push({ first: i, elements, count: 0 });
    }
    found[kind]!.count++;
    return kind;
  });
  const order = found.map((_, kind) => kind);
  if (intOf(context.node, 'sorted', 1) !== 0) {
    order.sort((a, b) => compareLists(found[a]!.elements, found[b]!.elements));
  }
  const rank = new Map(order.map((kind, i) => [kind, i]));
  const firsts = order.map((kind) => found[kind]!.first);
  return [
    slices.take(firsts),
    int64(firsts),
    int64(kinds.map((kind) => rank.get(kind)!)),
    int64(order.map((kind) => found[kind]!.count)),
  ];
};

function isNumber(x: number | bigint): boolean {
  return typeof x === 'bigint' || !Number.isNaN(x);
}

/** Lexicographic, NaN behind all numbers. */
function compareLists(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x < y || (isNumber(x) && !isNumber(y))) return -1;
    if (x > y || (!isNumber(x) && isNumber(y))) return 1;
  }
  return 0;
}

export const selectionEvaluators: Readonly<Record<string, ShapedEvaluator>> = {
  NonZero: nonZero,
  Compress: compress,
  Unique: unique,
  NonMaxSuppression: nonMaxSuppression,
};
