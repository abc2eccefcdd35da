/** What all commands share: options that every one takes, and how a failure becomes an exit code. */
import colors from 'picocolors';
import { OctavoError } from '../core/errors.js';
import type { SessionOptions } from '../runtime/session.js';
import { type Normalization, normalizations } from './inputs/images.js';
import { createTerminal, type Terminal } from './terminal.js';

/** 0: done. 1: it failed. 2: the command line makes no sense. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** Options as the parser hands them over: strings, numbers and booleans by name. */
export type RawOptions = Readonly<Record<string, unknown>>;

export interface CommandContext {
  readonly terminal: Terminal;
  readonly session: SessionOptions;
  readonly options: RawOptions;
  /** Fires on Ctrl+C. */
  readonly signal: AbortSignal;
}

/** A mistake in the command line itself. */
export class UsageError extends Error {}

export function createContext(options: RawOptions): CommandContext {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort(new Error('interrupted')));
  return {
    terminal: createTerminal({ quiet: options.quiet === true, json: options.json === true }),
    session: {
      backend: text(options, 'backend'),
      isa: text(options, 'isa'),
      intraOpNumThreads: whole(options, 'threads'),
    },
    options,
    signal: controller.signal,
  };
}

/** Prints an error the short way and returns the exit code for it. */
export function reportFailure(error: unknown, json: boolean): number {
  const isUsage = error instanceof UsageError || (error as Error)?.name === 'CACError';
  const code = error instanceof OctavoError ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    process.stdout.write(`${JSON.stringify({ error: { code: code ?? 'USAGE', message } })}\n`);
  }
  process.stderr.write(`${colors.red('octavo:')} ${message}${code ? ` [${code}]` : ''}\n`);
  if (isUsage) process.stderr.write("Run 'octavo --help' for the commands and options.\n");
  // Anything else is a bug, and its stack helps to find it.
  else if (code === undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return isUsage || code === 'INVALID_ARGUMENT' || code === 'NO_MATCH'
    ? exitCodes.usage
    : exitCodes.failed;
}

export function text(options: RawOptions, name: string): string | undefined {
  const value = options[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new UsageError(`--${dashed(name)} takes one value`);
}

export function required(options: RawOptions, name: string): string {
  const value = text(options, name);
  if (value === undefined) throw new UsageError(`--${dashed(name)} is needed`);
  return value;
}

export function texts(options: RawOptions, name: string): readonly string[] {
  const value = options[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

export function whole(options: RawOptions, name: string): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) {
    throw new UsageError(`--${dashed(name)} takes a whole number, not '${value}'`);
  }
  return Number(value);
}

export function decimal(options: RawOptions, name: string): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  if (value.trim() === '' || !Number.isFinite(Number(value))) {
    throw new UsageError(`--${dashed(name)} takes a number, not '${value}'`);
  }
  return Number(value);
}

export function choice<T extends string>(
  options: RawOptions,
  name: string,
  choices: readonly T[],
): T | undefined {
  const value = text(options, name);
  if (value === undefined || (choices as readonly string[]).includes(value)) {
    return value as T | undefined;
  }
  throw new UsageError(`--${dashed(name)} is one of ${choices.join(', ')}, not '${value}'`);
}

export function normalizationOf(options: RawOptions): Normalization {
  const names = Object.keys(normalizations) as Normalization[];
  return choice(options, 'normalize', names) ?? 'torch';
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
