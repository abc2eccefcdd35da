/** Special values on the WASM backend, with each instruction set. */
import { describe } from 'vitest';
import { createWasmBackend, wasmIsas } from '../../src/backends/wasm/index.js';
import { testSpecialValues } from '../runners/special.js';

const usable = wasmIsas().filter((isa) => isa.usable);

describe('special values', () =>
  testSpecialValues(usable.map(({ name: isa }) => createWasmBackend({ isa }))));
