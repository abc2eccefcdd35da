/**
 * The reference backend: plans run by plain TypeScript, one file per family of steps. It is the
 * specification: every other backend gives the bits it gives, floats within the tolerance their
 * suite states. A run holds the calling thread, but for turns of the event loop between steps.
 */
import { OctavoError } from '../../core/errors.js';
import { blockOf, type ModelConstants, type Plan } from '../../runtime/plan.js';
import type { Backend, BackendModel, BackendOptions, PreparedPlan } from '../backend.js';
import { checkPlan } from './check.js';
import { type MemoryPool, preparePlan } from './executor.js';
import { referenceKernels } from './kernels.js';
import {
  allocateRegion,
  createPlanMemory,
  type PlanMemory,
  type Region,
  regionOf,
} from './memory.js';

/**
 * Throws `BACKEND_UNAVAILABLE` for an instruction set or a number of threads that it does not have.
 */
export function createReferenceBackend(options: BackendOptions = {}): Backend {
  const { isa = 'none', threads = 1 } = options;
  if (isa !== 'none') throw unavailable('isa', "'none'", `'${isa}'`);
  if (threads !== 1) throw unavailable('threads', '1', String(threads));
  return { name: 'reference', isa, threads, open: openModel };
}

function unavailable(where: string, expected: string, found: string): OctavoError {
  return new OctavoError('BACKEND_UNAVAILABLE', 'the reference backend is plain TypeScript', {
    where,
    expected,
    found,
  });
}

function openModel(constants: ModelConstants): BackendModel {
  const block = blockOf(constants);
  const model = regionOf(block);
  const prepared = new Set<PreparedPlan>();
  let disposed = false;
  return {
    prepare(plan) {
      if (disposed) throw new OctavoError('DISPOSED', 'the model was disposed of');
      checkPlan(plan, block.byteLength);
      const pool = createPool(plan, model, () => prepared.delete(result));
      const result = preparePlan(plan, referenceKernels, pool);
      prepared.add(result);
      return result;
    },
    seal() {},
    dispose() {
      disposed = true;
      for (const plan of prepared) plan.dispose();
    },
  };
}

/** Runs at the same time need an arena each; the ones that are free are used again. */
function createPool(plan: Plan, model: Region, closed: () => void): MemoryPool {
  const constants = regionOf(plan.constants);
  const free: PlanMemory[] = [];
  return {
    acquire: () =>
      free.pop() ??
      createPlanMemory(plan, { arena: allocateRegion(plan.arenaBytes), model, plan: constants }),
    release: (memory) => {
      free.push(memory);
    },
    close: () => {
      free.length = 0;
      closed();
    },
  };
}
