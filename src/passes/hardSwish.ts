/**
 * HardSigmoid and HardSwish, as exporters spell them out, become one node each:
 * clip(x + 3, 0, 6) / 6 = HardSigmoid(x) with alpha 1/6, beta 1/2, and x · HardSigmoid(x) = HardSwish(x),
 * whatever the order of factors and wherever the division by 6 stands. Float32 only.
 */
import { attribute, floatOf } from '../graph/attributes.js';
import type { Node } from '../graph/ir.js';
import { boundsOf } from './activation.js';
import { type Rule, rulePass, type Site } from './lower/rules.js';
import { change, factorOf, inPlaceOf, isFloat32, operands, producedBy } from './match.js';

const sixth = Math.fround(1 / 6);

/** Constants reach a model through float32 and decimal texts: a few units in the last place apart. */
function isSixth(x: number | undefined): boolean {
  return x !== undefined && Math.abs(x - sixth) < 1e-7;
}

/** The value that `value` is a sixth of: through Div by 6 or Mul by 1/6. */
function sixfoldOf(site: Site, value: string): string | undefined {
  const node = producedBy(site, value, 'Div', 'Mul');
  return node && sixfoldOfNode(site, node);
}

function sixfoldOfNode({ graph }: Site, node: Node): string | undefined {
  const [a, b] = node.inputs as [string, string];
  if (node.op === 'Div') return factorOf(graph, b, a) === 6 ? a : undefined;
  return operands(node, (x, other) => isSixth(factorOf(graph, x, other)) || undefined)?.other;
}

/** The x of clip(x + 3, 0, 6). */
function shiftedClipOf(site: Site, value: string): string | undefined {
  const { graph } = site;
  const clip = producedBy(site, value, 'Clip');
  const bounds = clip && boundsOf(graph, clip);
  if (clip === undefined || bounds?.lower !== 0 || bounds.upper !== 6) return undefined;
  const add = producedBy(site, clip.inputs[0]!, 'Add');
  return add && operands(add, (x, other) => factorOf(graph, x, other) === 3 || undefined)?.other;
}

/** The x of HardSigmoid(x) with alpha 1/6, beta 1/2, as a node or spelt out. */
function gateOf(site: Site, value: string): string | undefined {
  const node = producedBy(site, value, 'HardSigmoid');
  if (node !== undefined) {
    const fits = isSixth(floatOf(node, 'alpha', 0.2)) && floatOf(node, 'beta', 0.5) === 0.5;
    return fits ? node.inputs[0] : undefined;
  }
  const sixfold = sixfoldOf(site, value);
  return sixfold === undefined ? undefined : shiftedClipOf(site, sixfold);
}

/** The x of x · other(x), where `other` reads x off one factor and the second factor is x. */
function selfProduct(node: Node, read: (value: string) => string | undefined): string | undefined {
  const [a, b] = node.inputs as [string, string];
  return read(b) === a ? a : read(a) === b ? b : undefined;
}

/** The x of a node that computes HardSwish(x). */
function swishOf(site: Site, node: Node): string | undefined {
  if (node.op === 'Mul') {
    const gated = selfProduct(node, (value) => gateOf(site, value));
    if (gated !== undefined) return gated;
    // (x / 6) · clip(x + 3, 0, 6)
    const [a, b] = node.inputs as [string, string];
    for (const [scaled, clip] of [
      [a, b],
      [b, a],
    ] as const) {
      const x = sixfoldOf(site, scaled);
      if (x !== undefined && shiftedClipOf(site, clip) === x) return x;
    }
  }
  // (x · clip(x + 3, 0, 6)) / 6
  const sixfold = sixfoldOfNode(site, node);
  const product = sixfold === undefined ? undefined : producedBy(site, sixfold, 'Mul');
  return product && selfProduct(product, (value) => shiftedClipOf(site, value));
}

const swish: Rule = (site) => {
  const { graph, node } = site;
  const x = swishOf(site, node);
  if (x === undefined || !isFloat32(graph, x)) return undefined;
  return change(`recognise HardSwish in '${node.name}'`, {
    remove: [node],
    add: [inPlaceOf(node, 'HardSwish', [x])],
  });
};

const gate: Rule = (site) => {
  const { graph, node } = site;
  const sixfold = sixfoldOfNode(site, node);
  const x = sixfold === undefined ? undefined : shiftedClipOf(site, sixfold);
  if (x === undefined || !isFloat32(graph, x)) return undefined;
  const attributes = new Map([
    ['alpha', attribute.float(1 / 6)],
    ['beta', attribute.float(0.5)],
  ]);
  return change(`recognise HardSigmoid in '${node.name}'`, {
    remove: [node],
    add: [inPlaceOf(node, 'HardSigmoid', [x], attributes)],
  });
};

export const recogniseHardSwish = rulePass('recognise HardSwish', { Mul: swish, Div: swish });
export const recogniseHardSigmoid = rulePass('recognise HardSigmoid', { Mul: gate, Div: gate });
