/**
 * Versions: which operator sets import takes, and the oldest one that has every form a graph uses.
 * The IR's form is that of opset 21. Versions after it only added types, operators and attributes whose
 * absence keeps the old meaning, so the IR holds those as well. From the ONNX operator changelog.
 */
import type { DataType } from '../core/dtype.js';
import type { Node } from '../graph/ir.js';

/** The opset whose forms the IR has. */
export const irOpset = 21;

/** The latest opset that import takes: later ones may change operators in ways not known yet. */
export const newestOpset = 27;

/** Files are written for this opset unless they need a later one. */
const commonOpset = 17;

/** Operators that are younger than the common opset, or read otherwise in older ones. */
const introduced: readonly (readonly [number, readonly string[]])[] = [
  [18, ['BitwiseAnd', 'BitwiseNot', 'BitwiseOr', 'BitwiseXor', 'CenterCropPad', 'Col2Im', 'Mish']],
  [18, ['OptionalGetElement', 'OptionalHasElement']],
  [19, ['DeformConv']],
  [20, ['AffineGrid', 'DFT', 'Gelu', 'GridSample', 'ImageDecoder', 'RegexFullMatch']],
  [20, ['StringConcat', 'StringSplit']],
  [21, ['GroupNormalization']],
  [23, ['Attention', 'RMSNormalization', 'RotaryEmbedding']],
  [24, ['Swish', 'TensorScatter']],
  [26, ['BitCast', 'CumProd']],
  [27, ['CausalConvWithState', 'LinearAttention']],
];

type Use = (node: Node) => boolean;

const attributes =
  (...names: readonly string[]): Use =>
  (node) =>
    names.some((name) => node.attributes.has(name));

const input =
  (index: number): Use =>
  (node) =>
    (node.inputs[index] ?? '') !== '';

const setting =
  (name: string, ...values: readonly string[]): Use =>
  (node) => {
    const attribute = node.attributes.get(name);
    return attribute?.kind === 'string' && values.includes(attribute.value);
  };

/** Reductions that took their axes as an attribute before opset 18; ReduceSum did before 13. */
export const reductionsOf18: readonly string[] = [
  ...['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMean'],
  ...['ReduceMin', 'ReduceProd', 'ReduceSumSquare'],
];

/** What was added to an operator after the common opset; without it, older forms mean the same. */
const added: readonly (readonly [number, string, Use])[] = [
  ...reductionsOf18.flatMap((op) => [
    [18, op, input(1)] as const,
    [18, op, attributes('noop_with_empty_axes')] as const,
  ]),
  [18, 'LpPool', attributes('ceil_mode', 'dilations')],
  [18, 'Pad', input(3)],
  [18, 'Resize', attributes('antialias', 'axes', 'keep_aspect_ratio_policy')],
  [18, 'ScatterElements', setting('reduction', 'min', 'max')],
  [18, 'ScatterND', setting('reduction', 'min', 'max')],
  [18, 'Split', attributes('num_outputs')],
  [19, 'AveragePool', attributes('dilations')],
  [19, 'Cast', attributes('saturate')],
  [19, 'CastLike', attributes('saturate')],
  [19, 'Pad', setting('mode', 'wrap')],
  [19, 'QuantizeLinear', attributes('saturate')],
  [19, 'Resize', setting('coordinate_transformation_mode', 'half_pixel_symmetric')],
  [21, 'DequantizeLinear', attributes('block_size')],
  [21, 'QuantizeLinear', attributes('block_size', 'output_dtype')],
  [23, 'DequantizeLinear', attributes('output_dtype')],
  [23, 'QuantizeLinear', attributes('precision')],
  [24, 'Attention', input(6)],
  [24, 'Cast', attributes('round_mode')],
  [24, 'CastLike', attributes('round_mode')],
  [25, 'Attention', attributes('left_window_size', 'right_window_size')],
  [27, 'Range', attributes('stash_type')],
];

const always: Use = () => true;

const rules = new Map<string, (readonly [since: number, use: Use])[]>();
for (const [since, op, use] of [
  ...introduced.flatMap(([since, ops]) => ops.map((op) => [since, op, always] as const)),
  ...added,
]) {
  const list = rules.get(op) ?? [];
  list.push([since, use]);
  rules.set(op, list);
}

/** The oldest opset, from 17, that has the form of this node. `typeOf` knows its values. */
export function opsetOf(node: Node, typeOf: (value: string) => DataType | undefined): number {
  if (node.domain !== '') return commonOpset;
  let opset = commonOpset;
  for (const [since, use] of rules.get(node.op) ?? []) {
    if (use(node)) opset = Math.max(opset, since);
  }
  for (const value of [...node.inputs, ...node.outputs]) {
    const type = value === '' ? undefined : typeOf(value);
    if (type !== undefined) opset = Math.max(opset, opsetOfType(type, node.op));
  }
  return opset;
}

/** The opset since which an operator takes a type; the latest one where operators differ. */
function opsetOfType(type: DataType, op: string): number {
  if (type === 'int2' || type === 'uint2') return 25;
  if (type === 'bfloat16') return 22;
  if (type === 'int4' || type === 'uint4') return 21;
  if (op === 'QuantizeLinear' || op === 'DequantizeLinear') {
    if (type === 'int16' || type === 'uint16') return 21;
    if (type === 'float16') return 19;
  }
  if ((op === 'ReduceMax' || op === 'ReduceMin') && type === 'bool') return 20;
  return commonOpset;
}

/** The IR version (file format) that goes with an opset. */
export function irVersionOf(opset: number): number {
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  if (opset <= 22) return 10;
  if (opset === 23) return 11;
  return opset === 24 ? 12 : 13;
}
