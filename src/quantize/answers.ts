/** Answers to samples, in front of a final softmax, and how far they are from the float model's. */
import type { Tensor } from '../core/tensor.js';
import { toFloat32 } from '../core/values.js';
import type { Graph } from '../graph/ir.js';
import { Difference, type Measures } from '../report/difference.js';
import { withLogits } from './logits.js';
import { PieceRunner } from './pieces.js';
import type { SampleRun } from './samples.js';

/** Outputs by name, for each sample. */
export type Answers = readonly Readonly<Record<string, Tensor>>[];

export function answersOf(graph: Graph, { samples, session, signal }: SampleRun): Promise<Answers> {
  return new PieceRunner(samples, { session }).finish(withLogits(graph), signal);
}

/** All outputs of all samples at once. */
export function measuresBetween(expected: Answers, found: Answers): Measures {
  const difference = new Difference();
  for (const [i, answers] of expected.entries()) {
    for (const [name, tensor] of Object.entries(answers)) {
      difference.add(tensor, found[i]![name]!, name);
    }
  }
  return difference.measures;
}

/** Signal to noise of all outputs of all samples, in dB: what `measuresBetween` says, without the rest. */
export function signalToNoise(expected: Answers, found: Answers): number {
  let signal = 0;
  let noise = 0;
  for (const [i, answers] of expected.entries()) {
    for (const [name, tensor] of Object.entries(answers)) {
      const x = toFloat32(tensor, name);
      const y = toFloat32(found[i]![name]!, name);
      for (let at = 0; at < x.length; at++) {
        const error = x[at]! - y[at]!;
        signal += x[at]! * x[at]!;
        noise += error * error;
      }
    }
  }
  return noise === 0 ? Infinity : 10 * Math.log10(signal / noise);
}

/** How far a graph's answers to some samples are from the float graph's. */
export type Comparer = (candidate: Graph) => Promise<Measures>;

export async function comparerTo(float: Graph, run: SampleRun): Promise<Comparer> {
  const expected = await answersOf(float, run);
  return async (candidate) => measuresBetween(expected, await answersOf(candidate, run));
}
