/**
 * The WASM backend: plans run on WebAssembly SIMD, in the calling thread, where the addon can't
 * load. Its results are the reference's, to the bit for integers.
 *
 * A run computes on the thread that called it: it blocks the event loop, but for turns between
 * steps of a run that takes long. One that must not be blocked runs sessions in a Worker.
 */
import { OctavoError } from '../../core/errors.js';
import type { Plan } from '../../runtime/plan.js';
import { type StepName, stepNames } from '../../runtime/steps.js';
import type { Backend, BackendModel, BackendOptions } from '../backend.js';
import { checkPlan } from '../reference/check.js';
import { regionOf } from '../reference/memory.js';
import { loadBuild, type WasmBuild } from './builds.js';
import { wasmKernels } from './kernels.js';
import { prepareWasmPlan, type WasmPreparedPlan } from './plan.js';
import { createStore } from './store.js';

export { type WasmIsa, wasmIsas } from './builds.js';
export type { StepPlacement, WasmPreparedPlan } from './plan.js';

/**
 * Kinds of steps that run in WebAssembly, in most of their forms; a plan's `placements` tell for
 * each step.
 */
export const wasmSteps: readonly StepName[] = stepNames.filter((name) => name in wasmKernels);

export interface WasmBackend extends Backend {
  open(constants: Uint8Array): WasmModel;
}

export interface WasmModel extends BackendModel {
  prepare(plan: Plan): WasmPreparedPlan;
}

/**
 * The WASM backend on the best build there is, or the one `isa` forces. Throws
 * `BACKEND_UNAVAILABLE` where WebAssembly or its SIMD is missing, for another instruction set and
 * for more than one thread, and `INVALID_ARGUMENT` for a number of threads that is none.
 */
export function createWasmBackend(options: BackendOptions = {}): WasmBackend {
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new OctavoError('INVALID_ARGUMENT', 'bad number of threads', {
      where: 'threads',
      expected: '1',
      found: String(threads),
    });
  }
  if (threads > 1) {
    throw new OctavoError('BACKEND_UNAVAILABLE', 'the WASM backend runs on the calling thread', {
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
    open: (constants) => openModel(constants, build),
  };
}

function openModel(constants: Uint8Array, build: WasmBuild): WasmModel {
  build.verify();
  const region = regionOf(constants);
  const prepared = new Set<WasmPreparedPlan>();
  let store: ReturnType<typeof createStore> | undefined = createStore(build);
  return {
    prepare(plan) {
      if (store === undefined) throw new OctavoError('DISPOSED', 'the model was disposed of');
      checkPlan(plan, constants.byteLength);
      const result = prepareWasmPlan(plan, region, store, () => prepared.delete(result));
      prepared.add(result);
      return result;
    },
    dispose() {
      store = undefined;
      for (const plan of prepared) plan.dispose();
    },
  };
}
