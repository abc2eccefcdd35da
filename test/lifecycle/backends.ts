/** The backends that this machine has, each named for the titles of tests. */
import { it } from 'vitest';
import { selectBackend } from '../../src/backends/select.js';

async function missing(backend: string): Promise<string | undefined> {
  try {
    await selectBackend({ backend });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why there is no native backend, said as a skipped test too; undefined when there is one. */
export const noNative = await missing('native');
if (noNative !== undefined) it.skip(`native: ${noNative}`);

export const backends: readonly string[] = [
  ...(noNative === undefined ? ['native'] : []),
  'wasm',
  'reference',
];
