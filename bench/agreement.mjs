/**
 * How close Octavo's answers are to onnxruntime-node's, on the same files and the same feeds: every model of the data folder and
 * of the npm packages. Figures are over all outputs of all samples:
 *
 * - largest: max |ours − theirs| / max |theirs|, of the output where that is largest;
 * - mean: Σ |ours − theirs| / Σ |theirs|, of the output where that is largest;
 * - top1: per cent of the samples whose first output has its greatest element in the same place.
 *
 * A model of float32 whose largest is above 10⁻⁴ is a failure. Integer models have no such bound: where onnxruntime rounds
 * otherwise by one step somewhere, what comes behind differs by more.
 */
import { existsSync, readFileSync } from 'node:fs';
import { subjects } from './agreementSubjects.mjs';
import { argmax } from './answers.mjs';
import { hasData } from './datasets.mjs';
import { loadOnnxRuntime, octavoEngine, onnxRuntimeEngine } from './peers.mjs';

/** What a model of float32 may differ by. */
export const floatBound = 1e-4;

export async function run({ filter, limit = 16 }) {
  if (!hasData) throw new Error('no data: set OCTAVO_DATA');
  const peer = loadOnnxRuntime();
  if (peer === undefined) throw new Error('onnxruntime-node is not installed');
  const rows = [];
  console.log(`${'model'.padEnd(36)} samples   largest      mean   top-1`);
  for (const subject of subjects.filter(({ name }) => filter.test(name))) {
    if (!existsSync(subject.file)) throw new Error(`no such file: ${subject.file}`);
    const row = await rowOf(subject, await subject.feeds(limit), peer.version);
    rows.push(row);
    const shown = [row.largest, row.mean].map((value) => value.toExponential(1).padStart(9));
    console.log(
      `${row.case.padEnd(36)} ${String(row.samples).padStart(7)} ${shown.join(' ')} ` +
        `${row.top1.toFixed(1).padStart(7)} %`,
    );
  }
  const far = rows.filter(({ integer, largest }) => !integer && !(largest <= floatBound));
  const names = far.map((row) => row.case).join(', ');
  return { rows, failure: far.length === 0 ? undefined : `too far from onnxruntime: ${names}` };
}

async function rowOf({ name, file, integer = false }, feeds, version) {
  const bytes = readFileSync(file);
  const ours = await octavoEngine(bytes, { backend: 'native' });
  const theirs = await onnxRuntimeEngine(bytes, 1);
  const outputs = new Map();
  let same = 0;
  for (const one of feeds) {
    const [found, expected] = [await ours.run(one), await theirs.run(one)];
    for (const [i, [output, { data }]] of Object.entries(expected).entries()) {
      const figures = outputs.get(output) ?? { most: 0, difference: 0, sum: 0, differences: 0 };
      outputs.set(output, figures);
      add(figures, found[output].data, data);
      if (i === 0 && argmax(found[output].data) === argmax(data)) same++;
    }
  }
  ours.close();
  await theirs.close();
  const all = [...outputs.values()];
  return {
    suite: 'agreement',
    case: name,
    backend: 'native',
    isa: ours.isa,
    peer: `onnxruntime-node ${version}`,
    integer,
    samples: feeds.length,
    largest: Math.max(...all.map(({ difference, most }) => difference / (most || 1))),
    mean: Math.max(...all.map(({ differences, sum }) => differences / (sum || 1))),
    top1: (100 * same) / feeds.length,
  };
}

function add(figures, ours, theirs) {
  for (let i = 0; i < theirs.length; i++) {
    const difference = Math.abs(Number(ours[i]) - Number(theirs[i]));
    const size = Math.abs(Number(theirs[i]));
    figures.most = Math.max(figures.most, size);
    // Not Math.max alone: NaN is a difference that must be seen.
    if (!(difference <= figures.difference)) figures.difference = difference;
    figures.sum += size;
    figures.differences += difference;
  }
}
