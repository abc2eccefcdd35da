/** Steps that move elements, over every whole-byte type with bits at random, and casts. */
import {
  allocate,
  bitsOf,
  type DataType,
  dataTypes,
  type TypedArray,
} from '../../src/core/dtype.js';
import { float32ToBfloat16, float32ToFloat16 } from '../../src/core/half.js';
import { padModes } from '../../src/runtime/kinds.js';
import { type Random, randomBits } from '../helpers/random.js';
import { perAxis, singleStepPlan } from '../helpers/singleStep.js';
import { count, drawDims, drawSize } from './draw.js';
import type { Suite } from './problem.js';

const wholeBytes = dataTypes.filter((type) => bitsOf(type) >= 8);

/** Bytes and floats most often, being what networks move. */
function drawType(random: Random): DataType {
  return random.chance(0.6) ? random.pick(['uint8', 'float32']) : random.pick(wholeBytes);
}

function shuffled(random: Random, length: number): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Values for a cast: in range of most types, halves, limits of integers, infinities, NaN. */
function castInput(random: Random, type: DataType, length: number): TypedArray {
  const specials = [
    0.5,
    -0.5,
    1.5,
    2.5,
    -0,
    255.9,
    256,
    -129,
    65504,
    65520,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
    1e19,
    -1e19,
  ];
  const all = [...specials, 1e-8, 1e30, Infinity, -Infinity, NaN];
  const draw = (): number =>
    random.pick([
      () => random.pick(all),
      () => random.real(-300, 300),
      () => random.real(-1e6, 1e6),
    ])();
  const values = allocate(type, length);
  if (type === 'float32' || type === 'float64') return values.map(draw as never) as TypedArray;
  if (type === 'float16')
    return values.map((() => float32ToFloat16(draw())) as never) as TypedArray;
  if (type === 'bfloat16')
    return values.map((() => float32ToBfloat16(draw())) as never) as TypedArray;
  return randomBits(random, type, length);
}

export const movementSuites: readonly Suite[] = [
  {
    name: 'concat',
    draw: (random) => {
      const type = drawType(random);
      const dims = drawDims(random, random.int(1, 4), 5_000);
      const axis = random.int(0, dims.length - 1);
      const parts = Array.from({ length: random.int(1, 6) }, () => drawSize(random)).map((length) =>
        dims.with(axis, random.chance(0.1) ? 0 : Math.min(length, Math.max(8, dims[axis]!))),
      );
      const total = parts.reduce((sum, part) => sum + part[axis]!, 0);
      const plan = singleStepPlan(
        'Concat',
        parts.map((part) => ({ type, dims: part })),
        [{ type, dims: dims.with(axis, total) }],
        { axis },
      );
      return { plan, inputs: parts.map((part) => randomBits(random, type, count(part))) };
    },
  },
  {
    name: 'transpose',
    draw: (random) => {
      const type = drawType(random);
      const dims = drawDims(random, random.int(1, 5), 20_000);
      const perm = shuffled(random, dims.length);
      const plan = singleStepPlan(
        'Transpose',
        [{ type, dims }],
        [{ type, dims: perm.map((axis) => dims[axis]!) }],
        { perm: perAxis(perm) },
      );
      return { plan, inputs: [randomBits(random, type, count(dims))] };
    },
  },
  {
    name: 'slice',
    draw: (random) => {
      const type = drawType(random);
      const dims = drawDims(random, random.int(1, 4));
      const cuts = dims.map((size) => {
        const step = random.pick([1, 1, 1, 2, 3, -1, -2]);
        const start = random.int(0, size - 1);
        const most = step > 0 ? Math.ceil((size - start) / step) : Math.ceil((start + 1) / -step);
        return { step, start, length: random.chance(0.5) ? most : random.int(1, most) };
      });
      const plan = singleStepPlan(
        'Slice',
        [{ type, dims }],
        [{ type, dims: cuts.map((cut) => cut.length) }],
        {
          starts: perAxis(cuts.map((cut) => cut.start)),
          steps: perAxis(
            cuts.map((cut) => cut.step),
            1,
          ),
        },
      );
      return { plan, inputs: [randomBits(random, type, count(dims))] };
    },
  },
  {
    name: 'pad',
    draw: (random) => {
      const type = drawType(random);
      const dims = drawDims(random, random.int(1, 4), 5_000);
      const mode = random.pick(Object.values(padModes));
      // A reflection shows each cell once at most.
      const reach = (size: number) => (mode === padModes.reflect ? Math.min(size - 1, 4) : 4);
      const before = dims.map((size) => random.int(0, reach(size)));
      const after = dims.map((size) => random.int(0, reach(size)));
      const plan = singleStepPlan(
        'Pad',
        [{ type, dims }],
        [{ type, dims: dims.map((size, axis) => before[axis]! + size + after[axis]!) }],
        { before: perAxis(before), mode, value: type === 'bool' ? 1 : random.pick([0, 1, 77]) },
      );
      return { plan, inputs: [randomBits(random, type, count(dims))] };
    },
  },
  {
    name: 'copy',
    draw: (random) => {
      const type = drawType(random);
      const dims = drawDims(random, random.int(0, 4));
      const plan = singleStepPlan('Copy', [{ type, dims }], [{ type, dims: [count(dims)] }]);
      return { plan, inputs: [randomBits(random, type, count(dims))] };
    },
  },
  {
    name: 'cast',
    draw: (random) => {
      const [from, to] = [random.pick(wholeBytes), random.pick(wholeBytes)];
      const dims = drawDims(random, random.int(0, 3), 2_000);
      const plan = singleStepPlan('Cast', [{ type: from, dims }], [{ type: to, dims }]);
      return { plan, inputs: [castInput(random, from, count(dims))] };
    },
  },
];
