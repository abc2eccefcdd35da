/**
 * Calibrating MobileNetV2 on ever more samples: the time of one and the most memory, each number of samples in a process
 * of its own; and in the same way what quantizing and the sensitivity of all layers take as a whole.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { makeRows, printRows } from './rows.mjs';

const child = fileURLToPath(new URL('./calibrateChild.mjs', import.meta.url));

const tasks = [
  ...[64, 256, 1024, 10_000].map((count) => ({ what: 'calibrate', count, each: true })),
  { what: 'quantize', count: 128 },
  { what: 'sensitivity', count: 128 },
];

export async function run({ filter, limit = Number.POSITIVE_INFINITY }) {
  const rows = [];
  for (const { what, count, each } of tasks) {
    const name = `MobileNetV2, ${what}, ${count} samples`;
    if (count > limit || !filter.test(name)) continue;
    const { status, stdout, stderr } = spawnSync(process.execPath, [child, what, `${count}`], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
    const { isa, threads, ms, mb } = JSON.parse(stdout);
    const base = { suite: 'calibrate', backend: 'native', isa, threads, rounds: 1 };
    const time = each ? [`${name}, a sample`, 'ms', ms / count] : [name, 'ms', ms];
    for (const [label, metric, value] of [time, [`${name}, most resident`, 'mb', mb]]) {
      const made = makeRows({ ...base, case: label, metric, value });
      printRows(made);
      rows.push(...made);
    }
  }
  return { rows };
}
