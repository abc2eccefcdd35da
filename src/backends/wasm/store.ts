/**
 * What the plans of one model share in WebAssembly memory: packed weights, scratch for the step
 * that is running, and arenas. Steps run one at a time, on the thread that calls, so one scratch
 * serves all; a run that lets the event loop turn keeps its arena, so runs at the same time have
 * one each.
 */
import { tensorAlignment } from '../../runtime/plan.js';
import type { WasmBuild } from './builds.js';
import type { WasmExports } from './exports.js';
import { createHeap, createMemory, type Heap } from './heap.js';
import type { DotForm } from './probe.js';
import { startPool, type ThreadPool } from './threads.js';

export interface Arena {
  readonly address: number;
  readonly bytes: number;
}

export interface Scratch {
  readonly address: number;
  /** Bytes from the scratch of one thread to that of the next. */
  readonly step: number;
  /** Makes sure that each thread has `bytes`. */
  reserve(bytes: number): void;
}

export interface Store {
  readonly exports: WasmExports;
  readonly dot: DotForm | undefined;
  readonly hasSmallDot: boolean;
  readonly heap: Heap;
  /** Packed constants by what they are made of. */
  readonly shared: Map<string, number>;
  /** Scratch as large as any step asked for; growing it moves it. */
  readonly scratch: Scratch;
  /** The same for functions that compute a part of a step: each thread has its own. */
  readonly partScratch: Scratch;
  /** The threads, if there are any; undefined where plans run on the calling thread alone. */
  readonly threads: ThreadPool | undefined;
  /** The same, started if they are not: once a step is large enough to be shared. */
  startThreads(): ThreadPool | undefined;
  /** An arena of at least `bytes` that no other run has. */
  acquireArena(bytes: number): Arena;
  releaseArena(arena: Arena): void;
  /** Ends the threads. */
  close(): void;
}

/** Bytes of what assembly/ calls `edge`, of which each thread has one. */
const edgeBytes = 192;

/** Throws `LIMIT_EXCEEDED` where there is no memory for another model. */
export function createStore({ moduleFor, dot, hasSmallDot }: WasmBuild, threads = 1): Store {
  const memory = createMemory(threads > 1);
  const module = moduleFor(threads > 1 ? 'shared' : 'own');
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as WasmExports;
  const heap = createHeap(memory, exports.heapBase());
  const freeArenas: Arena[] = [];
  let pool: ThreadPool | undefined;
  return {
    exports,
    dot,
    hasSmallDot,
    heap,
    shared: new Map(),
    scratch: createScratch(heap, 1),
    partScratch: createScratch(heap, threads),
    get threads() {
      return pool;
    },
    startThreads() {
      if (threads === 1) return undefined;
      pool ??= startPool(module, memory, exports, edgesOf(heap, threads));
      return pool;
    },
    acquireArena(bytes) {
      const fit = freeArenas.findIndex((arena) => arena.bytes >= bytes);
      if (fit >= 0) return freeArenas.splice(fit, 1)[0]!;
      // One that is too small makes way for the larger one, which serves its plans as well.
      const small = freeArenas.pop();
      if (small !== undefined) heap.free(small.address);
      return { address: heap.allocate(bytes), bytes };
    },
    releaseArena(arena) {
      freeArenas.push(arena);
    },
    close() {
      pool?.close();
    },
  };
}

/** Where each worker has its `edge`. */
function edgesOf(heap: Heap, threads: number): number[] {
  return Array.from({ length: threads - 1 }, () => heap.allocate(edgeBytes));
}

function createScratch(heap: Heap, threads: number): Scratch {
  let address = 0;
  let step = 0;
  return {
    get address() {
      return address;
    },
    get step() {
      return step;
    },
    reserve(bytes) {
      if (bytes <= step) return;
      if (step > 0) heap.free(address);
      step = 0;
      const each = Math.ceil(bytes / tensorAlignment) * tensorAlignment;
      address = heap.allocate(each * threads);
      step = each;
    },
  };
}
