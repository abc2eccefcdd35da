/**
 * Layout: the transpositions that lowering puts around channels-last steps are moved down through
 * whatever works in any layout, until they meet their inverses and vanish, or the border of the graph.
 *
 * Only single rules are here; the pass applies them until none does. Each either takes a Transpose away
 * or moves it further down, so they come to an end. Where a node joins a transposed operand with
 * another that would have to be turned back, only the way from channels-last to channels-first is
 * taken, and only if that costs no Transpose.
 */
import type { Tensor } from '../core/tensor.js';
import { attribute, intOf, intsOf } from '../graph/attributes.js';
import { type Attribute, type Dim, type Node, typeOf } from '../graph/ir.js';
import { equalDims, equalShapes } from '../graph/ops/dims.js';
import { channelsBehind, joinAcross, wholePieces } from './layoutReshape.js';
import { permOf, transposedFrom } from './layoutTransposed.js';
import { isDequantize } from './lower/quantParams.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, type Rules, rulePass, type Site } from './lower/rules.js';
import {
  composed,
  inverseOf,
  isIdentity,
  keepsOrder,
  permuteDims,
  permuteTensor,
  reshapeTarget,
} from './lower/shapes.js';

/**
 * The node on `inputs`, a Transpose behind its first output; others know no axes. `attributes` are already those of the
 * new layout.
 */
function moveBelow(
  site: Site,
  to: Rewriting,
  inputs: readonly string[],
  perm: readonly number[],
  attributes: ReadonlyMap<string, Attribute> = site.node.attributes,
) {
  const { graph, node } = site;
  const [output, ...rest] = node.outputs as [string, ...string[]];
  const { type, dims } = typeOf(graph, output)!;
  const turned = { type, dims: dims && permuteDims(dims, inverseOf(perm)) };
  const { op, domain } = node;
  if (rest.length === 0) {
    to.transpose(to.node({ op, domain, inputs, attributes }, turned), perm, output);
  } else {
    const outputs = [site.fresh(`${output}/turned`), ...rest];
    const types = [turned, ...rest.map((value) => typeOf(graph, value)!)];
    to.nodes({ op, domain, inputs, attributes, outputs }, types);
    to.transpose(outputs[0]!, perm, output);
  }
  return to.done(`transpose behind ${node.name}`);
}

/** A list with one entry per axis of the transposed value, in the order of the source's axes. */
function turnedBack(list: readonly number[], perm: readonly number[]): number[] {
  const result = new Array<number>(perm.length);
  perm.forEach((axis, i) => {
    result[axis] = list[i]!;
  });
  return result;
}

/** Two in a row are one; the identity is none. */
const transpose: Rule = (site) => {
  const { node } = site;
  const x = transposedFrom(site, node.inputs[0]!);
  const perm = permOf(node);
  const output = node.outputs[0]!;
  const to = rewriting(site);
  if (isIdentity(perm)) {
    to.replace(output, node.inputs[0]!);
    return to.done(`drop ${node.name}`);
  }
  if (x === undefined) return undefined;
  const both = composed(x.perm, perm);
  if (isIdentity(both)) to.replace(output, x.source);
  else to.transpose(x.source, both, output);
  return to.done(`join ${node.name} with the Transpose before it`);
};

/** One input, no axes: Unary, Lookup, Copy, Cast, DynamicQuantizeLinear. */
const pointwise: Rule = (site) => {
  const [x, ...rest] = site.node.inputs as [string, ...string[]];
  const from = transposedFrom(site, x);
  return from && moveBelow(site, rewriting(site), [from.source, ...rest], from.perm);
};

/** The same behind a Reshape: next to the step before it, the node may become part of it. */
const reshaped: Rule = (site) => {
  const { graph, index, node } = site;
  const [x, ...rest] = node.inputs as [string, ...string[]];
  const output = node.outputs[0]!;
  const producer = index.producer(x);
  if (producer?.op !== 'Reshape' || producer.domain !== 'octavo') return undefined;
  const [source, shape] = producer.inputs as [string, string];
  const dims = typeOf(graph, source)?.dims;
  const to = rewriting(site);
  const { type } = typeOf(graph, output)!;
  const { op, domain, attributes } = node;
  const y = to.node({ op, domain, inputs: [source, ...rest], attributes }, { type, dims });
  const back = { op: 'Reshape', domain, inputs: [y, shape], attributes: new Map() };
  to.node(back, typeOf(graph, output)!, output);
  return to.done(`reshape behind ${node.name}`);
};

/** Scales may run along an axis, but not in blocks. */
const quantization: Rule = (site) => {
  const { graph, node } = site;
  const [x, scale, ...rest] = node.inputs as [string, string, ...string[]];
  const from = transposedFrom(site, x);
  const scales = typeOf(graph, scale)?.dims;
  if (from === undefined || scales === undefined || scales.length > 1) return undefined;
  const { source, perm } = from;
  const axis = intOf(node, 'axis', 1);
  const moved = perm[axis < 0 ? axis + perm.length : axis] ?? 0;
  const attributes = new Map([...node.attributes, ['axis', attribute.int(moved)]]);
  return moveBelow(site, rewriting(site), [source, scale, ...rest], perm, attributes);
};

/** Only with one scale for the whole tensor are the axes of no account. */
const reshapedTensor: Rule = (site) => {
  const scale = typeOf(site.graph, site.node.inputs[1]!)?.dims;
  return scale?.every((dim) => dim === 1) ? reshaped(site) : undefined;
};

/** Lists with one entry per axis: Slice, Pad, Reduce. */
const perAxis =
  (...names: readonly string[]): Rule =>
  (site) => {
    const { node } = site;
    const from = transposedFrom(site, node.inputs[0]!);
    if (from === undefined) return undefined;
    const { source, perm } = from;
    const attributes = new Map(node.attributes);
    for (const name of names) {
      attributes.set(name, attribute.ints(turnedBack(intsOf(node, name)!, perm)));
    }
    return moveBelow(site, rewriting(site), [source], perm, attributes);
  };

/** One axis, by number: Gather with a list of indices, Resample. */
const alongAxis: Rule = (site) => {
  const { graph, node } = site;
  const [x, ...rest] = node.inputs as [string, ...string[]];
  const from = transposedFrom(site, x);
  const keepsRank = node.op === 'Resample' || typeOf(graph, rest[0]!)?.dims?.length === 1;
  if (from === undefined || !keepsRank) return undefined;
  const { source, perm } = from;
  const axis = attribute.int(perm[intOf(node, 'axis', 0)]!);
  return moveBelow(site, rewriting(site), [source, ...rest], perm, new Map([['axis', axis]]));
};

/** Softmax and Lrn work along the last axis, which must stay the last. */
const alongLast: Rule = (site) => {
  const from = transposedFrom(site, site.node.inputs[0]!);
  const last = from?.perm.at(-1);
  return last !== undefined && last === from!.perm.length - 1 ? pointwise(site) : undefined;
};

const concat: Rule = (site) => {
  const { node } = site;
  const parts = node.inputs.map((input) => transposedFrom(site, input));
  const perm = parts.find((part) => part !== undefined)?.perm;
  if (perm === undefined) return undefined;
  const to = rewriting(site);
  const inputs = node.inputs.map((input, i) => {
    if (parts[i] !== undefined)
      return isSamePerm(parts[i].perm, perm) ? parts[i].source : undefined;
    return to.constantOf(input) && to.transpose(input, inverseOf(perm));
  });
  if (!inputs.every((input) => input !== undefined)) return undefined;
  const axis = perm[intOf(node, 'axis', 0)]!;
  return moveBelow(site, to, inputs, perm, new Map([['axis', attribute.int(axis)]]));
};

function isSamePerm(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

/** Operands that broadcast: Binary, QAdd, QMul, Where. */
const broadcast: Rule = (site) => {
  const { graph, node } = site;
  const rank = typeOf(graph, node.outputs[0]!)?.dims?.length;
  const operands = node.inputs.map((input) => transposedFrom(site, input));
  const perm = operands.find((operand) => operand?.perm.length === rank)?.perm;
  if (perm === undefined) return undefined;
  const to = rewriting(site);
  const inputs = node.inputs.map((input, i) => {
    const operand = operands[i];
    if (operand !== undefined && isSamePerm(operand.perm, perm)) return operand.source;
    return turnedOperand(site, to, input, inverseOf(perm));
  });
  if (!inputs.every((input) => input !== undefined)) return undefined;
  return moveBelow(site, to, inputs, perm);
};

/** An operand in the layout `perm` makes, where that costs nothing at run time; undefined otherwise. */
function turnedOperand(
  site: Site,
  to: Rewriting,
  value: string,
  perm: readonly number[],
): string | undefined {
  const dims = to.typeOf(value)?.dims;
  if (dims === undefined) return undefined;
  if (dims.every((dim) => dim === 1)) return value;
  const constant = to.constantOf(value);
  if (constant !== undefined) {
    const ahead = new Array<number>(perm.length - constant.dims.length).fill(1);
    const whole = { ...constant, dims: [...ahead, ...constant.dims] } as Tensor;
    return to.constant(`${value}/transposed`, permuteTensor(whole, perm));
  }
  if (dims.length !== perm.length) return undefined;
  if (keepsOrder(dims, perm)) return to.reshape(value, permuteDims(dims, perm));
  // From channels-last to channels-first only, or the two operands would take turns.
  return isToChannelsLast(perm) ? siblingTransposed(site, value, perm) : undefined;
}

function isToChannelsLast(perm: readonly number[]): boolean {
  const rank = perm.length;
  return rank > 3 && perm.every((axis, i) => axis === (i === 0 ? 0 : i === rank - 1 ? 1 : i + 1));
}

/** The value that a Transpose by `perm`, there for another reader, makes of this one. */
function siblingTransposed({ index }: Site, value: string, perm: readonly number[]) {
  return index
    .consumers(value)
    .find((n) => n.op === 'Transpose' && n.domain === 'octavo' && isSamePerm(permOf(n), perm))
    ?.outputs[0];
}

/** A Transpose that moves no element is a Reshape; one of dequantized values is cheaper on their codes. */
const settleTranspose: Rule = (site) => {
  const { graph, index, node } = site;
  const x = node.inputs[0]!;
  const output = node.outputs[0]!;
  const perm = permOf(node);
  const to = rewriting(site);
  const constant = to.constantOf(x);
  if (constant !== undefined) {
    to.replace(output, to.transpose(x, perm));
    return to.done(`transpose the constant '${x}'`);
  }
  const dims = to.typeOf(x)?.dims;
  if (dims !== undefined && keepsOrder(dims, perm)) {
    const reshaped = to.reshape(x, permuteDims(dims, perm), output);
    if (reshaped !== undefined) return to.done(`reshape instead of ${node.name}`);
  }
  const producer = index.producer(x);
  if (producer?.domain !== 'octavo' || !isDequantize(producer)) return undefined;
  if (onlyConsumer(site, x) !== node) return undefined;
  const [codes, ...rest] = producer.inputs as [string, ...string[]];
  if ((typeOf(graph, rest[0]!)?.dims?.length ?? 2) > 1) return undefined;
  const axis = intOf(producer, 'axis', 1);
  const moved = inverseOf(perm)[axis < 0 ? axis + perm.length : axis] ?? 0;
  const attributes = new Map([...producer.attributes, ['axis', attribute.int(moved)]]);
  const { op, domain } = producer;
  const turned = to.transpose(codes, perm);
  to.remove(producer);
  to.node({ op, domain, inputs: [turned, ...rest], attributes }, typeOf(graph, output)!, output);
  return to.done(`transpose before ${producer.name}`);
};

/** Of Reshapes in a row the last one counts, and one that keeps the dims is none. */
const settleReshape: Rule = (site) => {
  const { graph, index, node } = site;
  const x = node.inputs[0]!;
  const output = node.outputs[0]!;
  const to = rewriting(site);
  const constant = to.constantOf(x);
  const dims = to.typeOf(output)?.dims;
  const known = dims?.every((dim) => typeof dim === 'number');
  if (constant !== undefined && known) {
    const reshaped = { ...constant, dims } as Tensor;
    to.replace(output, to.constant(`${x}/reshaped`, reshaped));
    return to.done(`reshape the constant '${x}'`);
  }
  if (dims === undefined) return undefined;
  if (equalShapes(typeOf(graph, x)?.dims, dims)) {
    to.replace(output, x);
    return to.done(`drop ${node.name}`);
  }
  const producer = index.producer(x);
  if (producer?.op !== 'Reshape' || producer.domain !== 'octavo') return undefined;
  const source = producer.inputs[0]!;
  const before = to.typeOf(source)?.dims;
  if (before === undefined) return undefined;
  if (equalShapes(before, dims)) {
    to.replace(output, source);
    return to.done(`drop ${node.name} and the Reshape before it`);
  }
  if (reshapeTarget(before, dims) === undefined) return undefined;
  to.reshape(source, dims, output);
  return to.done(`join ${node.name} with the Reshape before it`);
};

/** One rule after the other: the first that applies. */
const either =
  (...rules: readonly Rule[]): Rule =>
  (site) => {
    for (const rule of rules) {
      const rewrite = rule(site);
      if (rewrite !== undefined) return rewrite;
    }
    return undefined;
  };

/**
 * A Reshape that only adds or drops axes of size 1 behind a Transpose: the same before it. Axes of the
 * source keep their order, and each new one goes next to the axis it follows in the result.
 */
const unitAxes: Rule = (site) => {
  const { graph, node } = site;
  const output = node.outputs[0]!;
  const from = transposedFrom(site, node.inputs[0]!);
  const before = typeOf(graph, node.inputs[0]!)?.dims;
  const after = typeOf(graph, output)?.dims;
  if (from === undefined || before === undefined || after === undefined) return undefined;
  const long = (dims: readonly Dim[]) => dims.flatMap((dim, axis) => (dim === 1 ? [] : [axis]));
  const [kept, placed] = [long(before), long(after)];
  const same =
    kept.length === placed.length &&
    kept.every((axis, i) => equalDims(before[axis], after[placed[i]!]));
  if (!same) return undefined;
  let key = -1;
  const keys = after.map((_, axis) => {
    const i = placed.indexOf(axis);
    key = i < 0 ? key + 1 / 16 : from.perm[kept[i]!]!;
    return key;
  });
  const order = keys.map((_, axis) => axis).sort((a, b) => keys[a]! - keys[b]!);
  const to = rewriting(site);
  const source = to.reshape(from.source, permuteDims(after, order));
  if (source === undefined) return undefined;
  to.transpose(source, inverseOf(order), output);
  return to.done(`transpose behind ${node.name}`);
};

const sinkRules: Rules = {
  'octavo:Transpose': transpose,
  'octavo:Reshape': either(settleReshape, unitAxes, wholePieces, channelsBehind),
  'octavo:Unary': either(pointwise, reshaped),
  'octavo:Lookup': either(pointwise, reshaped),
  'octavo:Copy': either(pointwise, reshaped),
  'octavo:Cast': either(pointwise, reshaped),
  'octavo:QuantizeLinear': either(quantization, reshapedTensor),
  'octavo:DequantizeLinear': either(quantization, reshapedTensor),
  'octavo:DynamicQuantizeLinear': pointwise,
  'octavo:Slice': perAxis('starts', 'steps', 'sizes'),
  'octavo:Pad': perAxis('before', 'after'),
  'octavo:Reduce': perAxis('axes'),
  'octavo:Gather': alongAxis,
  'octavo:Resample': alongAxis,
  'octavo:Where': broadcast,
  'octavo:Softmax': alongLast,
  'octavo:Lrn': alongLast,
  'octavo:Concat': concat,
  'octavo:Binary': broadcast,
  'octavo:QAdd': broadcast,
  'octavo:QMul': broadcast,
};

export const sinkTransposes = rulePass('sink transposes', sinkRules, { sweeps: true });

/** Nodes that compute the same of the same: the first one's result serves all. */
const sameAsBefore: Rule = (site) => {
  const { graph, index, node } = site;
  const x = node.inputs[0]!;
  if (graph.constants.has(x)) return undefined;
  const twin = index.consumers(x).find((other) => isTwin(node, other));
  if (twin === undefined || twin === node) return undefined;
  const to = rewriting(site);
  to.replace(node.outputs[0]!, twin.outputs[0]!);
  return to.done(`share ${twin.name} instead of ${node.name}`);
};

function isTwin(a: Node, b: Node): boolean {
  if (a.op !== b.op || a.domain !== b.domain || a.inputs.length !== b.inputs.length) return false;
  if (!a.inputs.every((input, i) => input === b.inputs[i])) return false;
  return (
    a.attributes.size === b.attributes.size &&
    [...a.attributes].every(([name, value]) => isSameAttribute(value, b.attributes.get(name)))
  );
}

function isSameAttribute(a: Attribute, b: Attribute | undefined): boolean {
  if (a.kind !== b?.kind) return false;
  if (a.kind === 'ints') return isSamePerm(a.value, b.value as readonly number[]);
  return a.value === b.value;
}

export const settleLayout = rulePass('settle the layout', {
  'octavo:Transpose': either(sameAsBefore, joinAcross, settleTranspose),
  'octavo:Reshape': settleReshape,
  'octavo:QuantizeLinear': sameAsBefore,
  'octavo:DequantizeLinear': sameAsBefore,
});
