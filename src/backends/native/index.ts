/**
 * The native backend: hands whole plans to the C++ addon, which runs them on its own threads, off the
 * event loop. TypeScript keeps the promises of the interface; the arithmetic is all in native/.
 */
import { type TypedArray, viewOf } from '../../core/dtype.js';
import { type ErrorCode, errorCodes, OctavoError, throwIfAborted } from '../../core/errors.js';
import { elementCount } from '../../core/shape.js';
import { encodePlan } from '../../runtime/encode.js';
import type { Plan } from '../../runtime/plan.js';
import { schemaText } from '../../runtime/steps.js';
import type {
  Backend,
  BackendModel,
  BackendOptions,
  PreparedPlan,
  RunPlanOptions,
} from '../backend.js';
import { loadAddon } from './addon.cjs';
import type { AddonExports, IsaInfo, NativeModelHandle, NativePlanHandle } from './exports.js';

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

/** Instruction sets of this build, the least first. Throws `BACKEND_UNAVAILABLE` without the addon. */
export function nativeIsas(): readonly IsaInfo[] {
  return requireAddon().isas;
}

/**
 * The native backend on the best instruction set, or the one forced. Throws `BACKEND_UNAVAILABLE`
 * with the reason, and `INVALID_ARGUMENT` for an instruction set that does not exist.
 */
export function createNativeBackend(options: BackendOptions = {}): Backend {
  const { NativeModel, bestIsa, isas, usableCpus } = requireAddon();
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
  return {
    name: 'native',
    isa,
    threads,
    open: (constants) => openModel(() => new NativeModel(constants, isa), threads),
  };
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

function openModel(make: () => NativeModelHandle, threads: number): BackendModel {
  const handle = translated('model', make);
  return {
    prepare: (plan) =>
      preparePlan(
        plan,
        translated('plan', () => handle.prepare(encodePlan(plan), plan.constants, threads), plan),
      ),
    dispose: () => handle.dispose(),
  };
}

function preparePlan(plan: Plan, handle: NativePlanHandle): PreparedPlan {
  const outputs = plan.outputs.map(({ tensor }) => {
    const { type, dims } = plan.tensors[tensor]!;
    return { type, count: elementCount(dims) };
  });
  const wrap = (buffers: readonly ArrayBuffer[]): TypedArray[] =>
    outputs.map(({ type, count }, i) => viewOf(type, buffers[i]!, 0, count));
  return {
    async run(inputs, { signal }: RunPlanOptions = {}) {
      throwIfAborted(signal, 'run');
      const started = translated('run', () => handle.run(inputs));
      const cancel = () => handle.cancel(started.id);
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        return wrap(await started.outputs);
      } catch (error) {
        throwIfAborted(signal, 'run');
        throw asOctavoError(error, 'run');
      } finally {
        signal?.removeEventListener('abort', cancel);
      }
    },
    runSync: (inputs) => wrap(translated('run', () => handle.runSync(inputs))),
    dispose: () => handle.dispose(),
  };
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
