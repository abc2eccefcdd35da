/**
 * Versions: which operator sets import takes, and the oldest one that has every form a graph uses.
 * The IR's form is that of opset 21. Versions after it only added types, operators and attributes whose
 * absence keeps the old meaning, so the IR holds those as well. From the ONNX operator changelog.
 */
import type { DataType } from '../core/dtype.js';
import type { Node } from '../graph/ir.js';

/** The opset whose forms the IR has. */
export const irOpset = 21;

/** Import takes opsets from here … */
export const oldestOpset = 6;
/** … to here; later versions may change operators in ways not known yet. */
export const newestOpset = 26;

/** Files are written for this opset unless they need a later one. */
const commonOpset = 17;

/** Operators that are younger than the common opset. */
const introduced: ReadonlyMap<string, number> = new Map([
  ...['BitwiseAnd', 'BitwiseNot', 'BitwiseOr', 'BitwiseXor'].map((op) => [op, 18] as const),
  ...['CenterCropPad', 'Col2Im', 'Mish'].map((op) => [op, 18] as const),
  ['DeformConv', 19],
  ...['AffineGrid', 'Gelu', 'ImageDecoder', 'RegexFullMatch'].map((op) => [op, 20] as const),
  ...['StringConcat', 'StringSplit'].map((op) => [op, 20] as const),
  // Older forms of these exist, but they read otherwise.
  ['DFT', 20],
  ['GridSample', 20],
  ['GroupNormalization', 21],
  ...['Attention', 'RMSNormalization', 'RotaryEmbedding'].map((op) => [op, 23] as const),
  ...['Swish', 'TensorScatter'].map((op) => [op, 24] as const),
  ...['BitCast', 'CumProd'].map((op) => [op, 26] as const),
]);

/** Attributes by the version that added them; absent, they keep the older meaning. */
const addedAttributes: readonly (readonly [number, string, readonly string[]])[] = [
  [18, 'LpPool', ['ceil_mode', 'dilations']],
  [18, 'Resize', ['antialias', 'axes', 'keep_aspect_ratio_policy']],
  [18, 'Split', ['num_outputs']],
  [19, 'AveragePool', ['dilations']],
  [19, 'Cast', ['saturate']],
  [19, 'CastLike', ['saturate']],
  [19, 'QuantizeLinear', ['saturate']],
  [21, 'DequantizeLinear', ['block_size']],
  [21, 'QuantizeLinear', ['block_size', 'output_dtype']],
  [23, 'DequantizeLinear', ['output_dtype']],
  [23, 'QuantizeLinear', ['precision']],
  [24, 'Cast', ['round_mode']],
  [24, 'CastLike', ['round_mode']],
  [25, 'Attention', ['left_window_size', 'right_window_size']],
];

const quantizers = new Set(['QuantizeLinear', 'DequantizeLinear']);

/** The oldest opset, from 17, that has the form of this node. `typeOf` knows its values. */
export function opsetOf(node: Node, typeOf: (value: string) => DataType | undefined): number {
  if (node.domain !== '') return commonOpset;
  let opset = introduced.get(node.op) ?? commonOpset;
  for (const [since, op, names] of addedAttributes) {
    if (op === node.op && names.some((name) => node.attributes.has(name))) {
      opset = Math.max(opset, since);
    }
  }
  const has = (input: number): boolean => (node.inputs[input] ?? '') !== '';
  if (node.op.startsWith('Reduce') && node.op !== 'ReduceSum') {
    if (has(1) || node.attributes.has('noop_with_empty_axes')) opset = Math.max(opset, 18);
  }
  if (node.op === 'Pad') {
    const mode = node.attributes.get('mode')?.value;
    if (has(3)) opset = Math.max(opset, 18);
    if (mode === 'wrap') opset = Math.max(opset, 19);
  }
  if (node.op === 'Resize') {
    const mode = node.attributes.get('coordinate_transformation_mode')?.value;
    if (mode === 'half_pixel_symmetric') opset = Math.max(opset, 19);
  }
  if (node.op.startsWith('Scatter') && ['min', 'max'].includes(reductionOf(node))) {
    opset = Math.max(opset, 18);
  }
  for (const value of [...node.inputs, ...node.outputs]) {
    const type = value === '' ? undefined : typeOf(value);
    if (type !== undefined) opset = Math.max(opset, opsetOfType(type, node.op));
  }
  return opset;
}

function reductionOf(node: Node): string {
  const reduction = node.attributes.get('reduction');
  return reduction?.kind === 'string' ? reduction.value : 'none';
}

/** The opset since which an operator takes a type; rounded up where operators differ. */
function opsetOfType(type: DataType, op: string): number {
  if (type === 'int2' || type === 'uint2') return 25;
  if (type === 'bfloat16') return 22;
  if (type === 'int4' || type === 'uint4') return 21;
  if (!quantizers.has(op)) return op === 'ReduceMax' || op === 'ReduceMin' ? boolSince(type) : 0;
  if (type === 'int16' || type === 'uint16') return 21;
  return type === 'float16' ? 19 : 0;
}

function boolSince(type: DataType): number {
  return type === 'bool' ? 20 : 0;
}

/** The IR version (file format) that goes with an opset. */
export function irVersionOf(opset: number): number {
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  if (opset <= 22) return 10;
  if (opset === 23) return 11;
  return opset === 24 ? 12 : 13;
}
