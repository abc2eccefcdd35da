/** Steps of other widths than int8 that contradict themselves are refused, by name. */
import { describe, expect, it } from 'vitest';
import { allocate, type DataType } from '../../src/core/dtype.js';
import type { StepName } from '../../src/runtime/steps.js';
import { type Operand, singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from './contenders.js';

/** A constant of zeros where the text begins with '=': '=uint8 3 2 8'. */
function operand(text: string): Operand | undefined {
  if (text === '') return undefined;
  const [name, ...sizes] = text.replace('=', '').split(' ');
  const type = name as DataType;
  const dims = sizes.map(Number);
  if (!text.startsWith('=')) return { type, dims };
  const count = dims.reduce((product, dim) => product * dim, 1);
  return { type, dims, constant: allocate(type, count) };
}

type Case = readonly [what: string, reads: readonly string[], writes: string, params?: object];

const int4 = ['int8 4 40', 'float32 4', '=uint8 7 2 16', '=float32 7 2', '', ''];
const int1 = ['int1 4 40', '=int1 7 40', '=float32 7', '=float32 7'];
const int16 = ['int16 4 40', '=int16 7 40', '=float32 7', '=int32 7'];
const steps: { readonly [S in StepName]?: { right: Case; wrong: readonly Case[] } } = {
  MatMulInt4: {
    right: ['right', int4, 'float32 4 7', { blockSize: 32 }],
    wrong: [
      ['a block of 8', int4, 'float32 4 7', { blockSize: 8 }],
      ['an odd block', int4, 'float32 4 7', { blockSize: 33 }],
      ['a negative block', int4, 'float32 4 7', { blockSize: -32 }],
      ['other columns', int4, 'float32 4 8', { blockSize: 32 }],
      ['other rows', int4, 'float32 5 7', { blockSize: 32 }],
      ['too few scales of rows', int4.with(1, 'float32 3'), 'float32 4 7', { blockSize: 32 }],
      ['a block too few', int4.with(2, '=uint8 7 1 16'), 'float32 4 7', { blockSize: 32 }],
      ['scales of other blocks', int4.with(3, '=float32 7 3'), 'float32 4 7', { blockSize: 32 }],
      ['too few zero points', int4.with(4, '=uint8 6 1'), 'float32 4 7', { blockSize: 32 }],
      ['a short bias', int4.with(5, '=float32 6'), 'float32 4 7', { blockSize: 32 }],
      ['weights that are computed', int4.with(2, 'uint8 7 2 16'), 'float32 4 7', { blockSize: 32 }],
      ['uint8 rows', int4.with(0, 'uint8 4 40'), 'float32 4 7', { blockSize: 32 }],
    ],
  },
  MatMulInt1: {
    right: ['right', int1, 'float32 4 7'],
    wrong: [
      ['another depth', int1.with(1, '=int1 7 39'), 'float32 4 7'],
      ['no depth', ['int1 4 0', '=int1 7 0'], 'int32 4 7'],
      ['other rows', int1, 'float32 5 7'],
      ['other columns', int1, 'float32 4 8'],
      ['no multiplier for float32', ['int1 4 40', '=int1 7 40'], 'float32 4 7'],
      ['a multiplier for int32', int1, 'int32 4 7'],
      ['a bias for int32', int1.with(2, ''), 'int32 4 7'],
      ['too few multipliers', int1.with(2, '=float32 6'), 'float32 4 7'],
      ['weights that are computed', int1.with(1, 'int1 7 40'), 'float32 4 7'],
      ['bytes', int1.with(0, 'int8 4 40'), 'float32 4 7'],
    ],
  },
  MatMul: {
    right: ['right', ['float32 4 40', '=bfloat16 40 7'], 'float32 4 7'],
    wrong: [['halves that are computed', ['float32 4 40', 'bfloat16 40 7'], 'float32 4 7']],
  },
  Conv: {
    right: ['right', ['float32 1 5 5 4', '=float16 7 1 1 4'], 'float32 1 5 5 7'],
    wrong: [
      ['halves that are computed', ['float32 1 5 5 4', 'float16 7 1 1 4'], 'float32 1 5 5 7'],
    ],
  },
  MatMulInt16: {
    right: ['right', int16, 'int16 4 7'],
    wrong: [
      ['another depth', int16.with(1, '=int16 7 39'), 'int16 4 7'],
      ['other rows', int16, 'int16 5 7'],
      ['other columns', int16, 'int16 4 8'],
      ['no multiplier for int16', int16.with(2, ''), 'int16 4 7'],
      ['a multiplier for int64', int16, 'int64 4 7'],
      ['too short a bias', int16.with(3, '=int32 6'), 'int16 4 7'],
      ['a bias of floats', int16.with(3, '=float32 7'), 'int16 4 7'],
      ['an empty clamp', int16, 'int16 4 7', { min: 1, max: 0 }],
      ['a clamp beyond int16', int16, 'int16 4 7', { max: 32768 }],
      ['weights that are computed', int16.with(1, 'int16 7 40'), 'int16 4 7'],
      ['uint16', int16.with(0, 'uint16 4 40'), 'int16 4 7'],
    ],
  },
};

describe('malformed steps of other widths', () => {
  const [backend] = nativeBackends(1);
  const table = Object.entries(steps).flatMap(([op, { right, wrong }]) =>
    [right, ...wrong].map(([what, ...rest]) => [op as StepName, what, rest] as const),
  );

  it.runIf(backend).each(table)('%s: %s', (op, what, [reads, writes, params = {}]) => {
    const plan = singleStepPlan(op, reads.map(operand), [operand(writes)!], params);
    const model = backend!.open(plan.model);
    try {
      if (what === 'right') model.prepare(plan);
      else {
        const error = { code: 'BACKEND_FAILURE', where: `test ${op}` };
        expect(() => model.prepare(plan)).toThrow(expect.objectContaining(error));
      }
    } finally {
      model.dispose();
    }
  });
});
