/** The command line of the benchmarks. What a suite does not take is refused, not ignored. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** A mistake on the command line. */
export class UsageError extends Error {
  name = 'UsageError';
}

/** What each suite does, where it is, and the options it takes besides --json and --filter. */
export const suites = {
  kernels: {
    about: 'layers beside the register-loop peak and onnxruntime-node',
    load: () => import('./kernels.mjs'),
    options: ['threads', 'isa', 'alone'],
  },
  wasm: {
    about: 'layers beside the engines for browsers, on several Nodes',
    load: () => import('./wasm.mjs'),
    options: ['isa', 'alone', 'node'],
  },
  precision: {
    about: 'every type that Octavo multiplies, relative to float32',
    load: () => import('./precision.mjs'),
    options: ['threads', 'isa'],
  },
  overhead: {
    about: 'calls, steps and the event loop',
    load: () => import('./overhead.mjs'),
    options: [],
  },
  load: {
    about: 'time until a model is ready, and the memory it keeps',
    load: () => import('./load.mjs'),
    options: [],
  },
  calibrate: {
    about: 'time and memory of calibrating on ever more samples',
    load: () => import('./calibrate.mjs'),
    options: ['limit'],
  },
  pick: {
    about: 'whether dispatch picks the best kernel for each shape',
    load: () => import('./pick.mjs'),
    options: ['threads', 'isa'],
  },
  models: {
    about: 'whole networks, batch 1',
    load: () => import('./models.mjs'),
    options: ['threads', 'backends'],
  },
  accuracy: {
    about: 'what quantizing costs in answers',
    load: () => import('./accuracy.mjs'),
    options: ['limit', 'method', 'percentile', 'backends'],
  },
  agreement: {
    about: 'answers beside those of onnxruntime-node on the same files',
    load: () => import('./agreement.mjs'),
    options: ['limit'],
  },
  recovery: {
    about: 'what each way of quantizing reaches in answers',
    load: () => import('./recovery.mjs'),
    options: ['limit', 'ways'],
  },
  rounding: {
    about: 'what rounding, equalization and bias correction reach with coarse weights',
    load: () => import('./rounding.mjs'),
    options: ['limit', 'ways'],
  },
};

const common = ['json', 'filter'];

const types = {
  json: { type: 'string' },
  filter: { type: 'string' },
  threads: { type: 'string' },
  isa: { type: 'string' },
  alone: { type: 'boolean' },
  node: { type: 'string', multiple: true },
  limit: { type: 'string' },
  method: { type: 'string' },
  percentile: { type: 'string' },
  backends: { type: 'string' },
  ways: { type: 'string' },
};

/** How each text becomes a value. */
const readers = {
  filter: pattern('filter'),
  ways: pattern('ways'),
  threads: wholeNumber('threads', 256),
  limit: wholeNumber('limit', Number.MAX_SAFE_INTEGER),
  percentile: (text) => {
    const value = Number(text);
    if (!(value > 0 && value <= 100))
      throw new UsageError(`--percentile: not in (0, 100]: ${text}`);
    return value;
  },
  backends: (text) => text.split(','),
  node: (paths) => {
    for (const path of paths) {
      if (!existsSync(path)) throw new UsageError(`--node: no such file: ${path}`);
    }
    return paths;
  },
};

function pattern(name) {
  return (text) => {
    try {
      return new RegExp(text);
    } catch {
      throw new UsageError(`--${name}: not a regular expression: ${text}`);
    }
  };
}

function wholeNumber(name, most) {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new UsageError(`--${name}: not a whole number from 1: ${text}`);
    }
    return value;
  };
}

/** The suite that the arguments name and its options, or a UsageError. */
export function parseCommand(args) {
  let parsed;
  try {
    parsed = parseArgs({ args, allowPositionals: true, options: types });
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { values, positionals } = parsed;
  const [name, ...more] = positionals;
  if (name === undefined) throw new UsageError('which suite?');
  if (!Object.hasOwn(suites, name)) throw new UsageError(`no such suite: ${name}`);
  if (more.length > 0) throw new UsageError(`one suite at a time, not also ${more.join(' ')}`);
  const suite = suites[name];
  const options = { filter: /(?:)/ };
  if (suite.options.includes('threads')) options.threads = 1;
  for (const [key, value] of Object.entries(values)) {
    if (!common.includes(key) && !suite.options.includes(key)) {
      throw new UsageError(`the suite ${name} takes no --${key}`);
    }
    options[key] = readers[key] === undefined ? value : readers[key](value);
  }
  return { suite, options };
}

export function usage() {
  const lines = Object.entries(suites).map(
    ([name, { about, options }]) =>
      `  ${name.padEnd(10)} ${about.padEnd(58)} ${options.map((key) => `--${key}`).join(' ')}`,
  );
  return `usage: npm run bench -- SUITE [--json FILE] [--filter RE] [options]\n\n${lines.join('\n')}\n`;
}
