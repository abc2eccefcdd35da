/** A cache of what is expensive to make, which forgets what was not used for longest. */
export class RecentlyUsed<T> {
  readonly #entries = new Map<string, T>();
  readonly #most: number;
  readonly #drop: (entry: T) => void;

  constructor(most: number, drop: (entry: T) => void) {
    this.#most = most;
    this.#drop = drop;
  }

  get(key: string, make: () => T): T {
    const entry = this.#entries.get(key) ?? make();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#most) {
      const [[oldest, dropped]] = this.#entries as unknown as [[string, T]];
      this.#entries.delete(oldest);
      this.#drop(dropped);
    }
    return entry;
  }

  clear(): void {
    for (const entry of this.#entries.values()) this.#drop(entry);
    this.#entries.clear();
  }
}
