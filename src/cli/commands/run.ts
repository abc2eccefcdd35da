/** octavo run: a model's answers to some samples. */
import { OctavoError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import { toFloat32 } from '../../core/values.js';
import { InferenceSession } from '../../runtime/session.js';
import type { CommandContext } from '../command.js';
import { openSamples } from '../inputs/index.js';
import { required, sampleOptions, UsageError, whole } from '../options.js';
import { formatMilliseconds, formatTable } from '../terminal.js';

interface Answer {
  readonly sample: string;
  readonly ms: number;
  readonly outputs: Readonly<Record<string, Summary>>;
}

interface Summary {
  readonly type: string;
  readonly dims: readonly number[];
  /** Places and values of the largest elements, the largest first. */
  readonly top: readonly { readonly index: number; readonly value: number }[];
  readonly data?: readonly number[];
}

export async function runCommand(
  file: string,
  { options, terminal, session, signal }: CommandContext,
): Promise<void> {
  const data = required(options, 'data');
  const top = whole(options, 'top') ?? 3;
  const full = options.full === true;
  if (full && options.json !== true) throw new UsageError('--full goes with --json');
  const model = await InferenceSession.create(file, session);
  try {
    const samples = await openSamples(data, model.inputs, sampleOptions(options));
    const { name, isa } = model.backend;
    terminal.note(`Running on ${samples.description}; ${name}, ${isa}.`);
    const progress = terminal.progress('Running');
    const answers: Answer[] = [];
    try {
      for await (const feeds of samples) {
        // The first run makes the plan, and is no measure of the others.
        if (answers.length === 0) await model.run(feeds, { signal });
        const start = performance.now();
        const results = await model.run(feeds, { signal });
        const ms = performance.now() - start;
        const sample = samples.names?.[answers.length] ?? String(answers.length);
        const outputs = Object.entries(results).map(([name, tensor]) => [
          name,
          summarize(name, tensor, top, full),
        ]);
        answers.push({ sample, ms, outputs: Object.fromEntries(outputs) });
        progress.update(answers.length, samples.length);
      }
    } finally {
      progress.end();
    }
    if (answers.length === 0) {
      throw new OctavoError('INVALID_INPUT', 'there are no samples in it', { where: data });
    }
    terminal.result(answers, () => describe(answers));
  } finally {
    model.dispose();
  }
}

function summarize(name: string, tensor: Tensor, count: number, full: boolean): Summary {
  const values = toFloat32(tensor, name);
  const order = Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count);
  return {
    type: tensor.type,
    dims: tensor.dims,
    top: order.map((index) => ({ index, value: values[index]! })),
    ...(full && { data: Array.from(values) }),
  };
}

function describe(answers: readonly Answer[]): string {
  const rows = answers.flatMap(({ sample, ms, outputs }) =>
    Object.entries(outputs).map(([name, { type, dims, top }], i) => [
      i === 0 ? sample : '',
      name,
      `${type} ${formatShape(dims)}`,
      top.map(({ index, value }) => `${index}: ${value.toPrecision(4)}`).join('  '),
      i === 0 ? formatMilliseconds(ms) : '',
    ]),
  );
  return formatTable(['sample', 'output', 'type', 'largest elements', 'time'], rows, [
    ...(['left', 'left', 'left', 'left', 'right'] as const),
  ]);
}
