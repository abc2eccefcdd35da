/** What a quantization did, as data: report/ renders it, `--json` prints it as it is. */
import {
  type Calibrator,
  type Collector,
  clippedShare,
  codesOf,
  type Histogram,
  meanSquaredError,
} from '../calibrate/index.js';
import { type Graph, indexOf, qualifiedOp } from '../graph/ir.js';
import {
  type Mapping,
  paramsFromRange,
  type QuantizedType,
  type Range,
  type ScaleAndZeroPoint,
} from '../numerics/index.js';
import { exportModel } from '../onnx/export.js';
import type { Model } from '../onnx/model.js';
import type { LayerNoise } from './biases.js';
import type { MethodTrial } from './chooseMethod.js';
import { type Finding, findingsOf } from './findings.js';
import type { WeightsReport } from './floatWeights.js';
import type { AnchorPatch } from './insert.js';
import type { ResolvedOptions } from './options.js';
import type { Placement } from './placement.js';
import type { Smoothing } from './smooth.js';
import { decibels, type QuantizedWeight } from './weights.js';

export interface ActivationReport {
  /** The value that was watched. */
  readonly name: string;
  /** Values that share its parameters, itself included. */
  readonly sharedBy: readonly string[];
  readonly calibrator: string;
  readonly type: QuantizedType;
  /** Range of the samples, and the range chosen. */
  readonly seen: Range;
  readonly range: Range;
  readonly scale: number;
  readonly zeroPoint: number;
  /** Share of the samples' values that lie beyond the range by more than rounding, 0 … 1. */
  readonly clipped: number;
  /** Signal to quantization noise on the samples, in dB. */
  readonly sqnr: number;
  /** Share of Σ x² that lies in values beyond the range. */
  readonly clippedPower: number;
}

export interface WeightReport {
  readonly node: string;
  readonly name: string;
  readonly dims: readonly number[];
  /** Number of scales, and the smallest and largest of them. */
  readonly scales: number;
  readonly scaleRange: Range;
  readonly sqnr: number;
}

export interface ModelReport {
  readonly samples: number;
  /** Size of the model as a file. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Operators by type: how many read and write codes, of whatever width was asked for, and how many are in float. */
  readonly int8: Readonly<Record<string, number>>;
  readonly float: Readonly<Record<string, number>>;
}

export interface QuantizationReport {
  readonly model: ModelReport;
  readonly activations: readonly ActivationReport[];
  readonly weights: readonly WeightReport[];
  /** What each layer's outputs lose, in the order of computation; empty unless biases were corrected. */
  readonly layers: readonly LayerNoise[];
  /** Calibration methods that 'auto' tried, the best first. */
  readonly methods: readonly MethodTrial[];
  /** Layers that were equalized with each other. */
  readonly equalized: readonly (readonly [first: string, second: string])[];
  /** Matrix products whose inputs were smoothed. */
  readonly smoothed: readonly Smoothing[];
  /** Nodes with weights that stayed in float. */
  readonly floatNodes: readonly string[];
  /** What looks wrong, and what to do about it. */
  readonly findings: readonly Finding[];
}

/** Sizes of the models as files, whichever kind of report it is. */
export function bytesOf(report: QuantizationReport | WeightsReport): {
  readonly before: number;
  readonly after: number;
} {
  const { bytesBefore: before, bytesAfter: after } = 'model' in report ? report.model : report;
  return { before, after };
}

/** What is said of a value's parameters, whatever shares them. */
export type ValueLoss = Omit<ActivationReport, 'name' | 'sharedBy'>;

export function valueLoss(
  collector: Collector,
  calibrator: Calibrator,
  mapping: Mapping,
): ValueLoss {
  const range = calibrator.range(collector, mapping);
  const params = paramsFromRange(range, mapping);
  const histogram = collector.histogram();
  return {
    calibrator: calibrator.name,
    type: mapping.type,
    seen: { min: collector.min, max: collector.max },
    range,
    ...params,
    ...lossOf(histogram, collector.meanSquare, params, mapping),
    clippedPower: powerBeyond(histogram, range),
  };
}

/** What parameters would clip of the values of a histogram, and what they would lose. */
export function lossOf(
  histogram: Histogram,
  meanSquare: number,
  params: ScaleAndZeroPoint,
  mapping: Mapping,
): Pick<ActivationReport, 'clipped' | 'sqnr'> {
  const codes = codesOf(mapping);
  const noise = meanSquaredError(histogram, params, codes);
  return {
    clipped: clippedShare(histogram, params, codes),
    sqnr: decibels(meanSquare, noise),
  };
}

function powerBeyond({ lower, upper, counts }: Histogram, { min, max }: Range): number {
  let all = 0;
  let beyond = 0;
  for (const [i, count] of counts.entries()) {
    const x = (lower[i]! + upper[i]!) / 2;
    const power = count * x * x;
    all += power;
    if (x < min || x > max) beyond += power;
  }
  return all > 0 ? beyond / all : 0;
}

export function weightReport(node: string, name: string, weight: QuantizedWeight): WeightReport {
  const { scale } = weight.params;
  const scaleRange = {
    min: scale.reduce((a, b) => Math.min(a, b)),
    max: scale.reduce((a, b) => Math.max(a, b)),
  };
  const { dims } = weight.data;
  return { node, name, dims, scales: scale.length, scaleRange, sqnr: weight.sqnr };
}

export function buildReport(parts: {
  readonly before: Model;
  readonly after: Model;
  readonly graph: Graph;
  readonly placement: Placement;
  readonly samples: number;
  readonly activations: readonly ActivationReport[];
  readonly anchors: readonly AnchorPatch[];
  readonly layers: readonly LayerNoise[];
  readonly methods: readonly MethodTrial[];
  readonly equalized: QuantizationReport['equalized'];
  readonly smoothed: readonly Smoothing[];
  readonly options: ResolvedOptions;
}): QuantizationReport {
  const { graph, placement, anchors, activations, methods, equalized, smoothed } = parts;
  const int8: Record<string, number> = Object.create(null);
  const float: Record<string, number> = Object.create(null);
  for (const node of graph.nodes) {
    const counts = placement.integerNodes.has(node) ? int8 : float;
    counts[qualifiedOp(node)] = (counts[qualifiedOp(node)] ?? 0) + 1;
  }
  const index = indexOf(graph);
  const weights = anchors.map(({ node, weightName, weight }) =>
    weightReport(node.name, weightName, weight),
  );
  const quantized = new Set(anchors.map((anchor) => anchor.node));
  return {
    model: {
      samples: parts.samples,
      bytesBefore: exportModel(parts.before.graph, parts.before.meta).length,
      bytesAfter: exportModel(parts.after.graph, parts.after.meta).length,
      int8,
      float,
    },
    activations,
    layers: parts.layers,
    weights,
    methods,
    equalized,
    smoothed,
    findings: findingsOf({ ...parts, weights }),
    floatNodes: [...graph.constants.keys()]
      .flatMap((value) => index.consumers(value))
      .filter(
        (node) =>
          ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(node.op) && !quantized.has(node),
      )
      .map((node) => node.name)
      .filter((name, i, names) => names.indexOf(name) === i),
  };
}
