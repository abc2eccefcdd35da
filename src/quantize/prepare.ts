/**
 * Changes to the float graph that samples decide, made before its values are watched: layers are equalized, matrix
 * products smoothed. The graph answers as before.
 */
import { OctavoError } from '../core/errors.js';
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { cleanFloatGraph } from '../passes/floatPasses.js';
import { absorbBiases } from './absorb.js';
import { type Equalized, equalize } from './equalize.js';
import {
  type Equalization,
  progressOf,
  type QuantizeStaticOptions,
  type ResolvedOptions,
} from './options.js';
import { placeQuantization } from './placement.js';
import { keepSamples, type SampleKeeper, type SampleRun, type Samples } from './samples.js';
import { selectNodes } from './select.js';
import { type Smoothing, smooth } from './smooth.js';

export interface Prepared {
  readonly graph: Graph;
  /** Names of the layers that were equalized with each other. */
  readonly equalized: readonly (readonly [first: string, second: string])[];
  readonly smoothed: readonly Smoothing[];
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
  if (equalization === undefined && smoothing === undefined) {
    return { graph: cleaned, equalized: [], smoothed: [] };
  }
  const { calibrationData, onProgress, session, signal } = options;
  const data = requireRereadable(calibrationData);
  await keepSamples(data, keeper, signal);
  const run = { samples: keeper.samples, session, signal };
  const { graph, pairs }: Equalized =
    equalization === undefined
      ? { graph: cleaned, pairs: [] }
      : await equalized(cleaned, selectNodes(cleaned, resolved), equalization, run);
  if (smoothing === undefined) return { graph, equalized: pairs, smoothed: [] };
  const selected = selectNodes(graph, resolved);
  const { integerNodes } = placeQuantization(graph, selected);
  const index = indexOf(graph);
  const { graph: even, layers } = await smooth(graph, selected, {
    ...run,
    alpha: smoothing.alpha,
    activations: { type: resolved.activationType, symmetric: resolved.symmetricActivations },
    perChannel: resolved.perChannel,
    // Behind integers a multiplication would be one of integers, too late to help.
    mayMultiply: (value) => {
      const maker = index.producer(value);
      return maker === undefined || !integerNodes.has(maker);
    },
    onDone: progressOf('smooth', onProgress),
  });
  return { graph: even, equalized: pairs, smoothed: layers };
}

async function equalized(
  graph: Graph,
  selected: ReadonlySet<Node>,
  options: Equalization,
  run: SampleRun,
): Promise<Equalized> {
  const result = await equalize(graph, selected, run);
  if (!options.absorbBiases) return result;
  return { ...result, graph: await absorbBiases(result, run) };
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
