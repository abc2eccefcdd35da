/** Static quantization with corrected biases, by one calibration method. */
import type { CalibrationMethod } from '../calibrate/index.js';
import type { Graph } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import type { Calibration } from './calibration.js';
import { draftOf } from './draft.js';
import type { ResolvedOptions } from './options.js';
import type { SampleRun } from './samples.js';
import { remembering, type Scheme } from './scheme.js';
import { measureLayers, rank } from './sensitivity.js';
import { nothingSmoothed } from './smooth.js';
import { finishStatic, placeStatic } from './static.js';

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

export function staticScheme(parts: StaticParts, method: CalibrationMethod): Scheme {
  const { model, graph, calibration, run } = parts;
  const percentile = method === 'percentile' ? keptShare : undefined;
  const all = { ...parts.resolved, calibrationMethod: method, percentile };
  return remembering({
    name: `static, ${method}${percentile === undefined ? '' : ` ${percentile}`}, biases corrected`,
    async build(floatLayers) {
      const settings = { ...all, nodesToExclude: [...all.nodesToExclude, ...floatLayers] };
      const placement = placeStatic(graph, settings);
      const draft = draftOf(graph, placement, calibration, settings);
      const prepared = { model, float: graph, graph, placement, calibration, draft, settings };
      const nothing = { methods: [], equalized: [], absorbed: [], smoothed: nothingSmoothed };
      return finishStatic({ ...prepared, ...nothing }, run);
    },
    async ranked(onLayer) {
      const placement = placeStatic(graph, all);
      const draft = draftOf(graph, placement, calibration, all);
      const layers = await measureLayers(graph, placement, draft, {
        ...run,
        mode: 'only',
        parts: ['both'],
        onDone: onLayer,
      });
      const ranked = rank(layers, 'only');
      const last = ranked.findLast(({ weightCount }) => weightCount > 0);
      return ranked.filter((layer) => layer !== last).map(({ node }) => node);
    },
  });
}
