/** A few of the samples that stream by, for what has to look at the same ones twice. */
import type { Tensor } from '../core/tensor.js';
import type { Feeds } from '../runtime/session.js';

/**
 * Keeps at most `most` samples, evenly spread over all that were offered, however many come: every one at first, and
 * whenever there are too many, every second of them from then on. Which are kept depends on their number alone.
 */
export class SampleKeeper {
  readonly most: number;
  #kept: Feeds[] = [];
  #stride = 1;
  #offered = 0;

  constructor(most: number) {
    this.most = most;
  }

  get samples(): readonly Feeds[] {
    return this.#kept;
  }

  /** Copies what it keeps: callers may fill the same arrays again. */
  offer(feeds: Feeds): void {
    const isNext = this.#offered++ % this.#stride === 0;
    if (this.most < 1 || !isNext) return;
    if (this.#kept.length === this.most) {
      this.#kept = this.#kept.filter((_, i) => i % 2 === 0);
      this.#stride *= 2;
      if ((this.#offered - 1) % this.#stride !== 0) return;
    }
    this.#kept.push(copyOf(feeds));
  }
}

/** At most `most` of the samples, evenly spread. */
export function spreadOf(samples: readonly Feeds[], most: number): readonly Feeds[] {
  const count = Math.min(samples.length, most);
  return Array.from(
    { length: count },
    (_, i) => samples[Math.floor((i * samples.length) / count)]!,
  );
}

function copyOf(feeds: Feeds): Feeds {
  const copies = Object.entries(feeds).map(([name, tensor]) => {
    return [name, { ...tensor, data: tensor.data.slice() } as Tensor];
  });
  return Object.fromEntries(copies);
}
