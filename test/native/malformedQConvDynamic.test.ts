/** Plans of a QConvDynamic that contradict themselves are refused when they are prepared. */
import { describe, expect, it } from 'vitest';
import type { DataType } from '../../src/core/dtype.js';
import { singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from './contenders.js';

describe('malformed QConvDynamic', () => {
  const [backend] = nativeBackends(1);
  const constant = new Int8Array(12).fill(1);
  const good = {
    x: { type: 'uint8', dims: [1, 2, 2, 3] },
    weight: { type: 'int8', dims: [4, 1, 1, 3], constant },
    xZero: { type: 'uint8', dims: [] },
    multiplier: { type: 'float32', dims: [4], constant: new Float32Array(4) },
    weightZero: { type: 'int32', dims: [4], constant: new Int32Array(4) },
    xScale: { type: 'float32', dims: [4] },
    bias: { type: 'float32', dims: [4], constant: new Float32Array(4) },
  } as const satisfies Record<string, Operand>;
  type Operand = NonNullable<Parameters<typeof singleStepPlan>[1][number]>;

  const prepare = (changes: Record<string, Operand | undefined>, type: DataType) => {
    const operands = Object.values({ ...good, ...changes });
    const plan = singleStepPlan('QConvDynamic', operands, [{ type, dims: [1, 2, 2, 4] }], {
      perPixel: 1,
    });
    const model = backend!.open(plan.model);
    try {
      model.prepare(plan).dispose();
    } finally {
      model.dispose();
    }
  };
  const plain = { xScale: undefined, bias: undefined };

  it.runIf(backend)('takes what is whole', () => {
    prepare({}, 'float32');
    prepare({ ...plain, multiplier: undefined }, 'int32');
  });

  it.runIf(backend).each<[string, Record<string, Operand | undefined>, DataType]>([
    ['uint8 results', {}, 'uint8'],
    ['two zero points', { xZero: { type: 'uint8', dims: [2] } }, 'float32'],
    ['no zero point', { xZero: undefined }, 'float32'],
    ['a signed zero point', { xZero: { type: 'int8', dims: [] } }, 'float32'],
    ['signed x', { x: { type: 'int8', dims: [1, 2, 2, 3] } }, 'float32'],
    ['scales of three pixels', { xScale: { type: 'float32', dims: [3] } }, 'float32'],
    ['an integer scale', { xScale: { type: 'int32', dims: [] } }, 'float32'],
    ['no multiplier', { multiplier: undefined }, 'float32'],
    [
      'a short bias',
      { bias: { ...good.bias, dims: [3], constant: new Float32Array(3) } },
      'float32',
    ],
    ['a computed bias', { bias: { type: 'float32', dims: [4] } }, 'float32'],
    ['a computed weight', { weight: { type: 'int8', dims: [4, 1, 1, 3] } }, 'float32'],
    ['other channels', { x: { type: 'uint8', dims: [1, 2, 2, 4] } }, 'float32'],
    [
      'room for another channel',
      {
        weight: { type: 'int8', dims: [3, 1, 1, 3], constant: constant.subarray(3) },
        multiplier: { type: 'float32', dims: [3], constant: new Float32Array(3) },
        ...{ weightZero: undefined, bias: undefined },
      },
      'float32',
    ],
    ['a scale of sums', { bias: undefined }, 'int32'],
    ['a bias of sums', { xScale: undefined }, 'int32'],
  ])('refuses %s', (_, changes, type) => {
    const expected = { code: 'BACKEND_FAILURE', where: 'test QConvDynamic' };
    expect(() => prepare(changes, type)).toThrow(expect.objectContaining(expected));
  });
});
