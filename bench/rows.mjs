/**
 * Rows of the JSON, one for each peer of a measurement, or a single one without a peer:
 *
 *   { suite, case, backend, isa, threads, metric, value, peak?, ofPeak?, peer?, peerValue?, ratio?, rounds }
 *
 * metric 'gops': value and peerValue are 10⁹ operations a second, a multiplication and an addition counting as two;
 * 'gbs': 10⁹ bytes read and written a second; 'ms' and 'us': of time; 'mb': 10⁶ bytes resident. peak is of one thread, ofPeak the share of it that
 * each thread reaches. ratio is above 1 where Octavo is ahead.
 * The first row of a network has `profile` besides: [{ op, steps, ms, share, gops? }], by kind of step, the slowest first.
 *
 * Rows of the suite agreement are of answers: { suite, case, backend, isa, peer, integer, samples, largest, mean, top1 }.
 */

/** The faster of two is the one that is larger, or else smaller. */
const isSpeed = { gops: true, gbs: true, ms: false, us: false, mb: false };

/** Rows of one measurement. `peers`: [{ peer, peerValue }], those without a value left out. */
export function makeRows(measured, peers = []) {
  const { suite, case: name, backend, isa, threads, metric, value, peak, rounds } = measured;
  const known = peers.filter(({ peerValue }) => peerValue !== undefined);
  const base = { suite, case: name, backend, isa, threads, metric, value };
  if (peak !== undefined) Object.assign(base, { peak, ofPeak: value / (peak * threads) });
  if (known.length === 0) return [{ ...base, rounds }];
  return known.map(({ peer, peerValue }) => {
    const ratio = isSpeed[metric] ? value / peerValue : peerValue / value;
    return { ...base, peer, peerValue, ratio, rounds };
  });
}

/** What is wrong with a row, or undefined. */
export function faultOf(row) {
  const texts = ['suite', 'case', 'backend'];
  for (const key of texts) {
    if (typeof row[key] !== 'string' || row[key] === '') return `${key} is no text`;
  }
  if (row.suite === 'agreement') {
    const wrong = ['samples', 'largest', 'mean', 'top1'].find((key) => !(row[key] >= 0));
    return wrong && `${wrong} is ${row[wrong]}`;
  }
  if (!Object.hasOwn(isSpeed, row.metric)) return `no such metric: ${row.metric}`;
  for (const key of ['value', 'threads', 'rounds']) {
    if (!(row[key] > 0 && Number.isFinite(row[key]))) return `${key} is ${row[key]}`;
  }
  const optional = [
    ['peak', 'ofPeak'],
    ['peer', 'peerValue', 'ratio'],
  ];
  for (const group of optional) {
    const present = group.filter((key) => row[key] !== undefined);
    if (present.length > 0 && present.length < group.length) return `only ${present} of ${group}`;
    for (const key of present) {
      if (key !== 'peer' && !(row[key] > 0 && Number.isFinite(row[key]))) {
        return `${key} is ${row[key]}`;
      }
    }
  }
  for (const { op, steps, ms, share } of row.profile ?? []) {
    if (typeof op !== 'string' || !(steps > 0 && ms >= 0 && share >= 0 && share <= 1)) {
      return `profile of ${op}: ${steps} steps, ${ms} ms, share ${share}`;
    }
  }
  return undefined;
}

/** Kinds of step that take less than this share of a run are shown together. */
const shownShare = 0.01;

/** Of a profile what is shown: [{ op, steps, ms, share, gops? }], small ones as one. */
export function shownProfile(profile) {
  const small = profile.filter(({ share }) => share < shownShare);
  if (small.length < 2) return profile;
  const sum = (key) => small.reduce((total, one) => total + one[key], 0);
  const others = { op: 'others', steps: sum('steps'), ms: sum('ms'), share: sum('share') };
  return [...profile.filter(({ share }) => share >= shownShare), others];
}

/** A line of a table: the case, the value with its share of the peak, each peer with the ratio, and where the time goes. */
export function printRows(rows) {
  const [{ case: name, backend, metric, value, ofPeak, threads }] = rows;
  const unit = { gops: 'GOP/s', gbs: 'GB/s', ms: 'ms', us: 'µs', mb: 'MB' }[metric];
  const digits = (number) => number.toFixed(number < 10 ? 3 : 1);
  const share = ofPeak === undefined ? '' : `${(100 * ofPeak).toFixed(1).padStart(6)} %`;
  const marks = [
    ...(backend === 'native' ? [] : [backend]),
    ...(threads === 1 ? [] : [`${threads} threads`]),
  ];
  const mark = marks.length === 0 ? '' : ` (${marks.join(', ')})`;
  console.log(`${(name + mark).padEnd(40)} ${digits(value).padStart(9)} ${unit} ${share}`);
  for (const { peer, peerValue, ratio } of rows) {
    if (peer === undefined) continue;
    const times = `${ratio.toFixed(2)}×`.padStart(8);
    console.log(`    ${peer.padEnd(36)} ${digits(peerValue).padStart(9)} ${unit} ${times}`);
  }
  for (const { op, steps, ms, share, gops } of shownProfile(rows[0].profile ?? [])) {
    const part = `${(100 * share).toFixed(1)} %`.padStart(8);
    const speed = gops === undefined ? '' : `  ${gops.toFixed(0).padStart(5)} GOP/s`;
    console.log(
      `      ${`${op} ×${steps}`.padEnd(34)} ${digits(ms).padStart(9)} ms ${part}${speed}`,
    );
  }
}
