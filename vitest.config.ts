/**
 * Unit tests. A fork per file, so that a crash in the addon fails one file instead of the run. OCTAVO_LONG=1 adds those that
 * take minutes and more, *.long.ts.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

process.env.OCTAVO_DATA ??= fileURLToPath(new URL('../shared/data', import.meta.url));

const isLong = process.env.OCTAVO_LONG === '1';

export default defineConfig({
  oxc: { include: [/\.[cm]?ts$/] },
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts', ...(isLong ? ['test/**/*.long.ts'] : [])],
    pool: 'forks',
    maxWorkers: '100%',
    testTimeout: isLong ? 7_200_000 : 30_000,
    hookTimeout: 60_000,
    env: { OCTAVO_DATA: process.env.OCTAVO_DATA },
  },
});
