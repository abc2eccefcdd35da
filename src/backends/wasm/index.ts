/**
 * The WASM backend: plans run on WebAssembly SIMD, in the calling thread, where the addon can't
 * load. Its results are the reference's, to the bit for integers.
 *
 * A run computes on the thread that called it: it blocks the event loop, but for turns between
 * steps of a run that takes long. One that must not be blocked runs sessions in a Worker. With more
 * threads (./threads.ts) large steps are shared with workers: `run` waits until these are up, while
 * `runSync` makes do with those that are.
 */
import { OctavoError } from '../../core/errors.js';
import { blockOf, type ModelConstants, type Plan } from '../../runtime/plan.js';
import { type StepName, stepNames } from '../../runtime/steps.js';
import type { Backend, BackendModel, BackendOptions } from '../backend.js';
import { checkPlan } from '../reference/check.js';
import { regionOf } from '../reference/memory.js';
import { loadBuild, type WasmBuild } from './builds.js';
import { wasmKernels } from './kernels.js';
import { prepareWasmPlan, type WasmPreparedPlan } from './plan.js';
import { createStore, type Store } from './store.js';

export { type WasmIsa, wasmIsas } from './builds.js';
export type { StepPlacement, WasmPreparedPlan } from './plan.js';

/**
 * Kinds of steps that run in WebAssembly, in most of their forms; a plan's `placements` tell for
 * each step.
 */
export const wasmSteps: readonly StepName[] = stepNames.filter((name) => name in wasmKernels);

export interface WasmBackend extends Backend {
  open(constants: ModelConstants): WasmModel;
}

export interface WasmModel extends BackendModel {
  prepare(plan: Plan): WasmPreparedPlan;
}

/** Threads that one run may have at most. */
const mostThreads = 64;

/**
 * The WASM backend on the best build there is, or the one `isa` forces, on one thread unless
 * `threads` says more: then each model has workers that share its memory. Throws
 * `BACKEND_UNAVAILABLE` where WebAssembly, its SIMD or, for more threads, shared memory is missing,
 * and for another instruction set; `INVALID_ARGUMENT` for a number of threads that is none.
 */
export function createWasmBackend(options: BackendOptions = {}): WasmBackend {
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > mostThreads) {
    throw new OctavoError('INVALID_ARGUMENT', 'bad number of threads', {
      where: 'threads',
      expected: `1 to ${mostThreads}`,
      found: String(threads),
    });
  }
  const lacking = threads > 1 ? whyNoThreads() : undefined;
  if (lacking !== undefined) {
    throw new OctavoError('BACKEND_UNAVAILABLE', lacking, {
      where: 'threads',
      expected: '1',
      found: String(threads),
    });
  }
  const build = loadBuild(options.isa);
  return {
    name: 'wasm',
    isa: build.isa,
    threads,
    open: (constants) => openModel(constants, build, threads),
  };
}

/** What threads would need and this engine does not have. */
function whyNoThreads(): string | undefined {
  if (globalThis.crossOriginIsolated === false || typeof SharedArrayBuffer === 'undefined') {
    return 'threads share memory, which a page may do only when it is cross-origin isolated';
  }
  return undefined;
}

function openModel(constants: ModelConstants, build: WasmBuild, threads: number): WasmModel {
  build.verify();
  const block = blockOf(constants);
  const region = regionOf(block);
  const prepared = new Set<WasmPreparedPlan>();
  let store: Store | undefined = createStore(build, threads);
  let closing: Store | undefined;
  const closeOnceIdle = (): void => {
    if (prepared.size > 0) return;
    closing?.close();
    closing = undefined;
  };
  return {
    prepare(plan) {
      if (store === undefined) throw new OctavoError('DISPOSED', 'the model was disposed of');
      checkPlan(plan, block.byteLength);
      const result = prepareWasmPlan(plan, region, store, () => {
        prepared.delete(result);
        closeOnceIdle();
      });
      prepared.add(result);
      return result;
    },
    seal() {},
    dispose() {
      closing ??= store;
      store = undefined;
      for (const plan of prepared) plan.dispose();
      closeOnceIdle();
    },
  };
}
