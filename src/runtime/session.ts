/**
 * Inference sessions: a model on a backend, ready to run. A plan is made for each set of input dims that
 * comes by, and the ones last used are kept.
 */
import type { Backend, BackendModel } from '../backends/backend.js';
import { type BackendReport, selectBackend } from '../backends/select.js';
import { OctavoError } from '../core/errors.js';
import type { Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { sourceOf, storageOf } from '../core/turned.js';
import { nextTurn } from '../core/turns.js';
import type { Graph } from '../graph/ir.js';
import { loadModelInto, type Model } from '../onnx/model.js';
import {
  type CheckedFeeds,
  checkFeeds,
  describeInputs,
  describeOutputs,
  type Feeds,
  keyOf,
  type PortInfo,
  resultsOf,
} from './feeds.js';
import {
  checkProfileOptions,
  checkRunOptions,
  checkSessionOptions,
  type ProfileOptions,
  type RunOptions,
  type SessionOptions,
} from './options.js';
import { type Profile, profileOf } from './profile.js';
import { createProgramInTurns, type Program } from './program.js';
import { RecentlyUsed } from './recentlyUsed.js';
import { copiesOf, keepingRunners, type StageContext, StageRunner } from './stageRunner.js';

export { describeInputs, describeOutputs, type Feeds, type PortInfo } from './feeds.js';
export type { ProfileOptions, RunOptions, SessionOptions } from './options.js';
export type { OperatorProfile, Profile, StepProfile } from './profile.js';

const defaultMaxPlans = 64;

type Tensors = ReadonlyMap<string, Tensor>;

/** What a session is made of. */
interface SessionParts {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  readonly backend: Backend;
  readonly report: BackendReport;
  readonly program: Program;
  readonly maxPlans: number;
  /** Whether nobody else has the graph and its constants. */
  readonly isOwn: boolean;
}

/**
 * A model, loaded and ready. Any number of runs may be under way at once. `dispose()` frees what it
 * holds outside the JavaScript heap; runs under way end first, later ones throw `DISPOSED`.
 */
export class InferenceSession {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  /** Name, instruction set and threads of the backend in force. */
  readonly backend: Pick<Backend, 'name' | 'isa' | 'threads'>;
  /** Why it is that one. */
  readonly report: BackendReport;
  /** Undefined where the only plan there can be is prepared: it holds the graph and its weights. */
  readonly #program: Program | undefined;
  readonly #model: BackendModel;
  readonly #stages: StageContext;
  /** First stages by input dims. */
  readonly #plans: RecentlyUsed<StageRunner>;
  /** Those that are being prepared. */
  readonly #coming = new Map<string, Promise<StageRunner>>();
  #disposed = false;
  #running = 0;

  private constructor(parts: SessionParts) {
    const { inputs, outputs, backend, report, program, maxPlans, isOwn } = parts;
    this.inputs = inputs;
    this.outputs = outputs;
    const { name, isa, threads } = backend;
    this.backend = { name, isa, threads };
    this.report = report;
    this.#model = backend.open(program.constants);
    this.#stages = { model: this.#model, isOwn, mostPlans: maxPlans };
    this.#plans = new RecentlyUsed(keepingRunners(maxPlans));
    this.#program = program.isSingle ? undefined : program;
  }

  /** @internal Sessions are made by `create` and `createSession`. `own`: memory of constants that nobody else has. */
  static async open(parts: SessionParts, own: readonly ArrayBuffer[]): Promise<InferenceSession> {
    const session = new InferenceSession(parts);
    if (parts.program.isSingle) await session.#prepareOnly(parts.program, own);
    return session;
  }

  /**
   * Loads a model, from a path, the bytes of an ONNX file, or as `loadModel` gave it. The event loop turns between the
   * passes that prepare the graph. The native backend packs weights off it, unless `loadModel` gave them, on the threads
   * that a run may use.
   *
   * Throws `INVALID_ARGUMENT` (an option that is unknown or makes no sense), what `loadModel` throws,
   * `UNSUPPORTED_OPERATOR`, `INVALID_QUANTIZATION`, `LIMIT_EXCEEDED`, `NO_MATCH`, `BACKEND_UNAVAILABLE`.
   */
  static async create(
    source: Model | string | URL | Uint8Array | ArrayBuffer,
    options: SessionOptions = {},
  ): Promise<InferenceSession> {
    checkSessionOptions(options);
    const externalData = options.externalData?.map(({ path, data }) => [path, data] as const);
    const selecting = selectFor(options);
    const allocate = async (bytes: number) => {
      const { backend } = await selecting;
      return backend.allocate?.(bytes) ?? new Uint8Array(bytes);
    };
    const loading = loadModelInto(allocate, source, {
      limits: options.limits,
      externalData: externalData && new Map(externalData),
    });
    const [selection, model] = await Promise.all([selecting, loading]);
    return openSession(model.graph, options, selection, model !== source);
  }

  /**
   * Runs the model once. Feeds are copied before this returns, and may be changed at once. Resolves to
   * tensors by output name. The native backend computes off the event loop, but for what takes less than 0.5 ms, which it
   * does in the loop's next turn. The first run with new dims waits until a plan is prepared, also if it is aborted.
   *
   * Rejects with `INVALID_INPUT` naming the feed, `ABORTED`, `DISPOSED`, `INVALID_ARGUMENT` for an
   * unknown option or output, and, for dims that are new, `UNSUPPORTED_OPERATOR` and `LIMIT_EXCEEDED`.
   */
  async run(feeds: Feeds, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    const wanted = this.#wantedOutputs(options);
    const checked = this.#check(feeds);
    this.#running++;
    try {
      const { signal } = options;
      const start = (runner: StageRunner, tensors: Tensors) => runner.run(tensors, { signal });
      const { outputs, data } = await this.#withRunner(checked, start);
      return resultsOf(outputs, data, wanted);
    } finally {
      this.#running--;
      this.#release();
    }
  }

  /** The same, holding the calling thread; takes no signal. */
  runSync(feeds: Feeds, options: Omit<RunOptions, 'signal'> = {}): Record<string, Tensor> {
    if ((options as RunOptions).signal !== undefined) {
      throw new OctavoError('INVALID_ARGUMENT', 'runSync() cannot be aborted', { where: 'signal' });
    }
    const wanted = this.#wantedOutputs(options);
    const { tensors, dims, key } = this.#check(feeds);
    const prepare = () => StageRunner.prepare(this.#stages, this.#program!.specialize(dims));
    const { outputs, data } = this.#plans.get(key, prepare).runSync(tensors);
    return resultsOf(outputs, data, wanted);
  }

  /**
   * Where the time of a run goes: runs the model `warmUp` (3) and `runs` (10) times, off the event loop as `run` does,
   * and resolves to the median time of each step. Rejects as `run` does, and with `INVALID_ARGUMENT` for a number of
   * runs that is none.
   */
  async profile(feeds: Feeds, options: ProfileOptions = {}): Promise<Profile> {
    checkProfileOptions(options);
    const { runs = 10, warmUp = 3, signal } = options;
    const checked = this.#check(feeds);
    const { name: backend, isa, threads } = this.backend;
    this.#running++;
    try {
      const start = (runner: StageRunner, tensors: Tensors) =>
        runner.profile(tensors, { runs, warmUp, signal });
      const times = await this.#withRunner(checked, start);
      return profileOf(times, { backend, isa, threads, runs });
    } finally {
      this.#running--;
      this.#release();
    }
  }

  /** Frees plans and weights. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#plans.clear();
    this.#release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
    return Promise.resolve();
  }

  /** Where no dim is free the first run finds all as it will be, and of the model's memory only what plans read is kept. */
  async #prepareOnly(program: Program, own: readonly ArrayBuffer[]): Promise<void> {
    const dims = new Map(this.inputs.map(({ name, dims }) => [name, dims as Shape]));
    try {
      const runner = await StageRunner.prepareAside(this.#stages, program.specialize(dims));
      this.#plans.add(keyOf(dims), runner);
    } catch (error) {
      this.#model.dispose();
      throw error;
    }
    this.#model.seal(own);
  }

  /** A run under way may have stages to prepare yet: the model goes when the last one has ended. */
  #release(): void {
    if (!this.#disposed || this.#running > 0) return;
    this.#plans.clear();
    this.#model.dispose();
  }

  #wantedOutputs(options: RunOptions): ReadonlySet<string> | undefined {
    checkRunOptions(options);
    if (options.outputs === undefined) return undefined;
    const names = new Set(this.outputs.map((output) => output.name));
    const unknown = options.outputs.find((name) => !names.has(name));
    if (unknown === undefined) return new Set(options.outputs);
    throw new OctavoError('INVALID_ARGUMENT', 'the model has no such output', {
      where: unknown,
      expected: [...names].join(', '),
    });
  }

  #check(feeds: Feeds): CheckedFeeds {
    if (this.#disposed) throw new OctavoError('DISPOSED', 'the session was disposed of');
    return checkFeeds(feeds, this.inputs);
  }

  /** Calls `start` with the first stage for these feeds: at once where it is prepared, else with copies of them. */
  #withRunner<T>(
    { tensors, dims, key }: CheckedFeeds,
    start: (runner: StageRunner, tensors: Tensors) => Promise<T>,
  ): Promise<T> {
    const known = this.#plans.find(key);
    if (known !== undefined) return start(known, tensors);
    const copies = copiesOf(tensors);
    const runner = this.#coming.get(key) ?? this.#prepare(key, dims);
    if (runner instanceof StageRunner) return start(runner, copies);
    return runner.then((prepared) => {
      // In this order: what is kept may be dropped at once, by another run that keeps something.
      const started = start(prepared, copies);
      this.#plans.add(key, prepared);
      return started;
    });
  }

  #prepare(key: string, dims: ReadonlyMap<string, Shape>): StageRunner | Promise<StageRunner> {
    const prepared = StageRunner.prepareAside(this.#stages, this.#program!.specialize(dims));
    if (prepared instanceof StageRunner) return this.#plans.add(key, prepared);
    const coming = prepared.finally(() => this.#coming.delete(key));
    this.#coming.set(key, coming);
    return coming;
  }
}

/** A session for a graph; its outputs may be any values, under any names. */
export async function createSession(
  graph: Graph,
  options: SessionOptions = {},
): Promise<InferenceSession> {
  checkSessionOptions(options);
  return openSession(graph, options, await selectFor(options), false);
}

type Selection = Awaited<ReturnType<typeof selectBackend>>;

function selectFor({ backend, isa, intraOpNumThreads }: SessionOptions): Promise<Selection> {
  const threads = intraOpNumThreads === 0 ? undefined : intraOpNumThreads;
  return selectBackend({ backend, isa, threads });
}

/** `isOwn`: nobody else has the graph. */
async function openSession(
  graph: Graph,
  options: SessionOptions,
  { backend, report }: Selection,
  isOwn: boolean,
): Promise<InferenceSession> {
  const { maxPlans = defaultMaxPlans, limits } = options;
  await nextTurn();
  const program = await createProgramInTurns(graph, {
    limits,
    freeDimensions: options.freeDimensionOverrides,
    onPatch: options.onPatch,
  });
  const ports = { inputs: describeInputs(program.graph), outputs: describeOutputs(program.graph) };
  const own = isOwn && program.isSingle ? memoryOf(graph, program) : [];
  return InferenceSession.open({ ...ports, backend, report, program, maxPlans, isOwn }, own);
}

/** Below this it is not worth while to give memory back. */
const leastReturned = 2 ** 16;

/** The memory of a graph's constants, as they came and as the program has them. */
function memoryOf(graph: Graph, program: Program): ArrayBuffer[] {
  const held = [...[...graph.constants.values()].map(storageOf), ...program.constants.data];
  const buffers = new Set(held.map((storage) => sourceOf(storage).buffer));
  return [...buffers].filter(
    (buffer) => buffer instanceof ArrayBuffer && buffer.byteLength >= leastReturned,
  ) as ArrayBuffer[];
}
