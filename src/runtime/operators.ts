/**
 * The integer matrix product and convolution on their own, for callers who bring their own graph. Both
 * are one QConv step, prepared by the same code and computed by the same kernels as whole models: so
 * they give the same bits on every backend.
 */

import type { BackendModel, PreparedPlan } from '../backends/backend.js';
import { selectBackend } from '../backends/select.js';
import type { DataType } from '../core/dtype.js';
import { OctavoError, throwIfAborted } from '../core/errors.js';
import { formatShape, type Shape, sameShape } from '../core/shape.js';
import { type Tensor, tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import type { Attribute, Graph } from '../graph/ir.js';
import { compile } from './compile.js';

/**
 * What becomes of the int32 accumulators. `multiplier` is one number or one per output channel:
 * scale(x) · scale(w) / scale(y) for integer results, scale(x) · scale(w) for float32.
 */
export type OutputFormat =
  | { readonly type: 'int32' }
  | {
      readonly type: 'uint8' | 'int8';
      readonly multiplier: number | Float32Array;
      /** Default 0. */
      readonly zeroPoint?: number;
      /** Clamp, in integers of the type; a folded ReLU is `min: zeroPoint`. Default the type's range. */
      readonly min?: number;
      readonly max?: number;
    }
  | {
      readonly type: 'float32';
      readonly multiplier: number | Float32Array;
      readonly min?: number;
      readonly max?: number;
    };

export interface OperatorOptions {
  readonly output?: OutputFormat;
  /** Zero point of the activations. Default 0. */
  readonly zeroPoint?: number;
  /** Zero point of the weights: one, or one per output channel. Default 0. */
  readonly weightZeroPoint?: number | Int32Array;
  /** int32, one per output channel, added to the accumulators. */
  readonly bias?: Int32Array;
  readonly backend?: string;
  readonly isa?: string;
  readonly threads?: number;
}

export interface Conv2dOptions extends OperatorOptions {
  /** [vertical, horizontal]; default [1, 1]. */
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  /** [top, left, bottom, right], filled with the zero point; default none. */
  readonly pads?: readonly [number, number, number, number];
  readonly groups?: number;
}

type Activations = Tensor<'uint8'> | Tensor<'int8'>;

/** A product with fixed weights, which are packed once. */
export interface Operator {
  /** Computes off the event loop (native). Throws `INVALID_INPUT` when `x` does not fit. */
  run(x: Activations, options?: { readonly signal?: AbortSignal }): Promise<Tensor>;
  /** The same, blocking. */
  runSync(x: Activations): Tensor;
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * Prepares y[m, n] = Σ (x[m, k] − zeroPoint) · (weight[k, n] − weightZeroPoint) + bias[n] for x of any
 * number of rows. `weight` is int8 [K, N].
 */
export function createGemm(
  weight: Tensor<'int8'>,
  options: OperatorOptions = {},
): Promise<Operator> {
  checkWeight(weight, 2, '[K, N]');
  const [k, n] = weight.dims as [number, number];
  // A matrix product is a 1×1 convolution over M pixels: weight [N, 1, 1, K].
  const data = new Int8Array(k * n);
  for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) data[j * k + i] = weight.data[i * n + j]!;
  return createOperator({ type: 'int8', dims: [n, 1, 1, k], data }, options, {
    inputDims(x) {
      if (x.length !== 2 || x[1] !== k) throw misfit(`[M, ${k}]`, x);
      return [1, 1, x[0]!, k];
    },
    outputDims: (y) => [y[2]!, y[3]!],
  });
}

/**
 * Prepares a convolution for x [N, H, W, C]: `weight` is int8 [O, KH, KW, C / groups], the result
 * [N, OH, OW, O]. All channels-last.
 */
export function createConv2d(
  weight: Tensor<'int8'>,
  options: Conv2dOptions = {},
): Promise<Operator> {
  checkWeight(weight, 4, '[O, KH, KW, C / groups]');
  const groups = options.groups ?? 1;
  const channels = weight.dims[3]! * groups;
  return createOperator(weight, options, {
    inputDims(x) {
      if (x.length !== 4 || x[3] !== channels) throw misfit(`[N, H, W, ${channels}]`, x);
      return x;
    },
    outputDims: (y) => y,
  });
}

/** One product, prepared and forgotten; see `createGemm`. */
export async function gemm(
  x: Activations,
  weight: Tensor<'int8'>,
  options?: OperatorOptions,
): Promise<Tensor> {
  const operator = await createGemm(weight, options);
  try {
    return await operator.run(x);
  } finally {
    operator.dispose();
  }
}

/** One convolution, prepared and forgotten; see `createConv2d`. */
export async function conv2d(
  x: Activations,
  weight: Tensor<'int8'>,
  options?: Conv2dOptions,
): Promise<Tensor> {
  const operator = await createConv2d(weight, options);
  try {
    return await operator.run(x);
  } finally {
    operator.dispose();
  }
}

interface View {
  /** Dims of the step's x for a caller's x; throws `INVALID_INPUT`. */
  readonly inputDims: (x: Shape) => Shape;
  readonly outputDims: (y: Shape) => Shape;
}

/** Plans kept per operator, one for each shape of x. */
const maxPlans = 8;

async function createOperator(
  weight: Tensor<'int8'>,
  options: Conv2dOptions,
  view: View,
): Promise<Operator> {
  const spec = describeOperator(weight, options);
  const { backend } = await selectBackend({
    backend: options.backend,
    isa: options.isa,
    threads: options.threads,
  });
  const model: BackendModel = backend.open(new Uint8Array(64));
  const plans = new Map<string, { plan: PreparedPlan; dims: Shape }>();
  let disposed = false;

  const prepare = (x: Activations): { plan: PreparedPlan; dims: Shape; data: Uint8Array } => {
    if (disposed) throw new OctavoError('DISPOSED', 'the operator has been disposed');
    const checked = tensor<'uint8' | 'int8'>(x.type, x.data as Uint8Array & Int8Array, x.dims, 'x');
    const dims = view.inputDims(checked.dims);
    const key = `${x.type} ${dims.join()}`;
    let entry = plans.get(key);
    if (entry === undefined) {
      const graph = operatorGraph(spec, weight, dims, x.type);
      const made = model.prepare(compile(graph));
      entry = { plan: made, dims: outputDimsOf(spec, weight.dims, dims) };
      const [oldest] = plans.keys();
      if (plans.size >= maxPlans && oldest !== undefined) {
        plans.get(oldest)!.plan.dispose();
        plans.delete(oldest);
      }
      plans.set(key, entry);
    }
    return { ...entry, data: x.type === 'int8' ? flipSign(x.data) : (x.data as Uint8Array) };
  };
  const finish = (data: unknown, dims: Shape): Tensor => {
    const { type } = spec.output;
    const values = type === 'int8' ? new Int8Array(flipSign(data as Uint8Array).buffer) : data;
    return { type, dims: view.outputDims(dims), data: values } as Tensor;
  };
  const dispose = (): void => {
    disposed = true;
    for (const { plan } of plans.values()) plan.dispose();
    plans.clear();
    model.dispose();
  };
  return {
    async run(x, { signal } = {}) {
      throwIfAborted(signal, 'run');
      const { plan, dims, data } = prepare(x);
      const [y] = await plan.run([data], { signal });
      return finish(y, dims);
    },
    runSync(x) {
      const { plan, dims, data } = prepare(x);
      return finish(plan.runSync([data])[0], dims);
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

interface OperatorSpec {
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
  readonly zeroPoint: number;
  readonly output: OutputFormat;
  readonly multiplier: Float32Array;
  readonly bias: Int32Array | undefined;
  readonly weightZero: Int32Array | undefined;
}

function describeOperator(weight: Tensor<'int8'>, options: Conv2dOptions): OperatorSpec {
  const channels = weight.dims[0]!;
  const { strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], groups = 1 } = options;
  positive('strides', strides, 2, 1);
  positive('dilations', dilations, 2, 1);
  positive('pads', pads, 4, 0);
  positive('groups', [groups], 1, 1);
  if (channels % groups !== 0) {
    throw new OctavoError('INVALID_ARGUMENT', 'groups do not divide the output channels', {
      where: 'groups',
      found: `${groups} groups, ${channels} channels`,
    });
  }
  const output = options.output ?? { type: 'int32' };
  if (!['int32', 'uint8', 'int8', 'float32'].includes(output.type)) {
    throw new OctavoError('INVALID_ARGUMENT', 'unknown output type', {
      where: 'output.type',
      expected: 'int32, uint8, int8 or float32',
      found: String(output.type),
    });
  }
  const multiplier = spread(
    'output.multiplier',
    output.type === 'int32' ? 1 : output.multiplier,
    channels,
    Float32Array,
  );
  if (!multiplier.every((value) => value > 0 && Number.isFinite(value))) {
    throw new OctavoError('INVALID_QUANTIZATION', 'multipliers must be positive and finite', {
      where: 'output.multiplier',
    });
  }
  const { weightZeroPoint = 0, bias } = options;
  const weightZero = spread('weightZeroPoint', weightZeroPoint, channels, Int32Array);
  return {
    strides,
    dilations,
    pads,
    groups,
    zeroPoint: options.zeroPoint ?? 0,
    output,
    multiplier,
    bias: bias && spread('bias', bias, channels, Int32Array),
    weightZero: weightZero.some((value) => value !== 0) ? weightZero : undefined,
  };
}

function operatorGraph(
  spec: OperatorSpec,
  weight: Tensor<'int8'>,
  inputDims: Shape,
  inputType: 'uint8' | 'int8',
): Graph {
  const { strides, dilations, pads, groups, output } = spec;
  const outputDims = outputDimsOf(spec, weight.dims, inputDims);
  const signedInput = inputType === 'int8';
  const shift = output.type === 'int8' ? 128 : 0;
  const isInteger = output.type === 'uint8' || output.type === 'int8';
  const zeroPoint = inRange('zeroPoint', spec.zeroPoint + (signedInput ? 128 : 0), 0, 255);
  const lowest = isInteger ? (output.min ?? -shift) + shift : 0;
  const highest = isInteger ? (output.max ?? 255 - shift) + shift : 0;
  const attributes: Record<string, Attribute> = {
    strideH: attribute.int(strides[0]),
    strideW: attribute.int(strides[1]),
    dilationH: attribute.int(dilations[0]),
    dilationW: attribute.int(dilations[1]),
    padTop: attribute.int(pads[0]),
    padLeft: attribute.int(pads[1]),
    groups: attribute.int(groups),
    xZero: attribute.int(zeroPoint),
    yZero: attribute.int(
      isInteger ? inRange('output.zeroPoint', (output.zeroPoint ?? 0) + shift, 0, 255) : 0,
    ),
    min: attribute.int(inRange('output.min', lowest, 0, 255)),
    max: attribute.int(inRange('output.max', highest, 0, 255)),
    lower: attribute.float(
      output.type === 'float32'
        ? (output.min ?? Number.NEGATIVE_INFINITY)
        : Number.NEGATIVE_INFINITY,
    ),
    upper: attribute.float(
      output.type === 'float32'
        ? (output.max ?? Number.POSITIVE_INFINITY)
        : Number.POSITIVE_INFINITY,
    ),
  };
  const channels = weight.dims[0]!;
  const constants = new Map<string, Tensor>([
    ['weight', weight],
    ['multiplier', { type: 'float32', dims: [channels], data: spec.multiplier }],
  ]);
  if (spec.bias) constants.set('bias', { type: 'int32', dims: [channels], data: spec.bias });
  if (spec.weightZero) {
    constants.set('weightZero', { type: 'int32', dims: [channels], data: spec.weightZero });
  }
  const yType: DataType = output.type === 'int8' ? 'uint8' : output.type;
  return {
    name: 'operator',
    inputs: ['x'],
    outputs: [{ name: 'y', value: 'y' }],
    nodes: [
      {
        name: 'operator',
        op: 'QConv',
        domain: 'octavo',
        inputs: [
          'x',
          'weight',
          spec.bias ? 'bias' : '',
          'multiplier',
          spec.weightZero ? 'weightZero' : '',
        ],
        outputs: ['y'],
        attributes: new Map(Object.entries(attributes)),
      },
    ],
    constants,
    types: new Map([
      ['x', { type: 'uint8', dims: inputDims }],
      ['y', { type: yType, dims: outputDims }],
    ]),
    opsets: new Map(),
  };
}

function outputDimsOf(spec: OperatorSpec, weight: Shape, x: Shape): number[] {
  const { strides, dilations, pads } = spec;
  const size = (axis: 0 | 1): number => {
    const reach = dilations[axis] * (weight[axis + 1]! - 1) + 1;
    const padded = x[axis + 1]! + pads[axis] + pads[(axis + 2) as 2 | 3];
    if (padded < reach) throw misfit(`an extent of at least ${reach}`, x);
    return Math.floor((padded - reach) / strides[axis]) + 1;
  };
  return [x[0]!, size(0), size(1), weight[0]!];
}

/** int8 as the uint8 that is 128 more, or back. */
function flipSign(data: Int8Array | Uint8Array): Uint8Array {
  const flipped = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) flipped[i] = data[i]! ^ 0x80;
  return flipped;
}

function checkWeight(weight: Tensor<'int8'>, rank: number, form: string): void {
  const checked = tensor('int8', weight.data, weight.dims, 'weight');
  if (weight.type !== 'int8' || checked.dims.length !== rank || checked.data.length === 0) {
    throw new OctavoError('INVALID_ARGUMENT', 'weight of the wrong form', {
      where: 'weight',
      expected: `int8 ${form}`,
      found: `${weight.type} ${formatShape(weight.dims)}`,
    });
  }
}

function spread<A extends Float32Array | Int32Array>(
  where: string,
  value: number | A,
  count: number,
  kind: new (length: number) => A,
): A {
  if (typeof value === 'number') return new kind(count).fill(value) as A;
  if (!(value instanceof kind) || !sameShape([value.length], [count])) {
    throw new OctavoError('INVALID_ARGUMENT', 'one value per output channel is needed', {
      where,
      expected: `${kind.name} of ${count}`,
      found: `${Object.prototype.toString.call(value).slice(8, -1)} of ${value.length}`,
    });
  }
  return value;
}

function positive(where: string, values: readonly number[], count: number, least: number): void {
  const fits = (value: number) => Number.isInteger(value) && value >= least && value < 2 ** 31;
  if (values.length !== count || !values.every(fits)) {
    throw new OctavoError('INVALID_ARGUMENT', 'bad value', {
      where,
      expected: `${count} whole numbers from ${least}`,
      found: values.join(', '),
    });
  }
}

function inRange(where: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new OctavoError('INVALID_ARGUMENT', 'out of the range of its type', { where });
  }
  return value;
}

function misfit(expected: string, found: Shape): OctavoError {
  return new OctavoError('INVALID_INPUT', 'the shape does not fit the weight', {
    where: 'x',
    expected,
    found: formatShape(found),
  });
}
