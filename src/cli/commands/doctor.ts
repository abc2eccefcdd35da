/** octavo doctor: which backend is in force on this machine, and why the others are not. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { IsaInfo } from '../../backends/native/exports.js';
import { type BackendStatus, describeBackends } from '../../backends/select.js';
import type { WasmIsa } from '../../backends/wasm/index.js';
import { type CommandContext, exitCodes } from '../command.js';
import { stdoutColors, terminalWidth, wrap } from '../terminal.js';

const marks = {
  'in force': stdoutColors.green('✔'),
  available: stdoutColors.dim('○'),
  unavailable: stdoutColors.red('✘'),
  'not tried': stdoutColors.dim('–'),
} as const;

type Mark = keyof typeof marks;

/** Fails when no backend is in force. */
export async function doctorCommand({ session, terminal }: CommandContext): Promise<number> {
  const report = await describeBackends({
    backend: session.backend,
    isa: session.isa,
    threads: session.intraOpNumThreads,
  });
  const data = {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    ...report,
    instructionSets: await instructionSets(),
    wasmInstructionSets: (await import('../../backends/wasm/index.js')).wasmIsas(),
    packages: await Promise.all(Object.keys(optionalPackages).map(packageStatus)),
  };
  terminal.result(data, () =>
    [
      `${data.cpu}, ${data.platform}, Node ${data.node}`,
      section('Backends', data.backends.map(backendRow)),
      ...(data.instructionSets.length > 0
        ? [section('Instruction sets of the native backend', data.instructionSets.map(isaRow))]
        : []),
      section('Instruction sets of the WASM backend', data.wasmInstructionSets.map(wasmIsaRow)),
      section('Optional packages', data.packages.map(packageRow)),
    ].join('\n\n'),
  );
  return report.chosen === undefined ? exitCodes.failed : exitCodes.done;
}

type Row = readonly [mark: Mark, name: string, text: string];

function backendRow({ name, status, reason }: BackendStatus): Row {
  // Errors begin with the place where they arose, which here is said already.
  return [status, name, `${status}: ${reason.replace(`${name}: `, '')}`];
}

function section(title: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([, name]) => name.length));
  const lines = rows.map(([mark, name, text]) => {
    const wrapped = wrap(text, terminalWidth(), width + 6);
    return `  ${marks[mark]} ${name.padEnd(width)}  ${wrapped}`;
  });
  return [stdoutColors.bold(title), ...lines].join('\n');
}

/** None where the addon does not load. */
async function instructionSets(): Promise<readonly IsaInfo[]> {
  try {
    return (await import('../../backends/native/index.js')).nativeIsas();
  } catch {
    return [];
  }
}

function isaRow({ name, built, supported }: IsaInfo): Row {
  if (!built) return ['unavailable', name, 'not in this build'];
  return supported
    ? ['in force', name, 'this CPU has it']
    : ['unavailable', name, 'this CPU does not have it'];
}

function wasmIsaRow({ name, usable, reason }: WasmIsa): Row {
  return [usable ? 'in force' : 'unavailable', name, reason];
}

const optionalPackages: Readonly<Record<string, string>> = {
  sharp: 'reads pictures',
  'onnxruntime-node': 'to compare with',
};

interface PackageStatus {
  readonly name: string;
  readonly version: string | undefined;
}

async function packageStatus(name: string): Promise<PackageStatus> {
  const { resolve } = createRequire(import.meta.url);
  for (const folder of resolve.paths(name) ?? []) {
    const file = path.join(folder, name, 'package.json');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return { name, version: JSON.parse(text).version };
  }
  return { name, version: undefined };
}

function packageRow({ name, version }: PackageStatus): Row {
  const use = optionalPackages[name]!;
  if (version === undefined) return ['not tried', name, `not installed (${use})`];
  return ['in force', name, `${version} (${use})`];
}
