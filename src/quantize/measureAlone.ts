/** What single layers cost, each of them changed and nothing else: what lies in front of it is run once for all behind. */
import { throwIfAborted } from '../core/errors.js';
import type { Graph } from '../graph/ir.js';
import type { Measures } from '../report/difference.js';
import { answersOf, measuresBetween } from './answers.js';
import { withLogits } from './logits.js';
import { PieceRunner } from './pieces.js';
import type { LayerRun } from './samples.js';

/** A node by its name, and the graph with that node changed. */
export interface Variant {
  readonly node: string;
  readonly graph: () => Graph;
}

/**
 * How far the answers move with each of the variants, which are in the order of computation; n of them cost about n / 2
 * runs. A variant differs from `base` in its node, and in nodes in front of it that nothing else reads.
 */
export async function measureAlone(
  base: Graph,
  variants: readonly Variant[],
  { samples, session, signal, onDone }: LayerRun,
): Promise<readonly Measures[]> {
  const expected = await answersOf(base, { samples, session, signal });
  const whole = withLogits(base);
  const runner = new PieceRunner(samples, { session });
  const found: Measures[] = [];
  for (const { node, graph } of variants) {
    throwIfAborted(signal, 'sensitivity');
    await runner.approach(whole, node, signal);
    const answers = await runner.fork().finish(withLogits(graph()), signal);
    found.push(measuresBetween(expected, answers));
    onDone?.(found.length, variants.length);
  }
  return found;
}
