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
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = make();
      this.#weight += this.#weightOf(entry);
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
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
