/** What is left of quantizing and dequantizing when the islands have been fused. */
import { attribute, intOf } from '../../graph/attributes.js';
import { typeOf } from '../../graph/ir.js';
import { floatConstantOf, quantParamsOf } from './quantParams.js';
import { rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules } from './rules.js';

const quantizeLinear: Rule = (site) => {
  const { graph, node } = site;
  const [x, scale, zeroPoint = ''] = node.inputs as [string, string, string?];
  const output = node.outputs[0]!;
  if (!areFloat(site, x, scale)) return undefined;
  quantParamsOf(graph, node); // checks what is constant
  const to = rewriting(site);
  const type = to.typeOf(output);
  if (type === undefined) return undefined;
  const params = { axis: intOf(node, 'axis', 1), blockSize: intOf(node, 'block_size', 0) };
  const inputs = zeroPoint === '' ? [x, scale] : [x, scale, zeroPoint];
  const extra = { outputType: attribute.string(type.type) };
  to.step('QuantizeLinear', inputs, params, type, { output, extra });
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
    const lowered = index.consumers(output).every((consumer) => consumer.domain === 'octavo');
    const constant = lowered ? floatConstantOf(site, output) : undefined;
    if (constant === undefined) return undefined;
    to.replace(output, to.constant(output, constant));
    return to.done(`fold ${node.name}`);
  }
  if (typeOf(graph, x) === undefined) return undefined;
  const params = { axis: intOf(node, 'axis', 1), blockSize: intOf(node, 'block_size', 0) };
  const inputs = zeroPoint === '' ? [x, scale] : [x, scale, zeroPoint];
  const type = { type: 'float32', dims: to.typeOf(x)!.dims } as const;
  to.step('DequantizeLinear', inputs, params, type, { output });
  return to.done(`lower ${node.name}`);
};

export const quantizeRules: Rules = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
};
