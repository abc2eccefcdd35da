/**
 * Changes to the float graph that samples decide, made before its values are watched: layers are equalized, matrix
 * products smoothed. The graph answers as before.
 */
import { OctavoError } from '../core/errors.js';
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { cleanFloatGraph } from '../passes/floatPasses.js';
import { type Absorption, absorbBiases } from './absorb.js';
import { type ChannelScales, equalize } from './equalize.js';
import type { Equalization, QuantizeStaticOptions, ResolvedOptions } from './options.js';
import { placeQuantization } from './placement.js';
import { progressOf } from './progress.js';
import { keepSamples, type SampleKeeper, type SampleRun, type Samples } from './samples.js';
import { selectNodes } from './select.js';
import { nothingSmoothed, type Smoothed, smooth } from './smooth.js';

export interface Prepared {
  readonly graph: Graph;
  /** The graph before the changes, cleaned up. */
  readonly float: Graph;
  readonly equalized: readonly ChannelScales[];
  readonly absorbed: readonly Absorption[];
  readonly smoothed: Omit<Smoothed, 'graph'>;
}

/** Fills the keeper when something is to be done. */
export async function prepareGraph(
  source: Graph,
  keeper: SampleKeeper,
  options: QuantizeStaticOptions,
  resolved: ResolvedOptions,
): Promise<Prepared> {
  const cleaned = cleanFloatGraph(source);
  const { equalization, smoothing } = resolved;
  const unchanged = { graph: cleaned, equalized: [], absorbed: [] };
  if (equalization === undefined && smoothing === undefined) {
    return { ...unchanged, float: cleaned, smoothed: nothingSmoothed };
  }
  const { calibrationData, onProgress, session, signal } = options;
  const data = requireRereadable(calibrationData);
  await keepSamples(data, keeper, signal);
  const run = { samples: keeper.samples, session, signal };
  const changed =
    equalization === undefined
      ? unchanged
      : await equalizedGraph(cleaned, selectNodes(cleaned, resolved), equalization, run);
  const { graph } = changed;
  if (smoothing === undefined) return { ...changed, float: cleaned, smoothed: nothingSmoothed };
  const selected = selectNodes(graph, resolved);
  const { integerNodes } = placeQuantization(graph, selected);
  const index = indexOf(graph);
  const { graph: even, ...smoothed } = await smooth(graph, selected, {
    ...run,
    alpha: smoothing.alpha,
    activations: { type: resolved.activationType, symmetric: resolved.symmetricActivations },
    weightType: resolved.weightType,
    perChannel: resolved.perChannel,
    // Behind integers a multiplication would be one of integers, too late to help.
    mayMultiply: (value) => {
      const maker = index.producer(value);
      return maker === undefined || !integerNodes.has(maker);
    },
    onDone: progressOf('smooth', onProgress),
  });
  return { ...changed, graph: even, float: cleaned, smoothed };
}

async function equalizedGraph(
  float: Graph,
  selected: ReadonlySet<Node>,
  options: Equalization,
  run: SampleRun,
): Promise<Pick<Prepared, 'graph' | 'equalized' | 'absorbed'>> {
  const { graph, pairs } = await equalize(float, selected, run);
  if (!options.absorbBiases) return { graph, equalized: pairs, absorbed: [] };
  const absorbed = await absorbBiases(graph, pairs, run);
  return { graph: absorbed.graph, equalized: pairs, absorbed: absorbed.absorptions };
}

/** What is its own iterator is at its end after the first reading. */
function requireRereadable(data: Samples | undefined): Samples | undefined {
  if (data === undefined) return data;
  const reading =
    Symbol.asyncIterator in data ? data[Symbol.asyncIterator]() : data[Symbol.iterator]();
  if ((reading as object) !== data) return data;
  throw new OctavoError('INVALID_CALIBRATION', 'samples that can be read only once', {
    where: 'calibrationData',
    expected: 'an array, or an object that gives an iterator for each reading',
  });
}
