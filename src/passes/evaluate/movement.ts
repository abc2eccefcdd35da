/** Evaluators of operators that only move elements. Reshapes share the data of their input. */
import { stridesOf } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import { intOf, intsOf } from '../../graph/attributes.js';
import { axisOf } from '../../graph/ops/dims.js';
import { numbersOf, sliceRanges, splitSizes } from '../../graph/ops/movement.js';
import {
  broadcastTo,
  type Evaluator,
  elementsOf,
  isAddressable,
  strided,
  tensorFrom,
} from './evaluation.js';

/** Other dims over the same elements. */
const relabel: Evaluator = ({ inputs, outputs }) => [
  { ...inputs[0]!, dims: outputs[0]!.dims } as Tensor,
];

/** Leaves packed types alone: their elements cannot be moved one by one. */
const addressable =
  (evaluate: Evaluator): Evaluator =>
  (evaluation) =>
    evaluation.outputs.every(({ type }) => isAddressable(type)) ? evaluate(evaluation) : undefined;

const transpose: Evaluator = ({ context, inputs, outputs }) => {
  const x = inputs[0]!;
  const strides = stridesOf(x.dims);
  const perm = intsOf(context.node, 'perm') ?? x.dims.map((_, i) => x.dims.length - 1 - i);
  return [
    strided(
      x,
      outputs[0]!.dims,
      perm.map((axis) => strides[axis]!),
    ),
  ];
};

const slice: Evaluator = ({ context, inputs, outputs }) => {
  const x = inputs[0]!;
  const strides = stridesOf(x.dims);
  let offset = 0;
  for (const { axis, range } of sliceRanges(context, x.dims) ?? []) {
    offset += range!.start * strides[axis]!;
    strides[axis]! *= range!.step;
  }
  return [strided(x, outputs[0]!.dims, strides, offset)];
};

const split: Evaluator = ({ context, inputs, outputs }) => {
  const x = inputs[0]!;
  const axis = axisOf(context.node, intOf(context.node, 'axis', 0), x.dims.length);
  const sizes = splitSizes(context, x.dims[axis]);
  if (sizes === undefined) return undefined;
  const strides = stridesOf(x.dims);
  let start = 0;
  return outputs.map(({ dims }, i) => {
    const offset = start * strides[axis]!;
    start += sizes[i]!;
    return strided(x, dims, strides, offset);
  });
};

const concat: Evaluator = ({ context, inputs, outputs }) => {
  const { type, dims } = outputs[0]!;
  const axis = axisOf(context.node, intOf(context.node, 'axis', 0), dims.length);
  const outer = dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  return [
    tensorFrom(type, dims, (out) => {
      let at = 0;
      for (let row = 0; row < outer; row++) {
        for (const part of inputs) {
          const from = elementsOf(part!.data);
          const length = from.length / outer;
          for (let i = 0; i < length; i++) out[at++] = from[row * length + i]!;
        }
      }
    }),
  ];
};

const gather: Evaluator = ({ context, inputs, outputs }) => {
  const x = inputs[0]!;
  const from = elementsOf(x.data);
  const axis = axisOf(context.node, intOf(context.node, 'axis', 0), x.dims.length);
  const size = x.dims[axis]!;
  const inner = stridesOf(x.dims)[axis]!;
  const outer = x.dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const indices = Array.from(elementsOf(inputs[1]!.data), Number).map((i) =>
    i < 0 ? i + size : i,
  );
  if (indices.some((i) => !(i >= 0 && i < size))) return undefined;
  return [
    tensorFrom(x.type, outputs[0]!.dims, (out) => {
      let at = 0;
      for (let row = 0; row < outer; row++) {
        for (const index of indices) {
          const start = (row * size + index) * inner;
          for (let i = 0; i < inner; i++) out[at++] = from[start + i]!;
        }
      }
    }),
  ];
};

const expand: Evaluator = ({ context, inputs, outputs }) =>
  numbersOf(context, 1) && [broadcastTo(inputs[0]!, outputs[0]!.dims)];

export const movementEvaluators: Readonly<Record<string, Evaluator>> = {
  Identity: relabel,
  Reshape: relabel,
  Flatten: relabel,
  Squeeze: relabel,
  Unsqueeze: relabel,
  Transpose: addressable(transpose),
  Slice: addressable(slice),
  Split: addressable(split),
  Concat: addressable(concat),
  Gather: addressable(gather),
  Expand: addressable(expand),
};
