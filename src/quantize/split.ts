/** Calibration data on their way to where they are used: some are held out to measure on, a few are kept. */
import { throwIfAborted } from '../core/errors.js';
import type { Feeds } from '../runtime/session.js';
import { noSamples, SampleKeeper, type Samples } from './samples.js';

export interface SplitOptions {
  readonly data: Samples;
  /** Most samples to keep, and most to hold out. */
  readonly kept: number;
  readonly heldOut: number;
  readonly signal?: AbortSignal | undefined;
}

export class Split {
  readonly #options: SplitOptions;
  readonly #kept: SampleKeeper;
  readonly #heldOut: SampleKeeper;

  constructor(options: SplitOptions) {
    this.#options = options;
    this.#kept = new SampleKeeper(options.kept);
    this.#heldOut = new SampleKeeper(options.heldOut);
  }

  /** Samples of the calibration, once they went by. */
  get kept(): readonly Feeds[] {
    return this.#kept.samples;
  }

  /** Those held out; those kept where none is. */
  get measured(): readonly Feeds[] {
    const { samples } = this.#heldOut;
    return samples.length > 0 ? samples : this.kept;
  }

  /** The data less every fourth, which is held out, if any are to be. */
  async *calibrationData(): AsyncGenerator<Feeds> {
    const { data, signal } = this.#options;
    const holdsOut = this.#heldOut.most > 0;
    let at = 0;
    for await (const feeds of data) {
      throwIfAborted(signal, 'quantize');
      if (holdsOut && at++ % 4 === 3) {
        this.#heldOut.offer(feeds);
        continue;
      }
      this.#kept.offer(feeds);
      yield feeds;
    }
  }

  /** Lets all of the data go by. Throws `INVALID_CALIBRATION` where there are none. */
  async exhaust(): Promise<void> {
    for await (const _ of this.calibrationData());
    if (this.kept.length === 0) throw noSamples();
  }
}
