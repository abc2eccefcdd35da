/** Einsum: sums of products of operands whose axes have letters. An ellipsis stands for axes that broadcast. */
import { stringOf } from '../attributes.js';
import type { Dim, Node } from '../ir.js';
import { contradiction, expectSameType } from './context.js';
import { type Dims, unifyDims } from './dims.js';
import type { OpDefinition } from './op.js';

export interface Equation {
  /** Labels of each operand's axes: letters, and '0', '1' … for those of an ellipsis, counted from its end. */
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

/** Labels of an ellipsis over `count` axes. */
function ellipsis(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(count - 1 - i));
}

/** The equation for operands of these ranks. Throws `INVALID_GRAPH` where it is none or does not fit them. */
export function equationOf(node: Node, ranks: readonly number[]): Equation {
  const text = stringOf(node, 'equation', '').replaceAll(' ', '');
  const refuse = () => contradiction(node, "'equation' does not fit the operands", undefined, text);
  const [left, right, ...more] = text.split('->') as [string, string?, ...string[]];
  const terms = left.split(',');
  if (more.length > 0 || terms.length !== ranks.length) throw refuse();
  if (![...terms, right ?? ''].every((term) => /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(term))) {
    throw refuse();
  }
  const labels = (term: string, spread: number) =>
    term.split(/(\.\.\.)/).flatMap((part) => (part === '...' ? ellipsis(spread) : [...part]));
  const spreads = terms.map((term, i) => {
    const own = term.replace('...', '').length;
    const spread = ranks[i]! - own;
    if (term.includes('...') ? spread < 0 : spread !== 0) throw refuse();
    return spread;
  });
  const widest = Math.max(...spreads);
  const operands = terms.map((term, i) => labels(term, spreads[i]!));
  const letters = operands.flat().filter((label) => /[A-Za-z]/.test(label));
  const once = letters.filter((label) => letters.filter((other) => other === label).length === 1);
  const result =
    right === undefined ? [...ellipsis(widest), ...once.sort()] : labels(right, widest);
  const known = new Set(operands.flat());
  if (new Set(result).size !== result.length || !result.every((label) => known.has(label))) {
    throw refuse();
  }
  return { operands, result };
}

/** The size of every label; axes of an ellipsis of size 1 are repeated. */
export function labelSizes(
  node: Node,
  { operands }: Equation,
  dims: readonly Dims[],
): Map<string, Dim> {
  const sizes = new Map<string, Dim>();
  operands.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      const size = dims[i]![axis];
      const other = sizes.get(label);
      const broadcasts = /\d/.test(label);
      if (!sizes.has(label) || (broadcasts && other === 1)) sizes.set(label, size);
      else if (!(broadcasts && size === 1)) {
        sizes.set(label, unifyDims(node, `sizes of '${label}'`, other, size));
      }
    });
  });
  return sizes;
}

export const einsum: OpDefinition = {
  op: 'Einsum',
  domain: '',
  since: 12,
  inputs: [1, Infinity],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    const type = expectSameType(
      context,
      node.inputs.map((_, i) => i),
    );
    const dims = node.inputs.map((_, i) => input(i)?.dims);
    if (type === undefined || !dims.every((own) => own !== undefined)) return [type && { type }];
    const equation = equationOf(
      node,
      dims.map(({ length }) => length),
    );
    const sizes = labelSizes(node, equation, dims);
    return [{ type, dims: equation.result.map((label) => sizes.get(label)) }];
  },
};
