/** Constants whose axes change places, against the definition. */
import { describe, expect, test } from 'vitest';
import { allocate, type DataType } from '../../src/core/dtype.js';
import { elementCount, stridesOf } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { permuteTensor } from '../../src/passes/lower/shapes.js';
import { createRandom } from '../helpers/random.js';

/** Element i of axis k of the result is element i of axis perm[k]. */
function permuted({ type, dims, data }: Tensor, perm: readonly number[]): Tensor {
  const moved = perm.map((axis) => dims[axis]!);
  const result = allocate(type, data.length);
  const strides = stridesOf(dims);
  const steps = stridesOf(moved);
  for (let i = 0; i < result.length; i++) {
    const from = perm.reduce((sum, axis, k) => {
      return sum + (Math.floor(i / steps[k]!) % moved[k]!) * strides[axis]!;
    }, 0);
    result[i] = data[from]!;
  }
  return { type, dims: moved, data: result } as Tensor;
}

const types: readonly DataType[] = ['int8', 'uint8', 'float16', 'float32', 'int64'];
const random = createRandom(71);

function anyTensor(type: DataType, dims: readonly number[]): Tensor {
  const data = allocate(type, elementCount(dims));
  const bytes = new Uint8Array(data.buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.int(0, 255);
  // No NaN, which is not equal to itself; only as many bits as tell elements apart.
  if (type === 'float32') for (let i = 0; i < data.length; i++) data[i] = i;
  return { type, dims, data } as Tensor;
}

describe('permuteTensor', () => {
  test('moves every element to its place, whatever the dims', () => {
    for (let i = 0; i < 600; i++) {
      const dims = Array.from({ length: random.int(1, 5) }, () =>
        random.pick([1, 1, 2, 3, 4, 8, 12]),
      );
      const axes = dims.map((_, axis) => axis);
      const perm: number[] = [];
      while (axes.length > 0) perm.push(...axes.splice(random.int(0, axes.length - 1), 1));
      const tensor = anyTensor(random.pick(types), dims);
      expect(permuteTensor(tensor, perm), `${dims} by ${perm}`).toEqual(permuted(tensor, perm));
    }
  });

  test.each([
    [
      [64, 96],
      [1, 0],
    ],
    [
      [100, 36],
      [1, 0],
    ],
    [
      [8, 40, 3, 3],
      [0, 2, 3, 1],
    ],
    [
      [4, 36, 8],
      [0, 2, 1],
    ],
    [
      [2, 70, 4, 4],
      [0, 2, 3, 1],
    ],
  ])('turns bytes of dims %j by %j', (dims, perm) => {
    const whole = anyTensor('int8', dims);
    expect(permuteTensor(whole, perm)).toEqual(permuted(whole, perm));
    // Bytes that do not begin where a word may.
    const askew = new Int8Array(whole.data.length + 1).subarray(1);
    askew.set(whole.data as Int8Array);
    expect(permuteTensor({ ...whole, data: askew } as Tensor, perm)).toEqual(permuted(whole, perm));
  });
});
