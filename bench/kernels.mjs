/**
 * The kernels, shape by shape, each in turn with its peak and with onnxruntime-node: for layers the register loop of the same
 * instruction set, for conversions memcpy. Peers' answers are compared with ours before anything is timed.
 */
import { createNativeBackend } from '../dist/esm/backends/native/index.js';
import { nativeContender } from './native.mjs';
import { profiledContender, wallContender } from './ort.mjs';
import { loadOnnxRuntime } from './peers.mjs';
import { makeRows, printRows } from './rows.mjs';
import { groups } from './subjects.mjs';
import { takeTurns } from './timing.mjs';

/** Milliseconds a contender may take, all rounds together. */
const budgetOfContender = 150;

export async function run({ filter, threads, isa, alone = false }) {
  const context = {
    isa: createNativeBackend({ isa }).isa,
    threads,
    peer: alone ? undefined : loadOnnxRuntime(),
  };
  const rows = [];
  for (const group of groups) {
    const wanted = group.filter(({ name }) => filter.test(name));
    if (wanted.length > 0) rows.push(...(await measureGroup(wanted, context)));
  }
  return { rows };
}

async function measureGroup(subjects, context) {
  const fields = [];
  for (const subject of subjects) fields.push(await fieldOf(subject, context));
  const contenders = fields.flatMap((field) => Object.values(field));
  const budget = budgetOfContender * contenders.length;
  const { times, rounds } = await takeTurns(contenders, { budget });
  const rows = [];
  for (const [i, subject] of subjects.entries()) {
    const { ours, single, peak, wall, profiled } = fields[i];
    const speed = (contender, amount) => amount / times[contenders.indexOf(contender)];
    const peers = [];
    if (single !== undefined) {
      peers.push({ peer: 'octavo native 1 thread', peerValue: speed(single, subject.amount) });
    }
    if (wall !== undefined) {
      const kernel = await profiled.finish();
      peers.push({ peer: wall.name, peerValue: speed(wall, subject.amount) });
      peers.push({ peer: profiled.name, peerValue: kernel && subject.amount / kernel });
    }
    const own = makeRows(
      {
        suite: 'kernels',
        case: subject.name,
        backend: 'native',
        isa: context.isa,
        threads: context.threads,
        metric: subject.metric,
        value: speed(ours, subject.amount),
        peak: peak && speed(peak, peak.amount),
        rounds,
      },
      peers,
    );
    printRows(own);
    rows.push(...own);
  }
  for (const contender of contenders) await contender.close?.();
  return rows;
}

/** The contenders of a subject, those that there are. */
async function fieldOf(subject, { isa, threads, peer }) {
  const numbers = subject.draw();
  const plan = subject.plan(numbers);
  const native = (count) => nativeContender('octavo', plan, [numbers.x], { isa, threads: count });
  const field = { ours: native(threads) };
  if (threads > 1) field.single = native(1);
  const peak = subject.peak(isa);
  if (peak !== undefined) field.peak = peak;
  if (peer !== undefined) {
    const model = subject.model(numbers);
    const options = { executionProviders: ['cpu'], intraOpNumThreads: threads };
    const name = `onnxruntime-node ${peer.version} ${subject.precision}`;
    field.wall = await wallContender(name, peer.ort, model, options);
    if (!agrees(subject, field.ours.answer()[0], await field.wall.answer())) {
      // Engines without a dot product instruction may saturate.
      field.wall.name += ' (inexact)';
    }
    const profiled = `${field.wall.name} kernel`;
    field.profiled = await profiledContender(profiled, peer.ort, model, options);
  }
  return field;
}

function agrees(subject, ours, theirs) {
  const answer = subject.inOurOrder(theirs);
  if (ours.length !== answer.length) throw new Error(`${subject.name}: a peer computes other dims`);
  const tolerance = subject.tolerance(answer);
  return ours.every((value, i) => Math.abs(value - answer[i]) <= tolerance);
}
