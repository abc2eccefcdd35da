/**
 * Options of sessions and runs. Callers may be JavaScript without types: an option that is unknown, or
 * not what it should be, is an error, so that none is ignored.
 */
import { OctavoError } from '../core/errors.js';
import { defaultLimits, type Limits } from '../core/limits.js';
import type { TraceEntry } from '../passes/pass.js';

/** Options of a session; those that ONNX Runtime has too bear its names. */
export interface SessionOptions {
  /** 'native', 'wasm' or 'reference'. Default: $OCTAVO_BACKEND, or the best that loads. */
  readonly backend?: string | undefined;
  /** Forces an instruction set, such as 'avx2'. Default: $OCTAVO_ISA, or the best there is. */
  readonly isa?: string | undefined;
  /** Threads that one run may use; 0 leaves it to Octavo. Default: $OCTAVO_THREADS, or all CPUs. */
  readonly intraOpNumThreads?: number | undefined;
  /** Sizes of free dimensions by name. One that no input has throws `NO_MATCH`. */
  readonly freeDimensionOverrides?: Readonly<Record<string, number>> | undefined;
  /** External data of a model given as bytes: contents by the path that the model names. */
  readonly externalData?:
    | readonly { readonly path: string; readonly data: Uint8Array }[]
    | undefined;
  /** Limits to lift, by name. */
  readonly limits?: Partial<Limits> | undefined;
  /** Sets of input dims whose plans are kept, those last used, from 1; fewer where their activations exceed 256 MB. Default 64. */
  readonly maxPlans?: number | undefined;
  /** Told of each rewrite of the graph. */
  readonly onPatch?: ((entry: TraceEntry) => void) | undefined;
}

export interface RunOptions {
  /** Ends the run before its next step; it then rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Names of the outputs to return. Default: all. */
  readonly outputs?: readonly string[] | undefined;
}

/** Options of `profile`. */
export interface ProfileOptions {
  /** Runs that count, from 1. Default 10. */
  readonly runs?: number | undefined;
  /** Runs before them. Default 3. */
  readonly warmUp?: number | undefined;
  /** Ends it before the next step; it then rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

export type Check = (value: unknown) => boolean;

/** What an option may be, and how that is said. */
export type Checks<T> = { readonly [K in keyof Required<T>]: readonly [Check, string] };

export const isObject: Check = (value) => typeof value === 'object' && value !== null;
export const isText: Check = (value) => typeof value === 'string';
export const isWholeFrom =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least;

const isExternalData: Check = (value) =>
  Array.isArray(value) &&
  value.every((entry) => isText(entry?.path) && entry.data instanceof Uint8Array);

const sessionOptions: Checks<SessionOptions> = {
  backend: [isText, 'a name'],
  isa: [isText, 'a name'],
  intraOpNumThreads: [isWholeFrom(0), 'a whole number from 0'],
  freeDimensionOverrides: [isObject, 'sizes by name'],
  externalData: [isExternalData, 'a list of { path, data: Uint8Array }'],
  limits: [isObject, 'limits by name'],
  maxPlans: [isWholeFrom(1), 'a whole number from 1'],
  onPatch: [(value) => typeof value === 'function', 'a function'],
};

/** By its looks: signals of other realms are signals too. */
export const isSignal: Check = (value) =>
  isObject(value) && typeof (value as Partial<AbortSignal>).aborted === 'boolean';

const runOptions: Checks<RunOptions> = {
  signal: [isSignal, 'an AbortSignal'],
  outputs: [(value) => Array.isArray(value) && value.every(isText), 'a list of names'],
};

const profileOptions: Checks<ProfileOptions> = {
  runs: [isWholeFrom(1), 'a whole number from 1'],
  warmUp: [isWholeFrom(0), 'a whole number from 0'],
  signal: [isSignal, 'an AbortSignal'],
};

const limitOptions = Object.fromEntries(
  Object.keys(defaultLimits).map((name) => [
    name,
    [(value: unknown) => typeof value === 'number' && value >= 0, 'a number from 0'],
  ]),
) as unknown as Checks<Limits>;

/** Throws `INVALID_ARGUMENT` naming the option. */
export function checkSessionOptions(options: SessionOptions): void {
  checkOptions(options, sessionOptions, 'session option');
  if (options.limits !== undefined) checkOptions(options.limits, limitOptions, 'limit');
}

/** Throws `INVALID_ARGUMENT` naming the option. */
export function checkRunOptions(options: RunOptions): void {
  checkOptions(options, runOptions, 'run option');
}

/** Throws `INVALID_ARGUMENT` naming the option. */
export function checkProfileOptions(options: ProfileOptions): void {
  checkOptions(options, profileOptions, 'profile option');
}

/** Throws `INVALID_ARGUMENT` unless `options` is an object of known options, each of them what it may be. */
export function checkOptions<T>(options: unknown, checks: Checks<T>, what: string): void {
  if (!isObject(options)) {
    throw new OctavoError('INVALID_ARGUMENT', `${what}s are not an object`, {
      found: options === null ? 'null' : typeof options,
    });
  }
  for (const [name, value] of Object.entries(options as Record<string, unknown>)) {
    if (!Object.hasOwn(checks, name)) {
      throw new OctavoError('INVALID_ARGUMENT', `unknown ${what}`, {
        where: name,
        expected: Object.keys(checks).join(', '),
      });
    }
    const [check, expected] = checks[name as keyof T];
    if (value === undefined || check(value)) continue;
    throw new OctavoError('INVALID_ARGUMENT', `bad ${what}`, {
      where: name,
      expected,
      found: isObject(value) ? Object.prototype.toString.call(value).slice(8, -1) : String(value),
    });
  }
}
