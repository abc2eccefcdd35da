/**
 * Which backend runs the plans. The first that loads, native before WASM; the reference only where it is
 * asked for. What is forced, by an option or else by OCTAVO_BACKEND, OCTAVO_ISA or OCTAVO_THREADS, is
 * used or refused, never replaced; and the report says of each backend what became of it.
 */
import { OctavoError } from '../core/errors.js';
import { type Backend, type BackendName, type BackendOptions, backendNames } from './backend.js';
import { createNativeBackend } from './native/index.js';

export interface SelectOptions {
  /** 'native', 'wasm' or 'reference'. Default: $OCTAVO_BACKEND, or the best that loads. */
  readonly backend?: string | undefined;
  /** Instruction set, such as 'avx2'. Default: $OCTAVO_ISA, or the best there is. */
  readonly isa?: string | undefined;
  /** Threads that one run may use. Default: $OCTAVO_THREADS, or all CPUs this process may use. */
  readonly threads?: number | undefined;
}

export interface BackendStatus {
  readonly name: BackendName;
  readonly status: 'in force' | 'available' | 'unavailable' | 'not tried';
  /** Why, in one sentence; of what runs, instruction set and threads. */
  readonly reason: string;
}

export interface BackendReport {
  /** Undefined when nothing that was asked for is there. */
  readonly chosen: BackendName | undefined;
  readonly backends: readonly BackendStatus[];
}

/** Backends that are tried when none is forced. */
const preferred: readonly BackendName[] = ['native', 'wasm'];

/** Loaded when they are tried, but for the one that nearly all processes try: it is small, most of it being the addon. */
const load: Record<BackendName, (options: BackendOptions) => Promise<Backend>> = {
  native: async (options) => createNativeBackend(options),
  wasm: async (options) => (await import('./wasm/index.js')).createWasmBackend(options),
  reference: async (options) =>
    (await import('./reference/index.js')).createReferenceBackend(options),
};

/**
 * Chooses and creates a backend. Throws `INVALID_ARGUMENT` for a name or number that is none, and
 * `BACKEND_UNAVAILABLE`, with reason and remedy, when what was forced, or all that was tried, is not here.
 */
export async function selectBackend(
  options: SelectOptions = {},
): Promise<{ readonly backend: Backend; readonly report: BackendReport }> {
  const request = resolve(options);
  const statuses = new Map<BackendName, BackendStatus>();
  const failures: OctavoError[] = [];
  for (const name of request.candidates) {
    const result = await attempt(name, request.options);
    if (!(result instanceof OctavoError)) {
      statuses.set(name, inForce(result));
      return { backend: result, report: reportOf(name, statuses, request) };
    }
    failures.push(result);
    statuses.set(name, { name, status: 'unavailable', reason: result.message });
  }
  if (failures.length === 1) throw failures[0]!;
  throw new OctavoError('BACKEND_UNAVAILABLE', 'no backend loads here', {
    found: failures.map((failure) => failure.message).join(' | '),
    cause: failures[0],
  });
}

/** Tries every backend, for people who want to know: nothing is left running. */
export async function describeBackends(options: SelectOptions = {}): Promise<BackendReport> {
  const request = resolve(options);
  const statuses = new Map<BackendName, BackendStatus>();
  let chosen: BackendName | undefined;
  for (const name of backendNames) {
    // What is forced binds the candidates only.
    const isCandidate = request.candidates.includes(name);
    const result = await attempt(name, isCandidate ? request.options : {});
    if (result instanceof OctavoError) {
      statuses.set(name, { name, status: 'unavailable', reason: result.message });
    } else if (isCandidate && chosen === undefined) {
      chosen = name;
      statuses.set(name, inForce(result));
    } else {
      statuses.set(name, { name, status: 'available', reason: whyNot(name, request) });
    }
  }
  return reportOf(chosen, statuses, request);
}

interface Request {
  readonly candidates: readonly BackendName[];
  /** What forced the backend, for people. */
  readonly forcedBy: string | undefined;
  readonly options: BackendOptions;
}

function resolve({ backend, isa, threads }: SelectOptions): Request {
  const environment = (name: string) => globalThis.process?.env[name] || undefined;
  const name = backend ?? environment('OCTAVO_BACKEND');
  const forcedBy =
    name === undefined ? undefined : backend === undefined ? 'OCTAVO_BACKEND' : "option 'backend'";
  if (name !== undefined && !isBackendName(name)) {
    throw new OctavoError('INVALID_ARGUMENT', 'no such backend', {
      where: forcedBy,
      expected: backendNames.join(', '),
      found: String(name),
    });
  }
  return {
    candidates: name === undefined ? preferred : [name],
    forcedBy,
    options: {
      isa: isa ?? environment('OCTAVO_ISA'),
      threads: checkThreads(threads, environment('OCTAVO_THREADS')),
    },
  };
}

function isBackendName(name: string): name is BackendName {
  return (backendNames as readonly string[]).includes(name);
}

function checkThreads(option: number | undefined, variable: string | undefined) {
  if (option === undefined && variable === undefined) return undefined;
  const threads = option ?? Number(variable);
  if (Number.isInteger(threads) && threads >= 1) return threads;
  throw new OctavoError('INVALID_ARGUMENT', 'not a number of threads', {
    where: option === undefined ? 'OCTAVO_THREADS' : "option 'threads'",
    expected: 'a whole number from 1',
    found: String(option ?? variable),
  });
}

/** The backend, or why it is not to be had. */
async function attempt(name: BackendName, options: BackendOptions): Promise<Backend | OctavoError> {
  try {
    return await load[name](options);
  } catch (error) {
    if (error instanceof OctavoError) return error;
    return new OctavoError('BACKEND_UNAVAILABLE', 'the backend does not load', {
      where: name,
      found: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}

function inForce({ name, isa, threads }: Backend): BackendStatus {
  const reason = `${isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return { name, status: 'in force', reason };
}

function whyNot(name: BackendName, { forcedBy }: Request): string {
  if (forcedBy !== undefined) return `${forcedBy} asks for another`;
  return name === 'reference' ? 'only runs where it is asked for' : 'an earlier one is in force';
}

function reportOf(
  chosen: BackendName | undefined,
  statuses: ReadonlyMap<BackendName, BackendStatus>,
  request: Request,
): BackendReport {
  return {
    chosen,
    backends: backendNames.map(
      (name) => statuses.get(name) ?? { name, status: 'not tried', reason: whyNot(name, request) },
    ),
  };
}
