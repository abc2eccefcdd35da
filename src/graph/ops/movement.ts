/** Operators that only move elements: reshaping, transposing, slicing, joining, padding, gathering. */
import { intOf, intsOf, stringOf } from '../attributes.js';
import type { Dim, ValueType } from '../ir.js';
import { contradiction, expectInputType, expectSameType, unsupportedForm } from './context.js';
import { axesOf, axisOf, broadcastDims, type Dims, productOf } from './dims.js';
import { concatenated, permuted, reshaped, sliceRange, squeezed, unsqueezed } from './layouts.js';
import type { InferContext, OpDefinition } from './op.js';

/** A definition with one output of the first input's type, whose dims follow from the context. */
export function moving(
  op: string,
  since: number,
  inputs: readonly [number, number],
  dimsOf: (context: InferContext, dims: Dims | undefined) => Dims | undefined,
  contents?: OpDefinition['contents'],
): OpDefinition {
  return {
    op,
    domain: '',
    since,
    inputs,
    outputs: [1, 1],
    infer: (context) => {
      const x = context.input(0);
      const dims = dimsOf(context, x?.dims);
      return [x && { type: x.type, dims }];
    },
    ...(contents && { contents }),
  };
}

/** Elements of input i when every one is a known number. */
export function numbersOf(context: InferContext, i: number): readonly number[] | undefined {
  const elements = context.contents(i);
  return elements?.every((element) => typeof element === 'number')
    ? (elements as readonly number[])
    : undefined;
}

/** Elements of input i: unknown ones where only their number is known. */
function elementsOrUnknown(context: InferContext, i: number): readonly Dim[] | undefined {
  const known = context.contents(i);
  if (known !== undefined) return known;
  const dims = context.input(i)?.dims;
  const length = dims?.length === 1 ? dims[0] : undefined;
  return typeof length === 'number' && length <= 8
    ? new Array<Dim>(length).fill(undefined)
    : undefined;
}

const reshape = moving(
  'Reshape',
  5,
  [2, 2],
  (context, dims) => {
    expectInputType(context, 1, 'int64');
    const target = elementsOrUnknown(context, 1);
    const allowZero = intOf(context.node, 'allowzero', 0) !== 0;
    return target && reshaped(context.node, dims, target, allowZero);
  },
  (context) => ((context.contents(1)?.length ?? 2) <= 1 ? context.contents(0) : undefined),
);

const flatten = moving('Flatten', 1, [1, 1], ({ node }, dims) => {
  if (dims === undefined) return [undefined, undefined];
  const axis = intOf(node, 'axis', 1);
  const split = axis === dims.length ? axis : axisOf(node, axis, dims.length);
  return [productOf(node, dims.slice(0, split)), productOf(node, dims.slice(split))];
});

/** Axes from input 1: undefined when absent, 'unknown' when computed. */
function axesInput(context: InferContext): readonly number[] | 'unknown' | undefined {
  if ((context.node.inputs[1] ?? '') === '') return undefined;
  return numbersOf(context, 1) ?? 'unknown';
}

const squeeze = moving(
  'Squeeze',
  13,
  [1, 2],
  (context, dims) => {
    const axes = axesInput(context);
    return dims === undefined || axes === 'unknown'
      ? undefined
      : squeezed(context.node, dims, axes);
  },
  (context) => context.contents(0),
);

const unsqueeze = moving(
  'Unsqueeze',
  13,
  [2, 2],
  (context, dims) => {
    const axes = axesInput(context);
    return dims === undefined || axes === undefined || axes === 'unknown'
      ? undefined
      : unsqueezed(context.node, dims, axes);
  },
  (context) => (context.input(0)?.dims?.length === 0 ? context.contents(0) : undefined),
);

const transpose = moving(
  'Transpose',
  1,
  [1, 1],
  ({ node }, dims) => dims && permuted(node, dims, intsOf(node, 'perm')),
  (context) => context.contents(0),
);

const concat: OpDefinition = {
  op: 'Concat',
  domain: '',
  since: 4,
  inputs: [1, Infinity],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    const indexes = node.inputs.map((_, i) => i);
    const type = expectSameType(context, indexes);
    const axis = intOf(node, 'axis', 0);
    const dims = concatenated(
      node,
      indexes.map((i) => input(i)?.dims),
      axis,
    );
    return [type && { type, dims }];
  },
  contents: (context) => {
    const parts = context.node.inputs.map((_, i) => elementsOrUnknown(context, i));
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  },
};

/** Resolved ranges of an ONNX Slice, by axis; undefined when they depend on computed inputs. */
export function sliceRanges(context: InferContext, dims: Dims) {
  const { node } = context;
  const starts = numbersOf(context, 1);
  const ends = numbersOf(context, 2);
  if (starts === undefined || ends === undefined) return undefined;
  const axes = (node.inputs[3] ?? '') === '' ? starts.map((_, i) => i) : numbersOf(context, 3);
  const steps = (node.inputs[4] ?? '') === '' ? starts.map(() => 1) : numbersOf(context, 4);
  if (axes === undefined || steps === undefined) return undefined;
  if ([ends, axes, steps].some((list) => list.length !== starts.length)) {
    throw contradiction(node, 'starts, ends, axes and steps differ in length');
  }
  axesOf(node, axes, dims.length);
  return axes.map((given, i) => {
    const axis = axisOf(node, given, dims.length);
    const size = dims[axis];
    const [start, end, step] = [starts[i]!, ends[i]!, steps[i]!];
    return {
      axis,
      /** The slice keeps the axis whole, whatever its size. */
      whole: step === 1 && start === 0 && end >= 2 ** 31 - 1,
      range: typeof size === 'number' ? sliceRange(node, start, end, step, size) : undefined,
    };
  });
}

const slice = moving(
  'Slice',
  10,
  [3, 5],
  (context, dims) => {
    if (dims === undefined) return undefined;
    const ranges = sliceRanges(context, dims);
    if (ranges === undefined) return dims.map(() => undefined);
    const result = [...dims];
    for (const { axis, whole, range } of ranges) if (!whole) result[axis] = range?.count;
    return result;
  },
  (context) => {
    const elements = context.contents(0);
    if (elements === undefined) return undefined;
    const range = sliceRanges(context, [elements.length])?.[0]?.range;
    return (
      range && Array.from({ length: range.count }, (_, i) => elements[range.start + i * range.step])
    );
  },
);

const pad = moving('Pad', 11, [2, 4], (context, dims) => {
  const { node } = context;
  const mode = stringOf(node, 'mode', 'constant');
  if (!['constant', 'reflect', 'edge', 'wrap'].includes(mode)) {
    throw contradiction(node, 'unknown mode', 'constant, reflect, edge or wrap', mode);
  }
  if (dims === undefined) return undefined;
  const pads = numbersOf(context, 1);
  const axes = (node.inputs[3] ?? '') === '' ? dims.map((_, i) => i) : numbersOf(context, 3);
  if (pads === undefined || axes === undefined) return dims.map(() => undefined);
  if (pads.length !== 2 * axes.length) {
    throw contradiction(node, 'wrong length of pads', String(2 * axes.length), String(pads.length));
  }
  axesOf(node, axes, dims.length);
  const result = [...dims];
  axes.forEach((given, i) => {
    const axis = axisOf(node, given, dims.length);
    const more = pads[i]! + pads[i + axes.length]!;
    const size = dims[axis];
    if (more === 0) return;
    result[axis] = typeof size === 'number' ? size + more : undefined;
    if (typeof size === 'number' && !(Number.isSafeInteger(size + more) && size + more >= 0)) {
      throw contradiction(
        node,
        `axis ${axis} gets an impossible size`,
        undefined,
        String(size + more),
      );
    }
  });
  return result;
});

const split: OpDefinition = {
  op: 'Split',
  domain: '',
  since: 13,
  inputs: [1, 2],
  outputs: [1, Infinity],
  infer: (context) => {
    const { node, input } = context;
    const x = input(0);
    if (x?.dims === undefined) return node.outputs.map(() => x && { type: x.type });
    const axis = axisOf(node, intOf(node, 'axis', 0), x.dims.length);
    const sizes = splitSizes(context, x.dims[axis]);
    return node.outputs.map((_, i): ValueType => {
      const dims = [...x.dims!];
      dims[axis] = node.outputs.length === 1 ? dims[axis] : sizes?.[i];
      return { type: x.type, dims };
    });
  },
};

/** Sizes of the parts of a Split; undefined when they depend on what is not known. */
export function splitSizes(context: InferContext, size: Dim): readonly number[] | undefined {
  const { node } = context;
  const count = intOf(node, 'num_outputs', node.outputs.length);
  if (count !== node.outputs.length) {
    throw contradiction(
      node,
      "'num_outputs' is not the number of outputs",
      String(count),
      String(node.outputs.length),
    );
  }
  if ((node.inputs[1] ?? '') === '') {
    if (typeof size !== 'number') return undefined;
    const part = Math.ceil(size / count);
    return node.outputs.map((_, i) => Math.max(0, Math.min(part, size - i * part)));
  }
  const sizes = numbersOf(context, 1);
  if (sizes === undefined) return undefined;
  const sum = sizes.reduce((total, part) => total + part, 0);
  const bad = sizes.length !== count || sizes.some((part) => !(part >= 0));
  if (bad || (typeof size === 'number' && sum !== size)) {
    throw contradiction(node, 'the parts do not make up the axis', String(size), sizes.join(' + '));
  }
  return sizes;
}

const gather: OpDefinition = {
  op: 'Gather',
  domain: '',
  since: 1,
  inputs: [2, 2],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    expectInputType(context, 1, 'int32', 'int64');
    const x = input(0);
    const indices = input(1)?.dims;
    if (x?.dims === undefined || indices === undefined) return [x && { type: x.type }];
    const axis = axisOf(node, intOf(node, 'axis', 0), x.dims.length);
    const dims = [...x.dims.slice(0, axis), ...indices, ...x.dims.slice(axis + 1)];
    return [{ type: x.type, dims }];
  },
  contents: (context) => {
    const elements = context.contents(0);
    const indices = numbersOf(context, 1);
    const rank = context.input(0)?.dims?.length;
    if (elements === undefined || indices === undefined || rank !== 1) return undefined;
    return indices.map((i) => {
      const index = i < 0 ? i + elements.length : i;
      if (!(index >= 0 && index < elements.length)) {
        throw contradiction(
          context.node,
          'index out of range',
          `below ${elements.length}`,
          String(i),
        );
      }
      return elements[index];
    });
  },
};

const expand = moving('Expand', 8, [2, 2], (context, dims) => {
  const target = elementsOrUnknown(context, 1);
  if (
    target?.some((size) => typeof size === 'number' && !(Number.isSafeInteger(size) && size >= 0))
  ) {
    throw contradiction(context.node, 'bad target shape', 'sizes from 0', target.join(', '));
  }
  return broadcastDims(context.node, dims, target);
});

const identity = moving(
  'Identity',
  1,
  [1, 1],
  (_, dims) => dims,
  (context) => context.contents(0),
);

const dropout: OpDefinition = {
  op: 'Dropout',
  domain: '',
  since: 12,
  inputs: [1, 3],
  outputs: [1, 2],
  infer: (context) => {
    const x = context.input(0);
    const training = context.constant(2);
    if ((context.node.inputs[2] ?? '') !== '' && training?.data[0] !== 0) {
      throw unsupportedForm(context, 'training mode');
    }
    return [x, x && { type: 'bool', dims: x.dims }];
  },
};

export const movements: readonly OpDefinition[] = [
  reshape,
  flatten,
  squeeze,
  unsqueeze,
  transpose,
  concat,
  slice,
  pad,
  split,
  gather,
  expand,
  identity,
  dropout,
];
