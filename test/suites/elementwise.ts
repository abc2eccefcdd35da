/** Quantized sums and products that broadcast, and lookups. */
import type { StepParams } from '../../src/runtime/steps.js';
import { integers, type Random } from '../helpers/random.js';
import { type Operand, singleStepPlan } from '../helpers/singleStep.js';
import { count, drawBroadcast, drawClamp, drawDims, drawFactor, drawZero } from './draw.js';
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

export const elementwiseSuites: readonly Suite[] = [
  {
    name: 'qadd',
    draw: (random) => {
      const yZero = drawZero(random);
      return drawProblem(random, 'QAdd', {
        aZero: drawZero(random),
        bZero: drawZero(random),
        yZero,
        aMultiplier: drawFactor(random, 1 / 16, 4),
        bMultiplier: drawFactor(random, 1 / 16, 4),
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
        multiplier: drawFactor(random, 2 ** -12, 1 / 4),
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
