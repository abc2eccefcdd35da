/** Plans of a QConv that write beyond their channels of y are refused when they are prepared. */
import { describe, expect, it } from 'vitest';
import { singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from './contenders.js';

describe('malformed QConv', () => {
  const [backend] = nativeBackends(1);
  type Operand = NonNullable<Parameters<typeof singleStepPlan>[1][number]>;

  const prepare = (depth: number, room: number, yFirst: number, residual?: Operand) => {
    const groups = depth === 1 ? 4 : 1;
    const operands: (Operand | undefined)[] = [
      { type: 'uint8', dims: [1, 5, 5, groups * depth] },
      { type: 'int8', dims: [4, 3, 3, depth], constant: new Int8Array(36 * depth).fill(1) },
      undefined,
      { type: 'float32', dims: [4], constant: new Float32Array(4).fill(0.001) },
    ];
    if (residual !== undefined) operands.push(undefined, residual);
    const y = { type: 'uint8', dims: [1, 3, 3, room] } as const;
    const plan = singleStepPlan('QConv', operands, [y], { groups, yFirst, codeMax: 255 });
    const model = backend!.open(plan.model);
    try {
      model.prepare(plan).dispose();
    } finally {
      model.dispose();
    }
  };
  const residual = { type: 'uint8', dims: [1, 3, 3, 4] } as const;

  it.runIf(backend).each([1, 3])('takes what lies in y, %i deep', (depth) => {
    for (const yFirst of [0, 1, 2]) prepare(depth, 6, yFirst);
    prepare(depth, 4, 0, residual);
  });

  it.runIf(backend).each<[string, number, number, Operand?]>([
    ['channels beyond y', 6, 3],
    ['channels before y', 6, -1],
    ['channels far behind y', 6, 2 ** 31 - 1],
    ['less room than channels', 3, 0],
    ['a residual of more channels', 6, 0, { ...residual, dims: [1, 3, 3, 6] }],
    ['a residual of its channels alone', 6, 0, residual],
  ])('refuses %s', (_, room, yFirst, added) => {
    const expected = expect.objectContaining({ code: 'BACKEND_FAILURE', where: 'test QConv' });
    for (const depth of [1, 3]) {
      expect(() => prepare(depth, room, yFirst, added)).toThrow(expected);
    }
  });
});

describe('convolutions without output channels', () => {
  it.each(nativeBackends(1))('write nothing into a wider y: $isa', async (backend) => {
    const pixels = { type: 'float32', dims: [1, 2, 2, 3] } as const;
    const codes = { ...pixels, type: 'uint8' } as const;
    const none = (type: 'float32' | 'int8', dims: readonly number[]) => ({
      ...{ type, dims },
      constant: type === 'int8' ? new Int8Array(0) : new Float32Array(0),
    });
    const plans = [
      singleStepPlan('Conv', [pixels, none('float32', [0, 1, 1, 3])], [pixels]),
      singleStepPlan(
        'QConv',
        [codes, none('int8', [0, 1, 1, 3]), undefined, none('float32', [0])],
        [codes],
      ),
    ];
    for (const plan of plans) {
      const model = backend.open(plan.model);
      const x = plan.steps[0]!.op === 'Conv' ? new Float32Array(12) : new Uint8Array(12);
      await expect(model.prepare(plan).run([x])).resolves.toHaveLength(1);
      model.dispose();
    }
  });
});
