/**
 * What the commands print with: progress on stderr (a bar on a terminal, plain lines elsewhere, nothing
 * when quiet), results on stdout (a table, or JSON). So results can be piped while progress shows.
 */
import { SingleBar } from 'cli-progress';
import colors from 'picocolors';

export interface TerminalOptions {
  readonly quiet: boolean;
  readonly json: boolean;
}

export interface ProgressLine {
  update(done: number, total: number | undefined, etaMs?: number): void;
  end(): void;
}

export interface Terminal {
  /** A remark for people; not part of the result. */
  note(line: string): void;
  progress(label: string): ProgressLine;
  /** The result: `data` as JSON, or `text`. */
  result(data: unknown, text: () => string): void;
}

const silent: ProgressLine = { update() {}, end() {} };

export function createTerminal({ quiet, json }: TerminalOptions): Terminal {
  return {
    note(line) {
      if (!quiet) process.stderr.write(`${line}\n`);
    },
    progress(label) {
      if (quiet) return silent;
      return process.stderr.isTTY ? barProgress(label) : plainProgress(label);
    },
    result(data, text) {
      process.stdout.write(`${json ? JSON.stringify(data, replaceSpecial, 2) : text()}\n`);
    },
  };
}

/** JSON has no infinities: as strings they are at least not lost. */
function replaceSpecial(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function barProgress(label: string): ProgressLine {
  let bar: SingleBar | undefined;
  return {
    update(done, total, etaMs) {
      const eta = etaMs === undefined ? '' : ` ${formatDuration(etaMs)} left`;
      if (bar === undefined) {
        bar = new SingleBar({
          format: `${label} {bar} {value}${total === undefined ? '' : '/{total}'}{eta_text}`,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          barsize: 30,
          hideCursor: true,
          clearOnComplete: true,
          stream: process.stderr,
        });
        bar.start(total ?? Math.max(done, 1), done, { eta_text: eta });
      } else {
        if (total === undefined) bar.setTotal(done);
        bar.update(done, { eta_text: eta });
      }
    },
    end() {
      bar?.stop();
    },
  };
}

/** For logs: a line at every tenth of the work, not one per sample. */
function plainProgress(label: string): ProgressLine {
  let shown = -1;
  return {
    update(done, total) {
      const tenth = total === undefined ? Math.floor(done / 100) : Math.floor((10 * done) / total);
      if (tenth === shown) return;
      shown = tenth;
      process.stderr.write(`${label} ${done}${total === undefined ? '' : `/${total}`}\n`);
    },
    end() {},
  };
}

export function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} KB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function formatDecibels(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'exact';
  return Number.isFinite(value) ? `${value.toFixed(1)} dB` : '-';
}

/** Rows as a table: first column to the left, the others to the right, a line under the head. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, c) =>
    Math.max(title.length, ...rows.map((row) => (row[c] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join('  ')
      .trimEnd();
  const rule = colors.dim(widths.map((width) => '─'.repeat(width)).join('  '));
  return [colors.bold(line(head)), rule, ...rows.map(line)].join('\n');
}
