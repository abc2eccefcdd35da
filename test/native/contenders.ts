/** The native backends that this machine has, for tests of what the suites of test/suites can't draw. */
import type { Backend } from '../../src/backends/backend.js';
import { createNativeBackend, nativeIsas } from '../../src/backends/native/index.js';
import { available, forced } from '../runners/run.js';

/** One backend for each instruction set in force; none, which is reported, without the addon. */
export function nativeBackends(threads: number): readonly Backend[] {
  if (forced.backend !== undefined && forced.backend !== 'native') return [];
  const isas = available('native', nativeIsas, forced.backend === 'native') ?? [];
  return isas
    .filter(({ name, built, supported }) => built && supported && name === (forced.isa ?? name))
    .map(({ name: isa }) => createNativeBackend({ isa, threads }));
}
