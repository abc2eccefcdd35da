/** Static quantization with corrected biases, by one calibration method. */
import type { CalibrationMethod } from '../calibrate/index.js';
import type { Graph } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import type { Feeds, SessionOptions } from '../runtime/session.js';
import { correctBiases } from './biases.js';
import type { Calibration } from './calibration.js';
import { draftOf } from './draft.js';
import type { ResolvedOptions } from './options.js';
import { buildReport } from './report.js';
import type { Built, Scheme } from './scheme.js';
import { measureLayers, rank } from './sensitivity.js';
import { placeStatic } from './static.js';

export interface StaticParts {
  readonly model: Model;
  /** The float graph, cleaned up. */
  readonly graph: Graph;
  readonly calibration: Calibration;
  /** To correct biases and to measure layers on. */
  readonly samples: readonly Feeds[];
  readonly resolved: ResolvedOptions;
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

export function staticScheme(parts: StaticParts, method: CalibrationMethod): Scheme {
  const { graph, calibration, samples, session, signal } = parts;
  const percentile = method === 'percentile' ? (parts.resolved.percentile ?? 99.999) : undefined;
  const settings = { ...parts.resolved, calibrationMethod: method, percentile };
  return {
    kind: 'static',
    name: `static, ${method}${percentile === undefined ? '' : ` ${percentile}`}, biases corrected`,
    async build(floatLayers) {
      const nodesToExclude = [...settings.nodesToExclude, ...floatLayers];
      const options = { ...settings, nodesToExclude };
      const placement = placeStatic(graph, options);
      const draft = draftOf(graph, placement, calibration, options);
      const names = placement.anchors.map((node) => node.name);
      const corrected = await correctBiases(graph, draft.quantized, names, {
        samples,
        session,
        signal,
      });
      const model: Model = { ...parts.model, graph: corrected.graph };
      const report = buildReport({
        before: parts.model,
        after: model,
        graph,
        placement,
        samples: calibration.samples,
        activations: draft.activations,
        anchors: draft.anchors,
        layers: corrected.layers,
        methods: [],
        equalized: [],
        smoothed: [],
        options,
      });
      return { model, report } satisfies Built;
    },
    async ranked(onLayer) {
      const placement = placeStatic(graph, settings);
      const draft = draftOf(graph, placement, calibration, settings);
      const layers = await measureLayers(graph, placement, draft, {
        samples,
        mode: 'only',
        parts: ['both'],
        session,
        signal,
        onDone: onLayer,
      });
      const ranked = rank(layers, 'only');
      const last = ranked.findLast(({ weightCount }) => weightCount > 0);
      return ranked.filter((layer) => layer !== last).map(({ node }) => node);
    },
  };
}
