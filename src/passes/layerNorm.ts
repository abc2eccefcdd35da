/**
 * LayerNormalization over the last axis, as exporters spell it out, becomes one node: (x − mean) / √(variance + ε), then
 * scale and bias where they follow. Float32 only.
 */
import { attribute, intOf } from '../graph/attributes.js';
import { type Node, staticDims } from '../graph/ir.js';
import { axesReduced } from './lower/reduce.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';
import {
  change,
  dimsOf,
  factorOf,
  floatsOf,
  floatTensor,
  inPlaceOf,
  isFloat32,
  operands,
  producedBy,
  uniformOf,
} from './match.js';

/** The x of a mean over the last axis, which stays. */
function meanOf(site: Site, value: string): string | undefined {
  const node = producedBy(site, value, 'ReduceMean');
  if (node === undefined || intOf(node, 'keepdims', 1) === 0) return undefined;
  const rank = dimsOf(site.graph, node.inputs[0]!)?.length;
  const axes = axesReduced({ ...site, node });
  return axes?.length === 1 && axes[0] === (rank ?? 0) - 1 ? node.inputs[0] : undefined;
}

/** The x of x − mean(x). */
function centredOf(site: Site, value: string): string | undefined {
  const node = producedBy(site, value, 'Sub');
  if (node === undefined) return undefined;
  const [x, mean] = node.inputs as [string, string];
  return meanOf(site, mean) === x ? x : undefined;
}

/** Whether a value is the variance of x: the mean of the square of x − mean(x). */
function isVariance(site: Site, value: string, x: string): boolean {
  const square = meanOf(site, value);
  const node = square === undefined ? undefined : producedBy(site, square, 'Pow', 'Mul');
  if (node === undefined) return false;
  const [a, b] = node.inputs as [string, string];
  const squares = node.op === 'Mul' ? a === b : factorOf(site.graph, b, a) === 2;
  return squares && centredOf(site, a) === x;
}

/** The ε of √(variance of x + ε). */
function deviationOf(site: Site, value: string, x: string): number | undefined {
  const root = producedBy(site, value, 'Sqrt');
  const add = root && producedBy(site, root.inputs[0]!, 'Add');
  const sum = add && operands(add, (epsilon, other) => factorOf(site.graph, epsilon, other));
  return sum !== undefined && isVariance(site, sum.other, x) ? sum.found : undefined;
}

/** The value that another is the reciprocal of. */
function invertedOf(site: Site, value: string): string | undefined {
  const node = producedBy(site, value, 'Reciprocal', 'Div');
  if (node?.op === 'Reciprocal') return node.inputs[0];
  return node !== undefined && uniformOf(site.graph, node.inputs[0]!) === 1
    ? node.inputs[1]
    : undefined;
}

/** What is divided, and by what, in a quotient or a product with a reciprocal. */
function quotientsOf(site: Site, node: Node): (readonly [string, string | undefined])[] {
  const [a, b] = node.inputs as [string, string];
  if (node.op === 'Div') return [[a, b]];
  return [
    [a, invertedOf(site, b)],
    [b, invertedOf(site, a)],
  ];
}

const normalize: Rule = (site) => {
  const { graph, node, fresh } = site;
  for (const [dividend, divisor] of quotientsOf(site, node)) {
    const x = divisor === undefined ? undefined : centredOf(site, dividend);
    const length = x === undefined ? undefined : dimsOf(graph, x)?.at(-1);
    if (x === undefined || typeof length !== 'number' || !isFloat32(graph, x)) continue;
    const epsilon = deviationOf(site, divisor!, x);
    if (epsilon === undefined) continue;
    const ones = fresh(`${node.name}/scale`);
    const attributes = new Map([
      ['axis', attribute.int(-1)],
      ['epsilon', attribute.float(epsilon)],
    ]);
    return change(`recognise LayerNormalization in '${node.name}'`, {
      remove: [node],
      add: [inPlaceOf(node, 'LayerNormalization', [x, ones], attributes)],
      constants: [[ones, floatTensor([length], new Float32Array(length).fill(1))]],
    });
  }
  return undefined;
};

/** The normalization that a value comes from, if nothing else reads it, and the vector that it is combined with. */
function extended(site: Site): { norm: Node; vector: Float32Array } | undefined {
  const { graph, node } = site;
  const found = operands(node, (vector, other) => {
    const norm = producedBy(site, other, 'LayerNormalization');
    const length = dimsOf(graph, other)?.at(-1);
    const dims = staticDims(graph, vector);
    const data = floatsOf(graph, vector);
    const along = dims?.every((dim, i) => dim === (i === dims.length - 1 ? length : 1));
    if (norm === undefined || data === undefined || along !== true) return undefined;
    const fits = (dims?.length ?? 0) <= (dimsOf(graph, other)?.length ?? 0);
    return fits && intOf(norm, 'axis', -1) === -1 ? { norm, vector: data } : undefined;
  })?.found;
  return found && onlyConsumer(site, found.norm.outputs[0]!) === node ? found : undefined;
}

/** Scale behind a normalization that has no bias yet. */
const scale: Rule = (site) => {
  const { graph, node, fresh } = site;
  const found = extended(site);
  if (found === undefined || (found.norm.inputs[2] ?? '') !== '') return normalize(site);
  const { norm, vector } = found;
  const before = floatsOf(graph, norm.inputs[1]!);
  if (before === undefined || before.some((x) => x !== 1)) return undefined;
  const name = fresh(`${node.name}/scale`);
  return change(`scale '${norm.name}'`, {
    remove: [norm, node],
    add: [inPlaceOf(node, norm.op, [norm.inputs[0]!, name], norm.attributes)],
    constants: [[name, floatTensor([vector.length], vector)]],
  });
};

/** Bias behind a normalization that has none. */
const bias: Rule = (site) => {
  const { node, fresh } = site;
  const found = extended(site);
  if (found === undefined || (found.norm.inputs[2] ?? '') !== '') return undefined;
  const { norm, vector } = found;
  const name = fresh(`${node.name}/bias`);
  return change(`bias of '${norm.name}'`, {
    remove: [norm, node],
    add: [inPlaceOf(node, norm.op, [...norm.inputs.slice(0, 2), name], norm.attributes)],
    constants: [[name, floatTensor([vector.length], vector)]],
  });
};

export const recogniseLayerNorm = rulePass('recognise LayerNormalization', {
  Div: normalize,
  Mul: scale,
  Add: bias,
});
