/** Arithmetic, comparisons and reductions of any type, steps that choose elements, and resampling. */
import {
  allocate,
  bitsOf,
  type DataType,
  dataTypes,
  isInteger,
  type TypedArray,
} from '../../src/core/dtype.js';
import { arithmeticOn } from '../../src/numerics/arithmetic.js';
import {
  arithmeticKinds,
  comparisonKinds,
  nameOfKind,
  reduceKinds,
} from '../../src/runtime/kinds.js';
import { type Random, randomBits } from '../helpers/random.js';
import { perAxis, singleStepPlan } from '../helpers/singleStep.js';
import { count, drawBroadcast, drawDims } from './draw.js';
import { exact, near, type Suite } from './problem.js';

export const wholeBytes = dataTypes.filter((type) => bitsOf(type) >= 8);
export const numbers = wholeBytes.filter((type) => type !== 'float16' && type !== 'bfloat16');

/** Elements of a type: small ones and any bits; floats without the NaNs whose bits nobody promises. */
export function drawElements(random: Random, type: DataType, length: number): TypedArray {
  if (type === 'bool') return Uint8Array.from({ length }, () => random.int(0, 1));
  const small = random.chance(0.6);
  if (isInteger(type) && !small) return randomBits(random, type, length);
  const values = allocate(type, length) as unknown as { [i: number]: number | bigint };
  const wide = isInteger(type) && bitsOf(type) === 64;
  for (let i = 0; i < length; i++) {
    const value = isInteger(type) ? random.int(-4, 9) : random.real(-20, 20);
    values[i] = wide ? BigInt(value) : random.chance(0.2) ? Math.round(value) : value;
  }
  return values as unknown as TypedArray;
}

export const typedSuites: readonly Suite[] = [
  {
    name: 'arithmetic',
    draw: (random) => {
      const kind = random.pick(Object.values(arithmeticKinds));
      const name = nameOfKind(arithmeticKinds, kind);
      const type = random.pick(numbers.filter((one) => arithmeticOn(name, one) !== undefined));
      const { y, a, b } = drawBroadcast(random);
      const plan = singleStepPlan(
        'Arithmetic',
        [
          { type, dims: a },
          { type, dims: b },
        ],
        [{ type, dims: y }],
        { kind },
      );
      const inputs = [a, b].map((dims) => drawElements(random, type, count(dims)));
      // Nobody promises which bits a NaN has.
      const tolerance = isInteger(type) || type === 'bool' ? undefined : exact;
      return { plan, inputs, tolerance: tolerance && (name === 'Pow' ? near(4) : exact) };
    },
  },
  {
    name: 'compare',
    draw: (random) => {
      const type = random.pick(numbers);
      const { y, a, b } = drawBroadcast(random);
      const plan = singleStepPlan(
        'Compare',
        [
          { type, dims: a },
          { type, dims: b },
        ],
        [{ type: 'bool', dims: y }],
        { kind: random.pick(Object.values(comparisonKinds)) },
      );
      return { plan, inputs: [a, b].map((dims) => drawElements(random, type, count(dims))) };
    },
  },
  {
    name: 'where',
    draw: (random) => {
      const type = random.pick(wholeBytes);
      const { y, a, b } = drawBroadcast(random);
      const condition = random.chance(0.5) ? y : y.map((dim) => (random.chance(0.3) ? 1 : dim));
      const plan = singleStepPlan(
        'Where',
        [
          { type: 'bool', dims: condition },
          { type, dims: a },
          { type, dims: b },
        ],
        [{ type, dims: y }],
      );
      const choices = [a, b].map((dims) => randomBits(random, type, count(dims)));
      return { plan, inputs: [drawElements(random, 'bool', count(condition)), ...choices] };
    },
  },
  {
    name: 'expand',
    draw: (random) => {
      const type = random.pick(wholeBytes);
      const y = drawDims(random, random.int(0, 4), 20_000);
      const missing = random.int(0, y.length);
      const x = y.slice(missing).map((dim) => (random.chance(0.4) ? 1 : dim));
      const plan = singleStepPlan('Expand', [{ type, dims: x }], [{ type, dims: y }]);
      return { plan, inputs: [randomBits(random, type, count(x))] };
    },
  },
  {
    name: 'resample',
    draw: (random) => {
      const x = drawDims(random, random.int(1, 4), 5_000);
      const axis = random.int(0, x.length - 1);
      const taps = [random.int(1, 20), random.pick([1, 2, 2, 3, 4, 4, 7])];
      const length = count(taps);
      const plan = singleStepPlan(
        'Resample',
        [
          { type: 'float32', dims: x },
          {
            type: 'int32',
            dims: taps,
            constant: Int32Array.from({ length }, () => random.int(0, x[axis]! - 1)),
          },
          {
            type: 'float32',
            dims: taps,
            constant: Float32Array.from({ length }, () => random.real(-1, 1)),
          },
        ],
        [{ type: 'float32', dims: x.with(axis, taps[0]!) }],
        { axis },
      );
      return { plan, inputs: [drawElements(random, 'float32', count(x))], tolerance: exact };
    },
  },
  {
    name: 'reduce integers',
    draw: (random) => {
      const type = random.pick(numbers.filter((one) => isInteger(one) || one === 'float64'));
      const x = drawDims(random, random.int(0, 4), 5_000);
      const axes = x.map(() => random.int(0, 1));
      const y = x.map((dim, axis) => (axes[axis] === 1 ? 1 : dim));
      const plan = singleStepPlan('Reduce', [{ type, dims: x }], [{ type, dims: y }], {
        kind: random.pick(Object.values(reduceKinds)),
        axes: perAxis(axes),
      });
      return { plan, inputs: [drawElements(random, type, count(x))], tolerance: undefined };
    },
  },
];
