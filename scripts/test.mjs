/**
 * `npm test`: set up, lint, unit tests. Arguments after `--` go to Vitest. The last line is `N passed, N failed[, N skipped]`
 * over the tests and the lint checks together, and the exit code is non-zero when anything failed.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { attach, BuildError, root, runMain } from './lib/run.mjs';
import { lint } from './lint.mjs';
import { setup } from './setup.mjs';

const report = path.join(root, '.cache', 'vitest.json');

async function runVitest(args) {
  fs.rmSync(report, { force: true });
  const vitest = path.join(
    path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
    'vitest.mjs',
  );
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await attach(process.execPath, [vitest, 'run', ...reporters, ...args]);
  return { code, ...countTests() };
}

/** Counts from Vitest's report. A file that fails outside its tests, or a report that is not there, counts as one failure. */
function countTests() {
  if (!fs.existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    fs.readFileSync(report, 'utf8'),
  );
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + brokenFiles.length,
    skipped: numPendingTests + numTodoTests,
  };
}

async function test() {
  await setup();
  const checks = Object.values(await lint());
  const tests = await runVitest(process.argv.slice(2));
  const passed = tests.passed + checks.filter((ok) => ok).length;
  let failed = tests.failed + checks.filter((ok) => !ok).length;
  // An error outside any test (an unhandled rejection, say) shows in the exit code only.
  if (tests.code !== 0 && tests.failed === 0) failed += 1;
  return { passed, failed, skipped: tests.skipped };
}

await runMain(async () => {
  let counts = { passed: 0, failed: 1, skipped: 0 };
  try {
    counts = await test();
  } catch (error) {
    console.error(error instanceof BuildError ? error.message : error);
  }
  const { passed, failed, skipped } = counts;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed > 0 ? 1 : 0;
});
