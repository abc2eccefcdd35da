/**
 * Steps that write a part of a tensor, of which other steps have written the rest before: that is left as it is. They are drawn
 * as by the suites of their kind, and given more room.
 */
import { byteLengthOf } from '../../src/core/dtype.js';
import { type PlanTensor, type Step, tensorAlignment } from '../../src/runtime/plan.js';
import { mayWriteWider, type StepParams } from '../../src/runtime/steps.js';
import { type Random, randomBits } from '../helpers/random.js';
import { count, drawUntil } from './draw.js';
import { floatSuites } from './float.js';
import { movementSuites } from './movement.js';
import type { Problem, Suite } from './problem.js';
import { qconvSuites } from './qconv.js';

/** Whether the problem's step may write a part; a QConv with a residual may not. */
function hasPlace({ plan }: Problem): boolean {
  const { op, inputs } = plan.steps[0]!;
  return mayWriteWider(op) && (op !== 'QConv' || inputs.length <= 5);
}

function drawRoom(random: Random): number {
  return random.pick([0, random.int(1, 8), random.int(1, 70), 16, 32, 64]);
}

/** The problem with more room in y on both sides, which is filled first, from inputs behind its own. */
function surrounded(random: Random, { plan, inputs, tolerance }: Problem): Problem {
  const step = plan.steps[0]! as Step<'Concat'>;
  const [at] = step.outputs as [number];
  const { type, dims, offset } = plan.tensors[at]!;
  const axis = step.op === 'Concat' ? step.params.axis : dims.length - 1;
  const [before, after] = [drawRoom(random), drawRoom(random)];
  const wide = dims.with(axis, before + dims[axis]! + after);
  const tensors: PlanTensor[] = [...plan.tensors];
  let end = offset;
  const placed = (of: readonly number[]): PlanTensor => {
    const bytes = byteLengthOf(type, count(of));
    const tensor = { type, dims: of, space: 'arena', offset: end, bytes } as const;
    end += Math.ceil(bytes / tensorAlignment) * tensorAlignment;
    return tensor;
  };
  tensors[at] = placed(wide);
  const sides = [
    { length: before, yFirst: 0 },
    { length: after, yFirst: before + dims[axis]! },
  ].map(({ length, yFirst }) => {
    const own = dims.with(axis, length);
    const index = tensors.push(placed(own)) - 1;
    const params: StepParams<'Concat'> = { axis, yFirst };
    const fill = { op: 'Concat', node: 'side', inputs: [index], outputs: [at], params } as const;
    return { index, fill, data: randomBits(random, type, count(own)) };
  });
  return {
    plan: {
      ...plan,
      tensors,
      steps: [
        ...sides.map(({ fill }) => fill),
        { ...step, params: { ...step.params, yFirst: before } },
      ],
      inputs: [
        ...plan.inputs,
        ...sides.map(({ index }, i) => ({ name: `side${i}`, tensor: index })),
      ],
      arenaBytes: plan.arenaBytes - offset + end,
    },
    inputs: [...inputs, ...sides.map(({ data }) => data)],
    tolerance,
  };
}

function suiteOf(name: string, kinds: readonly Suite[]): Suite {
  return {
    name,
    draw: (random) => {
      const draw = () => random.pick(kinds).draw(random);
      return surrounded(random, drawUntil(draw, hasPlace));
    },
  };
}

export const partSuites: readonly Suite[] = [
  suiteOf('parts of qconv', qconvSuites),
  suiteOf(
    'parts of conv',
    floatSuites.filter(({ name }) => name === 'conv'),
  ),
  suiteOf(
    'parts of concat',
    movementSuites.filter(({ name }) => name === 'concat'),
  ),
];
