/**
 * Functions of one tensor, element by element, in float32. One-input operators that are a kind of step are recognised
 * by `unaryOf`, which lookup tables share; the others are put together from steps.
 */
import { floatOf, intOf, stringOf } from '../../graph/attributes.js';
import { type Node, qualifiedOp } from '../../graph/ir.js';
import { binaryKinds, type UnaryKind, unaryKinds } from '../../runtime/kinds.js';
import { clipOther, otherUnary } from './arithmetic.js';
import { floatConstantOf, floatValue } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules, type Site } from './rules.js';

/** A function of one number, as the step `Unary` computes it. */
export interface UnaryFunction {
  readonly kind: UnaryKind;
  readonly alpha: number;
  readonly beta: number;
}

const plainUnaries = [
  ...(['Sigmoid', 'HardSwish', 'Tanh', 'Exp', 'Log', 'Sqrt', 'Neg', 'Abs', 'Reciprocal'] as const),
  ...(['Erf', 'Floor', 'Ceil', 'Round', 'Softplus', 'Softsign', 'Sign'] as const),
  ...(['Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan'] as const),
  ...(['Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh'] as const),
];

/** The function that a node applies to its first input; undefined when it is none, or its bounds are computed. */
export function unaryOf(site: Site): UnaryFunction | undefined {
  const { node } = site;
  if (node.domain !== '') return undefined;
  const { op } = node;
  switch (op) {
    case 'Relu':
      return { kind: 'Clip', alpha: 0, beta: Number.POSITIVE_INFINITY };
    case 'Clip': {
      const alpha = boundOf(site, 1, Number.NEGATIVE_INFINITY);
      const beta = boundOf(site, 2, Number.POSITIVE_INFINITY);
      if (alpha === undefined || beta === undefined) return undefined;
      // Where the bounds cross, ONNX lets the upper one win.
      return { kind: 'Clip', alpha: Math.min(alpha, beta), beta };
    }
    case 'LeakyRelu':
      return { kind: op, alpha: floatOf(node, 'alpha', 0.01), beta: 0 };
    case 'Elu':
    case 'ThresholdedRelu':
      return { kind: op, alpha: floatOf(node, 'alpha', 1), beta: 0 };
    case 'Gelu': {
      const tanh = stringOf(node, 'approximate', 'none') === 'tanh';
      return { kind: tanh ? 'GeluTanh' : 'Gelu', alpha: 0, beta: 0 };
    }
    case 'HardSigmoid':
      return { kind: op, alpha: floatOf(node, 'alpha', 0.2), beta: floatOf(node, 'beta', 0.5) };
    default:
      return isPlain(op) ? { kind: op, alpha: 0, beta: 0 } : undefined;
  }
}

function isPlain(op: string): op is (typeof plainUnaries)[number] {
  return (plainUnaries as readonly string[]).includes(op);
}

/** A bound of a Clip: the fallback when absent, undefined when computed. */
function boundOf(site: Site, input: number, fallback: number): number | undefined {
  const name = site.node.inputs[input] ?? '';
  if (name === '') return fallback;
  return floatConstantOf(site, name)?.data[0];
}

/** Bounds of a clamping activation with constant bounds: Relu or Clip, or the step of one. */
export function clampOf(site: Site, node: Node): { lower: number; upper: number } | undefined {
  if (qualifiedOp(node) === 'octavo:Unary') {
    if (intOf(node, 'kind', -1) !== unaryKinds.Clip) return undefined;
    return { lower: floatOf(node, 'alpha', 0), upper: floatOf(node, 'beta', 0) };
  }
  const f = unaryOf({ ...site, node });
  return f?.kind === 'Clip' ? { lower: f.alpha, upper: f.beta } : undefined;
}

function addUnary(
  to: Rewriting,
  x: string,
  { kind, alpha, beta }: UnaryFunction,
  output?: string,
): string {
  const params = { kind: unaryKinds[kind], alpha, beta };
  return to.step('Unary', [x], params, to.typeOf(x)!, { output });
}

const unary: Rule = (site) => {
  const { node } = site;
  const [x] = node.inputs as [string];
  if (!areFloat(site, x)) return otherUnary(site);
  const f = unaryOf(site);
  const to = rewriting(site);
  if (f === undefined || to.typeOf(x) === undefined) return undefined;
  addUnary(to, x, f, node.outputs[0]!);
  return to.done(`lower ${node.name}`);
};

/** Clip with computed bounds: min(max(x, low), high). */
const clip: Rule = (site) => {
  const { node } = site;
  if (areFloat(site, node.inputs[0]!) && unaryOf(site) !== undefined) return unary(site);
  const [x, low = '', high = ''] = node.inputs as [string, string?, string?];
  if (!areFloat(site, x, low, high)) return clipOther(site);
  const to = rewriting(site);
  const type = to.typeOf(x);
  const rank = type?.dims?.length;
  if (type === undefined || rank === undefined) return undefined;
  const isScalar = (bound: string) => {
    const dims = bound === '' ? [] : to.typeOf(bound)?.dims;
    return dims?.every((dim) => dim === 1) && dims.length <= rank;
  };
  if (!isScalar(low) || !isScalar(high)) return undefined;
  const output = node.outputs[0]!;
  const bounded =
    low === ''
      ? x
      : to.step('Binary', [x, low], { kind: binaryKinds.Max }, type, {
          output: high === '' ? output : undefined,
        });
  if (high !== '') to.step('Binary', [bounded, high], { kind: binaryKinds.Min }, type, { output });
  return to.done(`lower ${node.name}`);
};

/** max(x, 0) + slope · min(x, 0) */
const prelu: Rule = (site) => {
  const { node } = site;
  const [x, slope] = node.inputs as [string, string];
  if (!areFloat(site, x, slope)) return undefined;
  const to = rewriting(site);
  const type = to.typeOf(x);
  if (type?.dims === undefined) return undefined;
  const infinity = Number.POSITIVE_INFINITY;
  const above = addUnary(to, x, { kind: 'Clip', alpha: 0, beta: infinity });
  const below = addUnary(to, x, { kind: 'Clip', alpha: -infinity, beta: 0 });
  const factor = floatValue(site, to, slope);
  const scaled = to.step('Binary', [below, factor], { kind: binaryKinds.Mul }, type);
  const output = node.outputs[0]!;
  to.step('Binary', [above, scaled], { kind: binaryKinds.Add }, type, { output });
  return to.done(`lower ${node.name}`);
};

export const elementwiseRules: Rules = {
  ...Object.fromEntries(
    [
      ...plainUnaries,
      ...[
        'Relu',
        'LeakyRelu',
        'Elu',
        'ThresholdedRelu',
        'Gelu',
        'HardSigmoid',
        'Not',
        'BitwiseNot',
      ],
    ].map((op) => [op, unary]),
  ),
  Clip: clip,
  PRelu: prelu,
};
