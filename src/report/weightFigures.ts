/** What the weights of a quantized layer hold, as data for a page. */
import type { Graph } from '../graph/ir.js';
import type { Range } from '../numerics/index.js';
import { weightedOf } from '../quantize/floatWeights.js';
import type { WeightReport } from '../quantize/report.js';

export interface WeightFigure extends WeightReport {
  /** Range of the float weights, and how many are in each of equal bins over it. */
  readonly seen: Range;
  readonly bins: readonly number[];
}

const binCount = 80;

/** `graph` is the float graph with the weights as they were quantized: equalized or smoothed, where that was done. */
export function weightFigures(
  graph: Graph,
  reports: readonly WeightReport[],
): readonly WeightFigure[] {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  return reports.map((report) => {
    const { data } = weightedOf(graph, nodes.get(report.node)!)!.tensor;
    return { ...report, ...histogramOf(data) };
  });
}

function histogramOf(data: Float32Array): Pick<WeightFigure, 'seen' | 'bins'> {
  let [min, max] = [Infinity, -Infinity];
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const bins = new Array<number>(binCount).fill(0);
  const width = (max - min) / binCount;
  for (const value of data) {
    const bin = width === 0 ? 0 : Math.floor((value - min) / width);
    bins[Math.min(bin, binCount - 1)]!++;
  }
  return { seen: { min, max }, bins };
}
