/**
 * GELU, as exporters spell it out, becomes one node: x / 2 · (1 + erf(x / √2)), or with tanh(√(2/π) · (x + 0.044715 x³))
 * in place of erf; whatever the order of factors, and wherever the half stands. Float32 only.
 */
import { attribute } from '../graph/attributes.js';
import type { Node } from '../graph/ir.js';
import { type Rule, rulePass, type Site } from './lower/rules.js';
import { change, factorOf, inPlaceOf, isFloat32, operands, producedBy } from './match.js';

/** Constants reach a model through float32 and decimal texts: a few units in the last place apart. */
function isNear(found: number | undefined, expected: number): boolean {
  return found !== undefined && Math.abs(found - expected) <= 1e-6 * expected;
}

interface Scaled {
  readonly value: string;
  readonly factor: number;
}

/** What a value is a multiple of, through products with and quotients by constants. */
function scaledOf(site: Site, value: string): Scaled {
  const { graph } = site;
  const node = producedBy(site, value, 'Mul', 'Div');
  if (node === undefined) return { value, factor: 1 };
  const [a, b] = node.inputs as [string, string];
  if (node.op === 'Div') {
    const divisor = factorOf(graph, b, a);
    if (divisor === undefined || divisor === 0) return { value, factor: 1 };
    const inner = scaledOf(site, a);
    return { value: inner.value, factor: inner.factor / divisor };
  }
  const product = operands(node, (x, other) => factorOf(graph, x, other));
  if (product === undefined) return { value, factor: 1 };
  const inner = scaledOf(site, product.other);
  return { value: inner.value, factor: inner.factor * product.found };
}

function isScaled(site: Site, value: string, of: string, factor: number): boolean {
  const scaled = scaledOf(site, value);
  return scaled.value === of && isNear(scaled.factor, factor);
}

function isSquare(site: Site, value: string, x: string): boolean {
  const node = producedBy(site, value, 'Mul', 'Pow');
  if (node === undefined) return false;
  const [a, b] = node.inputs as [string, string];
  return a === x && (node.op === 'Mul' ? b === x : factorOf(site.graph, b, a) === 2);
}

function isCube(site: Site, value: string, x: string): boolean {
  const node = producedBy(site, value, 'Mul', 'Pow');
  if (node === undefined) return false;
  const [a, b] = node.inputs as [string, string];
  if (node.op === 'Pow') return a === x && factorOf(site.graph, b, a) === 3;
  return (a === x && isSquare(site, b, x)) || (b === x && isSquare(site, a, x));
}

/** Whether a value is √(2/π) · (x + 0.044715 x³). */
function isTanhArgument(site: Site, value: string, x: string): boolean {
  const { value: sum, factor } = scaledOf(site, value);
  const add = producedBy(site, sum, 'Add');
  if (add === undefined || !isNear(factor, Math.sqrt(2 / Math.PI))) return false;
  return [add.inputs, add.inputs.toReversed()].some(([a, b]) => {
    const cube = scaledOf(site, b!);
    return a === x && isNear(cube.factor, 0.044715) && isCube(site, cube.value, x);
  });
}

/** Which function of x the value is one more than. */
function gateOf(site: Site, value: string, x: string): 'none' | 'tanh' | undefined {
  const { graph } = site;
  const add = producedBy(site, value, 'Add');
  const more = add && operands(add, (one, other) => factorOf(graph, one, other));
  if (more?.found !== 1) return undefined;
  const erf = producedBy(site, more.other, 'Erf');
  if (erf !== undefined)
    return isScaled(site, erf.inputs[0]!, x, Math.SQRT1_2) ? 'none' : undefined;
  const tanh = producedBy(site, more.other, 'Tanh');
  return tanh !== undefined && isTanhArgument(site, tanh.inputs[0]!, x) ? 'tanh' : undefined;
}

/** The x of half a product of x and its gate, and the form of it. */
function geluOf(site: Site, node: Node): { x: string; form: 'none' | 'tanh' } | undefined {
  const whole = scaledOf(site, node.outputs[0]!);
  const product = producedBy(site, whole.value, 'Mul');
  if (product === undefined) return undefined;
  const [a, b] = product.inputs.map((input) => scaledOf(site, input)) as [Scaled, Scaled];
  if (!isNear(whole.factor * a.factor * b.factor, 0.5)) return undefined;
  for (const [x, gate] of [
    [a.value, b.value],
    [b.value, a.value],
  ] as const) {
    const form = gateOf(site, gate, x);
    if (form !== undefined) return { x, form };
  }
  return undefined;
}

const gelu: Rule = (site) => {
  const { graph, node } = site;
  const found = geluOf(site, node);
  if (found === undefined || !isFloat32(graph, found.x)) return undefined;
  const attributes = new Map([['approximate', attribute.string(found.form)]]);
  return change(`recognise Gelu in '${node.name}'`, {
    remove: [node],
    add: [inPlaceOf(node, 'Gelu', [found.x], attributes)],
  });
};

export const recogniseGelu = rulePass('recognise Gelu', { Mul: gelu, Div: gelu });
