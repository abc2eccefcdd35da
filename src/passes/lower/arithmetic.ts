/**
 * Arithmetic, comparisons and choices, element by element, of tensors that broadcast: in float32 by the step `Binary`, in
 * other types by `Arithmetic`. Integers wait until dims are bound, since folding may know them then.
 */
import { allocate, bitsOf, type DataType, isInteger } from '../../core/dtype.js';
import type { Tensor } from '../../core/tensor.js';
import { intOf, stringOf } from '../../graph/attributes.js';
import { typeOf, type ValueType } from '../../graph/ir.js';
import { broadcastDims } from '../../graph/ops/dims.js';
import { type ArithmeticOperation, arithmeticOn } from '../../numerics/arithmetic.js';
import {
  arithmeticKinds,
  type BinaryKind,
  binaryKinds,
  comparisonKinds,
} from '../../runtime/kinds.js';
import { addCast, isBound } from './movement.js';
import { floatValue } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules, type Site } from './rules.js';

/** Several operands, combined from the left. */
const binary =
  (kind: ArithmeticOperation): Rule =>
  (site) => {
    const { node } = site;
    const output = node.outputs[0]!;
    const to = rewriting(site);
    const type = to.typeOf(output);
    if (type?.dims === undefined || node.inputs.includes('')) return undefined;
    const combine = combination(site, to, kind, type);
    if (combine === undefined) return undefined;
    const [first, ...rest] = node.inputs.map((input) =>
      type.type === 'float32' ? floatValue(site, to, input) : input,
    ) as [string, ...string[]];
    if (rest.length === 0) {
      to.replace(output, first);
      return to.done(`drop ${node.name}`);
    }
    rest.reduce((value, input, i) => {
      const last = i === rest.length - 1;
      return combine(value, input, last ? output : undefined);
    }, first);
    return to.done(`lower ${node.name}`);
  };

type Combine = (a: string, b: string, output?: string) => string;

/** What adds a step that computes `kind` of two values of `type`; undefined while or where there is none. */
function combination(
  site: Site,
  to: Rewriting,
  kind: ArithmeticOperation,
  { type }: ValueType,
): Combine | undefined {
  const { graph, node } = site;
  const dimsOf = (a: string, b: string) =>
    broadcastDims(node, to.typeOf(a)?.dims, to.typeOf(b)?.dims);
  if (type === 'float32' && isBinaryKind(kind)) {
    if (!areFloat(site, ...node.inputs)) return undefined;
    return (a, b, output) => {
      const y: ValueType = { type, dims: dimsOf(a, b) };
      return to.step('Binary', [a, b], { kind: binaryKinds[kind] }, y, { output });
    };
  }
  if (!isBound(graph) || arithmeticOn(kind, type) === undefined) return undefined;
  return (a, b, output) => {
    const y: ValueType = { type, dims: dimsOf(a, b) };
    return to.step('Arithmetic', [a, b], { kind: arithmeticKinds[kind] }, y, { output });
  };
}

function isBinaryKind(kind: string): kind is BinaryKind {
  return Object.hasOwn(binaryKinds, kind);
}

const mod: Rule = (site) => binary(intOf(site.node, 'fmod', 0) === 0 ? 'Mod' : 'Remainder')(site);

const shift: Rule = (site) =>
  binary(stringOf(site.node, 'direction', '') === 'LEFT' ? 'ShiftLeft' : 'ShiftRight')(site);

/** A power has the type of its base: an exponent of another type is converted, or the base for a while. */
const pow: Rule = (site) => {
  const { graph, node } = site;
  const [a, b] = node.inputs as [string, string];
  const [base, exponent] = [typeOf(graph, a), typeOf(graph, b)];
  if (base === undefined || exponent === undefined || base.type === exponent.type) {
    return binary('Pow')(site);
  }
  if (!isBound(graph) || base.dims === undefined || exponent.dims === undefined) return undefined;
  const to = rewriting(site);
  const power = (x: string, n: string, type: DataType, output?: string) => {
    const y: ValueType = { type, dims: broadcastDims(node, base.dims, exponent.dims) };
    if (type === 'float32')
      return to.step('Binary', [x, n], { kind: binaryKinds.Pow }, y, { output });
    return to.step('Arithmetic', [x, n], { kind: arithmeticKinds.Pow }, y, { output });
  };
  const output = node.outputs[0]!;
  if (isInteger(base.type) && !isInteger(exponent.type)) {
    const y = power(addCast(to, a, 'float64'), addCast(to, b, 'float64'), 'float64');
    addCast(to, y, base.type, output);
  } else {
    power(a, addCast(to, b, base.type), base.type, output);
  }
  return to.done(`lower ${node.name}`);
};

/** Sum of the operands by their number. */
const mean: Rule = (site) => {
  const { node } = site;
  const output = node.outputs[0]!;
  const to = rewriting(site);
  const type = to.typeOf(output);
  if (type?.type !== 'float32' || type.dims === undefined) return undefined;
  const combine = combination(site, to, 'Add', type)!;
  const sum = node.inputs.reduce((a, b) => combine(a, b));
  const count = to.constant(`${node.name}/count`, {
    type: 'float32',
    dims: [],
    data: Float32Array.of(node.inputs.length),
  });
  combination(site, to, 'Div', type)!(sum, count, output);
  return to.done(`lower ${node.name}`);
};

/** A constant of one element, of no axes. */
function scalar(to: Rewriting, type: DataType, value: number): string {
  const data = allocate(type, 1) as unknown as { [i: number]: number | bigint };
  data[0] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value;
  return to.constant('value', { type, dims: [], data: data as unknown } as Tensor);
}

/** Functions of one number that are arithmetic with a constant, for types that the step `Unary` does not take. */
const arithmeticUnaries: Readonly<
  Record<string, readonly (readonly [ArithmeticOperation, number])[]>
> = {
  Relu: [['Max', 0]],
  Not: [['Xor', 1]],
  BitwiseNot: [['Xor', -1]],
  Sign: [
    ['Max', -1],
    ['Min', 1],
  ],
};

export const otherUnary: Rule = (site) => {
  const { graph, node } = site;
  const [x] = node.inputs as [string];
  const to = rewriting(site);
  const y = to.typeOf(x);
  if (y?.dims === undefined || !isBound(graph)) return undefined;
  const [output] = node.outputs as [string];
  const combine = (kind: ArithmeticOperation, a: string, b: string, into?: string) =>
    to.step('Arithmetic', [a, b], { kind: arithmeticKinds[kind] }, y, { output: into });
  const { type } = y;
  if (node.op === 'Neg' || node.op === 'Abs') {
    if (arithmeticOn('Sub', type) === undefined || type === 'float64') return undefined;
    const negated = combine('Sub', scalar(to, type, 0), x, node.op === 'Neg' ? output : undefined);
    if (node.op === 'Abs') combine('Max', x, negated, output);
    return to.done(`lower ${node.name}`);
  }
  const operations = arithmeticUnaries[node.op];
  const known = operations?.every(([kind]) => arithmeticOn(kind, type) !== undefined);
  if (operations === undefined || known !== true || (node.op === 'Sign' && !isInteger(type))) {
    return undefined;
  }
  operations.reduce((value, [kind, constant], i) => {
    const into = i === operations.length - 1 ? output : undefined;
    return combine(kind, value, scalar(to, type, constant), into);
  }, x);
  return to.done(`lower ${node.name}`);
};

/** Clip in other types than float32: where the bounds cross, the upper one wins. */
export const clipOther: Rule = (site) => {
  const { graph, node } = site;
  const [x, low = '', high = ''] = node.inputs as [string, string?, string?];
  const to = rewriting(site);
  const y = to.typeOf(x);
  if (y?.dims === undefined || !isBound(graph) || arithmeticOn('Min', y.type) === undefined) {
    return undefined;
  }
  const output = node.outputs[0]!;
  const bound = (kind: 'Max' | 'Min', value: string, by: string, into?: string) =>
    to.step('Arithmetic', [value, by], { kind: arithmeticKinds[kind] }, y, { output: into });
  if (low === '' && high === '') to.replace(output, x);
  const above = low === '' ? x : bound('Max', x, low, high === '' ? output : undefined);
  if (high !== '') bound('Min', above, high, output);
  return to.done(`lower ${node.name}`);
};

/** Greater and GreaterOrEqual are Less and LessOrEqual of the operands exchanged. */
const compare =
  (kind: keyof typeof comparisonKinds, exchanged = false): Rule =>
  (site) => {
    const { graph, node } = site;
    const inputs = exchanged ? node.inputs.toReversed() : node.inputs;
    const [a, b] = inputs.map((input) => typeOf(graph, input));
    const to = rewriting(site);
    const dims = broadcastDims(node, a?.dims, b?.dims);
    if (a === undefined || dims === undefined || !isBound(graph)) return undefined;
    if (a.type !== 'bool' && arithmeticOn('Min', a.type) === undefined) return undefined;
    const params = { kind: comparisonKinds[kind] };
    to.step('Compare', inputs, params, { type: 'bool', dims }, { output: node.outputs[0]! });
    return to.done(`lower ${node.name}`);
  };

const where: Rule = (site) => {
  const { graph, node } = site;
  const to = rewriting(site);
  const y = to.typeOf(node.outputs[0]!);
  if (y?.dims === undefined || bitsOf(y.type) < 8 || !isBound(graph)) return undefined;
  to.step('Where', node.inputs, {}, y, { output: node.outputs[0]! });
  return to.done(`lower ${node.name}`);
};

export const arithmeticRules: Rules = {
  ...Object.fromEntries(
    (['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max', 'And', 'Or', 'Xor'] as const).map((op) => [
      op,
      binary(op),
    ]),
  ),
  Sum: binary('Add'),
  Mean: mean,
  Pow: pow,
  Mod: mod,
  BitwiseAnd: binary('And'),
  BitwiseOr: binary('Or'),
  BitwiseXor: binary('Xor'),
  BitShift: shift,
  Equal: compare('Equal'),
  Less: compare('Less'),
  LessOrEqual: compare('LessOrEqual'),
  Greater: compare('Less', true),
  GreaterOrEqual: compare('LessOrEqual', true),
  Where: where,
};
