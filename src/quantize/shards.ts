/**
 * Which parts of a set of data a calibration has seen, so that none is counted twice. Data are dealt like cards: shard
 * i of n holds the samples i − 1, i − 1 + n, i − 1 + 2n … An unmarked calibration (no `Shards`) is complete in itself.
 */
import { OctavoError } from '../core/errors.js';

export interface Shards {
  /** Shards that the data were dealt into, 2 or more. */
  readonly count: number;
  /** Those seen: from 1 to `count`, rising, at least one and not all. */
  readonly seen: readonly number[];
}

/** Throws `INVALID_ARGUMENT` unless 1 ≤ index ≤ count. The only shard of one is the whole. */
export function oneShard(index: number, count: number): Shards | undefined {
  const isWhole = Number.isSafeInteger(index) && Number.isSafeInteger(count);
  if (!isWhole || index < 1 || index > count) {
    throw new OctavoError('INVALID_ARGUMENT', 'no such shard', {
      where: 'shard',
      expected: 'a whole number from 1, of as many or more',
      found: `${index} of ${count}`,
    });
  }
  return count === 1 ? undefined : { count, seen: [index] };
}

/** Both together; undefined when that is all of them. Throws `INVALID_CALIBRATION` where samples would count twice. */
export function mergeShards(
  a: Shards | undefined,
  b: Shards | undefined,
  where: string,
): Shards | undefined {
  if (a === undefined && b === undefined) return undefined;
  if (a === undefined || b === undefined || a.count !== b.count) {
    throw new OctavoError('INVALID_CALIBRATION', 'parts whose samples may be the same', {
      where,
      expected: 'shards of one number, or parts that are no shards',
      found: `${describeShards(a)} and ${describeShards(b)}`,
    });
  }
  const twice = a.seen.filter((index) => b.seen.includes(index));
  if (twice.length > 0) {
    throw new OctavoError('INVALID_CALIBRATION', 'the same shard twice', {
      where,
      found: describeShards({ count: a.count, seen: twice }),
    });
  }
  const seen = [...a.seen, ...b.seen].sort((left, right) => left - right);
  return seen.length === a.count ? undefined : { count: a.count, seen };
}

/** Those not seen yet. */
export function missingShards(shards: Shards | undefined): readonly number[] {
  if (shards === undefined) return [];
  const all = Array.from({ length: shards.count }, (_, i) => i + 1);
  const seen = new Set(shards.seen);
  return all.filter((index) => !seen.has(index));
}

/** Whether something read from a file is of the form that `oneShard` and `mergeShards` make. */
export function areShards(value: unknown): value is Shards {
  const { count, seen } = (value ?? {}) as Partial<Shards>;
  return (
    Number.isSafeInteger(count) &&
    Array.isArray(seen) &&
    seen.length > 0 &&
    seen.length < count! &&
    seen.every((n, i) => Number.isSafeInteger(n) && n > (seen[i - 1] ?? 0) && n <= count!)
  );
}

/** Such as 'shard 2/8' or 'shards 2/8 3/8'. */
export function describeShards(shards: Shards | undefined): string {
  if (shards === undefined) return 'no shard';
  const names = shards.seen.map((index) => `${index}/${shards.count}`);
  return `shard${names.length === 1 ? '' : 's'} ${names.join(' ')}`;
}
