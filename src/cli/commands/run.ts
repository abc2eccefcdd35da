/** octavo run: a model's answers to some samples. */

import type { Tensor } from '../../core/tensor.js';
import { toFloat32 } from '../../core/values.js';
import { InferenceSession } from '../../runtime/session.js';
import { type CommandContext, normalizationOf, required, whole } from '../command.js';
import { openSamples } from '../inputs/index.js';
import { formatTable } from '../terminal.js';

interface Answer {
  readonly sample: string;
  readonly ms: number;
  readonly outputs: Readonly<Record<string, Summary>>;
}

interface Summary {
  readonly type: string;
  readonly dims: readonly number[];
  /** Places and values of the largest elements. */
  readonly top: readonly { readonly index: number; readonly value: number }[];
  readonly data?: readonly number[];
}

export async function runCommand(
  file: string,
  { options, terminal, session, signal }: CommandContext,
): Promise<void> {
  const model = await InferenceSession.create(file, session);
  try {
    const samples = await openSamples(required(options, 'data'), model.inputs, {
      normalization: normalizationOf(options),
      limit: whole(options, 'samples'),
    });
    terminal.note(`Running on ${samples.description}.`);
    const top = whole(options, 'top') ?? 3;
    const progress = terminal.progress('Running');
    const answers: Answer[] = [];
    for await (const feeds of samples) {
      const start = performance.now();
      const outputs = await model.run(feeds, { signal });
      const ms = performance.now() - start;
      const sample = samples.names?.[answers.length] ?? String(answers.length);
      answers.push({
        sample,
        ms,
        outputs: Object.fromEntries(
          Object.entries(outputs).map(([name, tensor]) => [
            name,
            summarize(name, tensor, top, options.full === true),
          ]),
        ),
      });
      progress.update(answers.length, samples.length);
    }
    progress.end();
    terminal.result(answers, () => describe(answers));
  } finally {
    model.dispose();
  }
}

function summarize(name: string, tensor: Tensor, count: number, full: boolean): Summary {
  const values = toFloat32(tensor, name);
  const order = Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]!)
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
    Object.entries(outputs).map(([name, { dims, top }], i) => [
      i === 0 ? sample : '',
      name,
      `[${dims.join(', ')}]`,
      top.map(({ index, value }) => `${index}: ${value.toPrecision(4)}`).join('  '),
      i === 0 ? `${ms.toFixed(2)} ms` : '',
    ]),
  );
  return formatTable(['sample', 'output', 'dims', 'largest', 'time'], rows);
}
