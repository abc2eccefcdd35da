/**
 * Softmax, LogSoftmax and Hardmax before opset 13 work on the input as a matrix: the axes before
 * `axis` are its rows, `axis` and all behind it its columns. Since 13 they work along one axis. Where
 * only one of the columns' axes has more than one element the two agree; elsewhere the node is
 * wrapped in the reshapes that the old definition speaks of.
 */
import { attribute, intOf } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/ir.js';
import { int64Tensor } from './constants.js';
import { type Upgrade, type UpgradeContext, withAttributes } from './upgradeContext.js';

export const upgradeSoftmax: Upgrade = (node, context) => {
  const [input = ''] = node.inputs;
  const dims = context.typeOf(input)?.dims;
  const axis = intOf(node, 'axis', 1);
  const single = dims === undefined ? undefined : singleAxis(dims, axis);
  if (single !== undefined) return [withAxis(node, single)];

  const rows = context.fresh(`${node.name}_rows`);
  const normalized = context.fresh(`${node.name}_normalized`);
  const shape = shapeOf(node, input, dims, context);
  return [
    {
      name: context.fresh(`${node.name}_flatten`),
      op: 'Flatten',
      domain: '',
      inputs: [input],
      outputs: [rows],
      attributes: new Map([['axis', attribute.int(axis)]]),
    },
    { ...withAxis(node, -1), inputs: [rows], outputs: [normalized] },
    ...shape.nodes,
    {
      name: context.fresh(`${node.name}_reshape`),
      op: 'Reshape',
      domain: '',
      inputs: [normalized, shape.value],
      outputs: node.outputs,
      attributes: new Map(),
    },
  ];
};

function withAxis(node: Node, axis: number): Node {
  return withAttributes(node, ['axis'], [['axis', attribute.int(axis)]]);
}

/** The only axis from `axis` on that may have more than one element, counted from the end. */
function singleAxis(dims: readonly Dim[], axis: number): number | undefined {
  const first = axis < 0 ? axis + dims.length : axis;
  if (first < 0 || first >= dims.length) return undefined;
  const wide = dims.map((dim, i) => (i >= first && dim !== 1 ? i : -1)).filter((i) => i >= 0);
  return wide.length > 1 ? undefined : (wide[0] ?? dims.length - 1) - dims.length;
}

function shapeOf(
  node: Node,
  input: string,
  dims: readonly Dim[] | undefined,
  context: UpgradeContext,
): { value: string; nodes: readonly Node[] } {
  const wish = `${node.name}_shape`;
  // A dim of 0 in a Reshape means another thing, so shapes that may hold one are computed.
  if (dims?.every((dim) => typeof dim === 'number' && dim > 0)) {
    return { value: context.addConstant(wish, int64Tensor(dims as number[])), nodes: [] };
  }
  const value = context.fresh(wish);
  const name = context.fresh(wish);
  const shape = { name, op: 'Shape', domain: '', inputs: [input], outputs: [value] };
  return { value, nodes: [{ ...shape, attributes: new Map() }] };
}
