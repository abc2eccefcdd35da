/**
 * Operators that choose or move elements compute the same on codes as on real numbers: the
 * DequantizeLinear before them goes behind them, until it meets what reads it. MaxPool belongs to them,
 * for a scale is positive and codes are ordered as the numbers are.
 */
import { bitsOf } from '../core/dtype.js';
import type { Tensor } from '../core/tensor.js';
import { attribute, stringOf } from '../graph/attributes.js';
import { type Attribute, type Node, staticDims, typeOf } from '../graph/ir.js';
import { resizeSettings } from '../graph/ops/resize.js';
import { permOf } from './lower/movement.js';
import {
  type Coding,
  codingOf,
  decode,
  encode,
  floatConstantOf,
  isByte,
  isDequantize,
  quantParamsOf,
  sameCoding,
} from './lower/quantParams.js';
import { chooses } from './lower/resize.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { type Rule, type Rules, rulePass, type Site } from './lower/rules.js';
import { inverseOf, permuteTensor } from './lower/shapes.js';

/** A value that a DequantizeLinear made of codes with one scale. */
export interface Dequantized {
  readonly node: Node;
  readonly codes: string;
  readonly coding: Coding;
}

/** The codes that a value was dequantized from; undefined for other values and finer scales. */
export function dequantizedFrom(
  { graph, index }: Pick<Site, 'graph' | 'index'>,
  value: string,
): Dequantized | undefined {
  const node = index.producer(value);
  if (node === undefined || !isDequantize(node)) return undefined;
  const coding = codingOf(graph, node);
  return coding && { node, codes: node.inputs[0]!, coding };
}

/** Adds a DequantizeLinear like another. */
function dequantizeLike(to: Rewriting, like: Node, codes: string, output: string): void {
  const { op, domain, attributes } = like;
  const inputs = [codes, ...like.inputs.slice(1)];
  to.node({ op, domain, inputs, attributes }, to.typeOf(output)!, output);
}

/** The node on codes, a DequantizeLinear behind it. */
const move: Rule = (site) => {
  const { graph, node } = site;
  const x = dequantizedFrom(site, node.inputs[0]!);
  const output = node.outputs[0]!;
  const type = typeOf(graph, output);
  if (x === undefined || type === undefined || graph.constants.has(x.codes)) return undefined;
  if (node.outputs.slice(1).some((other) => other !== '')) return undefined;
  if (node.op === 'MaxPool' && !isByte(x.coding)) return undefined;
  const to = rewriting(site);
  const rest = node.op === 'Pad' ? padInputs(site, to, x.coding) : node.inputs.slice(1);
  if (rest === undefined) return undefined;
  const codes = to.node({ ...node, inputs: [x.codes, ...rest] }, { ...type, type: x.coding.type });
  dequantizeLike(to, x.node, codes, output);
  return to.done(`dequantize behind ${node.name}`);
};

/** Inputs of a Pad on codes: 0 becomes the zero point; undefined when the value is not one of the codes. */
function padInputs(site: Site, to: Rewriting, coding: Coding): readonly string[] | undefined {
  const { node } = site;
  const [, pads, value = '', axes] = node.inputs as [string, string, string?, string?];
  if (stringOf(node, 'mode', 'constant') !== 'constant') return node.inputs.slice(1);
  const fill = value === '' ? 0 : floatConstantOf(site, value)?.data[0];
  if (fill === undefined || !isByte(coding)) return undefined;
  const code = encode(fill, coding);
  if (decode(code, coding) !== fill) return undefined;
  const data = coding.type === 'int8' ? Int8Array.of(code) : Uint8Array.of(code);
  const constant = { type: coding.type, dims: [], data } as Tensor;
  const name = to.constant(`${node.name}/value`, constant);
  return axes === undefined ? [pads, name] : [pads, name, axes];
}

/** All parts in one coding are joined as codes. */
const concat: Rule = (site) => {
  const { graph, node } = site;
  const output = node.outputs[0]!;
  const type = typeOf(graph, output);
  const parts = node.inputs.map((input) => dequantizedFrom(site, input));
  const [first] = parts;
  if (first === undefined || type === undefined) return undefined;
  const together = parts.every((part) => part && sameCoding(part.coding, first.coding));
  if (!together || parts.every((part) => graph.constants.has(part!.codes))) return undefined;
  const to = rewriting(site);
  const inputs = parts.map((part) => part!.codes);
  const codes = to.node({ ...node, inputs }, { ...type, type: first.coding.type });
  dequantizeLike(to, first.node, codes, output);
  return to.done(`dequantize behind ${node.name}`);
};

/** Moves a dequantized constant itself, so that a turned or reshaped weight is a weight again. */
const moveConstant: Rule = (site) => {
  const { graph, node, index } = site;
  const producer = index.producer(node.inputs[0]!);
  const constant = producer && graph.constants.get(producer.inputs[0]!);
  if (constant === undefined || !isDequantize(producer)) return undefined;
  const params = quantParamsOf(graph, producer!);
  const dims = staticDims(graph, node.outputs[0]!);
  if (params === undefined || params.blockSize !== undefined || dims === undefined)
    return undefined;
  if (bitsOf(constant.type) < 8) return undefined;
  const to = rewriting(site);
  let moved: Tensor;
  let attributes: ReadonlyMap<string, Attribute> = producer!.attributes;
  if (node.op === 'Transpose') {
    const perm = permOf(site, constant.dims.length);
    moved = permuteTensor(constant, perm);
    if (params.axis !== undefined) {
      const rank = perm.length;
      const axis = inverseOf(perm)[params.axis < 0 ? params.axis + rank : params.axis]!;
      attributes = new Map([...attributes, ['axis', attribute.int(axis)]]);
    }
  } else {
    if (params.axis !== undefined) return undefined;
    moved = { ...constant, dims };
  }
  const codes = to.constant(`${producer!.inputs[0]}/moved`, moved);
  const { op, domain } = producer!;
  const inputs = [codes, ...producer!.inputs.slice(1)];
  to.node({ op, domain, inputs, attributes }, { type: 'float32', dims }, node.outputs[0]!);
  return to.done(`move the constant that ${node.name} moves`);
};

const moveAny: Rule = (site) => moveConstant(site) ?? move(site);

/** Whether a Resize chooses cells, none of which is a number from outside. */
function isPlainChoice(node: Node): boolean {
  return chooses(node) && resizeSettings(node).placement !== 'tf_crop_and_resize';
}

const rules: Rules = {
  Reshape: moveAny,
  Flatten: moveAny,
  Squeeze: moveAny,
  Unsqueeze: moveAny,
  Transpose: moveAny,
  Slice: move,
  Pad: move,
  MaxPool: move,
  Gather: move,
  Resize: (site) => (isPlainChoice(site.node) ? move(site) : undefined),
  Concat: concat,
};

export const sinkDequantize = rulePass('dequantize behind movements', rules, { sweeps: true });
