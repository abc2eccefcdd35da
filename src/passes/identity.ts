/**
 * Identities: nodes that change nothing are dropped, and chains of moves become one. What counts is
 * what is certain: dims must be known to be equal, by number or by name.
 */
import { attribute, intOf, intsOf } from '../graph/attributes.js';
import type { Node } from '../graph/ir.js';
import { areStatic } from '../graph/ops/dims.js';
import { type Rule, rulePass, type Site } from './lower/rules.js';
import { bypass, change, dimsOf, factorOf, producedBy, sameType } from './match.js';

/** Drops the node when its first output has the type and dims of its first input. */
const whenUnchanged =
  (also: (site: Site) => boolean = () => true): Rule =>
  (site) => {
    const { graph, node } = site;
    const x = node.inputs[0]!;
    return sameType(graph, x, node.outputs[0]!) && also(site) ? bypass(node, x) : undefined;
  };

/** Whether nothing reads the outputs behind the first. */
function hasOneOutput({ index, node }: Site): boolean {
  return node.outputs
    .slice(1)
    .every(
      (output) =>
        output === '' || (!index.isOutput(output) && index.consumers(output).length === 0),
    );
}

/** Whether input i is absent or a constant of which every element passes. */
function constantIs(site: Site, i: number, test: (x: number) => boolean): boolean {
  const value = site.node.inputs[i] ?? '';
  if (value === '') return true;
  const data = site.graph.constants.get(value)?.data;
  return data !== undefined && Array.from(data as ArrayLike<number | bigint>, Number).every(test);
}

const identity: Rule = ({ node }) => bypass(node, node.inputs[0]!);

const dropout: Rule = (site) =>
  hasOneOutput(site) && constantIs(site, 2, (training) => training === 0)
    ? bypass(site.node, site.node.inputs[0]!)
    : undefined;

const single: Rule = ({ node }) =>
  node.inputs.length === 1 ? bypass(node, node.inputs[0]!) : undefined;

function permOf(node: Node, rank: number): readonly number[] {
  return intsOf(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

const transpose: Rule = (site) => {
  const { graph, node } = site;
  const rank = dimsOf(graph, node.inputs[0]!)?.length;
  if (rank === undefined) return undefined;
  const perm = permOf(node, rank);
  if (perm.every((axis, i) => axis === i)) return bypass(node, node.inputs[0]!);
  const inner = producedBy(site, node.inputs[0]!, 'Transpose');
  if (inner === undefined) return undefined;
  const first = permOf(inner, rank);
  const both = attribute.ints(perm.map((axis) => first[axis]!));
  return change(`join Transpose '${inner.name}' and '${node.name}'`, {
    remove: [node],
    add: [{ ...node, inputs: [inner.inputs[0]!], attributes: new Map([['perm', both]]) }],
  });
};

/** A reshape of a reshape reads the first one's input, unless it copies dims (0) of what is between. */
const reshape: Rule = (site) => {
  const unchanged = whenUnchanged()(site);
  if (unchanged !== undefined) return unchanged;
  const { graph, node, fresh } = site;
  const inner = producedBy(site, node.inputs[0]!, 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze');
  if (inner === undefined) return undefined;
  const target = graph.constants.get(node.inputs[1]!)?.data as BigInt64Array | undefined;
  const dims = dimsOf(graph, node.outputs[0]!);
  const copies = target === undefined || target.includes(0n);
  if (copies && !areStatic(dims)) return undefined;
  const what = `read past ${inner.op} '${inner.name}' in Reshape '${node.name}'`;
  if (!copies) {
    return change(what, {
      remove: [node],
      add: [{ ...node, inputs: [inner.inputs[0]!, node.inputs[1]!] }],
    });
  }
  if (!areStatic(dims) || dims.includes(0)) return undefined;
  const shape = fresh(`${node.name}_shape`);
  const data = BigInt64Array.from(dims, BigInt);
  return change(what, {
    remove: [node],
    add: [{ ...node, inputs: [inner.inputs[0]!, shape] }],
    constants: [[shape, { type: 'int64', dims: [dims.length], data }]],
  });
};

/** x + 0, x − 0, x · 1, x / 1, where the constant does not spread x over more dims. */
const neutral =
  (unit: number, commutes: boolean): Rule =>
  ({ graph, node }) => {
    const [a, b] = node.inputs as [string, string];
    if (factorOf(graph, b, a) === unit) return bypass(node, a);
    return commutes && factorOf(graph, a, b) === unit ? bypass(node, b) : undefined;
  };

const takesAll = (site: Site) => constantIs(site, 4, (step) => step === 1);
const padsNothing = (site: Site) => constantIs(site, 1, (pad) => pad === 0);
const looksAtOne = (site: Site) =>
  hasOneOutput(site) && (intsOf(site.node, 'kernel_shape') ?? []).every((size) => size === 1);
const isWholeSplit = ({ node }: Site) =>
  node.outputs.length === 1 && intOf(node, 'num_outputs', 1) === 1;

export const dropIdentities = rulePass('drop identities', {
  Identity: identity,
  Dropout: dropout,
  Cast: whenUnchanged(),
  Concat: single,
  Min: single,
  Max: single,
  Transpose: transpose,
  Reshape: reshape,
  Flatten: whenUnchanged(),
  Squeeze: whenUnchanged(),
  Unsqueeze: whenUnchanged(),
  Expand: whenUnchanged(),
  Slice: whenUnchanged(takesAll),
  Pad: whenUnchanged(padsNothing),
  Split: whenUnchanged(isWholeSplit),
  MaxPool: whenUnchanged(looksAtOne),
  AveragePool: whenUnchanged(looksAtOne),
  Add: neutral(0, true),
  Sub: neutral(0, false),
  Mul: neutral(1, true),
  Div: neutral(1, false),
});
