/** Softmax, layer, local response and batch normalization, in float32. */
import type { Tensor } from '../../core/tensor.js';
import { floatOf, intOf } from '../../graph/attributes.js';
import { axisOf } from '../../graph/ops/dims.js';
import { binaryKinds } from '../../runtime/kinds.js';
import { floatConstantOf } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, isRead, type Rule, type Rules, type Site } from './rules.js';
import { inverseOf } from './shapes.js';

/** Writes the node's output by a step that works along the last axis, moving `axis` there and back. */
function alongLastAxis(
  { node }: Site,
  to: Rewriting,
  axis: number,
  add: (x: string, output: string | undefined) => string,
): void {
  const x = node.inputs[0]!;
  const output = node.outputs[0]!;
  const rank = to.typeOf(x)!.dims!.length;
  if (axis === rank - 1) {
    add(x, output);
    return;
  }
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
  const perm = [...others, axis];
  to.transpose(add(to.transpose(x, perm), undefined), inverseOf(perm), output);
}

const softmax: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  if (!areFloat(site, x)) return undefined;
  const to = rewriting(site);
  const dims = to.typeOf(x)?.dims;
  if (dims === undefined) return undefined;
  alongLastAxis(site, to, axisOf(node, intOf(node, 'axis', -1), dims.length), (value, output) =>
    to.step('Softmax', [value], {}, to.typeOf(value)!, { output }),
  );
  return to.done(`lower ${node.name}`);
};

const lrn: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  if (!areFloat(site, x)) return undefined;
  const to = rewriting(site);
  if (to.typeOf(x)?.dims === undefined) return undefined;
  const params = {
    size: intOf(node, 'size', 1),
    alpha: floatOf(node, 'alpha', 1e-4),
    beta: floatOf(node, 'beta', 0.75),
    bias: floatOf(node, 'bias', 1),
  };
  alongLastAxis(site, to, 1, (value, output) =>
    to.step('Lrn', [value], params, to.typeOf(value)!, { output }),
  );
  return to.done(`lower ${node.name}`);
};

const layerNormalization: Rule = (site) => {
  const { node } = site;
  const [x, scale, bias] = node.inputs as [string, string, string?];
  if (!areFloat(site, x, scale, bias ?? '')) return undefined;
  // Where they are read, the node was written in others.
  if (node.outputs.slice(1).some((output) => isRead(site, output))) return undefined;
  const to = rewriting(site);
  const type = to.typeOf(x);
  if (type?.dims === undefined) return undefined;
  const axis = axisOf(node, intOf(node, 'axis', -1), type.dims.length);
  const params = { epsilon: floatOf(node, 'epsilon', 1e-5) };
  const operands = bias ? [scale, bias] : [scale];
  const output = node.outputs[0]!;
  if (axis === type.dims.length - 1) {
    to.step('LayerNorm', [x, ...operands], params, type, { output });
    return to.done(`lower ${node.name}`);
  }
  // As one axis, which only known ones can become.
  const last = type.dims.slice(axis);
  if (!last.every((dim) => typeof dim === 'number')) return undefined;
  const length = (last as number[]).reduce((a, b) => a * b, 1);
  const flat = to.reshape(x, [...type.dims.slice(0, axis), length]);
  if (flat === undefined) return undefined;
  const y = to.step('LayerNorm', [flat, ...operands], params, to.typeOf(flat)!, {});
  if (to.reshape(y, type.dims, output) === undefined) return undefined;
  return to.done(`lower ${node.name}`);
};

/** x · f + (b − mean · f) with f = scale / √(variance + ε), per channel: for what folding left over. */
const batchNormalization: Rule = (site) => {
  const { node } = site;
  const [x, ...names] = node.inputs as [string, string, string, string, string];
  if (!areFloat(site, x)) return undefined;
  const to = rewriting(site);
  const type = to.typeOf(x);
  const parts = names.map((name) => floatConstantOf(site, name)?.data);
  if (type?.dims === undefined || parts.includes(undefined)) return undefined;
  const [scale, bias, mean, variance] = parts as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const factor = scale.map((s, c) => s / Math.sqrt(variance[c]! + epsilon));
  const offset = bias.map((b, c) => b - mean[c]! * factor[c]!);
  const dims = [scale.length, ...type.dims.slice(2).map(() => 1)];
  const add = (wish: string, data: Float32Array) =>
    to.constant(`${node.name}/${wish}`, { type: 'float32', dims, data } as Tensor);
  const f = add('factor', factor);
  const b = add('offset', offset);
  const scaled = to.step('Binary', [x, f], { kind: binaryKinds.Mul }, type);
  to.step('Binary', [scaled, b], { kind: binaryKinds.Add }, type, { output: node.outputs[0]! });
  return to.done(`lower ${node.name}`);
};

export const normalizeRules: Rules = {
  Softmax: softmax,
  LayerNormalization: layerNormalization,
  LRN: lrn,
  BatchNormalization: batchNormalization,
};
