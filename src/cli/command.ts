/** What all commands share: their context, and how a failure becomes an exit code. */
import { OctavoError } from '../core/errors.js';
import type { SessionOptions } from '../runtime/session.js';
import { type RawOptions, text, UsageError, whole } from './options.js';
import { createTerminal, stderrColors, type Terminal } from './terminal.js';

/** 0: done. 1: it failed. 2: the command line makes no sense. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

export interface CommandContext {
  readonly terminal: Terminal;
  readonly session: SessionOptions;
  readonly options: RawOptions;
  /** Fires on Ctrl+C; a second one ends the process at once. */
  readonly signal: AbortSignal;
}

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

/** Prints an error the short way, as JSON too where that is wanted, and returns the exit code for it. */
export function reportFailure(error: unknown, json: boolean): number {
  const isUsage = error instanceof UsageError || (error as Error | undefined)?.name === 'CACError';
  const code = error instanceof OctavoError ? error.code : isUsage ? 'USAGE' : 'INTERNAL';
  const message = messageOf(error);
  if (json) {
    process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  }
  const suffix = isUsage ? '' : ` [${code}]`;
  process.stderr.write(`${stderrColors.red('octavo:')} ${message}${suffix}\n`);
  if (isUsage) process.stderr.write("Run 'octavo --help' for the commands and options.\n");
  // What is left is a bug, and its stack helps to find it.
  if (code === 'INTERNAL' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  const isMistake = isUsage || code === 'INVALID_ARGUMENT' || code === 'NO_MATCH';
  return isMistake ? exitCodes.usage : exitCodes.failed;
}

/** The message, and in brackets that of the cause where it says more. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message } = error;
  const reason = cause instanceof Error ? cause.message.split('\n')[0]! : '';
  return reason === '' || message.includes(reason) ? message : `${message} (${reason})`;
}
