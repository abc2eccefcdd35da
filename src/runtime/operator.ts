/**
 * What operators that stand alone have in common: constants copied when one is made, weights packed
 * once, and a plan for each type and shape of x that comes by.
 */
import type { PreparedPlan } from '../backends/backend.js';
import { selectBackend } from '../backends/select.js';
import type { DataType, TypedArray } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import type { Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import type { Attribute, Dim, Graph, ValueType } from '../graph/ir.js';
import { compile } from './compile.js';
import { checkFeeds } from './feeds.js';
import { layoutConstants } from './memory.js';
import { type Checks, checkOptions, isSignal, isText, isWholeFrom } from './options.js';
import { RecentlyUsed } from './recentlyUsed.js';
import type { StepName } from './steps.js';

interface OperatorRunOptions {
  /** Ends the run; it then rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

const runOptions: Checks<OperatorRunOptions> = { signal: [isSignal, 'an AbortSignal'] };

/** A product with fixed weights, which are copied when it is made and packed once. */
export interface Operator<X extends Tensor = Tensor> {
  /**
   * Computes off the event loop (native). `x` is copied before this returns. Rejects with `INVALID_INPUT`
   * when `x` does not fit, `LIMIT_EXCEEDED`, `ABORTED`, `DISPOSED`, and `INVALID_ARGUMENT` for an option.
   */
  run(x: X, options?: OperatorRunOptions): Promise<Tensor>;
  /** The same, blocking. */
  runSync(x: X): Tensor;
  /** Frees weights and plans. Runs under way end first, later ones throw `DISPOSED`. Idempotent. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Where an operator runs. */
export interface Placement {
  /** 'native', 'wasm' or 'reference'. Default: $OCTAVO_BACKEND, or the best that loads. */
  readonly backend?: string | undefined;
  /** Forces an instruction set, such as 'avx2'. Default: $OCTAVO_ISA, or the best there is. */
  readonly isa?: string | undefined;
  /** Threads that one run may use, from 1. Default: $OCTAVO_THREADS, or all CPUs. */
  readonly threads?: number | undefined;
}

export const placement: Checks<Placement> = {
  backend: [isText, 'a name'],
  isa: [isText, 'a name'],
  threads: [isWholeFrom(1), 'a whole number from 1'],
};

/** An operator as a graph of one input x and one output y. */
export interface OperatorForm {
  /** What its steps read besides x, by name. */
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Types that x may have. */
  readonly types: readonly DataType[];
  readonly x: readonly Dim[];
  /** The graph for x of these dims. Throws `INVALID_INPUT` when they do not suit. */
  readonly graph: (dims: Shape, type: DataType) => Graph;
  /** What the graph reads for x; the data of x themselves where absent. */
  readonly prepare?: (data: TypedArray, type: DataType) => TypedArray;
  /** The result, of what the graph wrote for x of these dims. */
  readonly finish: (
    y: TypedArray,
    dims: Shape,
  ) => { type: DataType; dims: Shape; data: TypedArray };
}

/** Plans kept per operator. */
const maxPlans = 8;

export async function createOperator<X extends Tensor>(
  form: OperatorForm,
  { backend: name, isa, threads }: Placement,
): Promise<Operator<X>> {
  // From here on the caller's arrays are but the keys of their copies.
  const space = layoutConstants(form.constants.values());
  const { backend } = await selectBackend({ backend: name, isa, threads });
  const model = backend.open(space.bytes);
  /** By type and dims of x, the one least recently used first. */
  const plans = new RecentlyUsed<PreparedPlan>({ most: maxPlans, drop: (plan) => plan.dispose() });
  let disposed = false;

  const prepare = (x: X) => {
    if (disposed) throw new OctavoError('DISPOSED', 'the operator was disposed of');
    const type = form.types.find((known) => known === x?.type) ?? form.types[0]!;
    const feeds = checkFeeds({ x }, [{ name: 'x', type, dims: form.x }]);
    const dims = feeds.dims.get('x')!;
    const key = `${type} ${feeds.key}`;
    const plan = plans.get(key, () =>
      model.prepare(compile(form.graph(dims, type), { model: space.offsets })),
    );
    const { data } = feeds.tensors.get('x')!;
    return { plan, dims, data: [form.prepare?.(data, type) ?? data] };
  };
  const finish = (dims: Shape, [y]: readonly TypedArray[]): Tensor =>
    form.finish(y!, dims) as Tensor;
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    plans.clear();
    model.dispose();
  };
  return {
    async run(x, options = {}) {
      checkOptions(options, runOptions, 'run option');
      const { plan, dims, data } = prepare(x);
      return finish(dims, await plan.run(data, options));
    },
    runSync(x) {
      const { plan, dims, data } = prepare(x);
      return finish(dims, plan.runSync(data));
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** The graph of one step that reads x and constants, '' for those it lacks. */
export function graphOfStep(
  op: StepName,
  constants: ReadonlyMap<string, Tensor>,
  names: readonly string[],
  attributes: ReadonlyMap<string, Attribute>,
  x: ValueType,
  y: ValueType,
): Graph {
  const inputs = ['x', ...names.map((name) => (constants.has(name) ? name : ''))];
  const types = new Map([
    ['x', x],
    ['y', y],
  ]);
  return {
    name: 'operator',
    inputs: ['x'],
    outputs: [{ name: 'y', value: 'y' }],
    nodes: [{ name: 'operator', op, domain: 'octavo', inputs, outputs: ['y'], attributes }],
    constants,
    types,
    opsets: new Map(),
  };
}

/** Throws `INVALID_ARGUMENT` naming the option unless there are `count` values. */
export function checkCount(
  where: string,
  values: ArrayLike<number> | undefined,
  count: number,
): void {
  if (values?.length === count) return;
  throw new OctavoError('INVALID_ARGUMENT', 'wrong number of elements', {
    where,
    expected: String(count),
    found: values === undefined ? 'none' : String(values.length),
  });
}

/** One result of an operator that is then disposed of. */
export async function once<X extends Tensor>(operator: Operator<X>, x: X): Promise<Tensor> {
  try {
    return await operator.run(x);
  } finally {
    operator.dispose();
  }
}
