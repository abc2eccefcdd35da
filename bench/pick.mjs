/**
 * Whether dispatch picks well: on each shape the kernel that it picks, in turn with every registered kernel that can be
 * forced on the shape by name. Fails when the pick is slower than 95 % of the best. A suspect is measured again, longer, before it
 * is believed.
 */

import { createNativeBackend, nativeKernels } from '../dist/esm/backends/native/index.js';
import { OctavoError } from '../dist/esm/index.js';
import { cases, conv, gemm } from './cases.mjs';
import { impliedIsas, nativeContender } from './native.mjs';
import { makeRows } from './rows.mjs';
import { floatSubject, int8Subject } from './subjects.mjs';
import { calibrate, takeTurns } from './timing.mjs';

/** The share of the best kernel's speed that a pick must have. */
export const leastShare = 0.95;
/** Kernels that are this many times slower than the pick on every small shape are not tried on the large ones. */
const hopeless = 4;
/** Milliseconds for each contender: at first, and each time a suspect is measured again. */
const budgets = [60, 200, 400];

/** Small shapes of every kind that a family may be made for. */
const probes = [
  gemm([1, 256, 256]),
  gemm([64, 256, 256]),
  conv('3x3 s1 64->64 @14'),
  conv('3x3 s2 3->32 @28'),
  conv('7x7 s2 3->64 @28'),
  conv('dw3x3 s1 96 @14'),
  conv('dw3x3 s2 96 @14'),
];

const subjectsOf = (shape) => [int8Subject(shape), floatSubject(shape)];

export async function run({ filter, threads, isa }) {
  const chosen = createNativeBackend({ isa }).isa;
  const isas = impliedIsas(chosen);
  const candidates = await promising(
    nativeKernels().filter((kernel) => isas.includes(kernel.isa)),
    chosen,
  );
  const rows = [];
  const slow = [];
  for (const subject of cases.flatMap(subjectsOf).filter(({ name }) => filter.test(name))) {
    const { verdict, rounds } = await pickOf(subject, candidates, { isa: chosen, threads });
    const gops = (time) => subject.amount / time;
    const measured = { suite: 'pick', case: subject.name, backend: 'native', isa: chosen, threads };
    rows.push(
      ...makeRows(
        { ...measured, metric: 'gops', value: gops(verdict.pick), rounds },
        verdict.best === undefined
          ? []
          : [{ peer: verdict.best.name, peerValue: gops(verdict.best.time) }],
      ),
    );
    console.log(describe(subject, verdict));
    if (!verdict.good) slow.push(subject.name);
  }
  if (slow.length === 0) return { rows };
  return { rows, failure: `dispatch picks a slower kernel on ${slow.join(', ')}` };
}

function describe({ name, amount }, { pick, best, share, good }) {
  const gops = (time) => `${(amount / time).toFixed(1).padStart(8)} GOP/s`;
  if (best === undefined) return `${name.padEnd(36)} ${gops(pick)}  (no kernel can be forced)`;
  const percent = `${(100 * share).toFixed(1).padStart(6)} %`;
  return `${name.padEnd(36)} ${gops(pick)} ${percent} of ${best.name}${good ? '' : '  SLOW'}`;
}

/**
 * The pick's time against those of [{ name, time }]: the best of them, the share of its speed that the pick has, and
 * whether that is enough.
 */
export function judge(pick, others) {
  if (others.length === 0) return { pick, best: undefined, share: 1, good: true };
  const best = others.reduce((a, b) => (b.time < a.time ? b : a));
  const share = best.time / pick;
  return { pick, best, share, good: share >= leastShare };
}

/**
 * Judges by measure(names, budget) → times of the pick and of those names. While the pick looks slow, it is measured again,
 * longer each time, against those that were faster; it is slow if it always was.
 */
export async function judgeBy(measure, names) {
  let rivals = names;
  let verdict;
  for (const budget of budgets) {
    const [pick, ...times] = await measure(rivals, budget);
    const others = rivals.map((name, i) => ({ name, time: times[i] }));
    verdict = judge(pick, others);
    if (verdict.good) break;
    rivals = others.filter(({ time }) => time / pick < leastShare).map(({ name }) => name);
  }
  return verdict;
}

async function pickOf(subject, candidates, options) {
  const numbers = subject.draw();
  const plan = subject.plan(numbers);
  const open = (kernel) => openIfFits(plan, numbers.x, { ...options, kernel });
  const pick = open(undefined);
  const opened = new Map();
  for (const { name } of candidates) {
    const contender = open(name);
    if (contender !== undefined) opened.set(name, contender);
  }
  let rounds = 0;
  const measure = async (names, budget) => {
    const contenders = [pick, ...names.map((name) => opened.get(name))];
    const turns = await takeTurns(contenders, { budget: budget * contenders.length });
    rounds = turns.rounds;
    return turns.times;
  };
  const verdict = await judgeBy(measure, [...opened.keys()]);
  for (const contender of [pick, ...opened.values()]) contender.close();
  return { verdict, rounds };
}

/** A contender with a forced kernel; undefined where the kernel does not fit the plan or the CPU. */
function openIfFits(plan, x, options) {
  try {
    return nativeContender(options.kernel ?? 'pick', plan, [x], options);
  } catch (error) {
    const codes = ['INVALID_ARGUMENT', 'BACKEND_UNAVAILABLE'];
    if (error instanceof OctavoError && codes.includes(error.code)) return undefined;
    throw error;
  }
}

/** The kernels that can be forced on some small shape and are not hopeless on all of those. */
async function promising(kernels, isa) {
  const found = new Set();
  for (const subject of probes.flatMap(subjectsOf)) {
    const numbers = subject.draw();
    const plan = subject.plan(numbers);
    const timeOf = async (kernel) => {
      const contender = openIfFits(plan, numbers.x, { isa, threads: 1, kernel });
      if (contender === undefined) return undefined;
      const repeats = await calibrate(contender, 3e5);
      const times = [];
      for (let i = 0; i < 5; i++) times.push(contender.burst(repeats) / repeats);
      contender.close();
      return Math.min(...times);
    };
    const pick = await timeOf(undefined);
    for (const kernel of kernels) {
      const time = found.has(kernel) ? undefined : await timeOf(kernel.name);
      if (time !== undefined && time < pick * hopeless) found.add(kernel);
    }
  }
  return [...found];
}
