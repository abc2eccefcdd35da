/**
 * Random graphs of the kind that convolutional networks are: branches, residual sums, gates,
 * concatenations, pools, moves, and a head. Small enough that a thousand of them run in seconds.
 */
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute, Graph, Node } from '../../src/graph/ir.js';
import { node, t } from '../helpers/onnx-builder.js';
import { createRandom, integers, type Random } from '../helpers/random.js';
import { build, quantizeNode } from './oracle.js';

const { int, ints, string } = attribute;

interface Value {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface RandomNetwork {
  readonly graph: Graph;
  readonly feeds: Record<string, Tensor>;
}

interface Builder {
  readonly random: Random;
  readonly nodes: Node[];
  readonly constants: Record<string, Tensor>;
  /** Values to build on. */
  readonly values: Value[];
  readonly fresh: () => string;
  /** Writes weights and pairs in QDQ form. */
  readonly quantized: boolean;
}

/** A graph of about `size` operators; in QDQ form all through, or in float. */
export function randomNetwork(seed: number, size = 12, quantized = false): RandomNetwork {
  const random = createRandom(seed);
  let count = 0;
  const b: Builder = {
    random,
    nodes: [],
    constants: {},
    values: [],
    fresh: () => `v${count++}`,
    quantized,
  };
  const dims = [random.int(1, 2), random.int(1, 4), random.int(4, 8), random.int(4, 8)];
  const x = { name: 'x', dims };
  b.values.push(quantized ? pair(b, x) : x);
  for (let i = 0; i < size; i++) {
    const added = random.pick(makers)(b, random.pick(b.values));
    if (added === undefined) continue;
    b.values.push(quantized && random.chance(0.9) ? pair(b, added) : added);
  }
  const last = head(b, b.values.at(-1)!);
  const outputs = new Set([last.name, random.pick(b.values).name]);
  const graph = build({
    nodes: b.nodes,
    inputs: { x: { type: 'float32', dims: random.chance(0.5) ? ['N', ...dims.slice(1)] : dims } },
    outputs: Object.fromEntries([...outputs].map((name, i) => [`out${i}`, name])),
    constants: b.constants,
  });
  const data = Float32Array.from({ length: elementCount(dims) }, () => random.real(-1, 1));
  return { graph, feeds: { x: { type: 'float32', dims, data } } };
}

function add(
  b: Builder,
  op: string,
  inputs: readonly string[],
  dims: readonly number[],
  attributes: Record<string, Attribute> = {},
): Value {
  const name = b.fresh();
  b.nodes.push(node(op, inputs, [name], attributes));
  return { name, dims };
}

function constant(b: Builder, tensor: Tensor): string {
  const name = b.fresh();
  b.constants[name] = tensor;
  return name;
}

function parameters(b: Builder, scale: number, zero: Tensor): string {
  const name = b.fresh();
  b.constants[`${name}_scale`] = t('float32', [scale], []);
  b.constants[`${name}_zero`] = zero;
  return name;
}

/** Behind a value: QuantizeLinear and DequantizeLinear. */
function pair(b: Builder, { name, dims }: Value): Value {
  const signed = b.random.chance(0.3);
  const zero = signed
    ? t('int8', [b.random.int(-20, 20)], [])
    : t('uint8', [b.random.int(90, 160)], []);
  // Half the pairs share one coding, so that some neighbours agree.
  const shared = b.random.chance(0.5);
  const scale = shared ? 0.017 : b.random.real(0.01, 0.05);
  const params = parameters(b, scale, shared ? t('uint8', [128], []) : zero);
  const [codes, back] = [b.fresh(), b.fresh()];
  b.nodes.push(quantizeNode('QuantizeLinear', name, codes, params));
  b.nodes.push(quantizeNode('DequantizeLinear', codes, back, params));
  return { name: back, dims };
}

/** A weight, in float or as a dequantized constant. */
function weight(b: Builder, ...dims: number[]): string {
  const count = elementCount(dims);
  const fan = count / dims[0]!;
  if (!b.quantized) {
    const data = Float32Array.from({ length: count }, () => b.random.real(-1, 1) / Math.sqrt(fan));
    return constant(b, { type: 'float32', dims, data });
  }
  const codes = constant(b, {
    type: 'int8',
    dims,
    data: integers(b.random, 'int8', count, -127, 127),
  });
  const name = b.fresh();
  const params = parameters(b, 1 / (127 * Math.sqrt(fan)), t('int8', [0], []));
  b.nodes.push(quantizeNode('DequantizeLinear', codes, name, params));
  return name;
}

function bias(b: Builder, ...dims: number[]): string {
  const data = Float32Array.from({ length: elementCount(dims) }, () => b.random.real(-0.5, 0.5));
  return constant(b, { type: 'float32', dims, data });
}

type Maker = (b: Builder, x: Value) => Value | undefined;

const isImage = ({ dims }: Value) => dims.length === 4;

const conv: Maker = (b, x) => {
  if (!isImage(x)) return undefined;
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const depthwise = b.random.chance(0.3);
  const o = depthwise ? c : b.random.int(1, 5);
  const k = b.random.pick([1, 1, 3]);
  const stride = k === 3 && h > 3 && w > 3 ? b.random.int(1, 2) : 1;
  const pad = (k - 1) / 2;
  const after = (size: number) => Math.floor((size + 2 * pad - k) / stride) + 1;
  const inputs = [x.name, weight(b, o, depthwise ? 1 : c, k, k)];
  if (b.random.chance(0.7)) inputs.push(bias(b, o));
  return add(b, 'Conv', inputs, [n, o, after(h), after(w)], {
    group: int(depthwise ? c : 1),
    strides: ints([stride, stride]),
    pads: ints([pad, pad, pad, pad]),
  });
};

const batchNorm: Maker = (b, x) => {
  if (!isImage(x) || b.quantized) return undefined;
  const c = x.dims[1]!;
  const variance = constant(b, {
    type: 'float32',
    dims: [c],
    data: Float32Array.from({ length: c }, () => b.random.real(0.5, 2)),
  });
  return add(
    b,
    'BatchNormalization',
    [x.name, bias(b, c), bias(b, c), bias(b, c), variance],
    x.dims,
  );
};

const unary: Maker = (b, x) =>
  add(
    b,
    b.random.pick(['Relu', 'Relu', 'LeakyRelu', 'Sigmoid', 'Tanh', 'HardSwish']),
    [x.name],
    x.dims,
  );

const clip: Maker = (b, x) => {
  const [low, high] = [b.random.real(-1, 0), b.random.real(0, 2)];
  const bounds = [low, high].map((bound) => constant(b, t('float32', [bound], [])));
  return add(b, 'Clip', [x.name, ...bounds], x.dims);
};

const pool: Maker = (b, x) => {
  if (!isImage(x) || x.dims[2]! < 3 || x.dims[3]! < 3) return undefined;
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const stride = b.random.int(1, 2);
  const after = (size: number) => Math.floor((size - 2) / stride) + 1;
  return add(b, b.random.pick(['MaxPool', 'AveragePool']), [x.name], [n, c, after(h), after(w)], {
    kernel_shape: ints([2, 2]),
    strides: ints([stride, stride]),
  });
};

/** Two values of the same dims, if there are. */
const join: Maker = (b, x) => {
  const others = b.values.filter(
    ({ name, dims }) => name !== x.name && dims.join() === x.dims.join(),
  );
  if (others.length === 0) return undefined;
  const op = b.random.pick(['Add', 'Add', 'Sub', 'Mul']);
  return add(b, op, [x.name, b.random.pick(others).name], x.dims);
};

const shift: Maker = (b, x) => {
  const like = isImage(x)
    ? b.random.pick([[x.dims[1]!, 1, 1], [1], [x.dims[3]!]])
    : [x.dims.at(-1)!];
  return add(b, b.random.pick(['Add', 'Mul']), [x.name, bias(b, ...like)], x.dims);
};

const gate: Maker = (b, x) => {
  if (!isImage(x)) return undefined;
  const [n, c] = x.dims as [number, number];
  const mean = add(b, 'GlobalAveragePool', [x.name], [n, c, 1, 1]);
  const scale = add(b, 'Sigmoid', [mean.name], mean.dims);
  return add(b, 'Mul', b.random.chance(0.5) ? [x.name, scale.name] : [scale.name, x.name], x.dims);
};

const concat: Maker = (b, x) => {
  const axis = b.random.int(1, x.dims.length - 1);
  const matches = b.values.filter(
    ({ dims }) =>
      dims.length === x.dims.length && dims.every((dim, i) => i === axis || dim === x.dims[i]),
  );
  const other = b.random.pick(matches);
  const dims = x.dims.map((dim, i) => (i === axis ? dim + other.dims[i]! : dim));
  if (dims[axis]! > 12) return undefined;
  return add(b, 'Concat', [x.name, other.name], dims, { axis: int(axis) });
};

const slice: Maker = (b, x) => {
  const axis = b.random.int(1, x.dims.length - 1);
  if (x.dims[axis]! < 3) return undefined;
  const step = b.random.int(1, 2);
  const lists = [[1], [x.dims[axis]!], [axis], [step]].map((list) => constant(b, t('int64', list)));
  const dims = x.dims.map((dim, i) => (i === axis ? Math.ceil((dim - 1) / step) : dim));
  return add(b, 'Slice', [x.name, ...lists], dims);
};

const pad: Maker = (b, x) => {
  const before = x.dims.map((_, i) => (i === 0 ? 0 : b.random.int(0, 1)));
  const after = x.dims.map((_, i) => (i === 0 ? 0 : b.random.int(0, 1)));
  const dims = x.dims.map((dim, i) => dim + before[i]! + after[i]!);
  if (dims.some((dim) => dim > 10)) return undefined;
  const mode = b.random.pick(['constant', 'edge']);
  const pads = constant(b, t('int64', [...before, ...after]));
  return add(b, 'Pad', [x.name, pads], dims, { mode: string(mode) });
};

const transpose: Maker = (b, x) => {
  if (!isImage(x)) return undefined;
  const perm = b.random.pick([
    [0, 2, 3, 1],
    [0, 3, 1, 2],
    [0, 1, 3, 2],
  ]);
  return add(
    b,
    'Transpose',
    [x.name],
    perm.map((axis) => x.dims[axis]!),
    { perm: ints(perm) },
  );
};

const softmax: Maker = (b, x) =>
  add(b, 'Softmax', [x.name], x.dims, { axis: int(b.random.int(1, x.dims.length - 1)) });

const reduce: Maker = (b, x) => {
  const axis = b.random.int(1, x.dims.length - 1);
  const dims = x.dims.map((dim, i) => (i === axis ? 1 : dim));
  const op = b.random.pick(['ReduceMean', 'ReduceMax', 'ReduceSum']);
  return add(b, op, [x.name, constant(b, t('int64', [axis]))], dims);
};

/** Image to rows of pixels and back are left to the head; here, one axis is folded into another. */
const squeeze: Maker = (b, x) => {
  if (!isImage(x)) return undefined;
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const target = constant(b, t('int64', [0, c, 1, h * w]));
  return add(b, 'Reshape', [x.name, target], [n, c, 1, h * w]);
};

const makers: readonly Maker[] = [
  ...[conv, conv, conv, conv, unary, unary, clip, pool, join, join, join, shift, batchNorm],
  ...[gate, concat, concat, slice, pad, transpose, softmax, reduce, squeeze],
];

/** Flatten and a Gemm or MatMul. */
function head(b: Builder, x: Value): Value {
  const n = x.dims[0]!;
  const rest = elementCount(x.dims.slice(1));
  const flat = add(b, 'Flatten', [x.name], [n, rest]);
  if (rest > 2000) return flat;
  const columns = b.random.int(1, 6);
  const gemm = b.random.chance(0.5);
  const inputs = [flat.name, weight(b, rest, columns), ...(gemm ? [bias(b, columns)] : [])];
  return add(b, gemm ? 'Gemm' : 'MatMul', inputs, [n, columns]);
}
