/** What Lstm, Gru and Rnn ask of their tensors and parameters. */
import { formatShape } from '../../core/shape.js';
import { unaryKinds } from '../../runtime/kinds.js';
import { needCount, needRange, needSame } from './needs.js';
import type { Rule, Subject } from './rules.js';

const f32 = ['float32'] as const;
const common = [f32, f32, f32, f32, ['int32']] as const;
const functions = Object.keys(unaryKinds).length;

/** x [T, B, G · H] and r [1, G · H, H], and what follows from them. */
function checkRecurrence(
  { inputs, outputs, params, need }: Subject<'Lstm' | 'Gru' | 'Rnn'>,
  gates: number,
): void {
  const [x, r] = [inputs[0]!.dims, inputs[1]!.dims];
  for (const dims of [x, r]) need(dims.length === 3, 'rank 3', formatShape(dims));
  const [steps, batch] = x as [number, number, number];
  const hidden = r[2]!;
  needRange(need, 'hidden size', hidden, 1);
  needSame(need, r, [1, gates * hidden, hidden]);
  needSame(need, x, [steps, batch, gates * hidden]);
  needSame(need, outputs[0]!.dims, [steps, 1, batch, hidden]);
  for (const state of outputs.slice(1)) needSame(need, state.dims, [1, batch, hidden]);
  const [, , bias, h, lengths, c, peepholes] = inputs;
  if (bias) needCount(need, bias, gates * hidden);
  for (const state of [h, c]) if (state) needCount(need, state, batch * hidden);
  if (lengths) needCount(need, lengths, batch);
  if (peepholes) needCount(need, peepholes, 3 * hidden);
  need(params.clip >= 0, 'a clip from 0', String(params.clip));
  for (const [name, value] of Object.entries(params)) {
    if (name.endsWith('Kind')) needRange(need, name, value as number, 0, functions - 1);
  }
}

export const recurrentRules: {
  readonly Lstm: Rule<'Lstm'>;
  readonly Gru: Rule<'Gru'>;
  readonly Rnn: Rule<'Rnn'>;
} = {
  Lstm: {
    reads: [...common, f32, f32],
    optionalFrom: 2,
    writes: [f32, f32, f32],
    check: (subject) => {
      checkRecurrence(subject, 4);
    },
  },
  Gru: {
    reads: common,
    optionalFrom: 2,
    writes: [f32, f32],
    check: (subject) => {
      checkRecurrence(subject, 3);
    },
  },
  Rnn: {
    reads: common,
    optionalFrom: 2,
    writes: [f32, f32],
    check: (subject) => {
      checkRecurrence(subject, 1);
    },
  },
};
