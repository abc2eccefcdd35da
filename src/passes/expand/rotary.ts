/** Rotary embeddings: pairs of numbers turned by an angle that depends on their place. */
import { floatOf, intOf } from '../../graph/attributes.js';
import { unsupported } from '../lower/rules.js';
import { counted, headsFirst } from './attention.js';
import type { Expand, Expansion } from './expansion.js';

interface Rotation {
  readonly x: string;
  /** Of every place, half as wide as what is turned: [batch or 1, length, half], or rows chosen by `places`. */
  readonly cos: string;
  readonly sin: string;
  readonly places: string;
  readonly heads: number;
}

/** Pairs of x, neighbours or halves of what is turned, as coordinates that an angle turns. */
function rotate(to: Expansion, { x, cos, sin, places, heads }: Rotation): boolean {
  const { node } = to;
  const dims = to.dimsOf(x);
  if (dims === undefined) return false;
  const flat = dims.length === 3;
  if (flat && heads < 1) throw unsupported(to.site, "three axes without 'num_heads'");
  // [batch, length, heads, depth]
  const rows = flat
    ? to.op('Reshape', [x, to.constant('int64', [0, 0, heads, -1])])
    : to.op('Transpose', [x], headsFirst);
  const depth = to.dimsOf(rows)?.[3];
  if (typeof depth !== 'number') return false;
  const turned = intOf(node, 'rotary_embedding_dim', 0) || depth;
  const half = turned / 2;
  const along = (from: number, until: number, step: number, value: string) => {
    const range = [from, until, 3, step].map((i) => to.constant('int64', [i]));
    return to.op('Slice', [value, ...range]);
  };
  const interleaved = intOf(node, 'interleaved', 0) !== 0;
  const [a, b] = interleaved
    ? [along(0, turned, 2, rows), along(1, turned, 2, rows)]
    : [along(0, half, 1, rows), along(half, turned, 1, rows)];
  const [c, s] = [cos, sin].map((cache) => {
    const chosen = places === '' ? cache : to.op('Gather', [cache, places], { axis: 0 });
    return to.op('Unsqueeze', [chosen, to.constant('int64', [2])]);
  }) as [string, string];
  const times = (left: string, right: string) => to.op('Mul', [left, right]);
  const real = to.op('Sub', [times(a, c), times(b, s)]);
  const imaginary = to.op('Add', [times(a, s), times(b, c)]);
  let parts = [real, imaginary];
  if (interleaved) {
    const [fourth, shape] = [to.constant('int64', [4]), to.constant('int64', [0, 0, 0, turned])];
    const pairs = parts.map((part) => to.op('Unsqueeze', [part, fourth]));
    parts = [to.op('Reshape', [to.op('Concat', pairs, { axis: 4 }), shape])];
  }
  if (turned < depth) parts.push(along(turned, depth, 1, rows));
  const y = to.op('Concat', parts, { axis: 3 });
  const back = flat
    ? to.op('Reshape', [y, to.constant('int64', [0, 0, heads * depth])])
    : to.op('Transpose', [y], headsFirst);
  to.output(0, back);
  return true;
}

/** x, cos and sin, and places, of which a row of cos and sin is chosen. */
const rotaryEmbedding: Expand = (to) =>
  rotate(to, {
    x: to.input(0),
    cos: to.input(1),
    sin: to.input(2),
    places: to.input(3),
    heads: intOf(to.node, 'num_heads', 0),
  });

/** x, places, cos and sin; one place is where the first cell lies. */
const contribRotary: Expand = (to) => {
  const { node } = to;
  if (floatOf(node, 'scale', 1) !== 1) throw unsupported(to.site, "'scale'");
  if (intOf(node, 'is_packed_batching', 0) !== 0) throw unsupported(to.site, 'packed batches');
  const [x, given, cos, sin] = [0, 1, 2, 3].map((i) => to.input(i)) as [
    string,
    string,
    string,
    string,
  ];
  const dims = to.dimsOf(x);
  const rank = to.dimsOf(given)?.length;
  const length = dims?.at(-2);
  const width = to.dimsOf(cos)?.[1];
  if (dims === undefined || rank === undefined || typeof width !== 'number') return false;
  let places = given;
  if (rank === 1) {
    const cells = dims.length === 3 ? dims[1] : length;
    if (typeof cells !== 'number') return false;
    places = to.op('Add', [counted(to, cells, 1), given]);
  }
  const size = dims.at(-1);
  const depth = intOf(node, 'rotary_embedding_dim', 0) === 0 ? 2 * width : 0;
  const heads =
    intOf(node, 'num_heads', 0) || (typeof size === 'number' && depth > 0 ? size / depth : 0);
  return rotate(to, { x, cos, sin, places, heads });
};

export const rotaries: Readonly<Record<string, Expand>> = {
  RotaryEmbedding: rotaryEmbedding,
  'com.microsoft:RotaryEmbedding': contribRotary,
};
