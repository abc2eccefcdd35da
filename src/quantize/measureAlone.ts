/** What single layers cost, each of them changed and nothing else: what lies in front of it is run once for all behind. */
import { throwIfAborted } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import { answersOf, signalToNoise } from './answers.js';
import { withLogits } from './logits.js';
import { PieceRunner } from './pieces.js';
import { type LayerRun, ofFewShapes } from './samples.js';

/** A node by its name, and the graph with that node changed. */
export interface Variant {
  readonly node: string;
  readonly graph: () => Graph;
}

/**
 * SQNR of the answers, in dB, with each of the variants, which are in the order of computation; n of them cost about n / 2
 * runs. A variant differs from `base` in its node, and in nodes in front of it that nothing else reads.
 */
export async function measureAlone(
  base: Graph,
  variants: readonly Variant[],
  { samples, session, signal, onDone }: LayerRun,
): Promise<readonly number[]> {
  const expected = await answersOf(base, { samples, session, signal });
  const whole = withLogits(base);
  const runner = new PieceRunner(samples, { session });
  const found: number[] = [];
  for (const { node, graph } of variants) {
    throwIfAborted(signal, 'sensitivity');
    await runner.approach(whole, node, signal);
    const answers = await runner.fork().finish(withLogits(graph()), signal);
    found.push(signalToNoise(expected, answers));
    onDone?.(found.length, variants.length);
  }
  return found;
}

/** Most different shapes of samples on which layers are ranked. What decides in a search is the score of whole models. */
const rankedShapes = 4;

/** Names of the variants' nodes, those first that hurt most. */
export async function rankAlone(
  base: Graph,
  variants: readonly Variant[],
  run: LayerRun,
): Promise<readonly string[]> {
  const samples = ofFewShapes(run.samples, rankedShapes);
  const found = await measureAlone(base, variants, { ...run, samples });
  return variants
    .map(({ node }, i) => ({ node, sqnr: found[i]! }))
    .sort((a, b) => (a.sqnr === b.sqnr ? 0 : a.sqnr - b.sqnr))
    .map(({ node }) => node);
}
