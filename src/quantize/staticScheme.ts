/** Static quantization with corrected biases, by one calibration method. */
import type { CalibrationMethod } from '../calibrate/index.js';
import type { Graph } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import { carriedShifts, shiftBiases } from './biasShifts.js';
import type { Calibration } from './calibration.js';
import { draftOf, type KnownRanges } from './draft.js';
import { rankAlone } from './measureAlone.js';
import type { ResolvedOptions } from './options.js';
import type { SampleRun } from './samples.js';
import { remembering, type Scheme } from './scheme.js';
import { nothingSmoothed } from './smooth.js';
import { finishStatic, type PreparedStatic, placeStatic, reported } from './static.js';
import { layersOf, onlyLayer } from './variants.js';

export interface StaticParts {
  readonly model: Model;
  /** The float graph, cleaned up. */
  readonly graph: Graph;
  readonly calibration: Calibration;
  /** Samples to correct biases and to measure layers on. */
  readonly run: SampleRun;
  readonly resolved: ResolvedOptions;
}

/** Share of the values that 'percentile' keeps, in percent. */
const keptShare = 99.999;

/**
 * Biases are corrected once, with all layers quantized: a layer's own weights decide by how much, and little else. Models
 * with some layers in float take those shifts as they are; `refine` corrects the biases of one of them for itself.
 */
export function staticScheme(parts: StaticParts, method: CalibrationMethod): Scheme {
  const { model, graph, calibration, run } = parts;
  const percentile = method === 'percentile' ? keptShare : undefined;
  const all = { ...parts.resolved, calibrationMethod: method, percentile };
  const known: KnownRanges = new Map();
  const draft = (floatLayers: readonly string[]): PreparedStatic => {
    const settings = { ...all, nodesToExclude: [...all.nodesToExclude, ...floatLayers] };
    const placement = placeStatic(graph, settings);
    const drafted = draftOf(graph, placement, calibration, settings, { known });
    const nothing = { methods: [], equalized: [], absorbed: [], smoothed: nothingSmoothed };
    return {
      model,
      float: graph,
      graph,
      placement,
      calibration,
      draft: drafted,
      settings,
      ...nothing,
    };
  };
  const correctWhole = async () => {
    const prepared = draft([]);
    return { prepared, built: await finishStatic(prepared, run) };
  };
  let whole: ReturnType<typeof correctWhole> | undefined;
  const corrected = () => {
    whole ??= correctWhole();
    return whole;
  };
  return remembering({
    name: `static, ${method}${percentile === undefined ? '' : ` ${percentile}`}, biases corrected`,
    async build(floatLayers) {
      const { prepared, built } = await corrected();
      if (floatLayers.length === 0) return built;
      const partial = draft(floatLayers);
      const { quantized } = partial.draft;
      const shifts = carriedShifts(prepared.draft.quantized, built.model.graph, quantized);
      return reported(partial, { graph: shiftBiases(quantized, shifts), layers: [] });
    },
    refine: (floatLayers) => finishStatic(draft(floatLayers), run),
    async ranked(onLayer) {
      const { placement, draft: whole } = draft([]);
      const layers = layersOf(graph, placement, whole);
      const variants = layers.map((layer) => ({
        node: layer.node.name,
        graph: () => onlyLayer(graph, whole, layer, 'both'),
      }));
      const ranked = await rankAlone(graph, variants, { ...run, onDone: onLayer });
      const weighted = new Set(layers.filter((one) => one.hasWeights).map(({ node }) => node.name));
      const last = ranked.findLast((name) => weighted.has(name));
      return ranked.filter((name) => name !== last);
    },
  });
}
