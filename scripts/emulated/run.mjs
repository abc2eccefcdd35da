/**
 * Runs compiled test files in this process: `run.mjs REPORT FILE...`. Writes `{ passed, failed, skipped }` to REPORT, and
 * what failed to the terminal.
 */
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of vitest, and of its version
import { startTests } from '@vitest/runner';

const [report, ...files] = process.argv.slice(2);

const config = {
  root: process.cwd(),
  setupFiles: [],
  sequence: { hooks: 'stack', setupFiles: 'list', seed: 1 },
  maxConcurrency: 1,
  // Emulation is some twenty times slower than a CPU.
  testTimeout: 3_600_000,
  hookTimeout: 3_600_000,
  retry: 0,
  tags: [],
};

const counts = { passed: 0, failed: 0, skipped: 0 };

function count(task, path) {
  const name = [...path, task.name];
  if (task.type === 'suite') {
    if (task.result?.state === 'fail' && task.result.errors?.length > 0) tell(task, name);
    for (const child of task.tasks) count(child, name);
  } else if (task.mode === 'skip' || task.mode === 'todo') {
    counts.skipped++;
  } else if (task.result?.state === 'pass') {
    counts.passed++;
  } else {
    tell(task, name);
  }
}

function tell(task, name) {
  counts.failed++;
  const reasons = (task.result?.errors ?? []).map((error) => error.stack ?? error.message);
  console.error(`FAILED ${name.join(' > ')}\n${reasons.join('\n')}\n`);
}

const runner = { config, importFile: (file) => import(pathToFileURL(file).href) };

const specs = files.map((filepath) => ({ filepath, testLocations: undefined }));
for (const file of await startTests(specs, runner)) count(file, []);
fs.writeFileSync(report, JSON.stringify(counts));
process.exit(counts.failed > 0 ? 1 : 0);
