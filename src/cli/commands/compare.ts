/** octavo compare: how far a quantized model's answers are from those of the float model. */
import { loadModel } from '../../onnx/model.js';
import { compareModels } from '../../report/compare.js';
import { describeInputs } from '../../runtime/session.js';
import type { CommandContext } from '../command.js';
import { openSamples } from '../inputs/index.js';
import { required, sampleOptions } from '../options.js';
import { formatDecibels, formatPercent, formatTable } from '../terminal.js';

export async function compareCommand(
  reference: string,
  candidate: string,
  { options, terminal, session, signal }: CommandContext,
): Promise<void> {
  const data = required(options, 'data');
  const model = await loadModel(reference);
  const samples = await openSamples(data, describeInputs(model.graph), sampleOptions(options));
  terminal.note(`Comparing on ${samples.description}.`);
  const progress = terminal.progress('Comparing');
  const comparison = await compareModels(model, candidate, {
    data: samples,
    session,
    signal,
    onProgress: ({ done }) => progress.update(done, samples.length),
  }).finally(() => progress.end());
  terminal.result(comparison, () =>
    formatTable(
      ['output', 'SQNR', 'cosine', 'largest error', 'same top-1'],
      comparison.outputs.map((output) => [
        output.name,
        formatDecibels(output.sqnr),
        output.cosine.toFixed(6),
        output.maxError.toPrecision(3),
        formatPercent(output.top1Agreement),
      ]),
    ),
  );
}
