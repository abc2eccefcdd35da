/**
 * Octavo's errors. Every failure a caller can cause or meet is an `OctavoError` with a stable `code`,
 * a sentence that says what and where, and, where it helps, what was expected and what was found.
 * Callers switch on `code`; the message is for people and may change.
 */

/** Stable error codes. Adding one is a minor change, renaming one is a major change. */
export const errorCodes = [
  'INVALID_ARGUMENT', // an option or argument has the wrong type, range or combination
  'INVALID_TENSOR', // a tensor's data, dims and type do not agree
  'INVALID_MODEL', // bytes that are not a model, or a model that contradicts itself
  'INVALID_GRAPH', // a graph that breaks its own rules: cycle, missing value, duplicate name
  'INVALID_INPUT', // feeds given to run(): missing, unknown, wrong type or shape
  'INVALID_QUANTIZATION', // scales or zero points that are zero, NaN, infinite or out of range
  'INVALID_CALIBRATION', // calibration data that is empty, NaN or of the wrong form
  'INVALID_RECIPE', // a recipe of another model or version, or one that makes no sense
  'UNSUPPORTED_OPERATOR', // an operator, or a form of it, that Octavo does not run
  'UNSUPPORTED_TYPE', // a data type that the operation does not take
  'LIMIT_EXCEEDED', // a size above a limit of core/limits
  'NO_MATCH', // a name, pattern or predicate that selects nothing
  'FILE_NOT_FOUND',
  'FILE_UNREADABLE',
  'FILE_UNWRITABLE',
  'UNSAFE_PATH', // a path in a model that leaves the model's folder
  'BACKEND_UNAVAILABLE', // a forced backend or instruction set that is not here
  'BACKEND_FAILURE', // the native or WASM side reported a failure
  'DISPOSED', // a session or handle used after dispose()
  'ABORTED', // an AbortSignal fired
  'MISSING_PACKAGE', // an optional peer package is needed and not installed
  'INTERNAL', // a broken invariant: a bug in Octavo
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Where an error arose and what it saw; everything optional, everything printable. */
export interface ErrorDetails {
  /** Name of the node, tensor, option or file concerned. */
  readonly where?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  readonly cause?: unknown;
}

/** The only class of error that Octavo throws on purpose. */
export class OctavoError extends Error {
  override readonly name = 'OctavoError';
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;

  constructor(code: ErrorCode, what: string, details: ErrorDetails = {}) {
    const { where, expected, found, cause } = details;
    let message = where === undefined ? what : `${where}: ${what}`;
    if (expected !== undefined) message += `; expected ${expected}`;
    if (found !== undefined) message += `${expected === undefined ? ';' : ','} found ${found}`;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.where = where;
    this.expected = expected;
    this.found = found;
  }
}

/** Throws `INTERNAL` unless `condition` holds: for invariants that only a bug can break. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new OctavoError('INTERNAL', `broken invariant: ${what}`);
}

/** Throws `ABORTED` when the signal has fired; its reason becomes the cause. */
export function throwIfAborted(signal: AbortSignal | undefined, where?: string): void {
  if (signal?.aborted) {
    throw new OctavoError('ABORTED', 'aborted by its signal', { where, cause: signal.reason });
  }
}
