/** Handing the thread back to the event loop. */

/** As they are when the package is loaded: tests of those who use it may put others in their place, which never fire. */
const { setImmediate: immediate, setTimeout: timeout } = globalThis;

/** Lets the event loop turn: timers, sockets and other runs have their go. Browsers have no setImmediate. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof immediate === 'function') immediate(resolve);
    else timeout(resolve, 0);
  });
}

/** Long work hands the thread back when it has held it this long. */
const turnMilliseconds = 10;

/** When long work, made of parts, is to let the event loop turn between two of them. */
export class Turns {
  #since = performance.now();

  get isDue(): boolean {
    return performance.now() - this.#since > turnMilliseconds;
  }

  async take(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}
