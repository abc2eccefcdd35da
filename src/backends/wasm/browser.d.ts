/** The part of browsers' API that Octavo uses where it finds no Node; see webassembly.d.ts. */
declare class Worker {
  constructor(address: string);
  onmessage: (event: { readonly data: unknown }) => void;
  onerror: (event: { readonly message: string }) => void;
  postMessage(message: unknown): void;
  terminate(): void;
}

declare var crossOriginIsolated: boolean | undefined;
