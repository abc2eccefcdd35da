/** What looks wrong about a quantization, from its own figures: each with a stable code, and what to do about it. */
import type { Graph } from '../graph/ir.js';
import { groupsOf } from '../graph/ops/convolution.js';
import { anchorOf } from './anchor.js';
import type { ResolvedOptions } from './options.js';
import type { Placement } from './placement.js';
import type { ActivationReport, WeightReport } from './report.js';
import { isSeen, widestRows } from './roundWeights.js';
import { largestMagnitudes } from './weights.js';

export const findingCodes = [
  'ENTROPY_ON_TRANSFORMER',
  'CLIPPED_POWER',
  'ALWAYS_ZERO',
  'COARSE_ACTIVATION',
  'COARSE_WEIGHT',
  'PER_TENSOR_DEPTHWISE',
  'UNEVEN_CHANNELS',
  'ROUNDED_TO_NEAREST',
  'FEW_SAMPLES',
] as const;

export interface Finding {
  /** A warning is likely to cost accuracy, a note may. */
  readonly level: 'warning' | 'note';
  readonly code: (typeof findingCodes)[number];
  /** A value, a node, or the model as a whole. */
  readonly where: string;
  readonly what: string;
  readonly advice: string;
}

export interface FindingsInput {
  /** The float graph. */
  readonly graph: Graph;
  readonly placement: Placement;
  readonly options: ResolvedOptions;
  readonly samples: number;
  readonly activations: readonly ActivationReport[];
  readonly weights: readonly WeightReport[];
}

/** Share of a value's power beyond its range, signal to noise in dB, ratio of channels, and samples, from where on. */
const muchPower = 0.2;
const coarse = { activation: 20, weight: 12 };
const uneven = 100;
const fewSamples = 8;

export function findingsOf(input: FindingsInput): readonly Finding[] {
  return [...modelFindings(input), ...activationFindings(input), ...weightFindings(input)];
}

function modelFindings({ graph, activations, samples }: FindingsInput): readonly Finding[] {
  const findings: Finding[] = [];
  const where = graph.name;
  const isTransformer = graph.nodes.some(({ op }) => op === 'LayerNormalization');
  if (isTransformer && activations.some(({ calibrator }) => calibrator === 'entropy')) {
    findings.push({
      level: 'warning',
      code: 'ENTROPY_ON_TRANSFORMER',
      where,
      what: 'entropy clips the few large channels on which transformers rely',
      advice: "calibrationMethod 'max' or 'percentile', or quantizeDynamic",
    });
  }
  if (samples < fewSamples) {
    findings.push({
      level: 'note',
      code: 'FEW_SAMPLES',
      where,
      what: `ranges rest on ${samples} ${samples === 1 ? 'sample' : 'samples'}`,
      advice: 'some 100 samples like those of later use',
    });
  }
  return findings;
}

function activationFindings({ activations }: FindingsInput): readonly Finding[] {
  return activations.flatMap(({ name, calibrator, clippedPower, seen, sqnr }): Finding[] => {
    if (seen.min === 0 && seen.max === 0) {
      return [
        {
          level: 'warning',
          code: 'ALWAYS_ZERO',
          where: name,
          what: 'zero on all samples, so that any other value will be clipped',
          advice: 'samples that make this part of the model work',
        },
      ];
    }
    if (clippedPower > muchPower) {
      return [
        {
          level: 'warning',
          code: 'CLIPPED_POWER',
          where: name,
          what: `${calibrator} clips values that hold ${percent(clippedPower)} of the power`,
          advice: "calibrationMethod 'max' or 'auto', or 16-bit activations for its readers",
        },
      ];
    }
    if (sqnr >= coarse.activation) return [];
    return [
      {
        level: 'warning',
        code: 'COARSE_ACTIVATION',
        where: name,
        what: `its codes keep ${sqnr.toFixed(1)} dB`,
        advice: "overrides with activationType 'uint16' for its readers, or nodesToExclude",
      },
    ];
  });
}

function weightFindings({ graph, placement, options, weights }: FindingsInput): readonly Finding[] {
  const nodes = new Map(placement.anchors.map((node) => [node.name, node]));
  return weights.flatMap(({ node: name, sqnr }): Finding[] => {
    const node = nodes.get(name)!;
    const { weightTensor, channelAxis } = anchorOf(graph, node)!;
    const found: Finding[] = [];
    if (!options.perChannel) {
      const channels = [...largestMagnitudes(weightTensor, channelAxis)].filter((m) => m > 0);
      const ratio = Math.max(...channels) / Math.min(...channels);
      const isDepthwise = node.op === 'Conv' && groupsOf(node) > 1 && weightTensor.dims[1] === 1;
      if (isDepthwise || ratio > uneven) {
        found.push({
          level: 'warning',
          code: isDepthwise ? 'PER_TENSOR_DEPTHWISE' : 'UNEVEN_CHANNELS',
          where: name,
          what: `one scale for channels whose ranges differ ${ratio.toPrecision(2)} times`,
          advice: 'perChannel: true, or equalize: true',
        });
      }
    }
    const depth = weightTensor.data.length / weightTensor.dims[channelAxis]!;
    if (options.rounding !== 'nearest' && (depth > widestRows || !isSeen(node))) {
      found.push({
        level: 'note',
        code: 'ROUNDED_TO_NEAREST',
        where: name,
        what: isSeen(node)
          ? `sums of ${depth} products are too long for '${options.rounding}'`
          : `'${options.rounding}' is not for transposed convolutions`,
        advice: "overrides with weightType 'int8' for it",
      });
    }
    if (sqnr < coarse.weight) {
      found.push({
        level: 'warning',
        code: 'COARSE_WEIGHT',
        where: name,
        what: `its codes keep ${sqnr.toFixed(1)} dB`,
        advice: "weightType 'int8', or rounding 'gptq'",
      });
    }
    return found;
  });
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
