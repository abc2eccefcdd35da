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
  /** `total` is undefined where nobody knows it, `etaMs` where there is nothing to go by. */
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

/** Colours where a terminal shows them: each stream asks for itself, since either may be piped. */
function colorsFor(stream: NodeJS.WriteStream) {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const wanted = FORCE_COLOR ? FORCE_COLOR !== '0' : stream.isTTY === true && TERM !== 'dumb';
  return colors.createColors(wanted && !NO_COLOR);
}

export const stdoutColors = colorsFor(process.stdout);
export const stderrColors = colorsFor(process.stderr);

const millisecondsBetweenLines = 3000;

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
      const left = etaMs === undefined ? '' : stderrColors.dim(`  ${formatDuration(etaMs)} left`);
      if (bar === undefined) {
        const counted = total === undefined ? '{value}' : '{bar} {value}/{total}';
        bar = new SingleBar({
          format: `${label} ${counted}{left}`,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          barsize: 30,
          hideCursor: true,
          clearOnComplete: true,
          stream: process.stderr,
        });
        bar.start(total ?? 0, done, { left });
      } else {
        bar.update(done, { left });
      }
    },
    end() {
      bar?.stop();
    },
  };
}

/** For logs: a line now and then, not one per sample; none where all is done at once. */
function plainProgress(label: string): ProgressLine {
  let shown = performance.now();
  return {
    update(done, total, etaMs) {
      const now = performance.now();
      if (now - shown < millisecondsBetweenLines) return;
      shown = now;
      const count = total === undefined ? `${done}` : `${done}/${total}`;
      const left = etaMs === undefined ? '' : `, ${formatDuration(etaMs)} left`;
      process.stderr.write(`${label} ${count}${left}\n`);
    },
    end() {},
  };
}

export function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function formatDecibels(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'exact';
  return Number.isFinite(value) ? `${value.toFixed(1)} dB` : '–';
}

export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function formatMilliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
}

/** Rows as a table: first column to the left, the others to the right, a line under the head. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  alignment: readonly ('left' | 'right')[] = ['left'],
): string {
  const widths = head.map((title, c) =>
    Math.max(title.length, ...rows.map((row) => (row[c] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, c) =>
        alignment[c] === 'left' ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!),
      )
      .join('  ')
      .trimEnd();
  const rule = stdoutColors.dim(widths.map((width) => '─'.repeat(width)).join('──'));
  return [stdoutColors.bold(line(head)), rule, ...rows.map(line)].join('\n');
}

/** `text` broken between words into lines of at most `width`, all but the first indented. */
export function wrap(text: string, width: number, indent: number): string {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(/\s+/)) {
    if (current !== '' && indent + current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else {
      current = current === '' ? word : `${current} ${word}`;
    }
  }
  return [...lines, current].join(`\n${' '.repeat(indent)}`);
}

/** Columns of the terminal, within reason; 100 where there is none. */
export function terminalWidth(): number {
  return Math.max(60, Math.min(process.stdout.columns ?? 100, 120));
}
