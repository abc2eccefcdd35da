/**
 * npm run bench -- SUITE [--json FILE] [--filter RE] [options]
 *
 * Runs one suite and prints its figures; --json also writes every row. Exits with 2 when the command line is wrong, and
 * with 1 when a suite finds what must not be. See bench/README.md for how to read the figures.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { OctavoError } from '../dist/esm/index.js';
import { parseCommand, UsageError, usage } from './options.mjs';

/** The suite's options that Octavo itself refuses. */
const refusals = ['INVALID_ARGUMENT', 'BACKEND_UNAVAILABLE'];

try {
  const { suite, options } = parseCommand(process.argv.slice(2));
  const { run } = await suite.load();
  const result = await run(options);
  if (options.json !== undefined) writeFileSync(options.json, reportOf(result.rows));
  if (result.failure !== undefined) {
    console.error(result.failure);
    process.exitCode = 1;
  }
} catch (error) {
  const refused = error instanceof OctavoError && refusals.includes(error.code);
  if (!(error instanceof UsageError) && !refused) throw error;
  console.error(refused ? error.message : `${error.message}\n\n${usage()}`);
  process.exitCode = 2;
}

function reportOf(rows) {
  const cpu = os.cpus()[0].model.trim();
  const date = new Date().toISOString().slice(0, 10);
  return `${JSON.stringify({ cpu, node: process.version, date, rows }, null, 1)}\n`;
}
