/**
 * npm run bench -- SUITE [--json FILE] [--filter RE] [--threads N] [--isa NAME]
 *
 * Runs one suite and prints its table; --json also writes every row. See bench/README.md for how to read
 * the figures.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';

const suites = {
  accuracy: () => import('./accuracy.mjs'),
  kernels: () => import('./kernels.mjs'),
  models: () => import('./models.mjs'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    filter: { type: 'string' },
    threads: { type: 'string', default: '1' },
    limit: { type: 'string' },
    method: { type: 'string' },
    percentile: { type: 'string' },
    backends: { type: 'string' },
    isa: { type: 'string' },
  },
});

const suite = suites[positionals[0]];
if (suite === undefined || positionals.length !== 1) {
  console.error(`usage: npm run bench -- ${Object.keys(suites).join(' | ')} [options]`);
  process.exit(2);
}
const number = (text) => (text === undefined ? undefined : Number(text));
const { run } = await suite();
const rows = await run({
  filter: new RegExp(values.filter ?? ''),
  threads: Number(values.threads),
  limit: number(values.limit),
  method: values.method,
  percentile: number(values.percentile),
  backends: values.backends?.split(','),
  isa: values.isa,
});
if (values.json !== undefined) {
  const report = {
    cpu: os.cpus()[0].model.trim(),
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    rows,
  };
  writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
}
