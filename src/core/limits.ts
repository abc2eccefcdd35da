/**
 * Limits that keep an untrusted model from taking the machine. Safe by default; each is lifted by
 * name, through the `limits` option of the calls that read models or compile plans.
 */

export interface Limits {
  /** Largest tensor, in bytes. */
  readonly tensorBytes: number;
  /** Largest model file, external data included, in bytes. */
  readonly modelBytes: number;
  /** Largest activation arena of one run, in bytes. */
  readonly arenaBytes: number;
  /** Most nodes in a graph, subgraphs included. */
  readonly nodes: number;
  /** Highest rank of a tensor. */
  readonly rank: number;
  /** Deepest nesting of messages in a model file. */
  readonly nesting: number;
}

export const defaultLimits: Limits = {
  tensorBytes: 2 ** 31 - 1,
  modelBytes: 2 ** 32,
  arenaBytes: 2 ** 32,
  nodes: 100_000,
  rank: 8,
  nesting: 64,
};

export function resolveLimits(overrides: Partial<Limits> = {}): Limits {
  return { ...defaultLimits, ...overrides };
}
