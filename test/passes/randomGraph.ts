/**
 * Random float graphs, thick with what the float passes look for: batch norms and scales behind
 * convolutions, activations in all spellings, moves that cancel, shape arithmetic. Values stay small, so
 * that a difference is a fault and not a rounding.
 */
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { inferTypes } from '../../src/graph/infer.js';
import type { Attribute, Graph, Node } from '../../src/graph/ir.js';
import { graphOf, node, t } from '../helpers/onnx-builder.js';
import { createRandom, type Random } from '../helpers/random.js';

export interface RandomGraph {
  readonly graph: Graph;
  readonly feeds: Record<string, Tensor>;
}

interface Value {
  readonly name: string;
  readonly dims: readonly number[];
}

const { int, ints, float } = attribute;

export function randomGraph(seed: number): RandomGraph {
  const random = createRandom(seed);
  const nodes: Node[] = [];
  const constants: Record<string, Tensor> = {};
  let count = 0;
  const fresh = (prefix: string) => `${prefix}${count++}`;
  const constant = (tensor: Tensor): string => {
    const name = fresh('k');
    constants[name] = tensor;
    return name;
  };
  const floats = (dims: readonly number[], low = -1, high = 1): string => {
    const length = dims.reduce((a, b) => a * b, 1);
    return constant(
      t(
        'float32',
        Array.from({ length }, () => random.real(low, high)),
        dims,
      ),
    );
  };
  const number = (value: number): string =>
    constant(t('float32', [value], random.pick([[], [1], [1, 1]])));
  const i64 = (...values: number[]): string => constant(t('int64', values));
  const emit = (
    op: string,
    inputs: readonly string[],
    dims: readonly number[],
    attributes: Record<string, Attribute> = {},
  ): Value => {
    const name = fresh('v');
    nodes.push(node(op, inputs, [name], attributes));
    return { name, dims };
  };
  const swapped = (a: string, b: string) => (random.chance(0.5) ? [a, b] : [b, a]);
  const build: Builder = { random, constant, floats, number, i64, emit, swapped };

  const batch = random.int(1, 2);
  const dims = [batch, random.int(1, 5), random.int(3, 8), random.int(3, 8)];
  const values: Value[] = [{ name: 'x', dims }];
  const length = random.int(3, 12);
  for (let i = 0; i < length; i++) {
    // Mostly chains, as most networks; now and then an earlier value is read again.
    const from = random.chance(0.8) ? values.at(-1)! : random.pick(values);
    values.push(random.pick(recipes)(build, from, values));
  }
  const declared = random.chance(0.5) ? ['N', ...dims.slice(1)] : dims;
  const outputs: Record<string, string> = { y: values.at(-1)!.name };
  if (random.chance(0.3)) outputs['z'] = random.pick(values).name;
  const graph = graphOf({
    inputs: { x: { type: 'float32', dims: declared } },
    nodes,
    constants,
    outputs,
  });
  const x = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.real(-4, 4));
  return { graph: inferTypes(graph), feeds: { x: t('float32', x, dims) } };
}

interface Builder {
  readonly random: Random;
  readonly constant: (tensor: Tensor) => string;
  readonly floats: (dims: readonly number[], low?: number, high?: number) => string;
  readonly number: (value: number) => string;
  readonly i64: (...values: number[]) => string;
  readonly emit: (
    op: string,
    inputs: readonly string[],
    dims: readonly number[],
    attributes?: Record<string, Attribute>,
  ) => Value;
  readonly swapped: (a: string, b: string) => string[];
}

type Recipe = (build: Builder, x: Value, all: readonly Value[]) => Value;

const conv: Recipe = ({ random, floats, emit }, { name, dims }) => {
  if (dims.length !== 4) return emit('Relu', [name], dims);
  const [n, c, h, w] = dims as [number, number, number, number];
  const groups = random.chance(0.3) ? c : 1;
  const outputs = groups * random.int(1, groups === 1 ? 5 : 2);
  const k = random.int(1, Math.min(3, h, w));
  const pad = random.int(0, k - 1);
  const weight = floats([outputs, c / groups, k, k]);
  const bias = random.chance(0.5) ? [floats([outputs])] : [];
  const size = (s: number) => s + 2 * pad - k + 1;
  return emit('Conv', [name, weight, ...bias], [n, outputs, size(h), size(w)], {
    group: int(groups),
    pads: ints([pad, pad, pad, pad]),
  });
};

/** Flattens and multiplies, with all of Gemm's attributes. */
const gemm: Recipe = ({ random, floats, emit }, { name, dims }) => {
  const [n, ...rest] = dims as [number, ...number[]];
  const k = rest.reduce((a, b) => a * b, 1);
  const flat = dims.length === 2 ? name : emit('Flatten', [name], [n, k]).name;
  const columns = random.int(1, 5);
  const turned = random.chance(0.5);
  const b = floats(turned ? [columns, k] : [k, columns], -0.3, 0.3);
  const c = random.chance(0.6)
    ? [floats(random.pick([[], [1], [columns], [1, columns], [n, columns]]))]
    : [];
  return emit('Gemm', [flat, b, ...c], [n, columns], {
    transB: int(turned ? 1 : 0),
    alpha: float(random.pick([1, 0.5])),
    beta: float(random.pick([1, 2])),
  });
};

const batchNorm: Recipe = ({ random, floats, emit }, { name, dims }) => {
  if (dims.length < 2) return emit('Relu', [name], dims);
  const c = [dims[1]!];
  const inputs = [floats(c, 0.5, 1.5), floats(c), floats(c), floats(c, 0.5, 2)];
  const attributes = { epsilon: float(random.pick([1e-5, 1e-3])) };
  return emit('BatchNormalization', [name, ...inputs], dims, attributes);
};

/** Mul, Add, Sub or Div with a constant: per channel, for all, or of any dims that broadcast. */
const affine: Recipe = ({ random, floats, emit, swapped }, { name, dims }) => {
  const rank = dims.length;
  const perChannel = dims.map((dim, i) => (i === 1 ? dim : 1));
  const shape = random.pick([[], [1], perChannel, perChannel.slice(1), dims.slice(1), dims]);
  const op = random.pick(['Mul', 'Add', 'Sub', 'Div']);
  const c = floats(rank < 2 ? [] : shape, 0.5, 1.5);
  if (op === 'Div') return emit('Div', [name, c], dims);
  return emit(op, swapped(name, c), dims);
};

const neutral: Recipe = ({ random, number, emit, swapped }, { name, dims }) => {
  const one = number(1);
  const zero = number(0);
  const fits = dims.length >= 2;
  if (!fits) return emit('Identity', [name], dims);
  return random.pick([
    () => emit('Mul', swapped(name, one), dims),
    () => emit('Div', [name, one], dims),
    () => emit('Add', swapped(name, zero), dims),
    () => emit('Sub', [name, zero], dims),
  ])();
};

const activation: Recipe = ({ random, floats, number, emit, swapped }, { name, dims }) => {
  if (dims.length < 2) return emit('Relu', [name], dims);
  const scalar = (value: number) => number(value);
  const limit = (value: number) => floats([], value, value);
  return random.pick([
    () => emit('Relu', [name], dims),
    () => emit('Clip', [name, limit(0), limit(6)], dims),
    () => emit('Clip', [name, limit(0)], dims),
    () => emit('Clip', [name, '', limit(1)], dims),
    () => emit('Clip', [name, limit(-1), limit(1)], dims),
    () => emit('Clip', [name], dims),
    () => emit('Clip', [name, limit(0), limit(3.4028234663852886e38)], dims),
    () => emit('Max', swapped(name, scalar(0)), dims),
    () => emit('Min', swapped(name, scalar(1.5)), dims),
    () => emit('Max', [name], dims),
    () => emit('LeakyRelu', [name], dims, { alpha: float(0.2) }),
    () => emit('PRelu', [name, scalar(0.25)], dims),
    () => emit('PRelu', [name, floats([dims.at(-1)!], 0, 0.5)], dims),
    () => emit('Sigmoid', [name], dims),
    () => emit('HardSigmoid', [name], dims),
  ])();
};

/** x · clip(x + 3, 0, 6) / 6 in its spellings, sometimes with a constant that makes it something else. */
const hardSwish: Recipe = ({ random, floats, number, emit, swapped }, { name, dims }) => {
  if (dims.length < 2) return emit('Relu', [name], dims);
  const off = random.chance(0.2) ? 0.5 : 0;
  const limit = (value: number) => floats([], value, value);
  const sixth = (value: string): string =>
    random.chance(0.5)
      ? emit('Div', [value, number(6)], dims).name
      : emit('Mul', swapped(value, number(1 / 6)), dims).name;
  const clipped = () => {
    const shifted = emit('Add', swapped(name, number(3 + off)), dims).name;
    return emit('Clip', [shifted, limit(0), limit(6)], dims).name;
  };
  const times = (a: string, b: string): Value => emit('Mul', swapped(a, b), dims);
  const finish = (value: string): Value => ({ name: value, dims });
  return random.pick([
    () => finish(sixth(times(name, clipped()).name)),
    () => times(name, sixth(clipped())),
    () => times(sixth(name), clipped()),
    () => finish(sixth(clipped())),
    () => {
      const attributes = { alpha: float(1 / 6 + off), beta: float(0.5) };
      return times(name, emit('HardSigmoid', [name], dims, attributes).name);
    },
  ])();
};

/** x / 2 · (1 + erf(x / √2)), sometimes with a constant that makes it something else. */
const gelu: Recipe = ({ random, number, emit, swapped }, { name, dims }) => {
  if (dims.length < 2) return emit('Relu', [name], dims);
  const root = random.chance(0.2) ? 1.5 : Math.SQRT2;
  const scaled = random.chance(0.5)
    ? emit('Div', [name, number(root)], dims)
    : emit('Mul', swapped(name, number(1 / root)), dims);
  const erf = emit('Erf', [scaled.name], dims);
  const gate = emit('Add', swapped(erf.name, number(1)), dims).name;
  const half = (value: string) => emit('Mul', swapped(value, number(0.5)), dims);
  const times = (a: string, b: string) => emit('Mul', swapped(a, b), dims);
  return random.pick([
    () => half(times(name, gate).name),
    () => times(half(name).name, gate),
    () => times(name, half(gate).name),
  ])();
};

/** (x − mean) / √(variance + ε) over the last axis, sometimes over another; often scaled and moved. */
const layerNorm: Recipe = ({ random, floats, number, i64, emit, swapped }, { name, dims }) => {
  if (dims.length < 2) return emit('Relu', [name], dims);
  const axis = dims.length - (random.chance(0.2) ? 2 : 1);
  const axes = i64(axis);
  const short = dims.with(axis, 1);
  const centred = emit('Sub', [name, emit('ReduceMean', [name, axes], short).name], dims).name;
  const square = random.chance(0.5)
    ? emit('Mul', [centred, centred], dims)
    : emit('Pow', [centred, number(2)], dims);
  const variance = emit('ReduceMean', [square.name, axes], short).name;
  const sum = emit('Add', swapped(variance, number(0.01)), short).name;
  const deviation = emit('Sqrt', [sum], short).name;
  const normal = random.chance(0.5)
    ? emit('Div', [centred, deviation], dims)
    : emit('Mul', swapped(centred, emit('Reciprocal', [deviation], short).name), dims);
  if (random.chance(0.3)) return normal;
  const scaled = emit('Mul', swapped(normal.name, floats([dims.at(-1)!])), dims);
  return emit('Add', swapped(scaled.name, floats([dims.at(-1)!])), dims);
};

const idle: Recipe = ({ random, i64, emit }, { name, dims }) => {
  const rank = dims.length;
  const axes = dims.map((_, i) => i);
  const zeros = dims.map(() => 0);
  return random.pick([
    () => emit('Identity', [name], dims),
    () => emit('Dropout', [name], dims),
    () => emit('Cast', [name], dims, { to: int(1) }),
    () => emit('Concat', [name], dims, { axis: int(0) }),
    () => emit('Transpose', [name], dims, { perm: ints(axes) }),
    () => emit('Pad', [name, i64(...zeros, ...zeros)], dims),
    () => emit('Slice', [name, i64(...zeros), i64(...dims.map(() => 2 ** 31))], dims),
    () => emit('Slice', [name, i64(-1), i64(-9), i64(rank - 1), i64(-1)], dims),
    () => emit('Reshape', [name, i64(...zeros)], dims),
    () => emit('Expand', [name, i64(1)], dims),
  ])();
};

const turn: Recipe = ({ random, emit }, { name, dims }) => {
  const perm = dims.map((_, i) => i);
  for (let i = perm.length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [perm[i], perm[j]] = [perm[j]!, perm[i]!];
  }
  const turned = perm.map((axis) => dims[axis]!);
  const first = emit('Transpose', [name], turned, { perm: ints(perm) });
  if (random.chance(0.3)) return first;
  const back = dims.map((_, i) => perm.indexOf(i));
  return emit('Transpose', [first.name], dims, { perm: ints(back) });
};

const reshapes: Recipe = ({ random, i64, emit }, { name, dims }) => {
  const [n, ...rest] = dims as [number, ...number[]];
  const inner = rest.reduce((a, b) => a * b, 1);
  const flat = random.pick([
    () => emit('Flatten', [name], [n, inner]),
    () => emit('Reshape', [name, i64(0, -1)], [n, inner]),
    () => emit('Reshape', [name, i64(-1, inner)], [n, inner]),
  ])();
  return random.pick([
    () => flat,
    () => emit('Reshape', [flat.name, i64(-1, ...rest)], dims),
    () => emit('Reshape', [flat.name, i64(0, ...rest)], dims),
    () => {
      const wide = emit('Unsqueeze', [flat.name, i64(1)], [n, 1, inner]);
      return emit('Squeeze', [wide.name, i64(1)], [n, inner]);
    },
  ])();
};

/** A reshape whose target is computed from the shape of x. */
const shapeArithmetic: Recipe = ({ i64, emit, constant }, { name, dims }) => {
  const [n, ...rest] = dims as [number, ...number[]];
  const shape = emit('Shape', [name], [dims.length]).name;
  const first = emit('Gather', [shape, constant(t('int64', [0], []))], []).name;
  const batch = emit('Unsqueeze', [first, i64(0)], [1]).name;
  const doubled = emit('Mul', [i64(2), i64(-1)], [1]).name;
  const open = emit('Add', [doubled, i64(1)], [1]).name;
  const target = emit('Concat', [batch, open], [2], { axis: int(0) }).name;
  const inner = rest.reduce((a, b) => a * b, 1);
  const flat = emit('Reshape', [name, target], [n, inner]);
  const back = emit('Concat', [i64(-1), i64(...rest)], [dims.length], { axis: int(0) }).name;
  return emit('Reshape', [flat.name, back], dims);
};

const pool: Recipe = ({ random, emit }, { name, dims }) => {
  if (dims.length !== 4) return emit('Neg', [name], dims);
  const [n, c, h, w] = dims as [number, number, number, number];
  const k = random.int(1, Math.min(2, h, w));
  const op = random.pick(['MaxPool', 'AveragePool']);
  return emit(op, [name], [n, c, h - k + 1, w - k + 1], { kernel_shape: ints([k, k]) });
};

const join: Recipe = ({ random, emit }, x, all) => {
  const alike = all.filter((value) => String(value.dims) === String(x.dims));
  const other = random.pick(alike);
  if (x.dims.length < 2 || random.chance(0.6)) return emit('Add', [x.name, other.name], x.dims);
  const dims = x.dims.map((dim, i) => (i === 1 ? 2 * dim : dim));
  return emit('Concat', [x.name, other.name], dims, { axis: int(1) });
};

/** Recipes by how often they are drawn. */
const recipes: readonly Recipe[] = [
  conv,
  conv,
  conv,
  gemm,
  batchNorm,
  batchNorm,
  affine,
  affine,
  affine,
  neutral,
  activation,
  activation,
  hardSwish,
  hardSwish,
  gelu,
  layerNorm,
  idle,
  idle,
  turn,
  reshapes,
  shapeArithmetic,
  pool,
  join,
];
