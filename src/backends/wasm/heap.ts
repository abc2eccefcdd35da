/**
 * The memory of one model: a WebAssembly.Memory, which grows as blocks are asked for, and the list
 * of its free parts. Growing replaces `buffer`, so views are made where they are used and not kept.
 */
import { invariant, OctavoError } from '../../core/errors.js';
import { tensorAlignment } from '../../runtime/plan.js';

const pageBytes = 65536;

/** What 32-bit addresses reach. */
const mostBytes = 2 ** 32;

export interface Heap {
  readonly memory: WebAssembly.Memory;
  /** Address of `bytes` bytes, a multiple of `tensorAlignment`. Throws `LIMIT_EXCEEDED`. */
  allocate(bytes: number): number;
  /** Gives back what `allocate` gave. */
  free(address: number): void;
}

/** Throws `LIMIT_EXCEEDED` where not even an empty memory can be had. */
export function createMemory(shared = false): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: mostBytes / pageBytes, shared });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new OctavoError('LIMIT_EXCEEDED', 'no memory for another model', {
      where: 'wasm',
      found: 'an engine that refuses another WebAssembly.Memory',
      cause,
    });
  }
}

/** A heap of all of `memory` from `base` on. */
export function createHeap(memory: WebAssembly.Memory, base: number): Heap {
  let end = align(base); // of the part that has ever been given out
  const sizes = new Map<number, number>();
  const free: { address: number; bytes: number }[] = []; // by address, no two adjacent

  const extend = (bytes: number): number => {
    // A free part at the very end is extended rather than left behind.
    const last = free.at(-1);
    const address = last !== undefined && last.address + last.bytes === end ? last.address : end;
    const missing = Math.ceil((address + bytes - memory.buffer.byteLength) / pageBytes);
    if (address + bytes > mostBytes) throw outOfMemory(bytes);
    if (missing > 0) {
      try {
        memory.grow(missing);
      } catch (cause) {
        if (!(cause instanceof RangeError)) throw cause;
        throw outOfMemory(bytes, cause);
      }
    }
    if (address !== end) free.pop();
    end = address + bytes;
    return address;
  };

  return {
    memory,
    allocate(wanted) {
      const bytes = Math.max(align(wanted), tensorAlignment);
      const fit = free.findIndex((part) => part.bytes >= bytes);
      let address: number;
      if (fit < 0) {
        address = extend(bytes);
      } else {
        const part = free[fit]!;
        address = part.address;
        if (part.bytes === bytes) free.splice(fit, 1);
        else free[fit] = { address: address + bytes, bytes: part.bytes - bytes };
      }
      sizes.set(address, bytes);
      return address;
    },
    free(address) {
      const bytes = sizes.get(address);
      invariant(bytes !== undefined, 'only blocks that were allocated are freed');
      sizes.delete(address);
      const at = free.findIndex((part) => part.address > address);
      const index = at < 0 ? free.length : at;
      const before = free[index - 1];
      const after = free[index];
      const part = { address, bytes };
      let first = index;
      let count = 0;
      if (before !== undefined && before.address + before.bytes === address) {
        part.address = before.address;
        part.bytes += before.bytes;
        first--;
        count++;
      }
      if (after !== undefined && address + bytes === after.address) {
        part.bytes += after.bytes;
        count++;
      }
      free.splice(first, count, part);
    },
  };
}

function align(bytes: number): number {
  return Math.ceil(bytes / tensorAlignment) * tensorAlignment;
}

function outOfMemory(bytes: number, cause?: unknown): OctavoError {
  return new OctavoError(
    'LIMIT_EXCEEDED',
    'the model needs more memory than WebAssembly can have',
    {
      where: 'wasm',
      found: `${bytes} bytes more`,
      cause,
    },
  );
}
