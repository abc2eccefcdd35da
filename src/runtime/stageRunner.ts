/**
 * Runs the stages of a model on a backend. A stage is prepared when it is first reached; those behind it are kept by
 * the values that they were made for, the ones last used.
 */
import type { BackendModel, PreparedPlan, RunPlanOptions } from '../backends/backend.js';
import type { DataType, TypedArray } from '../core/dtype.js';
import type { Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import type { Plan, PlanPort } from './plan.js';
import { type TimedStep, timedSteps } from './profile.js';
import type { NextStage, Stage } from './program.js';
import { RecentlyUsed, type RecentlyUsedOptions } from './recentlyUsed.js';

export interface StageOutput {
  readonly name: string;
  readonly type: DataType;
  readonly dims: Shape;
}

export interface StageResults {
  readonly outputs: readonly StageOutput[];
  readonly data: readonly TypedArray[];
}

export interface ProfileRuns {
  readonly runs: number;
  readonly warmUp: number;
  readonly signal?: AbortSignal | undefined;
}

/** Activations of plans that are kept, in bytes: a long tail of input dims is not to fill the memory. */
const mostArenaBytes = 2 ** 28;

/** How runners are kept by what they were made for, the ones last used. */
export function keepingRunners(most: number): RecentlyUsedOptions<StageRunner> {
  return {
    most,
    mostWeight: mostArenaBytes,
    weightOf: (runner) => runner.arenaBytes,
    drop: (runner) => runner.dispose(),
  };
}

/** What all stages of a model are prepared with. */
export interface StageContext {
  readonly model: BackendModel;
  /** Whether nobody else has the model's constants, so that plans can be prepared off the event loop. */
  readonly isOwn: boolean;
  /** Plans that each stage keeps for the next one. */
  readonly mostPlans: number;
}

export class StageRunner {
  /** What a run of this stage takes for activations. */
  readonly arenaBytes: number;

  readonly #context: StageContext;
  readonly #prepared: PreparedPlan;
  readonly #plan: Pick<Plan, 'tensors' | 'steps'>;
  readonly #inputs: readonly PlanPort[];
  readonly #outputs: readonly StageOutput[];
  readonly #next: NextStage | undefined;
  readonly #later: RecentlyUsed<StageRunner>;
  #disposed = false;
  /** Runs that are in this stage or in one behind it. */
  #users = 0;

  static prepare(context: StageContext, stage: Stage): StageRunner {
    return new StageRunner(context, stage, context.model.prepare(stage.plan));
  }

  /** The same, off the event loop where that can be. */
  static prepareAside(context: StageContext, stage: Stage): StageRunner | Promise<StageRunner> {
    const { model, isOwn } = context;
    if (!isOwn || model.prepareAside === undefined) return StageRunner.prepare(context, stage);
    const preparing = model.prepareAside(stage.plan);
    return preparing.then((prepared) => new StageRunner(context, stage, prepared));
  }

  private constructor(context: StageContext, { plan, next }: Stage, prepared: PreparedPlan) {
    this.#context = context;
    this.#prepared = prepared;
    this.arenaBytes = plan.arenaBytes;
    this.#plan = { tensors: plan.tensors, steps: plan.steps };
    this.#inputs = plan.inputs;
    this.#outputs = plan.outputs.map(({ name, tensor }) => ({ ...plan.tensors[tensor]!, name }));
    this.#next = next;
    this.#later = new RecentlyUsed(keepingRunners(context.mostPlans));
  }

  /** Feeds by name, whose data are copied before this returns. */
  async run(feeds: ReadonlyMap<string, Tensor>, options: RunPlanOptions): Promise<StageResults> {
    // The backend copies what a stage reads; what later ones read is copied here.
    const values = this.#next === undefined ? new Map(feeds) : copiesOf(feeds);
    const used: StageRunner[] = [];
    try {
      for (let runner = this.#enter(used); ; ) {
        const data = await runner.#prepared.run(runner.#inputsOf(values), options);
        if (runner.#next === undefined) return { outputs: runner.#outputs, data };
        runner = await runner.#enterNext(values, data, used);
      }
    } finally {
      StageRunner.#leaveAll(used);
    }
  }

  runSync(feeds: ReadonlyMap<string, Tensor>): StageResults {
    const values = new Map(feeds);
    const used: StageRunner[] = [];
    try {
      for (let runner = this.#enter(used); ; ) {
        const data = runner.#prepared.runSync(runner.#inputsOf(values));
        if (runner.#next === undefined) return { outputs: runner.#outputs, data };
        const { key, make } = runner.#nextStage(values, data);
        const prepare = () => StageRunner.prepare(runner.#context, make());
        runner = runner.#later.get(key, prepare).#enter(used);
      }
    } finally {
      StageRunner.#leaveAll(used);
    }
  }

  /** Median times of the steps of all stages, over `runs` runs behind `warmUp` more. */
  async profile(
    feeds: ReadonlyMap<string, Tensor>,
    { runs, warmUp, signal }: ProfileRuns,
  ): Promise<TimedStep[]> {
    const values = copiesOf(feeds);
    const steps: TimedStep[] = [];
    const used: StageRunner[] = [];
    try {
      for (let runner = this.#enter(used); ; ) {
        const inputs = runner.#inputsOf(values);
        const times = await runner.#prepared.profile(inputs, warmUp + runs, { signal });
        steps.push(...timedSteps(runner.#plan, times, warmUp));
        if (runner.#next === undefined) return steps;
        const results = await runner.#prepared.run(inputs, { signal });
        runner = await runner.#enterNext(values, results, used);
      }
    } finally {
      StageRunner.#leaveAll(used);
    }
  }

  /** Frees the plans of this stage and those behind it, once no run is in them any more. */
  dispose(): void {
    this.#disposed = true;
    this.#freeIfUnused();
  }

  /** A run that is in a stage stays in it to its end, so that what it prepares further on is kept, and freed, there. */
  #enter(used: StageRunner[]): StageRunner {
    used.push(this);
    this.#users++;
    return this;
  }

  static #leaveAll(used: readonly StageRunner[]): void {
    for (const runner of used) {
      runner.#users--;
      runner.#freeIfUnused();
    }
  }

  #freeIfUnused(): void {
    if (!this.#disposed || this.#users > 0) return;
    this.#later.clear();
    this.#prepared.dispose();
  }

  #inputsOf(values: ReadonlyMap<string, Tensor>): TypedArray[] {
    return this.#inputs.map(({ name }) => values.get(name)!.data);
  }

  /** Goes on to the stage that this one's results lead to. */
  async #enterNext(
    values: Map<string, Tensor>,
    results: readonly TypedArray[],
    used: StageRunner[],
  ): Promise<StageRunner> {
    const { key, make } = this.#nextStage(values, results);
    const known = this.#later.find(key);
    if (known !== undefined) return known.#enter(used);
    const runner = await StageRunner.prepareAside(this.#context, make());
    // In this order: what is kept may be dropped at once, by another run that keeps something.
    runner.#enter(used);
    this.#later.add(key, runner);
    return runner;
  }

  /** Adds this stage's results to the values; returns what the stage that they lead to is kept by, and how to make it. */
  #nextStage(values: Map<string, Tensor>, results: readonly TypedArray[]) {
    this.#outputs.forEach(({ name, type, dims }, i) => {
      values.set(name, { type, dims, data: results[i]! } as Tensor);
    });
    const { parameters, specialize } = this.#next!;
    const given = new Map(parameters.map((name) => [name, values.get(name)!]));
    return { key: keyOf(given), make: () => specialize(given) };
  }
}

/** Tensors whose data nobody else has. */
export function copiesOf(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data.slice() } as Tensor,
    ]),
  );
}

/** A character for each byte. */
const bytesAsText = new TextDecoder('latin1');

/** Equal for equal tensors. */
function keyOf(tensors: ReadonlyMap<string, Tensor>): string {
  return [...tensors.values()]
    .map(({ dims, data: { buffer, byteOffset, byteLength } }) => {
      const bytes = bytesAsText.decode(new Uint8Array(buffer, byteOffset, byteLength));
      return `${dims.join()}:${bytes}`;
    })
    .join(';');
}
