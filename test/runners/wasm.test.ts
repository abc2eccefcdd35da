/** The WASM backend. More threads than one are tested where it has them. */
import { createWasmBackend } from '../../src/backends/wasm/index.js';
import { forced, skip, testBackends, threadCounts } from './run.js';

if (forced.backend !== undefined && forced.backend !== 'wasm') {
  skip('wasm', `OCTAVO_BACKEND=${forced.backend}`);
} else if (forced.isa !== undefined && forced.isa !== 'simd128') {
  skip('wasm', `OCTAVO_ISA=${forced.isa}`);
} else {
  testBackends(
    threadCounts.map((threads) => ({
      label: `wasm ×${threads}`,
      create: () => createWasmBackend({ threads }),
      required: forced.backend === 'wasm' && threads === 1,
    })),
  );
}
