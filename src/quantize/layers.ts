/** What each layer's weights and each value's activations are quantized to: the model's settings, or a layer's own. */
import { type Calibrator, createCalibrator } from '../calibrate/index.js';
import { OctavoError } from '../core/errors.js';
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import {
  type ActivationType,
  activationTypes,
  type LayerOverride,
  type ResolvedOptions,
  type WeightType,
} from './options.js';
import type { Placement, ValueGroup } from './placement.js';
import { matches } from './select.js';

export interface LayerSettings {
  weightTypeOf(node: Node): WeightType;
  /** For the values of a group: the finest type and the first method of its own among the layers that read them. */
  activationsOf(group: ValueGroup): { type: ActivationType; calibrator: Calibrator };
}

/** Throws `NO_MATCH` for an override whose nodes are not there, or not quantized. */
export function layerSettings(
  graph: Graph,
  { integerNodes }: Placement,
  options: ResolvedOptions,
): LayerSettings {
  const own = new Map<Node, LayerOverride>();
  for (const [i, override] of options.overrides.entries()) {
    const where = `overrides[${i}].nodes`;
    const found = [...matches(graph, override.nodes, where)];
    const quantized = found.filter((node) => integerNodes.has(node));
    if (quantized.length === 0) {
      throw new OctavoError('NO_MATCH', 'none of these nodes is quantized', {
        where,
        found: found.map(({ name }) => name).join(', '),
      });
    }
    for (const node of quantized) own.set(node, { ...own.get(node), ...defined(override) });
  }
  const index = indexOf(graph);
  return {
    weightTypeOf: (node) => own.get(node)?.weightType ?? options.weightType,
    activationsOf({ values }) {
      const readers = values
        .flatMap((value) => index.consumers(value))
        .filter((node) => integerNodes.has(node));
      const types = readers.map((node) => own.get(node)?.activationType ?? options.activationType);
      const method = readers.map((node) => own.get(node)).find((one) => one?.calibrationMethod);
      const { calibrationMethod = options.calibrationMethod } = method ?? {};
      const { percentile } = method ?? options;
      return {
        type: finestOf(types, options.activationType),
        calibrator: createCalibrator(calibrationMethod, { percentile }),
      };
    },
  };
}

/** Of types of as many bits the model's own is kept. */
function finestOf(types: readonly ActivationType[], usual: ActivationType): ActivationType {
  const bits = (type: ActivationType) => (type.endsWith('16') ? 16 : 8);
  const most = Math.max(...types.map(bits), 0);
  const finest = types.filter((type) => bits(type) === most);
  if (finest.length === 0 || finest.includes(usual)) return usual;
  return activationTypes.find((type) => finest.includes(type))!;
}

/** Without what is undefined: it would hide what an earlier entry says. */
function defined(override: LayerOverride): LayerOverride {
  const said = Object.entries(override).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as unknown as LayerOverride;
}
