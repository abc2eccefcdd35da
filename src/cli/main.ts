#!/usr/bin/env node
/** The `octavo` command: parses the command line, runs one command, sets the exit code. */
import { readFileSync } from 'node:fs';
import { cac } from 'cac';
import { type CommandContext, createContext, exitCodes, reportFailure } from './command.js';
import { benchCommand } from './commands/bench.js';
import { calibrateCommand } from './commands/calibrate.js';
import { compareCommand } from './commands/compare.js';
import { doctorCommand } from './commands/doctor.js';
import { inspectCommand } from './commands/inspect.js';
import { quantizeCommand } from './commands/quantize.js';
import { runCommand } from './commands/run.js';
import { sensitivityCommand } from './commands/sensitivity.js';
import { UsageError } from './options.js';

const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string };

// A reader such as head may close the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.done);
});

const isJson = process.argv.includes('--json');
const cli = cac('octavo');

/** Wraps a command so that it gets its context, and what it returns or throws becomes the exit code. */
function action<A extends unknown[]>(run: (...args: [...A, CommandContext]) => Promise<unknown>) {
  return async (...args: [...A, Record<string, unknown>]): Promise<void> => {
    const options = args[args.length - 1] as Record<string, unknown>;
    const operands = args.slice(0, -1) as unknown as A;
    try {
      const code = await run(...operands, createContext(options));
      process.exitCode = typeof code === 'number' ? code : exitCodes.done;
    } catch (error) {
      process.exitCode = reportFailure(error, isJson);
    }
  };
}

type Option = readonly [flags: string, description: string];

const printing: readonly Option[] = [
  ['--json', 'print the result as JSON'],
  ['--quiet', 'no progress, no remarks'],
];
const backend: readonly Option[] = [
  ['--backend <name>', 'native, wasm or reference (default: the best that loads)'],
  ['--isa <name>', 'force an instruction set, such as avx2 (default: the best there is)'],
  ['--threads <n>', 'threads of one run (default: all CPUs)'],
];
const data: readonly Option[] = [
  ['--data <path>', 'folder of pictures or arrays, .npy, .npz, .jsonl, or a picture'],
  ['--samples <n>', 'use at most this many samples, evenly spread'],
  ['--normalize <how>', 'pictures: torch (default), tf, unit, raw or caffe'],
  ['--size <WxH>', 'pictures: width and height, where the model leaves them free'],
];

function command(usage: string, description: string, ...options: (readonly Option[])[]) {
  const result = cli.command(usage, description);
  for (const [flags, text] of options.flat()) result.option(flags, text);
  return result;
}

const quantization: readonly Option[] = [
  ['-o, --output <file>', 'where to write it (default: <model>.int8.onnx, or .int4, .int16)'],
  [
    '--method <name>',
    'calibration: mse (default), max, percentile, entropy, or auto: the best of them',
  ],
  ['--percentile <p>', 'share of values that percentile keeps (default 99.99)'],
  ['--activation-type <type>', 'uint8 (default), int8, uint16 or int16'],
  ['--weight-type <type>', 'int8 (default), uint8, int16, int4 or uint4'],
  ['--symmetric-activations', 'zero points in the middle: for integer products of int16'],
  ['--bias-correction', 'give back by the biases what quantizing moves the mean of layers by'],
  ['--equalize', 'even out channels between layers first: for --per-tensor'],
  ['--absorb-biases', '--equalize: what a channel always holds moves into the next bias'],
  ['--smooth-quant', 'take outliers of activations into the weights of matrix products'],
  ['--rounding <how>', 'nearest (default), or by outputs of layers on samples: gptq, adaround'],
  ['--per-tensor', 'one weight scale per tensor instead of per channel'],
  ['--max-drop <share>', 'keep layers in float until no more than this is lost, such as 1%'],
  ['--metric <name>', '--max-drop: agreement or signal (default: by the model)'],
  ['--time-limit <s>', '--max-drop: seconds after which no more models are tried'],
  ['--state <file>', '--max-drop: keep what is found out, and go on from what is there'],
  [
    '--recipe <file>',
    'no samples: quantize as a recipe says, or the page of --report that holds it',
  ],
  [
    '--write-recipe <file>',
    'keep what was decided, for --recipe: the same file again, byte for byte',
  ],
  ['--dynamic', 'no samples: int8 weights, activations quantized as the model runs'],
  ['--activations <how>', '--dynamic: per-row (default) or per-tensor'],
  ['--weights <type>', 'no samples: weights alone, to int8 or int4'],
  ['--block-size <n>', '--weights int4: weights that share a scale (default 32)'],
];
const selection: readonly Option[] = [
  ['--op-types <list>', 'quantize only these operators, separated by commas'],
  ['--exclude <node>', 'keep this node in float: a name or /pattern/; may be repeated'],
  ['--report <file>', 'write a page that shows which layers hurt, on --data'],
  ['--only <node>', 'quantize only these nodes: a name or /pattern/; may be repeated'],
];
const firstSentence = 'octavo quantize model.onnx --data images/ -o model.int8.onnx';

command(
  'quantize <model>',
  'Quantize a float ONNX model to INT8',
  data,
  quantization,
  selection,
  backend,
  printing,
)
  .option('--calibration <file>', 'what samples showed, from octavo calibrate, in place of --data')
  .example(`  ${firstSentence}`)
  .action(action<[string]>(quantizeCommand));

command(
  'calibrate <model> [...parts]',
  "Save what samples show of a model, for quantize --calibration; or, with 'merge' for the model, merge parts of that",
  data,
  selection,
  backend,
  printing,
)
  .option('--shard <i/n>', 'every n-th sample from the i-th on: one of n parts to be merged')
  .option('-o, --output <file>', 'where to write it (default: <model>.octcal); as JSON to a .json')
  .example('  octavo calibrate model.onnx --data images/ --shard 1/2 -o part1.octcal')
  .example('  octavo calibrate merge part1.octcal part2.octcal -o all.octcal')
  .action(action<[string, string[]]>(calibrateCommand));

command(
  'sensitivity <model>',
  'Say which layers quantizing hurts most',
  ...[data, backend, printing],
)
  .option('--mode <name>', 'only (default): one layer quantized; all-but: one layer left in float')
  .option('--by <measure>', 'order: sqnr (default), kl, cosine, top1Agreement or maxError')
  .option('--method <name>', 'calibration: mse (default), max, percentile, entropy')
  .option('--weight-type <type>', 'int8 (default), uint8, int16, int4 or uint4')
  .option('--activation-type <type>', 'uint8 (default), int8, uint16 or int16')
  .option('--measure-on <n>', 'samples to measure on (default 16)')
  .option('--top <n>', 'layers to show (default 20)')
  .action(action<[string]>(sensitivityCommand));

command('run <model>', 'Run a model on samples', data, backend, printing)
  .option('--top <n>', 'largest elements to show (default 3)')
  .option('--full', 'with --json: all elements of the outputs')
  .action(action<[string]>(runCommand));

command(
  'compare <reference> <candidate>',
  'Compare the answers of two models',
  ...[data, backend, printing],
).action(action<[string, string]>(compareCommand));

command('inspect <model>', 'Print the graph of a model', printing)
  .option('--dim <name=size>', 'fix a free dimension; may be repeated')
  .option('--lowered', 'after the passes that lead to a plan')
  .option('--trace', 'list every patch that the passes apply (implies --lowered)')
  .option('--stop-after <n>', 'apply only the first n patches (implies --trace)')
  .action(action<[string]>(inspectCommand));

command(
  'bench <model>',
  'Measure how long a model takes, and where the time goes',
  data,
  backend,
  printing,
)
  .option('--dim <name=size>', 'fix a free dimension (others are 1); may be repeated')
  .option('--runs <n>', 'runs to measure (default 30)')
  .option('--html <file>', 'write the profile as a page with a chart')
  .action(action<[string]>(benchCommand));

command(
  'doctor',
  'Say which backend is in force, and why not the others',
  backend,
  printing,
).action(action<[]>(doctorCommand));

cli.example(`  ${firstSentence}`);
cli.help();
cli.version(version);

try {
  const { options, args } = cli.parse(process.argv, { run: false });
  if (cli.matchedCommand !== undefined) {
    await cli.runMatchedCommand();
  } else if (!options.help && !options.version) {
    if (args.length > 0) throw new UsageError(`unknown command '${args[0]}'`);
    cli.outputHelp();
    process.exitCode = exitCodes.usage;
  }
} catch (error) {
  process.exitCode = reportFailure(error, isJson);
}
