/**
 * Einsum as transpositions, reshapes, MatMul and ReduceSum: operands are multiplied from the left, two at a time. Labels
 * that both have and that are read later are a batch, those that both have and nothing reads are summed by the product,
 * and those that only one has and nothing reads are summed before.
 */
import { equationOf, labelSizes } from '../../graph/ops/einsum.js';
import type { Expand, Expansion } from './expansion.js';

/** A value, and the label of each of its axes. */
interface Labelled {
  readonly value: string;
  readonly labels: readonly string[];
}

function reshaped(to: Expansion, x: string, dims: readonly number[]): string {
  return to.op('Reshape', [x, to.constant('int64', dims)], { allowzero: 1 });
}

/** Axes of the same label as one: the diagonal of the two. */
function withoutRepeats(to: Expansion, { value, labels }: Labelled): Labelled {
  const first = labels.findIndex((label, i) => labels.indexOf(label, i + 1) >= 0);
  if (first < 0) return { value, labels };
  const second = labels.indexOf(labels[first]!, first + 1);
  const others = labels.map((_, i) => i).filter((i) => i !== first && i !== second);
  const moved = to.op('Transpose', [value], { perm: [...others, first, second] });
  const shape = to.shapeOf(moved)!;
  const size = shape.at(-1)!;
  const flat = reshaped(to, moved, [...shape.slice(0, -2), size * size]);
  const range = [0, size * size, shape.length - 2, size + 1];
  const cells = to.op('Slice', [flat, ...range.map((i) => to.constant('int64', [i]))]);
  const rest = [...others.map((i) => labels[i]!), labels[first]!];
  return withoutRepeats(to, { value: cells, labels: rest });
}

/** The axes in this order. */
function ordered(to: Expansion, { value, labels }: Labelled, wanted: readonly string[]): string {
  const perm = wanted.map((label) => labels.indexOf(label));
  return perm.every((axis, i) => axis === i) ? value : to.op('Transpose', [value], { perm });
}

/** Sums over all labels but these. */
function summed(to: Expansion, x: Labelled, kept: ReadonlySet<string>): Labelled {
  const axes = x.labels.flatMap((label, i) => (kept.has(label) ? [] : [i]));
  if (axes.length === 0) return x;
  const value = to.op('ReduceSum', [x.value, to.constant('int64', axes)], { keepdims: 0 });
  return { value, labels: x.labels.filter((label) => kept.has(label)) };
}

/** The product of two, of which the labels in `later` are read. */
function multiplied(
  to: Expansion,
  a: Labelled,
  b: Labelled,
  later: ReadonlySet<string>,
  sizes: ReadonlyMap<string, number>,
): Labelled {
  const left = summed(to, a, new Set([...later, ...b.labels]));
  const right = summed(to, b, new Set([...later, ...a.labels]));
  const shared = left.labels.filter((label) => right.labels.includes(label));
  const batch = shared.filter((label) => later.has(label));
  const depth = shared.filter((label) => !later.has(label));
  const rows = left.labels.filter((label) => !shared.includes(label));
  const columns = right.labels.filter((label) => !shared.includes(label));
  // An axis of an ellipsis may be 1 in one of them and be repeated.
  const spread = (x: Labelled) => {
    const whole = x.labels.map((label) => sizes.get(label)!);
    const isWhole = to.shapeOf(x.value)!.every((size, i) => size === whole[i]);
    const value = isWhole ? x.value : to.op('Expand', [x.value, to.constant('int64', whole)]);
    return { value, labels: x.labels };
  };
  const sizesOf = (labels: readonly string[]) => labels.map((label) => sizes.get(label)!);
  const count = (labels: readonly string[]) => sizesOf(labels).reduce((n, size) => n * size, 1);
  const matrix = (x: Labelled, first: readonly string[], second: readonly string[]) =>
    reshaped(to, ordered(to, spread(x), [...batch, ...first, ...second]), [
      ...sizesOf(batch),
      count(first),
      count(second),
    ]);
  const product = to.op('MatMul', [matrix(left, rows, depth), matrix(right, depth, columns)]);
  const labels = [...batch, ...rows, ...columns];
  return { value: reshaped(to, product, sizesOf(labels)), labels };
}

const einsum: Expand = (to) => {
  const inputs = to.node.inputs.map((_, i) => to.input(i));
  const shapes = inputs.map((input) => to.shapeOf(input));
  if (!shapes.every((shape) => shape !== undefined)) return false;
  const equation = equationOf(
    to.node,
    shapes.map(({ length }) => length),
  );
  const sizes = labelSizes(to.node, equation, shapes) as Map<string, number>;
  const operands = inputs.map((value, i) =>
    withoutRepeats(to, { value, labels: equation.operands[i]! }),
  );
  const product = operands.reduce((a, b, i) => {
    const later = new Set([
      ...equation.result,
      ...operands.slice(i + 1).flatMap(({ labels }) => labels),
    ]);
    return multiplied(to, a, b, later, sizes);
  });
  const rest = summed(to, product, new Set(equation.result));
  to.output(0, ordered(to, rest, equation.result));
  return true;
};

export const einsums: Readonly<Record<string, Expand>> = { Einsum: einsum };
