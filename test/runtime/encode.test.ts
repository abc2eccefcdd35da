import { describe, expect, it } from 'vitest';
import { encodePlan, planMagic, planVersion } from '../../src/runtime/encode.js';
import type { Plan } from '../../src/runtime/plan.js';
import { fieldsOf, stepCode, stepNames } from '../../src/runtime/steps.js';

const bitsOf = (value: number) => new Int32Array(Float32Array.of(value).buffer)[0]!;

const plan: Plan = {
  tensors: [
    { type: 'float32', dims: [1, 4], space: 'arena', offset: 64, bytes: 16 },
    { type: 'uint8', dims: [2, 3, 4], space: 'model', offset: 2 ** 32 + 128, bytes: 24 },
    { type: 'int64', dims: [], space: 'plan', offset: 0, bytes: 8 },
  ],
  steps: [
    {
      op: 'Unary',
      node: 'clip',
      inputs: [0],
      outputs: [0],
      params: { kind: 0, alpha: 0.5, beta: Number.POSITIVE_INFINITY },
    },
    {
      op: 'Transpose',
      node: 'turn',
      inputs: [1],
      outputs: [1],
      params: { perm: [2, 0, 1, 0, 0, 0, 0, 0] },
    },
    {
      op: 'Concat',
      node: 'join',
      inputs: [0, -1, 2],
      outputs: [0],
      params: { axis: -1, yFirst: 3 },
    },
  ],
  inputs: [{ name: 'in', tensor: 0 }],
  outputs: [
    { name: 'out', tensor: 1 },
    { name: 'again', tensor: 0 },
  ],
  arenaBytes: 3 * 2 ** 32 + 7,
  constants: new Uint8Array(64),
};

describe('encodePlan', () => {
  it('lays a plan out word by word', () => {
    expect([...encodePlan(plan)]).toEqual([
      ...[planMagic, planVersion, 3, 3, 1, 2, 7, 3],
      ...[0, 0, 64, 0, 16, 0, 2, 1, 4, 0, 0, 0, 0, 0, 0],
      ...[5, 1, 128, 1, 24, 0, 3, 2, 3, 4, 0, 0, 0, 0, 0],
      ...[10, 2, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ...[0, 1, 0],
      ...[stepCode('Unary'), 1, 1, 3, 0, 0, 0, bitsOf(0.5), 0x7f800000],
      ...[stepCode('Transpose'), 1, 1, 8, 1, 1, 2, 0, 1, 0, 0, 0, 0, 0],
      ...[stepCode('Concat'), 3, 1, 2, 0, -1, 2, 0, -1, 3],
    ]);
  });

  it('writes offsets above 2^31 as unsigned low words', () => {
    const tensors = [{ ...plan.tensors[0]!, offset: 3 * 2 ** 30 }];
    const words = encodePlan({ ...plan, tensors, steps: [] });
    expect([words[10]! >>> 0, words[11]]).toEqual([3 * 2 ** 30, 0]);
  });

  it.each(stepNames)('writes the fields of %s in the order of the schema', (op) => {
    const fields = fieldsOf(op);
    const params = Object.fromEntries(
      fields.map(([field, kind], i) => [field, kind === 'i32x8' ? [i, i + 100] : i]),
    );
    const step = { op, node: op, inputs: [0], outputs: [1], params } as never;
    const words = encodePlan({ ...plan, tensors: [], inputs: [], outputs: [], steps: [step] });
    const expected = fields.flatMap(([, kind], i) => {
      if (kind === 'i32x8') return [i, i + 100, 0, 0, 0, 0, 0, 0];
      return [kind === 'f32' ? bitsOf(i) : i];
    });
    expect([...words.subarray(8)]).toEqual([
      stepCode(op),
      1,
      1,
      expected.length,
      0,
      1,
      ...expected,
    ]);
  });
});
