/** Steps that are large enough for several threads. */
import type { TypedArray } from '../../src/core/dtype.js';
import { unaryKinds } from '../../src/runtime/kinds.js';
import type { PlanTensor } from '../../src/runtime/plan.js';
import type { StepName, StepParams } from '../../src/runtime/steps.js';
import { createRandom, floats, integers } from '../helpers/random.js';
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

/** Rows of int8 times columns of four bits, in blocks of 32. */
function nibbles(rows: number, depth: number, columns: number): TestPlan {
  const blocks = Math.ceil(depth / 32);
  const bytes = (length: number) => integers(random, 'uint8', length);
  const factors = (length: number) => new Float32Array(length).fill(0.01);
  return singleStepPlan(
    'MatMulInt4',
    [
      { type: 'int8', dims: [rows, depth] },
      { type: 'float32', dims: [rows], constant: factors(rows) },
      { type: 'uint8', dims: [columns, blocks, 16], constant: bytes(columns * blocks * 16) },
      { type: 'float32', dims: [columns, blocks], constant: factors(columns * blocks) },
    ],
    [{ type: 'float32', dims: [rows, columns] }],
    { blockSize: 32 },
    'model',
  );
}

function words(rows: number, depth: number, columns: number): TestPlan {
  return singleStepPlan(
    'MatMulInt16',
    [
      { type: 'int16', dims: [rows, depth] },
      {
        type: 'int16',
        dims: [columns, depth],
        constant: integers(random, 'int16', columns * depth),
      },
    ],
    [{ type: 'int64', dims: [rows, columns] }],
    {},
    'model',
  );
}

function rowsToQuantize(rows: number, depth: number): TestPlan {
  return singleStepPlan(
    'DynamicQuantizeRows',
    [{ type: 'float32', dims: [rows, depth] }],
    [
      { type: 'int8', dims: [rows, depth] },
      { type: 'float32', dims: [rows] },
    ],
  );
}

/** Float steps, whose parts begin and end anywhere in a tensor. */
function floatPlan<S extends StepName>(
  op: S,
  dims: readonly (readonly number[])[],
  params: Partial<StepParams<S>>,
): TestPlan {
  const operands = dims.map((of) => ({ type: 'float32', dims: of }) as const);
  return singleStepPlan(op, operands, [operands[0]!], params);
}

/** Float steps that run on several threads; all operands are inputs. */
export const largeFloatPlans: readonly { name: string; plan: TestPlan }[] = [
  {
    name: 'matrix product',
    plan: floatPlan(
      'MatMul',
      [
        [200, 110],
        [110, 110],
      ],
      {},
    ),
  },
  { name: 'unary', plan: floatPlan('Unary', [[401, 517]], { kind: unaryKinds.Gelu }) },
  { name: 'softmax', plan: floatPlan('Softmax', [[401, 517]], {}) },
  {
    name: 'normalization',
    plan: floatPlan('LayerNorm', [[401, 517], [517], [517], [401, 517]], { epsilon: 0.01 }),
  },
  {
    name: 'attention',
    plan: floatPlan(
      'Attention',
      [
        [2, 203, 66],
        [2, 203, 66],
        [2, 203, 66],
        [203, 203],
      ],
      {
        heads: 2,
        scale: 0.2,
      },
    ),
  },
];

/** One plan for each function of integers that runs on several threads. */
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
  { name: 'nibbles', plan: nibbles(70, 150, 130) },
  { name: 'row of nibbles', plan: nibbles(1, 1100, 1000) },
  { name: 'rows to quantize', plan: rowsToQuantize(301, 517) },
  { name: 'words', plan: words(61, 130, 93) },
  { name: 'row of words', plan: words(1, 700, 1000) },
];

/** The first input of such a plan. */
export function inputOf(plan: TestPlan): TypedArray {
  return inputsOf(plan)[0]!;
}

/** Inputs of such a plan. */
export function inputsOf(plan: TestPlan): TypedArray[] {
  return plan.inputs.map(({ tensor }) => drawTensor(plan.tensors[tensor]!));
}

function drawTensor({ type, dims }: PlanTensor): TypedArray {
  if (type === 'float32') return floats(random, count(dims), -9, 9);
  return integers(random, type as 'uint8' | 'int8' | 'int16', count(dims));
}
