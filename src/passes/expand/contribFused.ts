/** com.microsoft's operators that are several of ONNX's in one, taken apart again. */
import { attribute, floatOf, floatsOf, intOf, stringOf } from '../../graph/attributes.js';
import type { Attribute } from '../../graph/ir.js';
import { isRead, unsupported } from '../lower/rules.js';
import type { Expand, Expansion } from './expansion.js';

const int32 = 6;

/** x + bias, or x alone. */
function biased(to: Expansion): string {
  return to.input(1) === '' ? to.input(0) : to.op('Add', [to.input(0), to.input(1)]);
}

const gelu =
  (approximate: 'none' | 'tanh'): Expand =>
  (to) => {
    to.output(0, to.op('Gelu', [biased(to)], { approximate }));
    return true;
  };

/** x · sigmoid(α · x) */
const quickGelu: Expand = (to) => {
  const x = to.input(0);
  const alpha = to.constant('float32', floatOf(to.node, 'alpha', 1.702));
  to.output(0, to.op('Mul', [x, to.op('Sigmoid', [to.op('Mul', [x, alpha])])]));
  return true;
};

/** Refuses the mean and the deviation, which only training reads. */
function refuseStatistics(to: Expansion, outputs: readonly number[]): void {
  if (outputs.some((i) => isRead(to.site, to.node.outputs[i] ?? ''))) {
    throw unsupported(to.site, 'mean and deviation as outputs');
  }
}

function epsilonOf(to: Expansion, fallback: number): Attribute {
  return attribute.float(floatOf(to.node, 'epsilon', fallback));
}

/** x + skip, and the bias if there is one; the sum is an output too. */
function skipped(to: Expansion, bias: string): string {
  refuseStatistics(to, [1, 2]);
  const sum = to.op('Add', [to.input(0), to.input(1)]);
  const whole = bias === '' ? sum : to.op('Add', [sum, bias]);
  to.output(3, whole);
  return whole;
}

const skipLayerNormalization: Expand = (to) => {
  const x = skipped(to, to.input(4));
  const inputs = [x, to.input(2), to.input(3)].filter((input) => input !== '');
  to.output(0, to.op('LayerNormalization', inputs, { epsilon: epsilonOf(to, 1e-12) }));
  return true;
};

const skipSimplifiedLayerNormalization: Expand = (to) => {
  const x = skipped(to, to.input(3));
  to.output(0, to.op('RMSNormalization', [x, to.input(2)], { epsilon: epsilonOf(to, 1e-12) }));
  return true;
};

const simplifiedLayerNormalization: Expand = (to) => {
  refuseStatistics(to, [1]);
  const axis = intOf(to.node, 'axis', -1);
  const inputs = [to.input(0), to.input(1)];
  to.output(0, to.op('RMSNormalization', inputs, { axis, epsilon: epsilonOf(to, 1e-5) }));
  return true;
};

/** Rows of three tables, summed and normalized; how many ids the mask keeps. */
const embedLayerNormalization: Expand = (to) => {
  const [ids, segments, words, table, segmentTable, scale, bias, mask, places] = Array.from(
    { length: 9 },
    (_, i) => to.input(i),
  ) as [string, string, string, string, string, string, string, string, string];
  const length = to.dimsOf(ids)?.[1];
  const rows = (from: string, by: string) => to.op('Gather', [from, by], { axis: 0 });
  if (places === '' && typeof length !== 'number') return false;
  const counted = Array.from({ length: (length as number) ?? 0 }, (_, i) => i);
  const position = places === '' ? to.constant('int64', counted) : places;
  let sum = to.op('Add', [rows(words, ids), rows(table, position)]);
  if (segments !== '') sum = to.op('Add', [sum, rows(segmentTable, segments)]);
  const epsilon = epsilonOf(to, 1e-12);
  to.output(0, to.op('LayerNormalization', [sum, scale, bias], { epsilon }));
  to.output(2, sum);
  if ((to.node.outputs[1] ?? '') === '') return true;
  const whole = mask === '' ? to.op('Mul', [ids, to.constant('int32', 0)]) : mask;
  const along = to.constant('int64', [1]);
  to.output(1, to.op('Cast', [to.op('ReduceSum', [whole, along], { keepdims: 0 })], { to: int32 }));
  return true;
};

/** An operand with its last two axes exchanged, and its first moved before the last one, as attributes say. */
function turned(to: Expansion, x: string, flip: boolean, batch: boolean): string | undefined {
  const rank = to.dimsOf(x)?.length;
  if (rank === undefined) return undefined;
  const axes = Array.from({ length: rank }, (_, i) => i);
  if (rank < 2) return x;
  const moved = batch ? [...axes.slice(1, -1), 0, rank - 1] : axes;
  const perm = flip ? [...moved.slice(0, -2), moved.at(-1)!, moved.at(-2)!] : moved;
  return perm.every((axis, i) => axis === i) ? x : to.op('Transpose', [x], { perm });
}

const fusedMatMul: Expand = (to) => {
  const flag = (name: string) => intOf(to.node, name, 0) !== 0;
  const a = turned(to, to.input(0), flag('transA'), flag('transBatchA'));
  const b = turned(to, to.input(1), flag('transB'), flag('transBatchB'));
  if (a === undefined || b === undefined) return false;
  const alpha = floatOf(to.node, 'alpha', 1);
  const product = to.op('MatMul', [a, b]);
  to.output(0, alpha === 1 ? product : to.op('Mul', [product, to.constant('float32', alpha)]));
  return true;
};

/** What an activation's parameters are called where it is an operator. */
const parameterNames: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Tanh: [],
  Sigmoid: [],
  HardSwish: [],
  LeakyRelu: ['alpha'],
  Elu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
};

/** The activation, with these parameters, of x. */
function activated(
  to: Expansion,
  x: string,
  activation: string,
  parameters: readonly number[],
): string {
  if (activation === '') return x;
  if (activation === 'Clip') {
    return to.op('Clip', [x, ...parameters.map((bound) => to.constant('float32', bound))]);
  }
  const names = Object.hasOwn(parameterNames, activation) ? parameterNames[activation] : undefined;
  if (names === undefined) throw unsupported(to.site, `the activation ${activation}`);
  const given = parameters.slice(0, names.length).map((value, i) => [names[i]!, value] as const);
  const attributes = given.map(([name, value]) => [name, attribute.float(value)] as const);
  return to.op(activation, [x], Object.fromEntries(attributes));
}

function attributesBut(to: Expansion, ...names: readonly string[]) {
  return Object.fromEntries([...to.node.attributes].filter(([name]) => !names.includes(name)));
}

const fusedConv: Expand = (to) => {
  const inputs = [0, 1, 2].map((i) => to.input(i)).filter((input) => input !== '');
  let y = to.op('Conv', inputs, attributesBut(to, 'activation', 'activation_params'));
  if (to.input(3) !== '') y = to.op('Add', [y, to.input(3)]);
  const parameters = floatsOf(to.node, 'activation_params') ?? [];
  to.output(0, activated(to, y, stringOf(to.node, 'activation', ''), parameters));
  return true;
};

const fusedGemm: Expand = (to) => {
  const own = ['activation', 'activation_alpha', 'activation_beta', 'activation_gamma'];
  const inputs = [0, 1, 2].map((i) => to.input(i)).filter((input) => input !== '');
  const y = to.op('Gemm', inputs, attributesBut(to, ...own));
  const given = own.slice(1).filter((name) => to.node.attributes.has(name));
  const parameters = given.map((name) => floatOf(to.node, name, 0));
  to.output(0, activated(to, y, stringOf(to.node, 'activation', ''), parameters));
  return true;
};

export const contribFused: Readonly<Record<string, Expand>> = {
  'com.microsoft:BiasGelu': gelu('none'),
  'com.microsoft:Gelu': gelu('none'),
  'com.microsoft:FastGelu': gelu('tanh'),
  'com.microsoft:QuickGelu': quickGelu,
  'com.microsoft:SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft:SkipSimplifiedLayerNormalization': skipSimplifiedLayerNormalization,
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  'com.microsoft:EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft:FusedMatMul': fusedMatMul,
  'com.microsoft:FusedConv': fusedConv,
  'com.microsoft:FusedGemm': fusedGemm,
};
