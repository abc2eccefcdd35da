/** Indices that lie outside of what they address fail the run, on the native backend as on the reference. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import type { StepName } from '../../src/runtime/steps.js';
import { type Operand, runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from './contenders.js';

const f32 = (...dims: number[]): Operand => ({ type: 'float32', dims });
const int32 = (...dims: number[]): Operand => ({ type: 'int32', dims });
const int64 = (...dims: number[]): Operand => ({ type: 'int64', dims });

/** Two indices, of which the second addresses one of four rows. */
const table: readonly (readonly [StepName, readonly Operand[], Operand])[] = [
  ['Gather', [f32(4), int32(2)], f32(2)],
  ['GatherElements', [f32(4), int64(2)], f32(2)],
  ['GatherND', [f32(4, 3), int32(2, 1)], f32(2, 3)],
  ['ScatterElements', [f32(4), int64(2), f32(2)], f32(4)],
  ['ScatterND', [f32(4, 3), int32(2, 1), f32(2, 3)], f32(4, 3)],
];

describe('indices', () => {
  const backends = [createReferenceBackend(), ...nativeBackends(1)];

  it.each(table)('of %s out of range fail the run', (op, operands, y) => {
    const plan = singleStepPlan(op, operands, [y]);
    const run = (index: number) => {
      const inputs = operands.map(({ type, dims }) => {
        if (type === 'int32') return Int32Array.of(0, index);
        if (type === 'int64') return BigInt64Array.of(0n, BigInt(index));
        return new Float32Array(dims.reduce((product, dim) => product * dim, 1));
      });
      return backends.map((backend) => () => runSingle(backend, plan, inputs));
    };
    for (const index of [4, -5, 2 ** 31 - 1, -(2 ** 31)]) {
      for (const attempt of run(index)) {
        const error = { code: 'INVALID_INPUT', where: `test ${op}` };
        expect(attempt).toThrow(expect.objectContaining(error));
      }
    }
    for (const index of [3, -4]) for (const attempt of run(index)) attempt();
  });
});
