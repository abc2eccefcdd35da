/**
 * Which layers quantizing hurts: each one is quantized alone in the float graph ('only'), or left alone in the quantized
 * one ('all-but'), and the answers are compared with the float graph's. What lies in front of a layer is run once for
 * all of its variants and all layers behind it, so that n layers cost about n / 2 runs.
 */
import { OctavoError, throwIfAborted } from '../core/errors.js';
import { type Graph, qualifiedOp } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import type { Measures } from '../report/difference.js';
import { createSession, type InferenceSession, type SessionOptions } from '../runtime/session.js';
import { answersOf, measuresBetween } from './answers.js';
import { count, oneOf } from './checks.js';
import type { Draft } from './draft.js';
import { withLogits } from './logits.js';
import type { QuantizeStaticOptions } from './options.js';
import { PieceRunner } from './pieces.js';
import type { Placement } from './placement.js';
import { progressOf } from './progress.js';
import { type LayerRun, SampleKeeper } from './samples.js';
import { prepareStatic } from './static.js';
import {
  allButLayer,
  type Layer,
  type LayerPart,
  layerParts,
  layersOf,
  onlyLayer,
} from './variants.js';

export type SensitivityMode = 'only' | 'all-but';

export const sensitivityModes: readonly SensitivityMode[] = ['only', 'all-but'];

/** Answers to the samples with one part of one layer quantized, or left alone. */
export interface PartSensitivity extends Measures {
  /** The caller's metric, where there is one. */
  readonly metric?: number;
}

export interface LayerSensitivity {
  readonly node: string;
  readonly op: string;
  /** Number of weights; 0 where it has none. */
  readonly weightCount: number;
  /** By the part that is quantized ('only') or left in float ('all-but'). */
  readonly parts: Readonly<Partial<Record<LayerPart, PartSensitivity>>>;
}

/** The caller's metric: higher is better. */
export type Evaluate = (session: InferenceSession) => number | Promise<number>;

export interface MeasureOptions extends LayerRun {
  readonly mode: SensitivityMode;
  readonly parts: readonly LayerPart[];
  readonly evaluate?: Evaluate | undefined;
}

/** Measures every layer of a draft, in the order of computation. */
export async function measureLayers(
  graph: Graph,
  placement: Placement,
  draft: Draft,
  options: MeasureOptions,
): Promise<readonly LayerSensitivity[]> {
  const { samples, mode, parts, session, signal, onDone } = options;
  const expected = await answersOf(graph, { samples, session, signal });
  const layers = layersOf(graph, placement, draft);
  const base = mode === 'only' ? graph : draft.quantized;
  const keep = new Map(layers.map(({ node, inputs }) => [node.name, inputs]));
  const runner = new PieceRunner(samples, { session, keep });
  const found: LayerSensitivity[] = [];
  for (const layer of layers) {
    throwIfAborted(signal, 'sensitivity');
    await runner.approach(withLogits(base), layer.node.name, signal);
    const measured: Partial<Record<LayerPart, PartSensitivity>> = {};
    for (const part of partsOf(layer, parts)) {
      const variant =
        mode === 'only'
          ? onlyLayer(graph, draft, layer, part)
          : allButLayer(graph, draft, layer, part);
      const answers = await runner.fork().finish(withLogits(variant), signal);
      const metric = options.evaluate && (await scoreOf(variant, options.evaluate, session));
      measured[part] = {
        ...measuresBetween(expected, answers),
        ...(metric !== undefined && { metric }),
      };
    }
    const { node, hasWeights } = layer;
    const weightCount = hasWeights ? graph.constants.get(node.inputs[1]!)!.data.length : 0;
    found.push({ node: node.name, op: qualifiedOp(node), weightCount, parts: measured });
    onDone?.(found.length, layers.length);
  }
  return found;
}

/** A part that a layer does not have would measure nothing. */
function partsOf({ inputs, hasWeights }: Layer, parts: readonly LayerPart[]): LayerPart[] {
  return parts.filter(
    (part) => (part !== 'weights' || hasWeights) && (part !== 'activations' || inputs.length > 0),
  );
}

/** What the caller's metric says of a graph. Throws `INVALID_ARGUMENT` for what is no number. */
export async function scoreOf(
  graph: Graph,
  evaluate: Evaluate,
  options: SessionOptions | undefined,
): Promise<number> {
  const session = await createSession(graph, options);
  try {
    const score = await evaluate(session);
    if (typeof score === 'number' && Number.isFinite(score)) return score;
    throw new OctavoError('INVALID_ARGUMENT', 'the metric is not a finite number', {
      where: 'evaluate',
      found: String(score),
    });
  } finally {
    session.dispose();
  }
}

export interface SensitivityOptions extends Omit<QuantizeStaticOptions, 'biasCorrection'> {
  /** Default 'only'. */
  readonly mode?: SensitivityMode;
  /** Which parts of a layer to tell apart. Default all three: weights, activations, both. */
  readonly parts?: readonly LayerPart[];
  /** Most samples to measure on, evenly spread over the calibration data. Default 16. */
  readonly samples?: number;
  /** The caller's metric, measured beside the others; it takes a whole run of it for each part. */
  readonly evaluate?: Evaluate;
}

export interface SensitivityReport {
  readonly mode: SensitivityMode;
  /** Samples that answers were compared on. */
  readonly samples: number;
  /** In the order of computation. */
  readonly layers: readonly LayerSensitivity[];
}

/** What `sensitivity` of making.ts does. */
export async function sensitivity(
  source: Model | string | Uint8Array,
  options: SensitivityOptions,
): Promise<SensitivityReport> {
  const { mode, parts, samples, evaluate, ...rest } = options;
  const chosen = {
    mode: oneOf('mode', mode, sensitivityModes, 'only'),
    parts: parts ?? layerParts,
    evaluate,
  };
  for (const part of chosen.parts) oneOf('parts', part, layerParts);
  if ('biasCorrection' in rest) {
    throw new OctavoError('INVALID_ARGUMENT', 'layers are measured without it', {
      where: 'biasCorrection',
    });
  }
  const keeper = new SampleKeeper(count('samples', samples ?? defaultSamples));
  const { graph, placement, draft } = await prepareStatic(source, rest, keeper);
  const { session, signal, onProgress } = options;
  const layers = await measureLayers(graph, placement, draft, {
    ...chosen,
    samples: keeper.samples,
    session,
    signal,
    onDone: progressOf('sensitivity', onProgress),
  });
  return { mode: chosen.mode, samples: keeper.samples.length, layers };
}

const defaultSamples = 16;
