/**
 * What the plans of one model share in WebAssembly memory: packed weights, scratch for the step
 * that is running, and arenas. Steps run one at a time, on the thread that calls, so one scratch
 * serves all; a run that lets the event loop turn keeps its arena, so runs at the same time have
 * one each.
 */
import type { WasmBuild } from './builds.js';
import type { WasmExports } from './exports.js';
import { createHeap, createMemory, type Heap } from './heap.js';
import type { DotForm } from './probe.js';

export interface Arena {
  readonly address: number;
  readonly bytes: number;
}

export interface Store {
  readonly exports: WasmExports;
  readonly dot: DotForm | undefined;
  readonly heap: Heap;
  /** Packed constants by what they are made of. */
  readonly shared: Map<string, number>;
  /** Scratch as large as any step asked for; growing it moves it. */
  readonly scratch: { readonly address: number; reserve(bytes: number): void };
  /** An arena of at least `bytes` that no other run has. */
  acquireArena(bytes: number): Arena;
  releaseArena(arena: Arena): void;
}

export function createStore({ module, dot }: WasmBuild): Store {
  const memory = createMemory();
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const exports = instance.exports as WasmExports;
  const heap = createHeap(memory, exports.heapBase());
  const freeArenas: Arena[] = [];
  return {
    exports,
    dot,
    heap,
    shared: new Map(),
    scratch: createScratch(heap),
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
  };
}

function createScratch(heap: Heap): Store['scratch'] {
  let address = 0;
  let size = 0;
  return {
    get address() {
      return address;
    },
    reserve(bytes) {
      if (bytes <= size) return;
      if (size > 0) heap.free(address);
      size = 0;
      address = heap.allocate(bytes);
      size = bytes;
    },
  };
}
