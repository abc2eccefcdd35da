/**
 * Resize and its forerunner Upsample, up to the form of opset 13. Both first forms sampled at
 * x / scale, without a shift of half a pixel. Their nearest neighbour was the pixel at or before that
 * place when enlarging, and, as ONNX's own cases for Resize-10 have it, at or behind when shrinking.
 */
import type { Tensor } from '../core/tensor.js';
import { attribute, floatsOf, stringOf } from '../graph/attributes.js';
import type { Node } from '../graph/ir.js';
import { floatTensor } from './constants.js';
import {
  type Upgrade,
  type UpgradeContext,
  unsupportedForm,
  withAttributes,
  withInput,
} from './upgradeContext.js';

/** Upsample-7 has its scales in an attribute. */
export const upgradeUpsample7: Upgrade = (node, context) => {
  const scales = floatsOf(node, 'scales');
  if (scales === undefined)
    throw unsupportedForm(node, context.opset, "it has no attribute 'scales'");
  const value = context.addConstant(`${node.name}_scales`, floatTensor('float32', scales));
  return [withAttributes(withInput(node, 1, value), ['scales'])];
};

/** Upsample-9 is Resize-10 under another name. */
export const upgradeUpsample9: Upgrade = (node) => [{ ...node, op: 'Resize' }];

export const upgradeResize10: Upgrade = (node, context) => {
  const [input = '', scales = ''] = node.inputs;
  const settings: [string, string][] = [['coordinate_transformation_mode', 'asymmetric']];
  if (stringOf(node, 'mode', 'nearest') === 'nearest') {
    settings.push(['nearest_mode', nearestMode(node, context.constantOf(scales), context)]);
  }
  const attributes = settings.map(([key, value]) => [key, attribute.string(value)] as const);
  return [withAttributes({ ...node, inputs: [input, '', scales] }, [], attributes)];
};

function nearestMode(node: Node, scales: Tensor | undefined, { opset }: UpgradeContext): string {
  if (scales?.type !== 'float32') {
    // Upsample, as its name says, takes scales from 1.
    if (opset < 10) return 'floor';
    throw unsupportedForm(node, opset, "mode 'nearest' with computed scales is not supported");
  }
  const values = Array.from(scales.data as Float32Array);
  if (values.every((scale) => scale >= 1)) return 'floor';
  if (values.every((scale) => scale <= 1)) return 'ceil';
  throw unsupportedForm(node, opset, 'enlarging and shrinking at once is not supported');
}

/** Resize-11 wants an input even where it does not matter; it is left empty then. */
export const upgradeResize11: Upgrade = (node, context) => {
  if (stringOf(node, 'coordinate_transformation_mode', '') === 'tf_half_pixel_for_nn') {
    throw unsupportedForm(node, context.opset, "'tf_half_pixel_for_nn' is not supported");
  }
  const inputs = node.inputs.map((input) =>
    context.constantOf(input)?.data.length === 0 ? '' : input,
  );
  while (inputs.at(-1) === '') inputs.pop();
  return [{ ...node, inputs }];
};
