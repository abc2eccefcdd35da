#!/usr/bin/env node
/** The `octavo` command: parses the command line, runs one command, sets the exit code. */
import { readFileSync } from 'node:fs';
import { cac } from 'cac';
import {
  type CommandContext,
  createContext,
  exitCodes,
  reportFailure,
  UsageError,
} from './command.js';
import { compareCommand } from './commands/compare.js';
import { doctorCommand } from './commands/doctor.js';
import { inspectCommand } from './commands/inspect.js';
import { quantizeCommand } from './commands/quantize.js';
import { runCommand } from './commands/run.js';

const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string };

const cli = cac('octavo');

/** Wraps a command so that it gets its context and its failures become exit codes. */
function action<A extends unknown[]>(run: (...args: [...A, CommandContext]) => Promise<void>) {
  return async (...args: [...A, Record<string, unknown>]): Promise<void> => {
    const options = args[args.length - 1] as Record<string, unknown>;
    const operands = args.slice(0, -1) as unknown as A;
    try {
      await run(...operands, createContext(options));
      process.exitCode = exitCodes.done;
    } catch (error) {
      process.exitCode = reportFailure(error, options.json === true);
    }
  };
}

cli
  .option('--backend <name>', 'native, wasm or reference (default: the best that loads)')
  .option('--isa <name>', 'force an instruction set: avx512vnni, avxvnni, avx2, portable')
  .option('--threads <n>', 'threads of one run')
  .option('--json', 'print the result as JSON')
  .option('--quiet', 'no progress, no remarks');

const dataOption = ['--data <path>', 'folder of pictures, .npy, .npz or .jsonl'] as const;
const samplesOption = ['--samples <n>', 'use at most this many samples'] as const;
const normalizeOption = [
  '--normalize <how>',
  'pictures: torch (default), tf, unit, raw or caffe',
] as const;

cli
  .command('quantize <model>', 'Quantize a float ONNX model to INT8')
  .option(...dataOption)
  .option('-o, --output <file>', 'where to write the INT8 model')
  .option('--method <name>', 'calibration: mse (default), max, percentile, entropy')
  .option('--percentile <p>', 'share of values that percentile keeps (default 99.99)')
  .option('--activation-type <type>', 'uint8 (default) or int8')
  .option('--weight-type <type>', 'int8 (default) or uint8')
  .option('--per-tensor', 'one weight scale per tensor instead of per channel')
  .option('--op-types <list>', 'quantize only these operators, separated by commas')
  .option('--exclude <node>', 'keep this node in float: a name or /pattern/; may be repeated')
  .option('--only <node>', 'quantize only these nodes: a name or /pattern/; may be repeated')
  .option(...samplesOption)
  .option(...normalizeOption)
  .example('octavo quantize model.onnx --data images/ -o model.int8.onnx')
  .action(action<[string]>(quantizeCommand));

cli
  .command('run <model>', 'Run a model on samples')
  .option(...dataOption)
  .option('--top <n>', 'largest elements to show (default 3)')
  .option('--full', 'with --json: all elements of the outputs')
  .option(...samplesOption)
  .option(...normalizeOption)
  .action(action<[string]>(runCommand));

cli
  .command('compare <reference> <candidate>', 'Compare the answers of two models')
  .option(...dataOption)
  .option(...samplesOption)
  .option(...normalizeOption)
  .action(action<[string, string]>(compareCommand));

cli
  .command('inspect <model>', 'Print a model')
  .option('--lowered', 'after the passes that lead to a plan')
  .option('--trace', 'list every patch that the passes apply (implies --lowered)')
  .option('--stop-after <n>', 'apply only the first n patches')
  .action(action<[string]>(inspectCommand));

cli
  .command('doctor', 'Say which backend is used here, and why not the others')
  .action(action<[]>(doctorCommand));

cli.help();
cli.version(version);

try {
  const { options, args } = cli.parse(process.argv, { run: false });
  if (cli.matchedCommand === undefined && !options.help && !options.version) {
    if (args.length > 0) throw new UsageError(`unknown command '${args[0]}'`);
    cli.outputHelp();
    process.exitCode = exitCodes.usage;
  } else {
    await cli.runMatchedCommand();
  }
} catch (error) {
  process.exitCode = reportFailure(error, false);
}
