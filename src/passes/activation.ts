/**
 * Activations in one form: what is Relu under another name becomes Relu, other limits on both sides
 * become one Clip, so that quantization and lowering know them at sight. Float32 only.
 */
import { attribute } from '../graph/attributes.js';
import type { Graph, Node } from '../graph/ir.js';
import { onlyConsumer, type Rewrite, type Rule, rulePass, type Site } from './lower/rules.js';
import {
  bypass,
  change,
  factorOf,
  floatTensor,
  inPlaceOf,
  isFloat32,
  operands,
  producedBy,
  uniformOf,
} from './match.js';

/** Lowest and highest value that a limiting node lets through. */
export interface Bounds {
  readonly lower: number;
  readonly upper: number;
}

const mostFloat = 2 ** 128 - 2 ** 104;

/** Bounds of Relu, or of Clip with constant limits; exporters also write the largest float for none. */
export function boundsOf(graph: Graph, node: Node): Bounds | undefined {
  if (node.op === 'Relu') return { lower: 0, upper: Infinity };
  const read = (i: number, absent: number): number | undefined => {
    const value = node.inputs[i] ?? '';
    return value === '' ? absent : uniformOf(graph, value);
  };
  const lower = read(1, -Infinity);
  const upper = read(2, Infinity);
  if (lower === undefined || upper === undefined) return undefined;
  return {
    lower: lower <= -mostFloat ? -Infinity : lower,
    upper: upper >= mostFloat ? Infinity : upper,
  };
}

/** Puts the plainest node that limits `x` so in the site's place. */
function limited({ node, fresh }: Site, x: string, bounds: Bounds, what: string): Rewrite {
  const { lower, upper } = bounds;
  if (lower === 0 && upper === Infinity) {
    return change(what, { remove: [node], add: [inPlaceOf(node, 'Relu', [x])] });
  }
  const limit = (side: string, value: number) =>
    Number.isFinite(value)
      ? ([fresh(`${node.name}_${side}`), floatTensor([], Float32Array.of(value))] as const)
      : undefined;
  const limits = [limit('min', lower), limit('max', upper)];
  const inputs = [x, limits[0]?.[0] ?? '', limits[1]?.[0] ?? ''];
  return change(what, {
    remove: [node],
    add: [inPlaceOf(node, 'Clip', limits[1] === undefined ? inputs.slice(0, 2) : inputs)],
    constants: limits.filter((entry) => entry !== undefined),
  });
}

/** Relu and Clip: two in a row become one, and a Clip that is a Relu becomes it. */
const clip: Rule = (site) => {
  const { graph, node } = site;
  const x = node.inputs[0]!;
  const bounds = boundsOf(graph, node);
  if (bounds === undefined || !isFloat32(graph, x) || !(bounds.lower <= bounds.upper)) {
    return undefined;
  }
  const { lower, upper } = bounds;
  if (lower === -Infinity && upper === Infinity) return bypass(node, x);
  const inner = producedBy(site, x, 'Relu', 'Clip');
  const first = inner && boundsOf(graph, inner);
  if (inner !== undefined && first !== undefined && first.lower <= first.upper) {
    if (onlyConsumer(site, x) === node) {
      const into = (value: number) => Math.min(Math.max(value, lower), upper);
      const both = { lower: into(first.lower), upper: into(first.upper) };
      const what = `join ${inner.op} '${inner.name}' and ${node.op} '${node.name}'`;
      const { remove, ...rest } = limited(site, inner.inputs[0]!, both, what);
      return { ...rest, remove: [...remove, inner] };
    }
    // What is limited already passes through.
    if (first.lower >= lower && first.upper <= upper) return bypass(node, x);
  }
  if (node.op === 'Clip' && lower === 0 && upper === Infinity) {
    return limited(site, x, bounds, `write Clip '${node.name}' as Relu`);
  }
  return undefined;
};

/** Max and Min of a value and a number. */
const extreme =
  (side: keyof Bounds): Rule =>
  (site) => {
    const { graph, node } = site;
    if (node.inputs.length !== 2) return undefined;
    const match = operands(node, (value, other) => factorOf(graph, value, other));
    if (match === undefined || Number.isNaN(match.found)) return undefined;
    const bounds = { lower: -Infinity, upper: Infinity, [side]: match.found };
    if (bounds.lower === -Infinity && bounds.upper === Infinity) return bypass(node, match.other);
    return limited(site, match.other, bounds, `write ${node.op} '${node.name}' as a limit`);
  };

const prelu: Rule = ({ graph, node }) => {
  const [x, slope] = node.inputs as [string, string];
  const alpha = uniformOf(graph, slope);
  if (alpha === undefined || !isFloat32(graph, x)) return undefined;
  const attributes = new Map([['alpha', attribute.float(alpha)]]);
  return change(`write PRelu '${node.name}' as LeakyRelu`, {
    remove: [node],
    add: [inPlaceOf(node, 'LeakyRelu', [x], attributes)],
  });
};

export const plainActivations = rulePass('write activations plainly', {
  Relu: clip,
  Clip: clip,
  Max: extreme('lower'),
  Min: extreme('upper'),
  PRelu: prelu,
});
