/**
 * A normalization adds up what it normalizes: a sum of two values of one shape that nothing else reads becomes the residual
 * of the LayerNorm behind it. The sum is rounded as it was.
 */
import { intOf } from '../graph/attributes.js';
import { type Node, typeOf } from '../graph/ir.js';
import { equalShapes } from '../graph/ops/dims.js';
import { binaryKinds } from '../runtime/kinds.js';
import { rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass } from './lower/rules.js';

const add: Rule = (site) => {
  const { graph, index, node } = site;
  const [sum, scale, bias = ''] = node.inputs as [string, string, string?];
  const producer = index.producer(sum);
  if (producer?.domain !== 'octavo' || producer.op !== 'Binary') return undefined;
  if (intOf(producer, 'kind', -1) !== binaryKinds.Add || node.inputs.length > 3) return undefined;
  if (onlyConsumer(site, sum) !== node) return undefined;
  const dims = typeOf(graph, sum)?.dims;
  const [x, residual] = producer.inputs as [string, string];
  const same = [x, residual].every((value) => equalShapes(typeOf(graph, value)?.dims, dims));
  if (!same || x === residual) return undefined;
  const to = rewriting(site);
  to.remove(producer);
  const output = node.outputs[0]!;
  const fused: Node = { ...node, inputs: [x, scale, bias, residual] };
  to.node(fused, typeOf(graph, output)!, output);
  return to.done(`add ${producer.name} in ${node.name}`);
};

export const fuseLayerNorm = rulePass('fuse sums into normalizations', { 'octavo:LayerNorm': add });
