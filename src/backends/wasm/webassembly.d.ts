/**
 * The part of the WebAssembly API that Octavo uses; @types/node leaves it to the DOM's
 * declarations.
 */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: unknown;
  }
  class Memory {
    /** Sizes in pages of 64 KiB. */
    constructor(descriptor: {
      readonly initial: number;
      readonly maximum?: number;
      readonly shared?: boolean;
    });
    /** Another one after each growth, which detaches the earlier one unless it is shared. */
    readonly buffer: ArrayBuffer;
    /** Adds pages; throws a RangeError where they can't be had. */
    grow(pages: number): number;
  }
  class RuntimeError extends Error {}
  function validate(bytes: Uint8Array): boolean;
}
