/** What is left of quantizing and dequantizing when the islands have been fused. */
import type { DataType } from '../../core/dtype.js';
import { attribute, intOf } from '../../graph/attributes.js';
import { type Node, typeOf } from '../../graph/ir.js';
import { floatConstantOf, quantParamsOf } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules } from './rules.js';

/** Types of codes that steps write; they read int32 as well. */
const codeTypes: ReadonlySet<DataType> = new Set(['uint8', 'int8', 'uint16', 'int16']);

/** Scale and zero point as steps have them: where there is one scale, both are without dims. */
function parametersOf(to: Rewriting, scale: string, zeroPoint: string): string[] | undefined {
  const dims = to.typeOf(scale)?.dims;
  if (dims === undefined) return undefined;
  const one = dims.every((dim) => dim === 1);
  const names = zeroPoint === '' ? [scale] : [scale, zeroPoint];
  const parameters = names.map((name) => {
    const own = to.typeOf(name)?.dims;
    return one && own !== undefined && own.length > 0 ? to.reshape(name, []) : name;
  });
  return parameters.every((name) => name !== undefined) ? parameters : undefined;
}

const quantizeLinear: Rule = (site) => {
  const { graph, node } = site;
  const [x, scale, zeroPoint = ''] = node.inputs as [string, string, string?];
  const output = node.outputs[0]!;
  if (!areFloat(site, x, scale)) return undefined;
  quantParamsOf(graph, node); // checks what is constant
  const to = rewriting(site);
  const type = to.typeOf(output);
  if (type === undefined || !codeTypes.has(type.type)) return undefined;
  const params = { axis: intOf(node, 'axis', 1), blockSize: intOf(node, 'block_size', 0) };
  const parameters = parametersOf(to, scale, zeroPoint);
  if (parameters === undefined) return undefined;
  const extra = { outputType: attribute.string(type.type) };
  to.step('QuantizeLinear', [x, ...parameters], params, type, { output, extra });
  return to.done(`lower ${node.name}`);
};

/** A constant is dequantized at once, when nothing may fuse with it any more. */
const dequantizeLinear: Rule = (site) => {
  const { graph, node, index } = site;
  const [x, scale, zeroPoint = ''] = node.inputs as [string, string, string?];
  const output = node.outputs[0]!;
  const to = rewriting(site);
  if (!areFloat(site, scale)) return undefined;
  quantParamsOf(graph, node);
  if (graph.constants.has(x)) {
    const isPlain = ({ domain, op }: Node) => domain === 'octavo' || op === 'Gather';
    const isFinal = index.consumers(output).every(isPlain);
    const constant = isFinal ? floatConstantOf(site, output) : undefined;
    if (constant === undefined) return undefined;
    to.replace(output, to.constant(output, constant));
    return to.done(`fold ${node.name}`);
  }
  const codes = typeOf(graph, x)?.type;
  if (codes === undefined || (codes !== 'int32' && !codeTypes.has(codes))) return undefined;
  const params = { axis: intOf(node, 'axis', 1), blockSize: intOf(node, 'block_size', 0) };
  const parameters = parametersOf(to, scale, zeroPoint);
  if (parameters === undefined) return undefined;
  const type = { type: 'float32', dims: to.typeOf(x)!.dims } as const;
  to.step('DequantizeLinear', [x, ...parameters], params, type, { output });
  return to.done(`lower ${node.name}`);
};

const dynamicQuantizeLinear: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  if (!areFloat(site, x)) return undefined;
  const to = rewriting(site);
  // Three outputs, and the same name, inputs and attributes (none) in both vocabularies.
  return { ...to.done(`lower ${node.name}`), add: [{ ...node, domain: 'octavo' }] };
};

export const quantizeRules: Rules = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
};
