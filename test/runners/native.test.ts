/** The native backend: every instruction set that this CPU has, on one thread and on two. */
import { createNativeBackend, nativeIsas } from '../../src/backends/native/index.js';
import { available, forced, skip, testBackends, threadCounts } from './run.js';

if (forced.backend !== undefined && forced.backend !== 'native') {
  skip('native', `OCTAVO_BACKEND=${forced.backend}`);
} else {
  const isas = available('native', nativeIsas, forced.backend === 'native') ?? [];
  const chosen = isas.filter(({ name }) => name === (forced.isa ?? name));
  if (isas.length > 0 && chosen.length === 0) skip('native', `OCTAVO_ISA=${forced.isa}`);
  testBackends(
    chosen.flatMap(({ name: isa }) =>
      threadCounts.map((threads) => ({
        label: `native ${isa} ×${threads}`,
        create: () => createNativeBackend({ isa, threads }),
        required: forced.isa !== undefined,
      })),
    ),
  );
}
