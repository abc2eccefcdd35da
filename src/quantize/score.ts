/** How good a model is: the caller's metric, or how near its answers stay to those of the float model. */
import { type Graph, indexOf } from '../graph/ir.js';
import type { SessionOptions } from '../runtime/session.js';
import type { Comparer } from './answers.js';
import { type Evaluate, scoreOf } from './sensitivity.js';

/**
 * What is compared where the caller gives no metric: 'agreement', the share of rows whose largest element is where it is
 * in float, or 'signal', 1 − noise / signal of the outputs: 0.99 is 20 dB. Both are 1 for the float model.
 */
export type UnlabelledMetric = 'agreement' | 'signal';

/** Agreement for models that end in a softmax, or choose the largest; signal for others. */
export function metricFor(graph: Graph): UnlabelledMetric {
  const index = indexOf(graph);
  const choosing = new Set(['Softmax', 'LogSoftmax', 'ArgMax']);
  const chooses = graph.outputs.some(({ value }) => choosing.has(index.producer(value)?.op ?? ''));
  return chooses ? 'agreement' : 'signal';
}

export interface Scorer {
  readonly metric: UnlabelledMetric | 'evaluate';
  /** Higher is better. */
  score(graph: Graph): Promise<number>;
}

export function metricScorer(evaluate: Evaluate, session: SessionOptions | undefined): Scorer {
  return { metric: 'evaluate', score: (candidate) => scoreOf(candidate, evaluate, session) };
}

export function heldOutScorer(metric: UnlabelledMetric, compare: Comparer): Scorer {
  return {
    metric,
    async score(candidate) {
      const { sqnr, top1Agreement } = await compare(candidate);
      return metric === 'agreement' ? top1Agreement : 1 - 10 ** (-sqnr / 10);
    },
  };
}
