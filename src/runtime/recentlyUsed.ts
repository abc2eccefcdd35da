/** A cache of what is expensive to make, which forgets what was not used for longest. */

export interface RecentlyUsedOptions<T> {
  /** Most entries, and most that they may weigh together; the one just asked for stays in any case. */
  readonly most: number;
  readonly mostWeight?: number | undefined;
  readonly weightOf?: ((entry: T) => number) | undefined;
  readonly drop: (entry: T) => void;
}

export class RecentlyUsed<T> {
  readonly #entries = new Map<string, T>();
  readonly #options: RecentlyUsedOptions<T>;
  #weight = 0;

  constructor(options: RecentlyUsedOptions<T>) {
    this.#options = options;
  }

  get(key: string, make: () => T): T {
    return this.find(key) ?? this.add(key, make());
  }

  find(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Keeps an entry, unless there is one for the key: then the new one is dropped. Returns the one that is kept. */
  add(key: string, entry: T): T {
    const kept = this.find(key);
    if (kept !== undefined) {
      if (kept !== entry) this.#options.drop(entry);
      return kept;
    }
    this.#entries.set(key, entry);
    this.#weight += this.#weightOf(entry);
    const { most, mostWeight = Infinity } = this.#options;
    for (const oldest of this.#entries.keys()) {
      if (oldest === key || (this.#entries.size <= most && this.#weight <= mostWeight)) break;
      this.#forget(oldest);
    }
    return entry;
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.#forget(key);
  }

  #weightOf(entry: T): number {
    return this.#options.weightOf?.(entry) ?? 0;
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key)!;
    this.#entries.delete(key);
    this.#weight -= this.#weightOf(entry);
    this.#options.drop(entry);
  }
}
