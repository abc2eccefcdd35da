/**
 * Float and moving steps large enough to be cut: into blocks of depth, strips of rows, shares of
 * columns and parts for threads. Inputs of products and sums lie on a grid on which every order of
 * summation gives the same float32, so that the answer is the reference's to the bit; a second run, on
 * any floats, has to give the same bits on one thread and on three.
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import type { TypedArray } from '../../src/core/dtype.js';
import { binaryKinds, padModes, reduceKinds, unaryKinds } from '../../src/runtime/kinds.js';
import type { StepName, StepParams } from '../../src/runtime/steps.js';
import { createRandom, floats, gridFloats, randomBits } from '../helpers/random.js';
import { type Operand, perAxis, runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { exact, firstDifference, near, type Tolerance } from '../suites/problem.js';
import { nativeBackends } from './contenders.js';

interface Case<S extends StepName = StepName> {
  readonly title: string;
  readonly op: S;
  readonly reads: readonly (readonly number[] | undefined)[];
  /** Which of `reads` are constants. */
  readonly constants?: readonly number[];
  readonly y: readonly number[];
  readonly params?: Partial<StepParams<S>>;
  readonly tolerance?: Tolerance;
  readonly type?: 'uint8' | 'int64';
}

const window = (stride: number, pad: number) => ({
  strideH: stride,
  strideW: stride,
  padTop: pad,
  padLeft: pad,
});

const conv = (
  title: string,
  x: readonly number[],
  weight: readonly number[],
  y: readonly number[],
  params: Partial<StepParams<'Conv'>> = {},
  constants: readonly number[] = [1, 2],
): Case<'Conv'> => ({
  title: `Conv ${title}`,
  op: 'Conv',
  reads: [x, weight, [weight[0]!]],
  constants,
  y,
  params: { lower: -20, upper: 20, ...params },
});

const matMul = (
  title: string,
  reads: Case['reads'],
  y: readonly number[],
  params: Partial<StepParams<'MatMul'>> = {},
  constants: readonly number[] = [],
): Case<'MatMul'> => ({ title: `MatMul ${title}`, op: 'MatMul', reads, y, params, constants });

const cases: readonly Case[] = [
  conv('deeper than a block', [1, 14, 14, 64], [70, 5, 5, 64], [1, 14, 14, 70], window(1, 2)),
  conv('a tap deeper than a block', [1, 12, 12, 1100], [50, 1, 1, 1100], [1, 12, 12, 50]),
  conv('many strips', [2, 45, 47, 20], [36, 3, 3, 20], [2, 45, 47, 36], window(1, 1)),
  conv('more panels than rows', [1, 5, 5, 96], [700, 3, 3, 96], [1, 5, 5, 700], window(1, 1)),
  conv('in groups', [1, 30, 30, 48], [72, 3, 3, 12], [1, 30, 30, 72], {
    ...window(1, 1),
    groups: 4,
  }),
  conv('of spread taps', [1, 24, 22, 40], [33, 3, 3, 40], [1, 24, 22, 33], {
    ...window(1, 2),
    dilationH: 2,
    dilationW: 2,
  }),
  conv('of spread taps, deeper than a block', [1, 13, 12, 220], [33, 3, 3, 220], [1, 13, 12, 33], {
    ...window(1, 3),
    dilationH: 3,
    dilationW: 3,
  }),
  conv(
    'of spread taps, each deeper than a block',
    [1, 6, 12, 600],
    [20, 3, 3, 600],
    [1, 6, 12, 20],
    {
      ...window(1, 2),
      dilationH: 2,
      dilationW: 2,
    },
  ),
  conv(
    'of rows deeper than a block',
    [1, 15, 16, 230],
    [40, 3, 3, 230],
    [1, 15, 16, 40],
    window(1, 1),
  ),
  conv('of narrow images', [5, 14, 13, 150], [120, 3, 3, 150], [5, 7, 7, 120], window(2, 1)),
  conv('of narrow images in groups', [3, 9, 9, 96], [80, 5, 5, 24], [3, 9, 9, 80], {
    ...window(1, 2),
    groups: 4,
  }),
  conv('of a line', [1, 1, 900, 8], [40, 1, 31, 8], [1, 1, 900, 40], { padLeft: 15 }),
  conv('of few channels', [1, 90, 90, 3], [40, 7, 7, 3], [1, 45, 45, 40], window(2, 3)),
  conv(
    'of weights that are computed',
    [1, 20, 20, 40],
    [90, 3, 3, 40],
    [1, 20, 20, 90],
    window(1, 1),
    [],
  ),
  ...[1, 2].flatMap((stride) =>
    [3, 5, 4].map((kernel) =>
      conv(
        `depthwise ${kernel}×${kernel}, stride ${stride}`,
        [1, 40, 41, 100],
        [100, kernel, kernel, 1],
        [1, 40 / stride, Math.ceil(41 / stride), 100],
        { ...window(stride, kernel >> 1), groups: 100 },
      ),
    ),
  ),
  conv(
    'depthwise, of weights that are computed',
    [1, 30, 30, 70],
    [70, 3, 3, 1],
    [1, 30, 30, 70],
    { ...window(1, 1), groups: 70 },
    [],
  ),
  matMul('deeper than a block', [[150, 1100], [1100, 130], [130]], [150, 130], {}, [1]),
  matMul('b computed', [[150, 1100], [1100, 130], [130]], [150, 130]),
  matMul(
    'a and b transposed',
    [
      [700, 90],
      [140, 700],
      [90, 1],
    ],
    [90, 140],
    {
      transposeA: 1,
      transposeB: 1,
    },
  ),
  matMul('stacks', [[3, 4, 60, 70], [4, 70, 80], undefined], [3, 4, 60, 80]),
  matMul(
    'a stack of constants',
    [
      [5, 60, 90],
      [5, 70, 90],
      [5, 60, 70],
    ],
    [5, 60, 70],
    { transposeB: 1, lower: 0 },
    [1, 2],
  ),
  matMul('one b for a stack', [[6, 70, 50], [50, 90], [90]], [6, 70, 90], { upper: 1 }, [1, 2]),
  matMul(
    'one row',
    [
      [1, 900],
      [900, 1500],
    ],
    [1, 1500],
    {},
    [1],
  ),
  {
    title: 'Binary of one shape',
    op: 'Binary',
    reads: [
      [90, 1100],
      [90, 1100],
    ],
    y: [90, 1100],
    params: { kind: binaryKinds.Add },
  },
  {
    title: 'Binary with a short row, left',
    op: 'Binary',
    reads: [[3], [30_001, 3]],
    y: [30_001, 3],
    params: { kind: binaryKinds.Sub },
  },
  {
    title: 'Binary with a short row, right',
    op: 'Binary',
    reads: [[20_001, 5], [5]],
    y: [20_001, 5],
    params: { kind: binaryKinds.Sub },
  },
  {
    title: 'Binary across',
    op: 'Binary',
    reads: [
      [7, 1, 60, 1],
      [1, 50, 1, 9],
    ],
    y: [7, 50, 60, 9],
    params: { kind: binaryKinds.Mul },
  },
  {
    title: 'Unary',
    op: 'Unary',
    reads: [[100_003]],
    y: [100_003],
    params: { kind: unaryKinds.Sigmoid },
    tolerance: near(16),
  },
  {
    title: 'Softmax of long rows',
    op: 'Softmax',
    reads: [[9, 10_007]],
    y: [9, 10_007],
    tolerance: near(64),
  },
  {
    title: 'Lrn',
    op: 'Lrn',
    reads: [[40, 40, 70]],
    y: [40, 40, 70],
    params: { size: 5, alpha: 0.25, beta: 0.75, bias: 1 },
  },
  ...Object.entries(reduceKinds).flatMap(([name, kind]) =>
    [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 1],
      [1, 1, 1],
    ].map(
      (axes): Case<'Reduce'> => ({
        title: `Reduce ${name} over ${axes}`,
        op: 'Reduce',
        reads: [[40, 50, 60]],
        y: [40, 50, 60].map((dim, axis) => (axes[axis] === 1 ? 1 : dim)),
        params: { kind, axes: perAxis(axes) },
        tolerance: near(2),
      }),
    ),
  ),
  {
    title: 'AveragePool',
    op: 'AveragePool',
    reads: [[1, 60, 60, 70]],
    y: [1, 60, 60, 70],
    params: { ...window(1, 1), kernelH: 3, kernelW: 3 },
    tolerance: near(8),
  },
  ...(['uint8', 'int64', undefined] as const).flatMap((type): Case[] => [
    {
      title: `Transpose of planes, ${type}`,
      op: 'Transpose',
      reads: [[3, 150, 170]],
      y: [150, 170, 3],
      params: { perm: perAxis([1, 2, 0]) },
      ...(type && { type }),
    },
    {
      title: `Transpose back, ${type}`,
      op: 'Transpose',
      reads: [[2, 90, 110, 5]],
      y: [2, 5, 90, 110],
      params: { perm: perAxis([0, 3, 1, 2]) },
      ...(type && { type }),
    },
    {
      title: `Transpose of four axes, ${type}`,
      op: 'Transpose',
      reads: [[20, 30, 10, 17]],
      y: [17, 30, 20, 10],
      params: { perm: perAxis([3, 1, 0, 2]) },
      ...(type && { type }),
    },
    {
      title: `Transpose of rows, ${type}`,
      op: 'Transpose',
      reads: [[40, 50, 33]],
      y: [50, 40, 33],
      params: { perm: perAxis([1, 0, 2]) },
      ...(type && { type }),
    },
    {
      title: `Slice, ${type}`,
      op: 'Slice',
      reads: [[100, 90, 30]],
      y: [50, 90, 28],
      params: { starts: perAxis([99, 0, 1]), steps: perAxis([-2, 1, 1], 1) },
      ...(type && { type }),
    },
    {
      title: `Pad, ${type}`,
      op: 'Pad',
      reads: [[60, 70, 30]],
      y: [64, 69, 30],
      params: { before: perAxis([2, -2, 0]), mode: padModes.reflect },
      ...(type && { type }),
    },
    {
      title: `Concat, ${type}`,
      op: 'Concat',
      reads: [
        [300, 16, 10],
        [300, 1, 10],
        [300, 33, 10],
      ],
      y: [300, 50, 10],
      params: { axis: 1 },
      ...(type && { type }),
    },
  ]),
];

const count = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);

/** The plan of a case and its inputs, filled by `fill`. */
function problemOf(
  { op, reads, constants = [], y, params, type }: Case,
  fill: (length: number) => TypedArray,
) {
  const element = type ?? 'float32';
  const data = reads.map((dims) => dims && fill(count(dims)));
  const operands = reads.map(
    (dims, i): Operand | undefined =>
      dims && { type: element, dims, constant: constants.includes(i) ? data[i] : undefined },
  );
  return {
    plan: singleStepPlan(op, operands, [{ type: element, dims: y }], params, 'model'),
    inputs: data.filter((_, i) => reads[i] && !constants.includes(i)) as TypedArray[],
  };
}

describe('large steps', () => {
  const reference = createReferenceBackend();
  const single = nativeBackends(1);
  const several = nativeBackends(3);

  it.runIf(single.length > 0).each(cases.map((entry) => [entry.title, entry] as const))(
    '%s',
    (_, entry) => {
      const random = createRandom(entry.title.length);
      const { type, tolerance = exact } = entry;
      const moved = (length: number) => randomBits(random, type ?? 'uint8', length);
      const grid = problemOf(entry, type ? moved : (length) => gridFloats(random, length));
      const any = problemOf(entry, type ? moved : (length) => floats(random, length, -2, 2));
      const expected = runSingle(reference, grid.plan, grid.inputs);
      single.forEach((backend, i) => {
        const found = runSingle(backend, grid.plan, grid.inputs);
        const difference = firstDifference(expected, found, type ? undefined : tolerance);
        expect(difference, `native ${backend.isa}`).toBeUndefined();
        const one = runSingle(backend, any.plan, any.inputs);
        const three = runSingle(several[i]!, any.plan, any.inputs);
        expect(firstDifference(one, three, undefined), `threads, ${backend.isa}`).toBeUndefined();
      });
    },
  );
});
