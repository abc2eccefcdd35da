/** The native backend: every instruction set that this CPU has, on one thread and on two. */
import { createNativeBackend, nativeIsas } from '../../src/backends/native/index.js';
import { available, forced, skip, testBackends } from './run.js';

const isForced = forced.backend === 'native' || forced.isa !== undefined;

if (forced.backend !== undefined && forced.backend !== 'native') {
  skip('native', `OCTAVO_BACKEND=${forced.backend}`);
} else {
  const isas = available('native', nativeIsas, isForced) ?? [];
  const chosen = isas.map(({ name }) => name).filter((name) => name === (forced.isa ?? name));
  testBackends(
    chosen.flatMap((isa) =>
      [1, 2].map((threads) => ({
        label: `native ${isa} ×${threads}`,
        create: () => createNativeBackend({ isa, threads }),
      })),
    ),
    forced.isa !== undefined,
  );
}
