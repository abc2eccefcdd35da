/**
 * How contenders are timed: all of a case in one process, in bursts that take turns, so that the drift of the clock
 * and the noise of the machine meet all alike; the median over many rounds. A burst during which the system gave the CPU to
 * another process tells nothing about the contender, and is taken again.
 *
 * A contender is { name, burst(repeats) }: it does its work so many times and tells the nanoseconds, or a promise
 * of them. Its keep(), if it has one, is called when the last burst counts.
 */

/** Nanoseconds that a burst is made to last about. */
const burstTime = 1e6;
/** Before a burst, what the others have left in the caches is driven out by this much work of its own. */
const warmUpTime = 2.5e5;
const mostRepeats = 1e6;
/** How often a burst is taken before a disturbed one will do, and how long the bursts may be that are taken again. */
const attempts = 4;
const longestAgain = 2e7;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** How often a contender works in one burst; also its warm-up. */
export async function calibrate(contender, time = burstTime) {
  await contender.burst(1);
  let repeats = 1;
  for (;;) {
    const taken = Math.max(await contender.burst(repeats), 1);
    if (taken >= time / 2 || repeats >= mostRepeats) {
      return Math.max(1, Math.min(mostRepeats, Math.round((repeats * time) / taken)));
    }
    repeats = Math.min(mostRepeats, repeats * Math.max(2, Math.ceil(time / taken / 2)));
  }
}

/** Nanoseconds of a burst in which the process kept its CPU; of the shortest one where it never did. */
async function undisturbed(contender, repeats) {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < attempts; i++) {
    const before = process.resourceUsage().involuntaryContextSwitches;
    const time = await contender.burst(repeats);
    shortest = Math.min(shortest, time);
    if (process.resourceUsage().involuntaryContextSwitches === before) {
      shortest = time;
      break;
    }
    if (shortest > longestAgain) break;
  }
  contender.keep?.();
  return shortest;
}

/**
 * Median nanoseconds of one repeat of each contender, over as many rounds as fit into `budget` milliseconds, between
 * `least` and `most`.
 *
 * @returns {Promise<{ times: number[], rounds: number }>}
 */
export async function takeTurns(contenders, { budget = 1000, least = 9, most = 61 } = {}) {
  const repeats = [];
  for (const contender of contenders) repeats.push(await calibrate(contender));
  const times = contenders.map(() => []);
  const end = performance.now() + budget;
  let rounds = 0;
  while (rounds < least || (rounds < most && performance.now() < end)) {
    for (const [i, contender] of contenders.entries()) {
      const warmUp = Math.ceil((repeats[i] * warmUpTime) / burstTime);
      if ((times[i].at(-1) ?? 0) < longestAgain) await contender.burst(warmUp);
      times[i].push((await undisturbed(contender, repeats[i])) / repeats[i]);
    }
    rounds++;
  }
  return { times: times.map(median), rounds };
}

/** A contender that calls an asynchronous function, waiting for each. */
export function asyncContender(name, call) {
  return {
    name,
    async burst(repeats) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < repeats; i++) await call();
      return Number(process.hrtime.bigint() - start);
    },
  };
}
