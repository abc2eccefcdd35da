/** Quantized steps that are large enough for several threads. */
import type { TypedArray } from '../../src/core/dtype.js';
import { createRandom, integers } from '../helpers/random.js';
import { singleStepPlan, type TestPlan } from '../helpers/singleStep.js';

const random = createRandom(11);
const count = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);

/** A convolution large enough to be cut into parts. */
function convolution(
  x: readonly [number, number, number, number],
  weight: readonly [number, number, number, number],
  type: 'uint8' | 'float32',
  params: Parameters<typeof singleStepPlan<'QConv'>>[3] = {},
): TestPlan {
  const [batch, height, width] = x;
  const { padTop = 0, padLeft = 0 } = params!;
  const dims = [
    batch,
    height + 2 * padTop - weight[1] + 1,
    width + 2 * padLeft - weight[2] + 1,
    weight[0],
  ];
  const factor = new Float32Array(weight[0]).fill(0.5 / Math.sqrt(count(weight)));
  return singleStepPlan(
    'QConv',
    [
      { type: 'uint8', dims: x },
      { type: 'int8', dims: weight, constant: integers(random, 'int8', count(weight)) },
      { type: 'int32', dims: [weight[0]], constant: integers(random, 'int32', weight[0], -99, 99) },
      { type: 'float32', dims: [weight[0]], constant: factor },
    ],
    [{ type, dims }],
    { xZero: 7, yZero: 99, ...params },
    'model',
  );
}

/** One plan for each function that runs on several threads. */
export const largePlans: readonly { name: string; plan: TestPlan }[] = [
  { name: 'product', plan: convolution([1, 1, 301, 130], [133, 1, 1, 130], 'uint8') },
  { name: 'row', plan: convolution([1, 1, 1, 1100], [1000, 1, 1, 1100], 'float32') },
  {
    name: 'convolution',
    plan: convolution([2, 19, 21, 24], [40, 3, 3, 24], 'uint8', { padTop: 1, padLeft: 1 }),
  },
  {
    name: 'depthwise',
    plan: convolution([1, 57, 61, 72], [72, 3, 3, 1], 'uint8', {
      groups: 72,
      padTop: 1,
      padLeft: 1,
    }),
  },
  { name: 'grouped', plan: convolution([1, 30, 33, 32], [64, 3, 3, 16], 'uint8', { groups: 2 }) },
];

/** Input of such a plan. */
export function inputOf(plan: TestPlan): TypedArray {
  return integers(random, 'uint8', plan.tensors[plan.inputs[0]!.tensor]!.bytes);
}
