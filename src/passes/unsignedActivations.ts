/**
 * Moves int8 activations to uint8, which is what integer steps compute on: codes and zero points plus
 * 128, the same real numbers. Where something still needs the int8 codes, a flip (a Lookup) makes
 * them; flips move down through nodes that only move elements and vanish at the next DequantizeLinear.
 */
import type { Tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import { type Node, typeOf } from '../graph/ir.js';
import { codesOf } from './lower/quantParams.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { type Rule, type Rules, rulePass, type Site } from './lower/rules.js';
import { addLookup, flippedFrom, flipTable } from './lower/tables.js';

/** A zero point constant for uint8 from one for int8; `name` may be '', which is 0 for every scale. */
function shiftedZeroPoint(to: Rewriting, name: string, scale: string): string | undefined {
  const like = to.constantOf(name === '' ? scale : name);
  if (like === undefined) return undefined;
  const zeros = name === '' ? new Int32Array(like.data.length) : codesOf(like);
  const data = Uint8Array.from(zeros, (zero) => zero + 128);
  return to.constant(`${name || scale}/unsigned`, {
    type: 'uint8',
    dims: like.dims,
    data,
  } as Tensor);
}

const quantizeLinear: Rule = (site) => {
  const { graph, node } = site;
  const [x, scale, zeroPoint = ''] = node.inputs as [string, string, string?];
  const output = node.outputs[0]!;
  const type = typeOf(graph, output);
  if (type?.type !== 'int8') return undefined;
  const to = rewriting(site);
  const zero = shiftedZeroPoint(to, zeroPoint, scale);
  if (zero === undefined) return undefined;
  const { op, domain } = node;
  const attributes = new Map([...node.attributes].filter(([name]) => name !== 'output_dtype'));
  const codes = to.node(
    { op, domain, inputs: [x, scale, zero], attributes },
    { ...type, type: 'uint8' },
  );
  addLookup(to, codes, flipTable, 'int8', output);
  return to.done(`quantize ${node.name} to uint8`);
};

const dequantizeLinear: Rule = (site) => {
  const { graph, node } = site;
  const [x, scale, zeroPoint = ''] = node.inputs as [string, string, string?];
  const output = node.outputs[0]!;
  if (typeOf(graph, x)?.type !== 'int8' || graph.constants.has(x)) return undefined;
  const to = rewriting(site);
  const zero = shiftedZeroPoint(to, zeroPoint, scale);
  if (zero === undefined) return undefined;
  const codes = flippedFrom(site, x) ?? addLookup(to, x, flipTable, 'uint8');
  const { op, domain, attributes } = node;
  const inputs = [codes, scale, zero];
  to.node({ op, domain, inputs, attributes }, typeOf(graph, output)!, output);
  return to.done(`dequantize ${node.name} from uint8`);
};

/** Moves a flip from before the node to behind it. Flipping keeps the order of codes: MaxPool too. */
const movement: Rule = (site) => {
  const { graph, node } = site;
  const output = node.outputs[0]!;
  const type = typeOf(graph, output);
  if (type?.type !== 'int8' || node.outputs.slice(1).some((other) => other !== ''))
    return undefined;
  const to = rewriting(site);
  const inputs = movedInputs(site, to);
  if (inputs === undefined) return undefined;
  const moved = to.node({ ...node, inputs }, { ...type, type: 'uint8' });
  addLookup(to, moved, flipTable, 'int8', output);
  return to.done(`move a flip below ${node.name}`);
};

function movedInputs(site: Site, to: Rewriting): readonly string[] | undefined {
  const { node } = site;
  const [x, ...rest] = node.inputs as [string, ...string[]];
  if (node.op === 'Concat') {
    const sources = node.inputs.map((input) => flippedFrom(site, input));
    return sources.includes(undefined) ? undefined : (sources as string[]);
  }
  const source = flippedFrom(site, x);
  if (source === undefined) return undefined;
  if (node.op !== 'Pad') return [source, ...rest];
  const [pads, value = '', axes] = rest as [string, string?, string?];
  const constant = value === '' ? undefined : to.constantOf(value);
  if (value !== '' && constant === undefined) return undefined;
  const zero = constant === undefined ? 0 : codesOf(constant)[0]!;
  const data = Uint8Array.of(zero + 128);
  const fill = to.constant(`${node.name}/value`, { type: 'uint8', dims: [], data } as Tensor);
  return axes === undefined ? [source, pads, fill] : [source, pads, fill, axes];
}

/** Rows whose codes are flipped wherever they are read are quantized to uint8. */
const quantizeRows: Rule = (site) => {
  const { graph, index, node, fresh } = site;
  const [codes, scales] = node.outputs as [string, string];
  const flips = index.consumers(codes);
  const type = typeOf(graph, codes);
  if (type?.type !== 'int8' || flips.length === 0 || index.isOutput(codes)) return undefined;
  if (!flips.every((flip) => flippedFrom(site, flip.outputs[0]!) === codes)) return undefined;
  const to = rewriting(site);
  const unsigned = fresh(`${codes}/unsigned`);
  const attributes = new Map([...node.attributes, ['outputType', attribute.string('uint8')]]);
  to.nodes({ ...node, outputs: [unsigned, scales], attributes } as Node, [
    { ...type, type: 'uint8' },
    typeOf(graph, scales)!,
  ]);
  to.remove(...flips);
  for (const flip of flips) to.replace(flip.outputs[0]!, unsigned);
  return to.done(`quantize the rows of ${node.name} to uint8`);
};

/** Two flips are none. */
const lookup: Rule = (site) => {
  const { node } = site;
  const output = node.outputs[0]!;
  const once = flippedFrom(site, output);
  const source = once === undefined ? undefined : flippedFrom(site, once);
  if (source === undefined) return undefined;
  const to = rewriting(site);
  to.replace(output, source);
  return to.done(`drop ${node.name}, a flip back`);
};

const movements = [
  'MaxPool',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Slice',
  'Pad',
  'Concat',
];

const rules: Rules = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  'octavo:DynamicQuantizeRows': quantizeRows,
  'octavo:Lookup': lookup,
  ...Object.fromEntries(movements.map((op) => [op, movement])),
};

export const unsignedActivations = rulePass('unsigned activations', rules, { sweeps: true });

/** int8 codes that only a graph output or the like reads: quantized to int8 at once. */
const flipOfQuantize: Rule = (site) => {
  const { graph, index, node } = site;
  const output = node.outputs[0]!;
  const codes = flippedFrom(site, output);
  if (codes === undefined || typeOf(graph, output)?.type !== 'int8') return undefined;
  const producer = index.producer(codes);
  if (producer?.op !== 'QuantizeLinear' || index.consumers(codes).length !== 1) return undefined;
  if (index.isOutput(codes)) return undefined;
  const to = rewriting(site);
  const [x, scale, zeroPoint] = producer.inputs as [string, string, string];
  const zeros = to.constantOf(zeroPoint);
  if (zeros === undefined) return undefined;
  const data = Int8Array.from(codesOf(zeros), (zero) => zero - 128);
  const zero = to.constant(`${zeroPoint}/signed`, {
    type: 'int8',
    dims: zeros.dims,
    data,
  } as Tensor);
  const { op, domain, attributes } = producer;
  to.remove(producer);
  to.node(
    { op, domain, inputs: [x, scale, zero], attributes: withoutOutputType(attributes) },
    typeOf(graph, output)!,
    output,
  );
  return to.done(`quantize ${producer.name} to int8`);
};

function withoutOutputType<V>(attributes: ReadonlyMap<string, V>): Map<string, V> {
  return new Map([...attributes].filter(([name]) => name !== 'outputType'));
}

/** After fusing: flips that nothing fused with go back into the QuantizeLinear they came from. */
export const signedBorders = rulePass('signed borders', { 'octavo:Lookup': flipOfQuantize });
