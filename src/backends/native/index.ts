/**
 * The native backend: hands whole plans to the C++ addon, which runs them on its own threads, off the
 * event loop. TypeScript keeps the promises of the interface; the arithmetic is all in native/.
 */
import { type TypedArray, viewOf } from '../../core/dtype.js';
import { type ErrorCode, errorCodes, OctavoError, throwIfAborted } from '../../core/errors.js';
import { elementCount } from '../../core/shape.js';
import { nextTurn } from '../../core/turns.js';
import { encodePlan } from '../../runtime/encode.js';
import type { ModelConstants, Plan } from '../../runtime/plan.js';
import { schemaText } from '../../runtime/steps.js';
import type { Backend, BackendModel, BackendOptions, PreparedPlan } from '../backend.js';
import { loadAddon } from './addon.js';
import type {
  AddonExports,
  IsaInfo,
  KernelInfo,
  NativeModelHandle,
  NativePlanHandle,
  PeakInfo,
  PrepareArguments,
} from './exports.js';

let addon: AddonExports | undefined;

function requireAddon(): AddonExports {
  if (addon === undefined) {
    let loaded: AddonExports;
    try {
      loaded = loadAddon() as AddonExports;
    } catch (cause) {
      throw new OctavoError('BACKEND_UNAVAILABLE', 'the native addon does not load', {
        where: 'native',
        expected:
          'a prebuilt or locally built addon (npm run build needs cmake and a C++17 compiler)',
        found: cause instanceof Error ? cause.message.split('\n')[0] : String(cause),
        cause,
      });
    }
    if (loaded.schema !== schemaText()) {
      throw new OctavoError('BACKEND_UNAVAILABLE', 'the native addon is of another version', {
        where: 'native',
        expected: 'an addon built from this package (npm run build)',
      });
    }
    addon = loaded;
  }
  return addon;
}

/** What only this backend can be asked for. Not part of the package's interface: for benchmarks and tests. */
export interface NativeOptions extends BackendOptions {
  /**
   * Forces a kernel of native/kernels/<family>/kernels.inc in place of what dispatch would choose: every
   * step that its family computes uses it. `prepare` throws `BACKEND_UNAVAILABLE` if this CPU cannot run it and
   * `INVALID_ARGUMENT` if it does not fit a step, or no step of the plan is of a family that takes names.
   */
  readonly kernel?: string | undefined;
}

export interface NativePreparedPlan extends PreparedPlan {
  /**
   * Nanoseconds of `repeats` runs on this thread and its team. The inputs are copied once, before the clock
   * starts, and the outputs not at all; a plan that reuses the memory of its inputs goes on with what is there.
   */
  measure(inputs: readonly TypedArray[], repeats: number): number;
}

export interface NativeBackendModel extends BackendModel {
  prepare(plan: Plan): NativePreparedPlan;
}

export interface NativeBackend extends Backend {
  open(constants: ModelConstants): NativeBackendModel;
}

/** The kernels of this build, the register loops of this CPU. Throw `BACKEND_UNAVAILABLE` without the addon. */
export function nativeKernels(): readonly KernelInfo[] {
  return requireAddon().kernels;
}

export function nativePeaks(): readonly PeakInfo[] {
  return requireAddon().peaks();
}

/** Nanoseconds of so many iterations of a register loop on this thread. */
export function runNativePeak(name: string, iterations: number): number {
  return requireAddon().runPeak(name, iterations);
}

/** Instruction sets of this build, the least first. Throws `BACKEND_UNAVAILABLE` without the addon. */
export function nativeIsas(): readonly IsaInfo[] {
  return requireAddon().isas;
}

/**
 * The native backend on the best instruction set, or the one forced. Throws `BACKEND_UNAVAILABLE`
 * with the reason, and `INVALID_ARGUMENT` for an instruction set or a kernel that does not exist.
 */
export function createNativeBackend(options: NativeOptions = {}): NativeBackend {
  const { NativeModel, bestIsa, isas, kernels, usableCpus } = requireAddon();
  const { kernel } = options;
  const isa = options.isa ?? bestIsa;
  checkIsa(isa, isas);
  const threads = options.threads ?? usableCpus;
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw new OctavoError('INVALID_ARGUMENT', 'bad number of threads', {
      where: 'threads',
      expected: '1 to 256',
      found: String(threads),
    });
  }
  if (kernel !== undefined && !kernels.some(({ name }) => name === kernel)) {
    throw new OctavoError('INVALID_ARGUMENT', 'no such kernel', { where: 'kernel', found: kernel });
  }
  return {
    name: 'native',
    isa,
    threads,
    allocate,
    open: (constants) =>
      openModel(() => new NativeModel(constants, isa, kernel), constants, threads),
  };
}

const hugePage = 2 ** 21;

/** A large file has room around it for the huge pages that it begins and ends on: what is not of the file is never touched. */
async function allocate(bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes < hugePage) return new Uint8Array(bytes);
  const memory = new Uint8Array(bytes + 2 * hugePage);
  const [begin, middle, end] = [hugePage, hugePage + Math.floor(bytes / 2), hugePage + bytes];
  const { supplyPages } = requireAddon();
  await Promise.all([supplyPages(memory, begin, middle), supplyPages(memory, middle, end)]);
  return memory.subarray(begin, end);
}

function checkIsa(isa: string, isas: readonly IsaInfo[]): void {
  const info = isas.find((entry) => entry.name === isa);
  const usable = isas.filter((entry) => entry.built && entry.supported);
  const expected = usable.map((entry) => entry.name).join(', ');
  if (info === undefined) {
    throw new OctavoError('INVALID_ARGUMENT', 'unknown instruction set', {
      where: 'isa',
      expected,
      found: isa,
    });
  }
  if (!info.built || !info.supported) {
    const reason = info.built ? 'this CPU does not have it' : 'this build has no kernels for it';
    throw new OctavoError('BACKEND_UNAVAILABLE', `${isa} cannot be used: ${reason}`, {
      where: 'isa',
      expected,
    });
  }
}

function openModel(
  make: () => NativeModelHandle,
  constants: ModelConstants,
  threads: number,
): NativeBackendModel {
  const handle = translated('model', make);
  // A block was copied when the model was opened.
  let parts = constants instanceof Uint8Array ? undefined : constants;
  const letGo = () => {
    parts = undefined;
  };
  const argumentsFor = (plan: Plan): PrepareArguments => [
    encodePlan(plan),
    plan.constants,
    threads,
    parts,
  ];
  return {
    prepare(plan) {
      const prepare = () => handle.prepare(...argumentsFor(plan));
      return preparePlan(plan, translated('plan', prepare, plan));
    },
    async prepareAside(plan) {
      try {
        return preparePlan(plan, await handle.prepareAside(...argumentsFor(plan)));
      } catch (error) {
        throw asOctavoError(error, 'plan', plan);
      }
    },
    seal(own) {
      letGo();
      requireAddon().detach(own);
    },
    dispose() {
      letGo();
      handle.dispose();
    },
  };
}

function preparePlan(plan: Plan, handle: NativePlanHandle): NativePreparedPlan {
  const outputs = plan.outputs.map(({ tensor }) => {
    const { type, dims } = plan.tensors[tensor]!;
    return { type, count: elementCount(dims) };
  });
  const wrap = (buffers: readonly ArrayBuffer[]): TypedArray[] =>
    outputs.map(({ type, count }, i) => viewOf(type, buffers[i]!, 0, count));
  return {
    async run(inputs, { signal } = {}) {
      throwIfAborted(signal, 'run');
      if (translated('run', () => handle.hold(inputs), plan)) {
        await nextTurn();
        if (signal?.aborted) handle.dropHeld();
        throwIfAborted(signal, 'run');
        return wrap(translated('run', () => handle.runHeld(), plan));
      }
      return wrap(await settled(() => handle.run(inputs), handle, plan, signal));
    },
    async profile(inputs, repeats, options = {}) {
      const start = () => handle.profile(inputs, repeats);
      const [times] = await settled(start, handle, plan, options.signal);
      return new Float64Array(times!);
    },
    runSync: (inputs) => wrap(translated('run', () => handle.runSync(inputs), plan)),
    measure: (inputs, repeats) => translated('measure', () => handle.measure(inputs, repeats)),
    dispose: () => handle.dispose(),
  };
}

/** What a run that `start` began leads to; it is cancelled when the signal fires. */
async function settled(
  start: () => { id: number; outputs: Promise<ArrayBuffer[]> },
  handle: NativePlanHandle,
  plan: Plan,
  signal: AbortSignal | undefined,
): Promise<readonly ArrayBuffer[]> {
  throwIfAborted(signal, 'run');
  const { id, outputs } = translated('run', start);
  const cancel = () => handle.cancel(id);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await outputs;
  } catch (error) {
    throwIfAborted(signal, 'run');
    throw asOctavoError(error, 'run', plan);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

function translated<T>(where: string, call: () => T, plan?: Plan): T {
  try {
    return call();
  } catch (error) {
    throw asOctavoError(error, where, plan);
  }
}

/** The addon's errors carry Octavo's codes; a step is named by its index, which the plan turns into a node. */
function asOctavoError(error: unknown, where: string, plan?: Plan): OctavoError {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown }).code;
  const step = /^step (\d+)/.exec(message)?.[1];
  const node = step === undefined ? undefined : plan?.steps[Number(step)]?.node;
  return new OctavoError(isErrorCode(code) ? code : 'BACKEND_FAILURE', message, {
    where: node ?? where,
    cause: error,
  });
}

function isErrorCode(code: unknown): code is ErrorCode {
  return (errorCodes as readonly unknown[]).includes(code);
}
