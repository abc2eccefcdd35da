/** How far long work has come. */

export interface Progress {
  readonly phase:
    | 'smooth'
    | 'calibrate'
    | 'choose'
    | 'ranges'
    | 'round'
    | 'correct'
    | 'quantize'
    | 'sensitivity'
    | 'search';
  readonly done: number;
  /** Undefined when it is not known: of streamed samples, and of models that a search will try. */
  readonly total: number | undefined;
  /** Milliseconds left at the pace so far; undefined when not known. */
  readonly etaMs: number | undefined;
}

/** A listener for `done` of `total`, that reports the phase with the time left at the pace so far. */
export function progressOf(
  phase: Progress['phase'],
  onProgress: ((progress: Progress) => void) | undefined,
): (done: number, total: number) => void {
  const start = performance.now();
  return (done, total) => {
    const etaMs = ((performance.now() - start) / done) * (total - done);
    onProgress?.({ phase, done, total, etaMs });
  };
}
