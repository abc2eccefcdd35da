/**
 * LSTM, GRU and RNN, and the steps that compute one direction of them from projected inputs. Gates lie one behind the
 * other along one axis: i, o, f, c; z, r, h; or the one of RNN.
 */
import { intOf, stringOf } from '../attributes.js';
import type { Dim } from '../ir.js';
import { contradiction, expectInputType, expectRank, expectSameType } from './context.js';
import { unifyDims } from './dims.js';
import { step } from './octavo.js';
import type { InferContext, OpDefinition } from './op.js';

/** Gates of one cell. */
export const gatesOf = { LSTM: 4, GRU: 3, RNN: 1 } as const;

const directions: Readonly<Record<string, number>> = { forward: 1, reverse: 1, bidirectional: 2 };

/**
 * x [T, B, I], w [D, G · H, I], r [D, G · H, H], b [D, 2 · G · H], lengths int32 [B], h [D, B, H], and for LSTM c [D, B, H]
 * and peepholes [D, 3 · H]: y [T, D, B, H], h and, for LSTM, c. With layout 1, B comes first in x, y, h and c.
 */
function recurrent(op: keyof typeof gatesOf): OpDefinition {
  const gates = gatesOf[op];
  const [most, outputs] = op === 'LSTM' ? [8, 3] : [6, 2];
  return {
    op,
    domain: '',
    since: 7,
    inputs: [3, most],
    // Any of them may be absent.
    outputs: [0, outputs],
    infer: (context) => {
      const { node, input } = context;
      const type = expectSameType(context, [0, 1, 2, 3, 5, 6, 7]);
      expectInputType(context, 4, 'int32');
      for (const i of [0, 1, 2, 5, 6]) expectRank(context, i, 3);
      for (const i of [3, 7]) expectRank(context, i, 2);
      expectRank(context, 4, 1);
      const direction = stringOf(node, 'direction', 'forward');
      const count = Object.hasOwn(directions, direction) ? directions[direction] : undefined;
      if (count === undefined) {
        throw contradiction(node, "unknown 'direction'", undefined, direction);
      }
      const batchFirst = intOf(node, 'layout', 0) === 1;
      const x = input(0)?.dims ?? [undefined, undefined, undefined];
      const [steps, batch] = batchFirst ? [x[1], x[0]] : [x[0], x[1]];
      const unify = (what: string, i: number, axis: number, dim: Dim): Dim =>
        unifyDims(node, `${what} and axis ${axis} of input ${i}`, dim, input(i)?.dims?.[axis]);
      const named = intOf(node, 'hidden_size', 0);
      const hidden = unify('hidden size', 2, 2, named === 0 ? undefined : named);
      const sizes = typeof hidden === 'number' ? hidden : undefined;
      const times = (n: number): Dim => (sizes === undefined ? undefined : n * sizes);
      for (const [i, rows] of [
        [1, gates],
        [2, gates],
        [3, 2 * gates],
        [7, 3],
      ] as const) {
        unify('directions', i, 0, count);
        unify('rows of gates', i, 1, times(rows));
      }
      unify('width of x', 1, 2, x[2]);
      let rows = unify('batch', 4, 0, batch);
      for (const i of [5, 6]) {
        rows = unify('batch', i, batchFirst ? 0 : 1, rows);
        unify('directions', i, batchFirst ? 1 : 0, count);
        unify('hidden size', i, 2, hidden);
      }
      const state = batchFirst ? [rows, count, hidden] : [count, rows, hidden];
      const y = batchFirst ? [rows, steps, count, hidden] : [steps, count, rows, hidden];
      if (type === undefined) return [];
      return [{ type, dims: y }, ...new Array(outputs - 1).fill({ type, dims: state })];
    },
  };
}

/** What all three steps read: x, r, bias, h, lengths; and Lstm c and peepholes. */
function recurrence(op: string, most: number, outputs: number): OpDefinition {
  const infer = (context: InferContext) => {
    const { node, input } = context;
    for (const i of [0, 1, 2, 3, 5, 6]) expectInputType(context, i, 'float32');
    expectInputType(context, 4, 'int32');
    for (const i of [0, 1]) expectRank(context, i, 3);
    const x = input(0)?.dims ?? [undefined, undefined, undefined];
    const r = input(1)?.dims;
    unifyDims(node, 'gates of x and r', x[2], r?.[1]);
    const state: Dim[] = [1, x[1], r?.[2]];
    const types = new Array(outputs).fill({ type: 'float32', dims: state });
    return [{ type: 'float32', dims: [x[0], ...state] } as const, ...types.slice(1)];
  };
  return step(op, [2, most], infer, { outputs: [outputs, outputs] });
}

export const recurrences: readonly OpDefinition[] = [
  recurrent('LSTM'),
  recurrent('GRU'),
  recurrent('RNN'),
  recurrence('Lstm', 7, 3),
  recurrence('Gru', 5, 2),
  recurrence('Rnn', 5, 2),
];
