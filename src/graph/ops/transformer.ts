/** Attention and rotary embeddings as single operators: ONNX's, and com.microsoft's of the same names and others. */
import { intOf, intsOf } from '../attributes.js';
import type { Dim, Node, ValueType } from '../ir.js';
import { contradiction, expectRank, expectSameType } from './context.js';
import { type Dims, productOf, quotientOf, unifyDims } from './dims.js';
import type { InferContext, OpDefinition } from './op.js';

/** A number of heads, from 1. */
export function headsOf(node: Node, name: string): number {
  const heads = intOf(node, name, 0);
  if (heads < 1) throw contradiction(node, `'${name}' out of range`, 'from 1', String(heads));
  return heads;
}

function sumOf(a: Dim, b: Dim): Dim {
  return typeof a === 'number' && typeof b === 'number' ? a + b : undefined;
}

/** Dims of [batch, heads, length, depth] of an input that is so, or [batch, length, heads · depth]. */
function byHeads({ node, input }: InferContext, i: number, name: string): Dims | undefined {
  const dims = input(i)?.dims;
  if (dims === undefined || dims.length === 4) return dims;
  const [batch, length, width] = dims;
  const heads = headsOf(node, name);
  return [batch, heads, length, quotientOf(node, [width], [heads])];
}

/** q, k, v, mask, pastKey, pastValue, lengths; y, presentKey, presentValue, scores. */
const attention: OpDefinition = {
  op: 'Attention',
  domain: '',
  since: 23,
  inputs: [3, 7],
  outputs: [1, 4],
  infer: (context) => {
    const { node, input } = context;
    for (const i of [0, 1, 2]) expectRank(context, i, 3, 4);
    const type = expectSameType(context, [0]);
    const q = byHeads(context, 0, 'q_num_heads');
    const [k, v] = [1, 2].map((i) => byHeads(context, i, 'kv_num_heads'));
    if (type === undefined || q === undefined || k === undefined || v === undefined) {
      return [type && { type }];
    }
    const [batch, heads, queries, depth] = q;
    unifyDims(node, 'depths of q and k', depth, k[3]);
    unifyDims(node, 'lengths of k and v', k[2], v[2]);
    if (typeof heads === 'number' && typeof k[1] === 'number' && heads % k[1] !== 0) {
      throw contradiction(node, 'heads of q do not divide by those of k', undefined, String(heads));
    }
    const past = input(4);
    const keys = past === undefined ? k[2] : sumOf(past.dims?.[2], k[2]);
    const y =
      input(0)!.dims!.length === 4
        ? [batch, heads, queries, v[3]]
        : [batch, queries, productOf(node, [heads, v[3]])];
    const present = (x: Dims): ValueType => ({ type, dims: [x[0], x[1], keys, x[3]] });
    return [
      { type, dims: y },
      present(k),
      present(v),
      { type, dims: [batch, heads, queries, keys] },
    ];
  },
};

/** x [batch, length, width] or [batch, heads, length, depth]; y is like it. */
function rotary(domain: string, since: number, inputs: readonly [number, number]): OpDefinition {
  return {
    op: 'RotaryEmbedding',
    domain,
    since,
    inputs,
    outputs: [1, 1],
    infer: (context) => {
      expectRank(context, 0, 3, 4);
      return [context.input(0)];
    },
  };
}

const contrib = { domain: 'com.microsoft', since: 1 } as const;

/** x [batch, length, inputs], weight [inputs, q + k + v], bias, mask, past, attentionBias. */
const packedAttention: OpDefinition = {
  ...contrib,
  op: 'Attention',
  inputs: [2, 7],
  outputs: [1, 2],
  infer: (context) => {
    const { node, input } = context;
    const type = expectSameType(context, [0, 1, 2]);
    expectRank(context, 0, 3);
    expectRank(context, 1, 2);
    headsOf(node, 'num_heads');
    const [x, weight] = [input(0)?.dims, input(1)?.dims];
    if (type === undefined || x === undefined || weight === undefined) return [type && { type }];
    unifyDims(node, 'the width of x and the rows of the weight', x[2], weight[0]);
    const sizes = intsOf(node, 'qkv_hidden_sizes');
    const width = sizes?.[2] ?? quotientOf(node, [weight[1]], [3]);
    return [{ type, dims: [x[0], x[1], width] }];
  },
};

/** q, k, v [batch, length, width]; bias, keyPaddingMask, attentionBias, pastKey, pastValue. */
const multiHeadAttention: OpDefinition = {
  ...contrib,
  op: 'MultiHeadAttention',
  inputs: [1, 10],
  outputs: [1, 4],
  infer: (context) => {
    const { node, input } = context;
    headsOf(node, 'num_heads');
    const [q, v] = [input(0), input(2)];
    if (q?.dims?.length !== 3 || v?.dims?.length !== 3) return [q && { type: q.type }];
    return [{ type: q.type, dims: [q.dims[0], q.dims[1], v.dims[2]] }];
  },
};

export const transformers: readonly OpDefinition[] = [
  attention,
  rotary('', 23, [3, 4]),
  rotary('com.microsoft', 1, [4, 4]),
  packedAttention,
  multiHeadAttention,
];
