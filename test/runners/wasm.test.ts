/** The WASM backend on each of its instruction sets. More threads than one are tested where it has them. */
import { createWasmBackend, wasmIsas } from '../../src/backends/wasm/index.js';
import { forced, skip, testBackends, threadCounts } from './run.js';

const isas = wasmIsas().filter(({ name }) => forced.isa === undefined || forced.isa === name);

if (forced.backend !== undefined && forced.backend !== 'wasm') {
  skip('wasm', `OCTAVO_BACKEND=${forced.backend}`);
} else if (isas.length === 0) {
  skip('wasm', `OCTAVO_ISA=${forced.isa}`);
} else {
  testBackends(
    isas.flatMap(({ name: isa }) =>
      threadCounts.map((threads) => ({
        label: `wasm ${isa} ×${threads}`,
        create: () => createWasmBackend({ isa, threads }),
        required: forced.backend === 'wasm' && threads === 1 && (forced.isa ?? 'simd128') === isa,
      })),
    ),
  );
}
