/**
 * Recurrent steps. Weights are drawn so that no cell magnifies what the one before it was off by: then errors of a few
 * units at every time step stay a few units, of values that are not much above 1.
 */
import { type UnaryKind, unaryKinds } from '../../src/runtime/kinds.js';
import { floats, type Random } from '../helpers/random.js';
import { type Operand, singleStepPlan } from '../helpers/singleStep.js';
import { count, drawSize } from './draw.js';
import { type Suite, type Tolerance, unit } from './problem.js';

const gates = { Lstm: 4, Gru: 3, Rnn: 1 } as const;
type Recurrent = keyof typeof gates;

/** Bounded, so that states are, and of slopes up to 1. */
const squashing: readonly UnaryKind[] = ['Tanh', 'Sigmoid', 'Softsign', 'HardSigmoid', 'Sin'];

/** Sums of up to 70 products, a few functions and up to 9 time steps. */
const tolerance: Tolerance = { absolute: 128 * unit, relative: 16 * unit };

/** A function: the usual one or another, by the names of the step's parameters. */
function drawFunction(random: Random, prefix: string, usual: UnaryKind) {
  const kind = random.chance(0.6) ? usual : random.pick(squashing);
  return {
    [`${prefix}Kind`]: unaryKinds[kind],
    [`${prefix}Alpha`]: Math.fround(0.2),
    [`${prefix}Beta`]: 0.5,
  };
}

function recurrent(op: Recurrent): Suite {
  return {
    name: op.toLowerCase(),
    draw: (random) => {
      const [steps, batch] = [random.int(1, 9), random.pick([1, 1, 2, 3, 7])];
      const hidden = drawSize(random);
      const width = gates[op] * hidden;
      const reach = 0.5 / Math.sqrt(hidden);
      const inputs: (Float32Array | Int32Array)[] = [];
      const operand = (dims: readonly number[], size: number, constant = false): Operand => {
        const data = floats(random, count(dims), -size, size);
        if (!constant) inputs.push(data);
        return { type: 'float32', dims, constant: constant ? data : undefined };
      };
      const maybe = (chance: number, draw: () => Operand) =>
        random.chance(chance) ? draw() : undefined;
      const state = [1, batch, hidden];
      const operands = [
        operand([steps, batch, width], 2),
        operand([1, width, hidden], reach, random.chance(0.8)),
        maybe(0.5, () => operand([width], 1, true)),
        maybe(0.7, () => operand(state, 1)),
        maybe(0.4, () => {
          inputs.push(Int32Array.from({ length: batch }, () => random.int(0, steps)));
          return { type: 'int32', dims: [batch] };
        }),
        ...(op === 'Lstm'
          ? [
              maybe(0.7, () => operand(state, 1)),
              maybe(0.3, () => operand([1, 3 * hidden], 0.3, true)),
            ]
          : []),
      ];
      const y = { type: 'float32', dims: [steps, 1, batch, hidden] } as const;
      const last = { type: 'float32', dims: state } as const;
      const params = {
        reverse: random.int(0, 1),
        clip: random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1.5]),
        ...drawFunction(random, 'f', op === 'Rnn' ? 'Tanh' : 'Sigmoid'),
        ...(op !== 'Rnn' && drawFunction(random, 'g', 'Tanh')),
        ...(op === 'Lstm' && {
          ...drawFunction(random, 'h', 'Tanh'),
          inputForget: random.int(0, 1),
        }),
        ...(op === 'Gru' && { linearBeforeReset: random.int(0, 1) }),
      };
      const outputs = op === 'Lstm' ? [y, last, last] : [y, last];
      const plan = singleStepPlan(op, operands, outputs, params, random.pick(['plan', 'model']));
      return { plan, inputs, tolerance };
    },
  };
}

export const recurrentSuites: readonly Suite[] = (Object.keys(gates) as Recurrent[]).map(recurrent);
