/** Plans of Lstm, Gru and Rnn that contradict themselves are refused by the addon and by the reference. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import type { DataType } from '../../src/core/dtype.js';
import type { StepParams } from '../../src/runtime/steps.js';
import { singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from './contenders.js';

type Recurrent = 'Lstm' | 'Gru' | 'Rnn';
type Typed = readonly [DataType, readonly number[]];
type Given = readonly number[] | Typed | undefined;

/** Of two rows, three time steps and five hidden values. */
const [steps, batch, hidden] = [3, 2, 5];
const gates = { Lstm: 4, Gru: 3, Rnn: 1 } as const;

/** All inputs of a step: x, r, bias, h, lengths, c, peepholes. */
function inputsOf(op: Recurrent): Given[] {
  const width = gates[op] * hidden;
  const state = [1, batch, hidden];
  const rest = op === 'Lstm' ? [state, [1, 3 * hidden]] : [];
  return [[steps, batch, width], [1, width, hidden], [width], state, ['int32', [batch]], ...rest];
}

function outputsOf(op: Recurrent): Given[] {
  const state = [1, batch, hidden];
  return [[steps, 1, batch, hidden], ...(op === 'Lstm' ? [state, state] : [state])];
}

function planOf(
  op: Recurrent,
  changes: Readonly<Record<number, Given>>,
  outputs: Readonly<Record<number, Given>>,
  params: Partial<StepParams<'Lstm'>> = {},
) {
  const typed = (list: readonly Given[], changed: Readonly<Record<number, Given>>) =>
    list.map((given, i) => {
      const wanted = i in changed ? changed[i] : given;
      if (wanted === undefined) return undefined;
      const [type, dims] = typeof wanted[0] === 'string' ? (wanted as Typed) : ['float32', wanted];
      return { type: type as DataType, dims: dims as readonly number[] };
    });
  const reads = typed(inputsOf(op), changes);
  const writes = typed(outputsOf(op), outputs).filter((one) => one !== undefined);
  return singleStepPlan(op, reads, writes, { clip: 1, ...params } as Partial<
    StepParams<Recurrent>
  >);
}

type Fault = readonly [
  what: string,
  inputs: Readonly<Record<number, Given>>,
  outputs?: Readonly<Record<number, Given>>,
  params?: Partial<StepParams<'Lstm'>>,
];

const common = (op: Recurrent): readonly Fault[] => {
  const width = gates[op] * hidden;
  return [
    ['more gates in x', { 0: [steps, batch, width + hidden] }],
    ['another number of gates', { 0: [steps, batch, 2 * hidden], 1: [1, 2 * hidden, hidden] }],
    ['another hidden size', { 1: [1, width, hidden + 1] }],
    ['a hidden size of 0', { 0: [steps, batch, 0], 1: [1, 0, 0] }],
    ['two directions', { 1: [2, width, hidden] }],
    ['rank 2', { 0: [steps * batch, width] }],
    ['no weights', { 1: undefined }],
    ['weights of bytes', { 1: ['int8', [1, width, hidden]] }],
    ['a short bias', { 2: [width - 1] }],
    ['a bias of integers', { 2: ['int32', [width]] }],
    ['a state of fewer rows', { 3: [1, 1, hidden] }],
    ['lengths of fewer rows', { 4: ['int32', [1]] }],
    ['lengths as floats', { 4: [batch] }],
    ['lengths of 64 bits', { 4: ['int64', [batch]] }],
    ['fewer time steps', {}, { 0: [steps - 1, 1, batch, hidden] }],
    ['y of fewer rows', {}, { 0: [steps, 1, 1, hidden] }],
    ['h of fewer rows', {}, { 1: [1, 1, hidden] }],
    ['h of another rank', {}, { 1: [batch, hidden] }],
    ['h as integers', {}, { 1: ['int32', [1, batch, hidden]] }],
    ['no h', {}, { 1: undefined }],
    ['a negative clip', {}, {}, { clip: -1 }],
    ['no number as clip', {}, {}, { clip: Number.NaN }],
    ['kind −1', {}, {}, { fKind: -1 }],
    ['kind 99', {}, {}, { fKind: 99 }],
  ];
};

const faults: readonly (readonly [Recurrent, Fault])[] = [
  ...(['Lstm', 'Gru', 'Rnn'] as const).flatMap((op) =>
    common(op).map((fault) => [op, fault] as const),
  ),
  ['Gru', ['kind 99 of g', {}, {}, { gKind: 99 }]],
  ['Lstm', ['kind 99 of h', {}, {}, { hKind: 99 }]],
  ['Lstm', ['c of fewer rows', { 5: [1, 1, hidden] }]],
  ['Lstm', ['two peepholes', { 6: [1, 2 * hidden] }]],
  ['Lstm', ['peepholes of integers', { 6: ['int32', [1, 3 * hidden]] }]],
  ['Lstm', ['no last c', {}, { 2: undefined }]],
  ['Lstm', ['a last c of fewer rows', {}, { 2: [1, 1, hidden] }]],
];

describe('malformed recurrent steps', () => {
  const [native] = nativeBackends(1);
  const named = faults.map(([op, fault]) => [op, fault[0], fault] as const);

  it.runIf(native).each(named)('%s: %s', (op, _, [, inputs, outputs = {}, params]) => {
    const plan = planOf(op, inputs, outputs, params);
    const model = native!.open(plan.model);
    const expected = { code: 'BACKEND_FAILURE', where: `test ${op}` };
    expect(() => model.prepare(plan)).toThrow(expect.objectContaining(expected));
    model.dispose();
  });

  it.each(named)('%s: %s, by the reference', (op, _, [, inputs, outputs = {}, params]) => {
    const plan = planOf(op, inputs, outputs, params);
    const model = createReferenceBackend().open(plan.model);
    const expected = { code: 'INTERNAL' };
    expect(() => model.prepare(plan)).toThrow(expect.objectContaining(expected));
  });

  it.each(['Lstm', 'Gru', 'Rnn'] as const)('%s without a fault is prepared', (op) => {
    const plan = planOf(op, {}, {});
    for (const backend of [createReferenceBackend(), ...(native ? [native] : [])]) {
      const model = backend.open(plan.model);
      model.prepare(plan);
      model.dispose();
    }
  });
});
