/**
 * The integer matrix product and convolution on their own, for callers who bring their own graph. Both
 * are one QConv step, prepared by the same code and computed by the same kernels as whole models: so
 * they give the same bits on every backend.
 */
import type { PreparedPlan } from '../backends/backend.js';
import { selectBackend } from '../backends/select.js';
import type { TypedArray } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { formatShape, type Shape } from '../core/shape.js';
import { type Tensor, tensor } from '../core/tensor.js';
import type { Dim } from '../graph/ir.js';
import { compile } from './compile.js';
import { checkFeeds } from './feeds.js';
import { layoutConstants } from './memory.js';
import { operatorConstants, operatorGraph, outputDimsOf } from './operatorGraph.js';
import {
  type Conv2dOptions,
  describeOperator,
  type OperatorOptions,
  type OperatorSpec,
} from './operatorOptions.js';
import { type Checks, checkOptions, isSignal } from './options.js';

export type { Conv2dOptions, OperatorOptions, OutputFormat } from './operatorOptions.js';

type Activations = Tensor<'uint8'> | Tensor<'int8'>;

interface OperatorRunOptions {
  /** Ends the run; it then rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

const runOptions: Checks<OperatorRunOptions> = { signal: [isSignal, 'an AbortSignal'] };

/** A product with fixed weights, which are copied when it is made and packed once. */
export interface Operator {
  /**
   * Computes off the event loop (native). `x` is copied before this returns. Rejects with `INVALID_INPUT`
   * when `x` does not fit, `LIMIT_EXCEEDED`, `ABORTED`, `DISPOSED`, and `INVALID_ARGUMENT` for an option.
   */
  run(x: Activations, options?: OperatorRunOptions): Promise<Tensor>;
  /** The same, blocking. */
  runSync(x: Activations): Tensor;
  /** Frees weights and plans. Runs under way end first, later ones throw `DISPOSED`. Idempotent. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * Prepares y[m, n] = Σ (x[m, k] − zeroPoint) · (weight[k, n] − weightZeroPoint) + bias[n] for x [M, K]
 * with any number of rows. `weight` is int8 [K, N].
 *
 * Rejects with `INVALID_ARGUMENT` or `INVALID_TENSOR` naming the option or the weight,
 * `INVALID_QUANTIZATION` for a multiplier that is none, `LIMIT_EXCEEDED` when a sum might not fit int32,
 * and `BACKEND_UNAVAILABLE`.
 */
export async function createGemm(
  weight: Tensor<'int8'>,
  options: OperatorOptions = {},
): Promise<Operator> {
  checkWeight(weight, 2, '[K, N]');
  const [k, n] = weight.dims as [number, number];
  // A matrix product is a 1×1 convolution over a row of M pixels: weight [N, 1, 1, K].
  const data = new Int8Array(k * n);
  for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) data[j * k + i] = weight.data[i * n + j]!;
  const spec = describeOperator('gemm', { type: 'int8', dims: [n, 1, 1, k], data }, options);
  return createOperator(spec, options, {
    x: ['M', k],
    // No pixel has no place for a window, no image has.
    toImage: ([m]) => (m === 0 ? [0, 1, 1, k] : [1, 1, m!, k]),
    fromImage: ([images, , pixels]) => [images! * pixels!, n],
  });
}

/**
 * Prepares a convolution for x [N, H, W, C]: `weight` is int8 [O, KH, KW, C / groups], the result
 * [N, OH, OW, O]. All channels-last; rejects as `createGemm` does.
 */
export async function createConv2d(
  weight: Tensor<'int8'>,
  options: Conv2dOptions = {},
): Promise<Operator> {
  checkWeight(weight, 4, '[O, KH, KW, C / groups]');
  const spec = describeOperator('conv2d', weight, options);
  return createOperator(spec, options, {
    x: ['N', 'H', 'W', weight.dims[3]! * spec.groups],
    toImage: (x) => x,
    fromImage: (y) => y,
  });
}

/** One product, prepared and forgotten; see `createGemm`. */
export async function gemm(
  x: Activations,
  weight: Tensor<'int8'>,
  options?: OperatorOptions,
): Promise<Tensor> {
  return once(await createGemm(weight, options), x);
}

/** One convolution, prepared and forgotten; see `createConv2d`. */
export async function conv2d(
  x: Activations,
  weight: Tensor<'int8'>,
  options?: Conv2dOptions,
): Promise<Tensor> {
  return once(await createConv2d(weight, options), x);
}

async function once(operator: Operator, x: Activations): Promise<Tensor> {
  try {
    return await operator.run(x);
  } finally {
    operator.dispose();
  }
}

/** How callers see what is a convolution inside. */
interface View {
  /** Dims of x. */
  readonly x: readonly Dim[];
  readonly toImage: (x: Shape) => Shape;
  readonly fromImage: (y: Shape) => Shape;
}

/** A plan for x of one type and shape. */
interface OperatorPlan {
  readonly prepared: PreparedPlan;
  readonly dims: Shape;
}

/** Plans kept per operator. */
const maxPlans = 8;

async function createOperator(
  spec: OperatorSpec,
  { backend: name, isa, threads }: OperatorOptions,
  view: View,
): Promise<Operator> {
  const constants = operatorConstants(spec);
  // From here on the caller's arrays are but the keys of their copies.
  const space = layoutConstants(constants.values());
  const { backend } = await selectBackend({ backend: name, isa, threads });
  const model = backend.open(space.bytes);
  /** By type and dims of x, the one least recently used first. */
  const plans = new Map<string, OperatorPlan>();
  let disposed = false;

  const makePlan = (dims: Shape, type: 'uint8' | 'int8'): OperatorPlan => {
    const graph = operatorGraph(spec, constants, dims, type);
    const prepared = model.prepare(compile(graph, { model: space }));
    return { prepared, dims: view.fromImage(outputDimsOf(spec, dims)) };
  };
  const prepare = (x: Activations): { plan: OperatorPlan; data: readonly TypedArray[] } => {
    if (disposed) throw new OctavoError('DISPOSED', 'the operator was disposed of');
    const type = x?.type === 'int8' ? 'int8' : 'uint8';
    const feeds = checkFeeds({ x }, [{ name: 'x', type, dims: view.x }]);
    const key = `${type} ${feeds.key}`;
    const plan = plans.get(key) ?? makePlan(view.toImage(feeds.dims.get('x')!), type);
    plans.delete(key);
    plans.set(key, plan);
    if (plans.size > maxPlans) {
      const [[oldest, evicted]] = plans as unknown as [[string, OperatorPlan]];
      plans.delete(oldest);
      evicted.prepared.dispose();
    }
    return { plan, data: type === 'int8' ? [flipSigns(x.data.slice())] : feeds.data };
  };
  const finish = ({ dims }: OperatorPlan, [y]: readonly TypedArray[]): Tensor => {
    const { type } = spec.output;
    const data = type === 'int8' ? new Int8Array(flipSigns(y as Uint8Array).buffer) : y!;
    return { type, dims: [...dims], data } as Tensor;
  };
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    for (const { prepared } of plans.values()) prepared.dispose();
    plans.clear();
    model.dispose();
  };
  return {
    async run(x, options = {}) {
      checkOptions(options, runOptions, 'run option');
      const { plan, data } = prepare(x);
      return finish(plan, await plan.prepared.run(data, options));
    },
    runSync(x) {
      const { plan, data } = prepare(x);
      return finish(plan, plan.prepared.runSync(data));
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** Turns int8 to the uint8 that is 128 more, or back, where it lies. `data` is all of its buffer. */
function flipSigns({ buffer, length }: Int8Array | Uint8Array): Uint8Array {
  const words = new Uint32Array(buffer, 0, length >> 2);
  for (let i = 0; i < words.length; i++) words[i]! ^= 0x80808080;
  const bytes = new Uint8Array(buffer);
  for (let i = words.length * 4; i < length; i++) bytes[i]! ^= 0x80;
  return bytes;
}

function checkWeight(weight: Tensor<'int8'>, rank: number, form: string): void {
  if (weight?.type !== 'int8' || weight.dims?.length !== rank || weight.data?.length === 0) {
    const found = weight?.dims === undefined ? 'no tensor' : formatShape([...weight.dims]);
    throw new OctavoError('INVALID_ARGUMENT', 'weight of the wrong form', {
      where: 'weight',
      expected: `int8 ${form}`,
      found: `${weight?.type ?? ''} ${found}`.trim(),
    });
  }
  tensor('int8', weight.data, weight.dims, 'weight');
}
