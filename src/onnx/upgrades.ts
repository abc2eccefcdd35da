/**
 * One step for each change of an operator that a reader must know of: the version that made it, and
 * how a node of the form before becomes one of the form after. Versions that only widened types or
 * added attributes whose absence keeps the old meaning have none. From the ONNX operator changelog.
 */
import { attribute, floatOf, intOf, intsOf, stringOf } from '../graph/attributes.js';
import type { Node } from '../graph/ir.js';
import { floatTensor, int64Tensor } from './constants.js';
import { type Upgrade, unsupportedForm, withAttributes, withInput } from './upgradeContext.js';
import {
  upgradeResize10,
  upgradeResize11,
  upgradeUpsample7,
  upgradeUpsample9,
} from './upgradeResize.js';
import { upgradeSoftmax } from './upgradeSoftmax.js';
import { reductionsOf18 } from './versions.js';

export interface UpgradeStep {
  /** The version that has the new form. */
  readonly since: number;
  readonly apply: Upgrade;
}

const none: readonly UpgradeStep[] = [];

/** Steps of an operator, oldest first. */
export function upgradesOf(op: string): readonly UpgradeStep[] {
  return steps.get(op) ?? none;
}

/** Attribute `name`, a list of integers, becomes constant input `index`. */
function listToInput(name: string, index: number, need: 'required' | 'optional'): Upgrade {
  return (node, context) => {
    const values = intsOf(node, name) ?? [];
    if (need === 'required' && !node.attributes.has(name)) {
      throw unsupportedForm(node, context.opset, `it has no attribute '${name}'`);
    }
    if (need === 'optional' && values.length === 0) return [withAttributes(node, [name])];
    const value = context.addConstant(`${node.name}_${name}`, int64Tensor(values));
    return [withAttributes(withInput(node, index, value), [name])];
  };
}

function refuse(what: string): Upgrade {
  return (node, { opset }) => {
    throw unsupportedForm(node, opset, `${what} is not supported`);
  };
}

const upgradeClip: Upgrade = (node, context) => {
  const type = context.typeOf(node.inputs[0] ?? '')?.type ?? 'float32';
  let result = withAttributes(node, ['min', 'max']);
  for (const [index, name] of [
    [1, 'min'],
    [2, 'max'],
  ] as const) {
    if (!node.attributes.has(name)) continue;
    const bound = floatTensor(type, [floatOf(node, name, 0)], [], node.name);
    result = withInput(result, index, context.addConstant(`${node.name}_${name}`, bound));
  }
  return [result];
};

const upgradePad: Upgrade = (node, context) => {
  const type = context.typeOf(node.inputs[0] ?? '')?.type ?? 'float32';
  const [result] = listToInput('pads', 1, 'required')(node, context);
  const value = floatOf(node, 'value', 0);
  if (value === 0) return [withAttributes(result!, ['value'])];
  const constant = context.addConstant(
    `${node.name}_value`,
    floatTensor(type, [value], [], node.name),
  );
  return [withAttributes(withInput(result!, 2, constant), ['value'])];
};

const upgradeSlice: Upgrade = (node, context) => {
  let result = node;
  for (const [index, name, need] of [
    [1, 'starts', 'required'],
    [2, 'ends', 'required'],
    [3, 'axes', 'optional'],
  ] as const) {
    [result] = listToInput(name, index, need)(result, context) as readonly [Node];
  }
  return [result];
};

/** Before 18, a Split without sizes made one equal part for each output. */
const upgradeSplit18: Upgrade = (node) =>
  (node.inputs[1] ?? '') === ''
    ? [withAttributes(node, [], [['num_outputs', attribute.int(node.outputs.length)]])]
    : [node];

/** The extra outputs are those of training; statistics per activation were never common. */
const upgradeBatchNormalization9: Upgrade = (node, context) => {
  if (intOf(node, 'spatial', 1) === 0) {
    throw unsupportedForm(node, context.opset, 'spatial = 0 is not supported');
  }
  return [withAttributes(node, ['spatial'])];
};

const upgradeBatchNormalization14: Upgrade = (node, context) => {
  if (node.outputs.slice(1).some((output) => context.isRead(output))) {
    throw unsupportedForm(node, context.opset, 'its training outputs are not supported');
  }
  return [{ ...node, outputs: node.outputs.slice(0, 1) }];
};

/** The mask used to have the type of the data; it is bool since 10. */
const upgradeDropout10: Upgrade = (node, context) => {
  if (node.outputs.slice(1).some((output) => context.isRead(output))) {
    throw unsupportedForm(node, context.opset, 'its mask is not supported');
  }
  return [{ ...node, outputs: node.outputs.slice(0, 1) }];
};

/** The ratio says nothing about inference, where the operator is the identity. */
const upgradeDropout12: Upgrade = (node) => [withAttributes(node, ['ratio'])];

const gridModes: ReadonlyMap<string, string> = new Map([
  ['bilinear', 'linear'],
  ['bicubic', 'cubic'],
]);

const upgradeGridSample: Upgrade = (node) => {
  const mode = stringOf(node, 'mode', 'bilinear');
  return [withAttributes(node, [], [['mode', attribute.string(gridModes.get(mode) ?? mode)]])];
};

const upgradeRoiAlign: Upgrade = (node) => [
  withAttributes(
    node,
    [],
    [['coordinate_transformation_mode', attribute.string('output_half_pixel')]],
  ),
];

const upgradeTopK: Upgrade = (node, context) => {
  const k = intOf(node, 'k', 0);
  if (k < 1) throw unsupportedForm(node, context.opset, 'k below 1 is not supported');
  const value = context.addConstant(`${node.name}_k`, int64Tensor([k]));
  return [withAttributes(withInput(node, 1, value), ['k'])];
};

const upgradeDft: Upgrade = (node, context) => {
  const axis = context.addConstant(`${node.name}_axis`, int64Tensor([intOf(node, 'axis', 1)], []));
  return [withAttributes(withInput(node, 2, axis), ['axis'])];
};

/** Broadcast by attribute, is_test, consumed_inputs and the like: forms that are out of use. */
const legacy: readonly (readonly [since: number, ops: readonly string[]])[] = [
  [2, ['GlobalLpPool', 'LpPool', 'Pad', 'Split']],
  [4, ['Concat']],
  [5, ['Reshape']],
  [6, ['Abs', 'Add', 'BatchNormalization', 'Cast', 'Ceil', 'Clip', 'Div', 'Dropout', 'Elu', 'Exp']],
  [6, ['Floor', 'Gemm', 'HardSigmoid', 'InstanceNormalization', 'LeakyRelu', 'Log', 'Max']],
  [6, ['Mean', 'Min', 'Mul', 'Neg', 'PRelu', 'Reciprocal', 'Relu', 'Selu', 'Sigmoid', 'Sqrt']],
  [6, ['Sub', 'Sum', 'Tanh', 'Tile']],
  [7, ['Add', 'And', 'BatchNormalization', 'Div', 'Dropout', 'Equal', 'GRU', 'Gemm', 'Greater']],
  [7, ['LSTM', 'Less', 'Mul', 'Or', 'PRelu', 'Pow', 'RNN', 'Sub', 'Upsample', 'Xor']],
];

const table: readonly (readonly [string, number, Upgrade])[] = [
  ...legacy.flatMap(([since, ops]) =>
    ops.map((op) => [op, since, refuse(`the form before opset ${since}`)] as const),
  ),
  ['BatchNormalization', 9, upgradeBatchNormalization9],
  ['BatchNormalization', 14, upgradeBatchNormalization14],
  ['Clip', 11, upgradeClip],
  ['DFT', 20, upgradeDft],
  ['Dropout', 10, upgradeDropout10],
  ['Dropout', 12, upgradeDropout12],
  ['GridSample', 20, upgradeGridSample],
  ['GroupNormalization', 21, refuse('scale and bias per group')],
  ['Hardmax', 13, upgradeSoftmax],
  ['LogSoftmax', 13, upgradeSoftmax],
  ['Pad', 11, upgradePad],
  ...reductionsOf18.map((op) => [op, 18, listToInput('axes', 1, 'optional')] as const),
  ['ReduceSum', 13, listToInput('axes', 1, 'optional')],
  ['Resize', 11, upgradeResize10],
  ['Resize', 13, upgradeResize11],
  ['RoiAlign', 16, upgradeRoiAlign],
  ['Scan', 9, refuse('the form with sequence_lens')],
  ['Scatter', 11, (node) => [{ ...node, op: 'ScatterElements' }]],
  ['Slice', 10, upgradeSlice],
  ['Softmax', 13, upgradeSoftmax],
  ['Split', 13, listToInput('split', 1, 'optional')],
  ['Split', 18, upgradeSplit18],
  ['Squeeze', 13, listToInput('axes', 1, 'optional')],
  ['TopK', 10, upgradeTopK],
  ['Unsqueeze', 13, listToInput('axes', 1, 'required')],
  ['Upsample', 9, upgradeUpsample7],
  ['Upsample', 10, upgradeUpsample9],
];

const steps = new Map<string, UpgradeStep[]>();
for (const [op, since, apply] of table) {
  const list = steps.get(op) ?? [];
  list.push({ since, apply });
  steps.set(op, list);
}
