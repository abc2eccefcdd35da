/**
 * Residual sums: a QAdd of the codes of a QConv that nothing else reads, and of a value of the same
 * shape, becomes a part of the QConv. Codes are still rounded as its QuantizeLinear said, so that the
 * result is to the bit what the two steps gave; they are added as they are stored.
 *
 * A depthwise QConv keeps its kernels, which add nothing.
 */
import { attribute, floatOf, intOf, stringOf } from '../graph/attributes.js';
import { type Dim, type Node, typeOf } from '../graph/ir.js';
import { equalShapes } from '../graph/ops/dims.js';
import { rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';

/** Multipliers up to which a sum fits int32 for certain. */
const mostMultiplier = 2 ** 20;

/** The two operands of a QAdd, by the names that its parameters have for them. */
const sides = [
  { name: 'a', other: 'b' },
  { name: 'b', other: 'a' },
] as const;

/** A QConv whose codes a QAdd reads, perhaps under other dims. */
interface Product {
  readonly conv: Node;
  readonly reshape: Node | undefined;
}

function productOf(site: Site, value: string, zero: number): Product | undefined {
  const { graph, index } = site;
  if (onlyConsumer(site, value) !== site.node) return undefined;
  const producer = index.producer(value);
  const reshape = producer?.domain === 'octavo' && producer.op === 'Reshape' ? producer : undefined;
  const codes = reshape?.inputs[0] ?? value;
  if (reshape !== undefined && onlyConsumer(site, codes) !== reshape) return undefined;
  const conv = index.producer(codes);
  if (conv?.domain !== 'octavo' || conv.op !== 'QConv' || conv.inputs.length > 5) return undefined;
  if (stringOf(conv, 'outputType', 'uint8') !== 'uint8' || intOf(conv, 'yZero', -1) !== zero) {
    return undefined;
  }
  const depth = typeOf(graph, conv.inputs[1]!)?.dims?.[3];
  return intOf(conv, 'groups', 1) > 1 && depth === 1 ? undefined : { conv, reshape };
}

const add: Rule = (site) => {
  const { graph, node } = site;
  const dimsOf = (value: string): readonly Dim[] | undefined => typeOf(graph, value)?.dims;
  const [a, b] = node.inputs as [string, string];
  const output = node.outputs[0]!;
  if (a === b || !equalShapes(dimsOf(a), dimsOf(b))) return undefined;
  const isSmall = ({ name }: { readonly name: string }) =>
    Math.abs(floatOf(node, `${name}Multiplier`, 0)) <= mostMultiplier;
  if (!sides.every(isSmall)) return undefined;
  const found = sides.flatMap((side, i) => {
    const product = productOf(site, node.inputs[i]!, intOf(node, `${side.name}Zero`, -1));
    return product === undefined ? [] : [{ ...product, side, residual: node.inputs[1 - i]! }];
  });
  // Of two, the one that is computed last: it can wait for the other where it stands.
  const [first, second] = found;
  if (first === undefined) return undefined;
  const isLater =
    second !== undefined && graph.nodes.indexOf(second.conv) > graph.nodes.indexOf(first.conv);
  const { conv, reshape, side, residual } = isLater ? second : first;

  const to = rewriting(site);
  const codes = conv.outputs[0]!;
  const other = reshape === undefined ? residual : to.reshape(residual, dimsOf(codes)!);
  if (other === undefined) return undefined;
  const attributes = new Map(conv.attributes);
  for (const [field, from] of [
    ['codeZero', 'yZero'],
    ['codeMin', 'min'],
    ['codeMax', 'max'],
  ] as const) {
    attributes.set(field, attribute.int(intOf(conv, from, 0)));
  }
  for (const field of ['yZero', 'min', 'max']) {
    attributes.set(field, attribute.int(intOf(node, field, 0)));
  }
  attributes.set('residualZero', attribute.int(intOf(node, `${side.other}Zero`, 0)));
  const multiplierOf = (name: string) => attribute.float(floatOf(node, `${name}Multiplier`, 0));
  attributes.set('codeMultiplier', multiplierOf(side.name));
  attributes.set('residualMultiplier', multiplierOf(side.other));

  to.remove(conv);
  const inputs = Array.from({ length: 6 }, (_, i) => (i === 5 ? other : (conv.inputs[i] ?? '')));
  const product = { op: conv.op, domain: conv.domain, inputs, attributes };
  const type = { type: 'uint8', dims: dimsOf(codes) } as const;
  if (reshape === undefined) {
    to.node(product, type, output);
    return to.done(`add ${node.name} in ${conv.name}`);
  }
  to.remove(reshape);
  const y = to.node(product, type);
  if (to.reshape(y, dimsOf(output)!, output) === undefined) return undefined;
  return to.done(`add ${node.name} in ${conv.name}`);
};

export const fuseResidual = rulePass('fuse residual sums', { 'octavo:QAdd': add });
