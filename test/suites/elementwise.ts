/** Quantized sums and products that broadcast, and lookups. */
import type { StepParams } from '../../src/runtime/steps.js';
import { integers, type Random } from '../helpers/random.js';
import { type Operand, singleStepPlan } from '../helpers/singleStep.js';
import { count, drawBroadcast, drawClamp, drawDims, drawZero } from './draw.js';
import type { Problem, Suite } from './problem.js';

function drawProblem<S extends 'QAdd' | 'QMul'>(
  random: Random,
  op: S,
  params: Partial<StepParams<S>>,
): Problem {
  const { y, a, b } = drawBroadcast(random);
  const aData = integers(random, 'uint8', count(a));
  const bData = integers(random, 'uint8', count(b));
  const constant = random.chance(0.3);
  const plan = singleStepPlan(
    op,
    [
      { type: 'uint8', dims: a },
      { type: 'uint8', dims: b, constant: constant ? bData : undefined },
    ],
    [{ type: 'uint8', dims: y }],
    params,
  );
  return { plan, inputs: constant ? [aData] : [aData, bData] };
}

/** Of a ratio of scales: powers of two make ties. */
function drawMultiplier(random: Random, low: number, high: number): number {
  const power = random.real(low, high);
  return Math.fround(2 ** (random.chance(0.4) ? Math.round(power) : power));
}

export const elementwiseSuites: readonly Suite[] = [
  {
    name: 'qadd',
    draw: (random) => {
      const yZero = drawZero(random);
      return drawProblem(random, 'QAdd', {
        aZero: drawZero(random),
        bZero: drawZero(random),
        yZero,
        aMultiplier: drawMultiplier(random, -4, 2),
        bMultiplier: drawMultiplier(random, -4, 2),
        ...drawClamp(random, yZero),
      });
    },
  },
  {
    name: 'qmul',
    draw: (random) => {
      const yZero = drawZero(random);
      return drawProblem(random, 'QMul', {
        aZero: drawZero(random),
        bZero: drawZero(random),
        yZero,
        multiplier: drawMultiplier(random, -12, -2),
        ...drawClamp(random, yZero),
      });
    },
  },
  {
    name: 'lookup',
    draw: (random) => {
      const dims = drawDims(random, random.int(0, 4));
      const type = random.pick(['uint8', 'int8'] as const);
      const table = integers(random, 'uint8', 256);
      const x: Operand = { type, dims };
      const plan = singleStepPlan(
        'Lookup',
        [x, { type: 'uint8', dims: [256], constant: table }],
        [{ type: random.pick(['uint8', 'int8'] as const), dims }],
      );
      return { plan, inputs: [integers(random, type, count(dims))] };
    },
  },
];
