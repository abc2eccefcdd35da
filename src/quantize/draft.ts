/** A static quantization on paper: from what a calibration shows to a graph with integers in it. No samples are run. */
import { type Calibrator, Collector, createCalibrator } from '../calibrate/index.js';
import { expectType } from '../core/tensor.js';
import type { Graph, Node } from '../graph/ir.js';
import { type Mapping, perTensor, type QuantParams } from '../numerics/index.js';
import { runPasses } from '../passes/pass.js';
import { anchorOf } from './anchor.js';
import type { Calibration } from './calibration.js';
import { type CodeSteps, stepsBetween } from './codeSteps.js';
import {
  type AnchorPatch,
  insertAnchorConstants,
  insertValuePairs,
  type ValueParams,
} from './insert.js';
import { type LayerSettings, layerSettings } from './layers.js';
import type { ResolvedOptions } from './options.js';
import type { Placement, ValueGroup } from './placement.js';
import { type ActivationReport, type ValueLoss, valueLoss } from './report.js';
import { type QuantizedWeight, quantizeAnchor, type WeightSettings } from './weights.js';

export interface Draft {
  /** Of every value that gets a pair. */
  readonly params: ValueParams;
  readonly activations: readonly ActivationReport[];
  readonly anchors: readonly AnchorPatch[];
  /** How far codes that samples decided are from the nearest ones, by the node's name. */
  readonly steps: ReadonlyMap<string, CodeSteps>;
  /** The graph in QDQ form. */
  readonly quantized: Graph;
}

/** Ranges of values, by value, method and type. */
export type KnownRanges = Map<string, ValueLoss>;

export interface DraftRun {
  readonly onRange?: ((done: number, total: number) => void) | undefined;
  /** What other drafts of one calibration have chosen; this one adds to it. */
  readonly known?: KnownRanges | undefined;
}

export function draftOf(
  graph: Graph,
  placement: Placement,
  calibration: Calibration,
  options: ResolvedOptions,
  { onRange, known = new Map() }: DraftRun = {},
): Draft {
  const layers = layerSettings(graph, placement, options);
  const chosen = { graph, placement, calibration, layers, options, known, onRange };
  const { params, reports } = chooseRanges(chosen);
  const anchors = placement.anchors.map((node) =>
    nearestCodes(graph, node, params, {
      ...options,
      weightType: layers.weightTypeOf(node),
      addBiases: options.correctionSamples > 0,
    }),
  );
  const quantized = writeDraft(graph, params, anchors);
  return { activations: reports, anchors, params, steps: new Map(), quantized };
}

/** What replaces a layer's weight and bias, rounded to the nearest codes. Its input is among `params`. */
export function nearestCodes(
  graph: Graph,
  node: Node,
  params: ValueParams,
  settings: WeightSettings,
): AnchorPatch {
  const anchor = anchorOf(graph, node)!;
  const inputScale = params.get(anchor.data)!.scale[0]!;
  return { node, weightName: anchor.weight, ...quantizeAnchor(anchor, inputScale, settings) };
}

/** A draft of nearest codes with other codes for the weights of some nodes, by the nodes' names. */
export function withWeights(
  graph: Graph,
  draft: Draft,
  weights: ReadonlyMap<string, QuantizedWeight>,
): Draft {
  const steps = new Map(draft.steps);
  const anchors = draft.anchors.map((anchor) => {
    const weight = weights.get(anchor.node.name);
    if (weight === undefined) return anchor;
    steps.set(anchor.node.name, stepsBetween(anchor.weight.data, weight.data));
    return { ...anchor, weight };
  });
  return { ...draft, anchors, steps, quantized: writeDraft(graph, draft.params, anchors) };
}

/** The graph with a pair behind each of the values, and integers in place of the layers' weights and biases. */
export function writeDraft(
  graph: Graph,
  params: ValueParams,
  anchors: readonly AnchorPatch[],
): Graph {
  return runPasses(graph, [insertValuePairs(params), insertAnchorConstants(anchors)]);
}

/** Values whose collectors a draft asks a calibration for. */
export function watchedValues(graph: Graph, placement: Placement): readonly string[] {
  const sources = placement.groups.map((group) => group.source);
  return sources.filter((source) => !graph.constants.has(source));
}

/** Those, and what a draft asks for when some of the layers stay in float: groups fall apart then. */
export function watchedByParts(graph: Graph, placement: Placement): readonly string[] {
  const values = placement.groups.flatMap((group) => [group.source, ...group.values]);
  return [...new Set(values)].filter((value) => !graph.constants.has(value));
}

interface RangeChoice extends DraftRun {
  readonly graph: Graph;
  readonly placement: Placement;
  readonly calibration: Calibration;
  readonly layers: LayerSettings;
  readonly options: ResolvedOptions;
  readonly known: KnownRanges;
}

interface ChosenRanges {
  readonly params: ValueParams;
  readonly reports: readonly ActivationReport[];
}

function chooseRanges({
  graph,
  placement,
  calibration,
  layers,
  options,
  known,
  onRange,
}: RangeChoice): ChosenRanges {
  const unclipped = createCalibrator('max');
  const params = new Map<string, QuantParams>();
  const reports: ActivationReport[] = [];
  placement.groups.forEach((group, i) => {
    const { type, calibrator } = layers.activationsOf(group);
    const mapping: Mapping = { type, symmetric: options.symmetricActivations };
    const chosen: Calibrator = keepsWholeRange(group) ? unclipped : calibrator;
    const key = JSON.stringify([group.source, chosen.name, type, mapping.symmetric]);
    const loss =
      known.get(key) ?? valueLoss(collectorOf(graph, group.source, calibration), chosen, mapping);
    known.set(key, loss);
    for (const value of group.values) {
      params.set(value, perTensor(type, loss.scale, loss.zeroPoint));
    }
    reports.push({ name: group.source, sharedBy: group.values, ...loss });
    onRange?.(i + 1, placement.groups.length);
  });
  return { params, reports };
}

/** Constants need no samples. */
export function collectorOf(graph: Graph, value: string, calibration: Calibration): Collector {
  const constant = graph.constants.get(value);
  if (constant === undefined) return calibration.collector(value);
  const collector = new Collector({ name: value });
  collector.add(expectType(constant, 'float32', value).data);
  return collector;
}

/** Logits and what leads to them decide answers by their extremes. */
function keepsWholeRange(group: ValueGroup): boolean {
  return group.feedsOutput;
}
