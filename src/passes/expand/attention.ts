/**
 * Attention written as products, sums and a softmax, in the form that fusing makes one step of where there is no more to
 * it. A query that may see no key gets zeros.
 */
import { floatOf, intOf, intsOf } from '../../graph/attributes.js';
import { headsOf } from '../../graph/ops/transformer.js';
import { unsupported } from '../lower/rules.js';
import type { Expand, Expansion } from './expansion.js';

const float32 = 1;
export const headsFirst = { perm: [0, 2, 1, 3] };

interface Attended {
  /** q, k, v [batch, heads, length, depth] */
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly scale: number;
  readonly softcap?: number;
  /** What is added to the scores: −∞, or a large negative number, where a query does not see a key. */
  readonly bias?: string | undefined;
  /** Whether the bias may hide every key of a query by −∞. */
  readonly hides?: boolean;
}

interface Attention {
  /** [batch, heads, length, width] */
  readonly y: string;
  /** Scores before anything is done to them, capped, biased, and as shares of 1. */
  readonly stages: readonly string[];
  /** [batch or 1, heads or 1, length, 1]: queries that see no key. */
  readonly blind?: string;
}

/** The last two axes exchanged. */
function swapped(to: Expansion, x: string): string {
  return to.op('Transpose', [x], { perm: [0, 1, 3, 2] });
}

function attend(to: Expansion, given: Attended): Attention {
  const { q, k, v, scale, softcap = 0, bias, hides = false } = given;
  const product = to.op('MatMul', [q, swapped(to, k)]);
  const raw = to.op('Mul', [product, to.constant('float32', scale)]);
  let capped = raw;
  if (softcap > 0) {
    const cap = to.constant('float32', softcap);
    capped = to.op('Mul', [to.op('Tanh', [to.op('Div', [raw, cap])]), cap]);
  }
  const biased = bias === undefined ? capped : to.op('Add', [capped, bias]);
  const shares = to.op('Softmax', [biased], { axis: -1 });
  const y = to.op('MatMul', [shares, v]);
  if (!hides || bias === undefined) return { y, stages: [raw, capped, biased, shares] };
  const most = to.op('ReduceMax', [bias, to.constant('int64', [-1])]);
  const blind = to.op('Equal', [most, to.constant('float32', Number.NEGATIVE_INFINITY)]);
  return { y, stages: [raw, capped, biased, zeroed(to, blind, shares)], blind };
}

function zeroed(to: Expansion, where: string, x: string): string {
  return to.op('Where', [where, to.constant('float32', 0), x]);
}

/** [batch, length, heads · depth] as [batch, heads, length, depth]. */
function split(to: Expansion, x: string, heads: number): string {
  const parts = to.op('Reshape', [x, to.constant('int64', [0, 0, heads, -1])]);
  return to.op('Transpose', [parts], headsFirst);
}

/** The way back of `split`, zero where a query sees nothing. */
function merged(to: Expansion, { y, blind }: Attention): string {
  let rows = to.op('Transpose', [y], headsFirst);
  if (blind !== undefined) {
    // Of the four axes of y, however few the bias has.
    const rank = to.dimsOf(blind)!.length;
    const whole = Array.from({ length: 4 - rank }, (_, i) => i);
    const flags = rank === 4 ? blind : to.op('Unsqueeze', [blind, to.constant('int64', whole)]);
    rows = zeroed(to, to.op('Transpose', [flags], headsFirst), rows);
  }
  return to.op('Reshape', [rows, to.constant('int64', [0, 0, -1])]);
}

/** 0 where a condition holds, else `otherwise`. */
function biasOf(to: Expansion, visible: string, otherwise: number): string {
  const [none, hidden] = [0, otherwise].map((value) => to.constant('float32', value));
  return to.op('Where', [visible, none!, hidden!]);
}

/** Whole numbers 0 … count − 1 along one of two axes. */
export function counted(to: Expansion, count: number, axis: 0 | 1): string {
  const data = BigInt64Array.from({ length: count }, (_, i) => BigInt(i));
  return to.tensor({ type: 'int64', dims: axis === 0 ? [count, 1] : [1, count], data });
}

function sum(to: Expansion, ...parts: readonly (string | undefined)[]): string | undefined {
  const there = parts.filter((part) => part !== undefined);
  return there.length === 0 ? undefined : there.reduce((a, b) => to.op('Add', [a, b]));
}

/** Keys and values of fewer heads, each as often as queries have heads for it. */
function repeated(to: Expansion, x: string, times: number): string {
  if (times === 1) return x;
  const [batch, heads, length, depth] = to.shapeOf(x) as [number, number, number, number];
  const apart = to.op('Unsqueeze', [x, to.constant('int64', [2])]);
  const many = to.constant('int64', [batch, heads, times, length, depth]);
  const whole = to.constant('int64', [batch, heads * times, length, depth]);
  return to.op('Reshape', [to.op('Expand', [apart, many]), whole]);
}

/** Keys up to the query, which stands `past` keys behind the first, or each batch's own number of keys. */
function causal(to: Expansion, queries: number, keys: number, past: number, lengths: string) {
  const [rows, columns] = [counted(to, queries, 0), counted(to, keys, 1)];
  const four = to.constant('int64', [1, 2, 3]);
  const offset =
    lengths === ''
      ? to.constant('int64', past)
      : to.op('Unsqueeze', [to.op('Sub', [lengths, to.constant('int64', queries)]), four]);
  return biasOf(
    to,
    to.op('LessOrEqual', [columns, to.op('Add', [rows, offset])]),
    Number.NEGATIVE_INFINITY,
  );
}

/** The mask as what is added, over all keys: those behind a shorter one are hidden. */
function maskBias(to: Expansion, mask: string, keys: number): string | undefined {
  const shape = to.shapeOf(mask);
  if (shape === undefined) return undefined;
  const isBool = to.typeOf(mask) === 'bool';
  const bias = isBool ? biasOf(to, mask, Number.NEGATIVE_INFINITY) : mask;
  const missing = keys - shape.at(-1)!;
  if (missing <= 0 || shape.at(-1) === 1) return bias;
  const pads = [
    ...shape.map(() => 0),
    ...shape.map((_, i) => (i === shape.length - 1 ? missing : 0)),
  ];
  const hidden = to.constant('float32', Number.NEGATIVE_INFINITY);
  return to.op('Pad', [bias, to.constant('int64', pads), hidden]);
}

const attention: Expand = (to) => {
  const { node } = to;
  const [mask, pastKey, pastValue, lengths] = [3, 4, 5, 6].map((i) => to.input(i)) as [
    string,
    string,
    string,
    string,
  ];
  if ([0, 1, 2].some((i) => to.shapeOf(to.input(i)) === undefined)) return false;
  for (const name of ['left_window_size', 'right_window_size']) {
    if (intOf(node, name, -1) !== -1) throw unsupported(to.site, 'a window of keys');
  }
  const flat = to.shapeOf(to.input(0))!.length === 3;
  const part = (i: number, name: string) =>
    to.shapeOf(to.input(i))!.length === 4
      ? to.input(i)
      : split(to, to.input(i), headsOf(node, name));
  const q = part(0, 'q_num_heads');
  let [k, v] = [part(1, 'kv_num_heads'), part(2, 'kv_num_heads')];
  if (pastKey !== '') k = to.op('Concat', [pastKey, k], { axis: 2 });
  if (pastValue !== '') v = to.op('Concat', [pastValue, v], { axis: 2 });
  const [rows, columns] = [to.shapeOf(q), to.shapeOf(k)];
  if (rows === undefined || columns === undefined || to.shapeOf(v) === undefined) return false;
  to.output(1, k);
  to.output(2, v);
  const [, heads, queries, depth] = rows as [number, number, number, number];
  const keys = columns[2]!;
  const past = pastKey === '' ? 0 : to.shapeOf(pastKey)![2]!;
  const masked = mask === '' ? undefined : maskBias(to, mask, keys);
  if (mask !== '' && masked === undefined) return false;
  const isCausal = intOf(node, 'is_causal', 0) !== 0;
  const four = to.constant('int64', [1, 2, 3]);
  const bias = sum(
    to,
    masked,
    isCausal ? causal(to, queries, keys, past, lengths) : undefined,
    lengths === ''
      ? undefined
      : biasOf(
          to,
          to.op('Less', [counted(to, keys, 1), to.op('Unsqueeze', [lengths, four])]),
          Number.NEGATIVE_INFINITY,
        ),
  );
  const times = heads / columns[1]!;
  const attended = attend(to, {
    q,
    k: repeated(to, k, times),
    v: repeated(to, v, times),
    scale: floatOf(node, 'scale', 1 / Math.sqrt(depth)),
    softcap: floatOf(node, 'softcap', 0),
    bias,
    hides: mask !== '' || lengths !== '',
  });
  const { y, blind, stages } = attended;
  to.output(0, flat ? merged(to, attended) : blind === undefined ? y : zeroed(to, blind, y));
  to.output(3, stages[intOf(node, 'qk_matmul_output_mode', 0)]!);
  return true;
};

/** com.microsoft's masks as what is added: a length a batch, or 1 for each key, or each query's keys, that is seen. */
function keyBias(to: Expansion, mask: string, keys: number, hidden: number): string | undefined {
  const rank = to.dimsOf(mask)?.length;
  const size = to.dimsOf(mask)?.[0];
  const batch = to.dimsOf(to.input(0))?.[0];
  if (rank === undefined) return undefined;
  if (rank === 1) {
    if (size !== batch) throw unsupported(to.site, 'a mask of lengths and starts');
    const lengths = to.op('Cast', [to.op('Unsqueeze', [mask, to.constant('int64', [1, 2, 3])])], {
      to: 7,
    });
    return biasOf(to, to.op('Less', [counted(to, keys, 1), lengths]), hidden);
  }
  if (rank > 3) throw unsupported(to.site, 'a mask of four axes');
  const axes = to.constant('int64', rank === 2 ? [1, 2] : [1]);
  const whole = to.op('Unsqueeze', [to.op('Cast', [mask], { to: float32 }), axes]);
  const one = to.constant('float32', 1);
  return to.op('Mul', [to.op('Sub', [one, whole]), to.constant('float32', hidden)]);
}

/** What com.microsoft's two operators share: q, k and v [batch, length, width], and what is added to the scores. */
function contribAttention(
  to: Expansion,
  [q, k, v]: readonly [string, string, string],
  mask: string,
  addend: string,
): boolean {
  const { node } = to;
  const heads = headsOf(node, 'num_heads');
  const [rows, columns] = [to.dimsOf(q), to.dimsOf(k)];
  const width = rows?.[2];
  const [queries, keys] = [rows?.[1], columns?.[1]];
  const isCausal = intOf(node, 'unidirectional', 0) !== 0;
  if (typeof width !== 'number') return false;
  const sized = isCausal || mask !== '';
  if (sized && (typeof keys !== 'number' || typeof queries !== 'number')) return false;
  const hidden = floatOf(node, 'mask_filter_value', -10000);
  const masked = mask === '' ? undefined : keyBias(to, mask, keys as number, hidden);
  if (mask !== '' && masked === undefined) return false;
  const later = isCausal ? causal(to, queries as number, keys as number, 0, '') : undefined;
  const scale = floatOf(node, 'scale', 0) || 1 / Math.sqrt(width / heads);
  const attended = attend(to, {
    q: split(to, q, heads),
    k: split(to, k, heads),
    v: split(to, v, heads),
    scale,
    bias: sum(to, masked, later, addend === '' ? undefined : addend),
  });
  to.output(0, merged(to, attended));
  return true;
}

/** Refuses inputs and outputs that only decoding has. */
function refuse(to: Expansion, inputs: readonly number[], what: string): void {
  const there = inputs.some((i) => to.input(i) !== '');
  const extra = to.node.outputs.slice(1).some((output) => output !== '');
  if (there || extra) throw unsupported(to.site, what);
}

const packedAttention: Expand = (to) => {
  const { node } = to;
  refuse(to, [4, 6], 'a past');
  if (intOf(node, 'do_rotary', 0) !== 0) throw unsupported(to.site, 'do_rotary');
  const [x, weight, bias] = [to.input(0), to.input(1), to.input(2)];
  const total = to.dimsOf(weight)?.[1];
  if (typeof total !== 'number') return false;
  const sizes = intsOf(node, 'qkv_hidden_sizes') ?? [total / 3, total / 3, total / 3];
  // A product for each, so that weights stay whole and nothing is cut apart behind it.
  let from = 0;
  const parts = sizes.map((size) => {
    const range = (value: string, axis: number) => {
      const ends = [from, from + size, axis].map((i) => to.constant('int64', [i]));
      return to.op('Slice', [value, ...ends]);
    };
    const product = to.op('MatMul', [x, range(weight, 1)]);
    const part = bias === '' ? product : to.op('Add', [product, range(bias, 0)]);
    from += size;
    return part;
  });
  return contribAttention(to, parts as [string, string, string], to.input(3), to.input(5));
};

const multiHeadAttention: Expand = (to) => {
  refuse(to, [6, 7, 8, 9], 'a past');
  const [q, k, v, bias] = [0, 1, 2, 3].map((i) => to.input(i)) as [string, string, string, string];
  const operands = [q, k, v].map((value) => to.dimsOf(value));
  if (k === '' || v === '' || operands.some((dims) => dims !== undefined && dims.length !== 3)) {
    throw unsupported(to.site, 'packed or split operands');
  }
  const widths = operands.map((dims) => dims?.[2]);
  if (!widths.every((width) => typeof width === 'number')) return false;
  let from = 0;
  const parts = [q, k, v].map((value, i) => {
    const ends = [from, from + widths[i]!, 0].map((at) => to.constant('int64', [at]));
    from += widths[i]!;
    return bias === '' ? value : to.op('Add', [value, to.op('Slice', [bias, ...ends])]);
  });
  return contribAttention(to, parts as [string, string, string], to.input(4), to.input(5));
};

export const attentions: Readonly<Record<string, Expand>> = {
  Attention: attention,
  'com.microsoft:Attention': packedAttention,
  'com.microsoft:MultiHeadAttention': multiHeadAttention,
};
