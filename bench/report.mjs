/**
 * node bench/report.mjs [--note TEXT] FILE...
 *
 * Makes bench/RESULTS.md, and the chart in docs/ that the README shows, from what `npm run bench -- SUITE --json FILE` has
 * written. Of rows for the same thing the last file's count. The note stands beside the machine, say for what else ran on it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chartOf } from './chart.mjs';
import { faultOf, shownProfile } from './rows.mjs';

const results = new URL('./RESULTS.md', import.meta.url);
const chart = new URL('../docs/int8-layers.svg', import.meta.url);

const units = { gops: 'GOP/s', gbs: 'GB/s', ms: 'ms', us: 'µs', mb: 'MB' };

const suiteTitles = {
  kernels: 'Kernels',
  wasm: 'WASM',
  models: 'Networks, batch 1',
  precision: 'Types',
  overhead: 'Overhead',
  load: 'Loading, and memory',
  pick: 'What dispatch picks',
  agreement: 'Agreement with onnxruntime-node',
};

/**
 * The text of RESULTS.md.
 *
 * @param {readonly { cpu: string, node: string, date: string, rows: readonly any[] }[]} reports
 * @param {string} [note]
 */
export function resultsOf(reports, note) {
  const machines = new Set(
    reports.map(({ cpu, node, date }) => `${cpu}, Node ${node.slice(1)}, ${date}`),
  );
  const rows = latest(reports);
  const parts = [
    '# Results',
    'Made by `node bench/report.mjs` from the JSON files of `npm run bench`; [README.md](README.md) tells how to read them.',
    `Measured on: ${[...machines].join('; ')}.${note === undefined ? '' : ` ${note}`}`,
    behindOf(rows),
  ];
  for (const [suite, title] of Object.entries(suiteTitles)) {
    const own = rows.filter((row) => row.suite === suite);
    if (own.length === 0) continue;
    parts.push(`## ${title}`, ...(ownTables[suite]?.(own) ?? tablesOf(own)));
  }
  return `${parts.join('\n\n')}\n`;
}

/** Suites whose rows are not speeds alone. */
const ownTables = {
  models: (rows) => [...tablesOf(rows), ...profileTables(rows)],
  pick: (rows) => [pickTable(rows)],
  agreement: (rows) => [agreementNote, agreementTable(rows)],
};

function latest(reports) {
  const byKey = new Map();
  for (const { node, rows } of reports) {
    for (const row of rows) {
      const fault = faultOf(row);
      if (fault !== undefined) throw new Error(`a row is malformed: ${fault}`);
      const { suite, case: name, backend, isa, threads, peer } = row;
      const under = row.node ?? node;
      // A peer of another version takes the place of the older one.
      const who = plainPeer(peer ?? '').replace(/ \d[\d.]*/, '');
      const key = JSON.stringify([
        suite,
        name,
        backend,
        isa,
        threads,
        under,
        suite === 'pick' ? '' : who,
      ]);
      byKey.delete(key);
      byKey.set(key, { ...row, node: under });
    }
  }
  return [...byKey.values()];
}

const agreementNote =
  'Octavo native beside onnxruntime-node, one thread each, on real samples. Largest: max |ours − theirs| / max |theirs|; mean: ' +
  'Σ |ours − theirs| / Σ |theirs|; both over all samples, of the output where they are largest. Top-1: samples whose first ' +
  'output has its greatest element in the same place. Models of float32 stay within 10⁻⁴; integer ones have no such bound, since a ' +
  'step that rounds otherwise somewhere moves what lies behind it.';

function agreementTable(rows) {
  const head = ['Model', 'Type', 'Samples', 'Largest', 'Mean', 'Top-1'];
  const lines = rows.map(({ case: name, integer, samples, largest, mean, top1 }) => [
    name,
    integer ? 'INT8' : 'FP32',
    samples,
    largest.toExponential(1),
    mean.toExponential(1),
    `${top1.toFixed(1)} %`,
  ]);
  return markdown(head, lines);
}

/** Every measured loss, by name. */
function behindOf(rows) {
  const losses = rows.filter(
    ({ suite, peer, ratio }) => suite !== 'pick' && ratio < 1 && !peer.startsWith('octavo'),
  );
  if (losses.length === 0) return 'Octavo is ahead of every peer on every row.';
  const list = losses.map(
    (row) => `- ${row.case} (${placeOf(row)}): ${row.ratio.toFixed(2)}× of ${row.peer}`,
  );
  return `Octavo is behind here, and ahead of every peer on all other rows:\n\n${list.join('\n')}`;
}

function placeOf({ suite, backend, isa, threads, node }) {
  const place = [backend, isa];
  if (threads > 1) place.push(`${threads} threads`);
  if (suite === 'wasm') place.push(`Node ${node.slice(1).split('.')[0]}`);
  return place.join(', ');
}

const plainPeer = (peer) => peer.replace(' (inexact)', '');

/** One table for each place, precision and metric: a line for each case, a column for each peer. */
function tablesOf(rows) {
  const tables = new Map();
  for (const row of rows) {
    const precision = / (f32|fp32)$/.test(row.case) ? 'FP32' : '';
    const key = [placeOf(row), precision, row.suite === 'precision' ? '' : units[row.metric]];
    const title = key.filter(Boolean).join(', ');
    if (!tables.has(title)) tables.set(title, []);
    tables.get(title).push(row);
  }
  return [...tables].map(([title, own]) => `### ${title}\n\n${tableOf(own)}`);
}

function tableOf(rows) {
  const cases = [...new Set(rows.map((row) => row.case))];
  const peers = [
    ...new Set(rows.flatMap(({ peer }) => (peer === undefined ? [] : [plainPeer(peer)]))),
  ];
  const hasPeak = rows.some(({ peak }) => peak !== undefined);
  const head = ['case', 'Octavo', ...(hasPeak ? ['of peak'] : []), ...peers];
  const lines = cases.map((name) => {
    const own = rows.filter((row) => row.case === name);
    const { value, ofPeak } = own[0];
    const share = ofPeak === undefined ? '' : `${(100 * ofPeak).toFixed(1)} %`;
    const cells = peers.map((peer) => {
      const row = own.find((one) => one.peer !== undefined && plainPeer(one.peer) === peer);
      if (row === undefined) return '';
      const ratio = `${row.ratio.toFixed(2)}×`;
      const text = `${digits(row.peerValue)} (${row.ratio < 1 ? `**${ratio}**` : ratio})`;
      return row.peer === peer ? text : `${text}, inexact`;
    });
    return [name, digits(value), ...(hasPeak ? [share] : []), ...cells];
  });
  return markdown(head, lines);
}

/** Where the time of each network goes, by kind of step. */
function profileTables(rows) {
  const lines = rows
    .filter(({ profile }) => profile !== undefined)
    .map((row) => [row.case, placeOf(row), shownProfile(row.profile).map(profileText).join(', ')]);
  if (lines.length === 0) return [];
  return ['### Where the time goes', markdown(['case', 'on', 'share of the steps'], lines)];
}

function profileText({ op, share, gops }) {
  const speed = gops === undefined ? '' : ` (${gops.toFixed(0)} GOP/s)`;
  return `${op} ${(100 * share).toFixed(1)} %${speed}`;
}

function pickTable(rows) {
  const lines = rows.map(({ case: name, isa, value, peer, ratio }) => [
    name,
    isa,
    digits(value),
    peer ?? 'none can be forced',
    ratio === undefined ? '' : `${(100 * ratio).toFixed(1)} %`,
  ]);
  return markdown(['case', 'in force', 'GOP/s', 'best kernel by name', 'of its speed'], lines);
}

function markdown(head, lines) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, rule, ...lines].map(line).join('\n');
}

function digits(value) {
  return value.toPrecision(value < 1000 ? 3 : 4);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values, positionals: files } = parseArgs({
    allowPositionals: true,
    options: { note: { type: 'string' } },
  });
  if (files.length === 0) {
    console.error('usage: node bench/report.mjs [--note TEXT] FILE...');
    process.exit(2);
  }
  const reports = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  writeFileSync(results, resultsOf(reports, values.note));
  const svg = chartOf(reports);
  if (svg === undefined) console.log('no kernels on one thread in these files: no chart');
  else writeFileSync(chart, svg);
}
