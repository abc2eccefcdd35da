/** Steps that read indices or hand them out, and sums along an axis. */
import type { DataType, TypedArray } from '../../src/core/dtype.js';
import { argReduceKinds, scatterReductions } from '../../src/runtime/kinds.js';
import { type Random, randomBits } from '../helpers/random.js';
import { type Operand, singleStepPlan } from '../helpers/singleStep.js';
import { count, drawDims } from './draw.js';
import type { Suite } from './problem.js';
import { drawElements, numbers, wholeBytes } from './typed.js';

/** Indices of either type, from the start or the end, into as many rows as `sizeAt` tells for each. */
function drawIndices(
  random: Random,
  dims: readonly number[],
  sizeAt: (i: number) => number,
): { readonly operand: Operand; readonly data: TypedArray } {
  const given = Array.from({ length: count(dims) }, (_, i) => {
    const size = sizeAt(i);
    return random.int(-size, size - 1);
  });
  const wide = random.chance(0.5);
  return {
    operand: { type: wide ? 'int64' : 'int32', dims },
    data: wide ? BigInt64Array.from(given, BigInt) : Int32Array.from(given),
  };
}

interface Along {
  readonly x: readonly number[];
  readonly axis: number;
  /** Dims of indices: any number along the axis, along others at most that of x. */
  readonly dims: readonly number[];
}

function drawAlong(random: Random): Along {
  const x = drawDims(random, random.int(1, 4), 5_000);
  const axis = random.int(0, x.length - 1);
  const whole = random.chance(0.5);
  const dims = x.map((dim, i) =>
    i === axis ? random.int(1, 9) : whole ? dim : random.int(1, dim),
  );
  return { x, axis, dims };
}

/** Indices [batch…, tuples…, depth] into x. */
function drawTuples(random: Random, batchDims: number) {
  const x = drawDims(random, random.int(batchDims + 1, 4), 5_000);
  const depth = random.int(1, x.length - batchDims);
  const tuples = Array.from({ length: random.int(0, 2) }, () => random.int(1, 7));
  const outer = [...x.slice(0, batchDims), ...tuples];
  const indices = drawIndices(random, [...outer, depth], (i) => x[batchDims + (i % depth)]!);
  return { x, indices, slices: [...outer, ...x.slice(batchDims + depth)] };
}

/** A reduction, and the type and elements of what is scattered. */
function drawScattered(random: Random, x: readonly number[], updates: readonly number[]) {
  const reduction = random.pick(Object.values(scatterReductions));
  const moves = reduction === scatterReductions.none;
  const type: DataType = random.pick(moves ? wholeBytes : numbers.filter((one) => one !== 'bool'));
  const draw = moves ? randomBits : drawElements;
  return {
    reduction,
    type,
    data: [x, updates].map((dims) => draw(random, type, count(dims))) as [TypedArray, TypedArray],
  };
}

/** NaN and equal numbers among the elements of floats. */
function drawRanked(random: Random, type: DataType, length: number): TypedArray {
  const data = drawElements(random, type, length);
  if (data instanceof Float32Array || data instanceof Float64Array) {
    for (let i = 0; i < length; i++) if (random.chance(0.05)) data[i] = Number.NaN;
    for (let i = 0; i < length; i++) if (random.chance(0.2)) data[i] = random.int(-1, 1);
  }
  return data;
}

const ranked = numbers.filter((type) => type !== 'bool');

export const indexingSuites: readonly Suite[] = [
  {
    name: 'gather',
    draw: (random) => {
      const type = random.pick(wholeBytes);
      const x = drawDims(random, random.int(1, 4), 5_000);
      const axis = random.int(0, x.length - 1);
      const dims = drawDims(random, random.int(0, 2), 16);
      const size = x[axis]!;
      const indices = drawIndices(random, dims, () => size);
      const plan = singleStepPlan(
        'Gather',
        [{ type, dims: x }, indices.operand],
        [{ type, dims: [...x.slice(0, axis), ...dims, ...x.slice(axis + 1)] }],
        { axis },
      );
      return { plan, inputs: [randomBits(random, type, count(x)), indices.data] };
    },
  },
  {
    name: 'gather elements',
    draw: (random) => {
      const type = random.pick(wholeBytes);
      const { x, axis, dims } = drawAlong(random);
      const indices = drawIndices(random, dims, () => x[axis]!);
      const plan = singleStepPlan(
        'GatherElements',
        [{ type, dims: x }, indices.operand],
        [{ type, dims }],
        { axis },
      );
      return { plan, inputs: [randomBits(random, type, count(x)), indices.data] };
    },
  },
  {
    name: 'gather slices',
    draw: (random) => {
      const type = random.pick(wholeBytes);
      const batchDims = random.int(0, 2);
      const { x, indices, slices } = drawTuples(random, batchDims);
      const plan = singleStepPlan(
        'GatherND',
        [{ type, dims: x }, indices.operand],
        [{ type, dims: slices }],
        { batchDims },
      );
      return { plan, inputs: [randomBits(random, type, count(x)), indices.data] };
    },
  },
  {
    name: 'scatter elements',
    draw: (random) => {
      const { x, axis, dims } = drawAlong(random);
      const indices = drawIndices(random, dims, () => x[axis]!);
      const { type, reduction, data } = drawScattered(random, x, dims);
      const plan = singleStepPlan(
        'ScatterElements',
        [{ type, dims: x }, indices.operand, { type, dims }],
        [{ type, dims: x }],
        { axis, reduction },
      );
      return { plan, inputs: [data[0], indices.data, data[1]] };
    },
  },
  {
    name: 'scatter slices',
    draw: (random) => {
      const { x, indices, slices } = drawTuples(random, 0);
      const { type, reduction, data } = drawScattered(random, x, slices);
      const plan = singleStepPlan(
        'ScatterND',
        [{ type, dims: x }, indices.operand, { type, dims: slices }],
        [{ type, dims: x }],
        { reduction },
      );
      return { plan, inputs: [data[0], indices.data, data[1]] };
    },
  },
  {
    name: 'top k',
    draw: (random) => {
      const type = random.pick(ranked);
      const x = drawDims(random, random.int(1, 4), 5_000);
      const axis = random.int(0, x.length - 1);
      const dims = x.with(axis, random.pick([1, x[axis]!, random.int(0, x[axis]!)]));
      const plan = singleStepPlan(
        'TopK',
        [{ type, dims: x }],
        [
          { type, dims },
          { type: 'int64', dims },
        ],
        { axis, largest: random.int(0, 1) },
      );
      return { plan, inputs: [drawRanked(random, type, count(x))] };
    },
  },
  {
    name: 'arg reduce',
    draw: (random) => {
      const type = random.pick(ranked);
      const x = drawDims(random, random.int(1, 4), 5_000);
      const axis = random.int(0, x.length - 1);
      const plan = singleStepPlan(
        'ArgReduce',
        [{ type, dims: x }],
        [{ type: 'int64', dims: x.with(axis, 1) }],
        { axis, kind: random.pick(Object.values(argReduceKinds)), last: random.int(0, 1) },
      );
      return { plan, inputs: [drawRanked(random, type, count(x))] };
    },
  },
  {
    name: 'cumulative sum',
    draw: (random) => {
      const type = random.pick(ranked);
      const x = drawDims(random, random.int(1, 4), 5_000);
      const axis = random.int(0, x.length - 1);
      const plan = singleStepPlan('CumSum', [{ type, dims: x }], [{ type, dims: x }], {
        axis,
        exclusive: random.int(0, 1),
        reverse: random.int(0, 1),
      });
      return { plan, inputs: [drawElements(random, type, count(x))] };
    },
  },
];
