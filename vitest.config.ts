/** Unit tests. A fork per file, so that a crash in the addon fails one file instead of the run. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

process.env.OCTAVO_DATA ??= fileURLToPath(new URL('../shared/data', import.meta.url));

export default defineConfig({
  oxc: { include: [/\.[cm]?ts$/] },
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { OCTAVO_DATA: process.env.OCTAVO_DATA },
  },
});
