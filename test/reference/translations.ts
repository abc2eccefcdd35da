import { type DataType, viewOf } from '../../src/core/dtype.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { binaryKinds, padModes, reduceKinds, unaryKinds } from '../../src/runtime/kinds.js';
import type { PlanTensor, Step } from '../../src/runtime/plan.js';
import type { StepName } from '../../src/runtime/steps.js';
import { toChannelsFirst, toChannelsLast } from '../helpers/layout.js';
import type { OracleModel, OracleNode } from '../numerics/oracle.js';
import { poolAttributes, windowAttributes } from './oracleCases.js';

/** Tensors that onnxruntime-node takes and gives. */
export const exchanged: readonly DataType[] = [
  'float32',
  'float64',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
];

export interface Subject<S extends StepName> {
  readonly params: Step<S>['params'];
  readonly inputs: readonly (Tensor | undefined)[];
  readonly output: PlanTensor;
}

/**
 * Nodes from operands named i0, i1, … to a result named y, and what further constants they take.
 */
export interface Translation {
  readonly nodes: readonly OracleNode[];
  readonly constants?: OracleModel['constants'];
  readonly opset?: number;
}

export const node = (
  op: string,
  inputs: readonly string[],
  output = 'y',
  attributes: NonNullable<OracleNode['attributes']> = {},
): OracleNode => ({ op, inputs, outputs: [output], attributes });

export const names = (inputs: readonly unknown[]): string[] =>
  inputs.map((input, i) => (input === undefined ? '' : `i${i}`));

export const int64s = (values: readonly number[]): Tensor => ({
  type: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

export const float = (value: number): Tensor => ({
  type: 'float32',
  dims: [],
  data: Float32Array.of(value),
});

export function nameOf(kinds: Readonly<Record<string, number>>, code: number): string {
  return Object.keys(kinds).find((name) => kinds[name] === code)!;
}

/** `inner` between channels-last operands and result. */
export function channelsFirst(inner: OracleNode, turned: readonly string[]): OracleNode[] {
  return [
    ...turned.map((name) => node('Transpose', [name], `${name}t`, { perm: toChannelsFirst })),
    {
      ...inner,
      inputs: inner.inputs.map((name) => (turned.includes(name) ? `${name}t` : name)),
      outputs: ['yt'],
    },
    node('Transpose', ['yt'], 'y', { perm: toChannelsLast }),
  ];
}

/** The last two axes swapped, of an operand of a matrix product. */
export function swapped(name: string, dims: readonly number[]): OracleNode {
  const rank = dims.length;
  const perm = [...dims.keys()].slice(0, rank - 2).concat(rank - 1, rank - 2);
  return node('Transpose', [name], `${name}t`, { perm });
}

export const bounded = (params: { readonly lower: number; readonly upper: number }) => ({
  node: node('Clip', ['unbounded', 'lower', 'upper']),
  constants: { lower: float(params.lower), upper: float(params.upper) },
});

export type Translate<S extends StepName> = (subject: Subject<S>) => Translation;

export const translations: { readonly [S in StepName]?: Translate<S> } = {
  Conv: ({ params, inputs, output }) => {
    const [x, weight] = inputs as [Tensor, Tensor];
    const shape = { x: x.dims, y: output.dims, window: params };
    const attributes = {
      ...windowAttributes(shape, weight.dims[1]!, weight.dims[2]!),
      group: params.groups,
    };
    const conv = node('Conv', names(inputs), 'y', attributes);
    const [first, ...rest] = channelsFirst(conv, ['i0', 'i1']).toReversed();
    const { node: clip, constants } = bounded(params);
    return {
      nodes: [...rest.toReversed(), { ...first!, outputs: ['unbounded'] }, clip],
      constants,
    };
  },
  MatMul: ({ params, inputs }) => {
    const [a, b, bias] = inputs as [Tensor, Tensor, Tensor | undefined];
    const turns = [
      ...(params.transposeA ? [swapped('i0', a.dims)] : []),
      ...(params.transposeB ? [swapped('i1', b.dims)] : []),
    ];
    const operands = [params.transposeA ? 'i0t' : 'i0', params.transposeB ? 'i1t' : 'i1'];
    const product = node('MatMul', operands, bias ? 'product' : 'unbounded');
    const sum = bias ? [node('Add', ['product', 'i2'], 'unbounded')] : [];
    const { node: clip, constants } = bounded(params);
    return { nodes: [...turns, product, ...sum, clip], constants };
  },
  AveragePool: ({ params, inputs, output }) => {
    const shape = { x: [...inputs[0]!.dims], y: [...output.dims], window: params };
    const attributes = { ...poolAttributes(shape), count_include_pad: params.countIncludePad };
    return { nodes: channelsFirst(node('AveragePool', ['i0'], 'y', attributes), ['i0']) };
  },
  Lrn: ({ params, inputs }) => {
    const { size, alpha, beta, bias } = params;
    const attributes = {
      size,
      alpha: { float: alpha },
      beta: { float: beta },
      bias: { float: bias },
    };
    // Any rank becomes [rows, channels, 1, 1].
    const { dims } = inputs[0]!;
    const rows = elementCount(dims.slice(0, -1));
    return {
      constants: { rows: int64s([rows, dims.at(-1)!, 1, 1]), whole: int64s(dims) },
      nodes: [
        node('Reshape', ['i0', 'rows'], 'x'),
        node('LRN', ['x'], 'normalized', attributes),
        node('Reshape', ['normalized', 'whole']),
      ],
    };
  },
  Binary: ({ params }) => ({ nodes: [node(nameOf(binaryKinds, params.kind), ['i0', 'i1'])] }),
  Unary: ({ params }) => {
    const { alpha, beta } = params;
    const name = nameOf(unaryKinds, params.kind);
    const constants = { alpha: float(alpha), beta: float(beta) };
    if (name === 'Clip') return { nodes: [node(name, ['i0', 'alpha', 'beta'])], constants };
    if (name === 'GeluTanh') return { nodes: [node('Gelu', ['i0'], 'y', { approximate: 'tanh' })] };
    if (name === 'Affine') {
      return { nodes: [node('Mul', ['i0', 'alpha'], 'm'), node('Add', ['m', 'beta'])], constants };
    }
    if (name === 'ScaledTanh') {
      const nodes = [node('Mul', ['i0', 'beta'], 'm'), node('Tanh', ['m'], 't')];
      return { nodes: [...nodes, node('Mul', ['t', 'alpha'])], constants };
    }
    const attributes: Record<string, { float: number }> = {
      ...(['LeakyRelu', 'Elu', 'HardSigmoid', 'ThresholdedRelu'].includes(name) && {
        alpha: { float: alpha },
      }),
      ...(name === 'HardSigmoid' && { beta: { float: beta } }),
    };
    return { nodes: [node(name, ['i0'], 'y', attributes)] };
  },
  LayerNorm: ({ params, inputs }) => {
    const [x, scale, bias, residual] = names(inputs);
    const sum = residual === undefined ? x! : 'sum';
    return {
      nodes: [
        ...(residual === undefined ? [] : [node('Add', [x!, residual], sum)]),
        node('LayerNormalization', [sum, scale!, ...(bias ? [bias] : [])], 'y', {
          axis: -1,
          epsilon: { float: params.epsilon },
        }),
      ],
    };
  },
  Attention: ({ params: { heads, scale }, inputs }) => {
    const perm = [0, 2, 1, 3];
    const split = (i: number, axes: number[]) => [
      node('Reshape', [`i${i}`, 'split'], `s${i}`),
      node('Transpose', [`s${i}`], `t${i}`, { perm: axes }),
    ];
    return {
      nodes: [
        ...[...split(0, perm), ...split(1, [0, 2, 3, 1]), ...split(2, perm)],
        node('MatMul', ['t0', 't1'], 'product'),
        node('Mul', ['product', 'scale'], 'scaled'),
        ...(inputs[3] ? [node('Add', ['scaled', 'i3'], 'masked')] : []),
        node('Softmax', [inputs[3] ? 'masked' : 'scaled'], 'weights', { axis: -1 }),
        node('MatMul', ['weights', 't2'], 'sums'),
        node('Transpose', ['sums'], 'turned', { perm }),
        node('Reshape', ['turned', 'join'], 'y'),
      ],
      constants: {
        split: int64s([0, 0, heads, -1]),
        join: int64s([0, 0, -1]),
        scale: float(scale),
      },
    };
  },
  Softmax: () => ({ nodes: [node('Softmax', ['i0'], 'y', { axis: -1 })] }),
  Reduce: ({ params, inputs }) => {
    const axes = [...inputs[0]!.dims.keys()].filter((axis) => params.axes[axis] === 1);
    const attributes = { keepdims: 1, noop_with_empty_axes: 1 };
    return {
      nodes: [node(`Reduce${nameOf(reduceKinds, params.kind)}`, ['i0', 'axes'], 'y', attributes)],
      constants: { axes: int64s(axes) },
    };
  },
  Concat: ({ params, inputs }) => ({
    nodes: [node('Concat', names(inputs), 'y', { axis: params.axis })],
  }),
  Transpose: ({ params, output }) => ({
    nodes: [node('Transpose', ['i0'], 'y', { perm: params.perm.slice(0, output.dims.length) })],
  }),
  Slice: ({ params, output }) => {
    const rank = output.dims.length;
    const [starts, steps] = [params.starts.slice(0, rank), params.steps.slice(0, rank)];
    // An end before the first cell is written as minus infinity would be.
    const ends = starts.map((start, axis) => {
      const end = start + output.dims[axis]! * steps[axis]!;
      return end < 0 ? -(2 ** 31) : end;
    });
    return {
      nodes: [node('Slice', ['i0', 'starts', 'ends', 'axes', 'steps'])],
      constants: {
        starts: int64s(starts),
        ends: int64s(ends),
        axes: int64s([...output.dims.keys()]),
        steps: int64s(steps),
      },
    };
  },
  Pad: ({ params, inputs, output }) => {
    const { dims, type } = inputs[0]!;
    const before = params.before.slice(0, dims.length);
    const after = dims.map((dim, axis) => output.dims[axis]! - dim - before[axis]!);
    const data = viewOf(type, new ArrayBuffer(8), 0, 1) as unknown as (number | bigint)[];
    data[0] = type.endsWith('int64') ? BigInt(params.value) : params.value;
    return {
      nodes: [node('Pad', ['i0', 'pads', 'value'], 'y', { mode: nameOf(padModes, params.mode) })],
      constants: {
        pads: int64s([...before, ...after]),
        value: { type, dims: [], data: data as never },
      },
    };
  },
  Cast: ({ output }) => ({ nodes: [node('Cast', ['i0'], 'y', { to: onnxTypes[output.type]! })] }),
};

/** TensorProto.DataType of the types a Cast is tried on. */
export const onnxTypes: Partial<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
  uint32: 12,
  uint64: 13,
};
