/**
 * The reference against definitions written another way: one cell at a time, through coordinates,
 * in exact integers or doubles; and against cases worked out by hand.
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { type DataType, type TypedArray, viewOf } from '../../src/core/dtype.js';
import { elementCount } from '../../src/core/shape.js';
import { type PadMode, padModes } from '../../src/runtime/kinds.js';
import type { Plan, Step } from '../../src/runtime/plan.js';
import type { StepName, StepParams } from '../../src/runtime/steps.js';
import { perAxis, runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { suites } from '../suites/index.js';
import { describeProblem, drawProblem, type Problem } from '../suites/problem.js';
import { runStep } from './oracleCases.js';

const backend = createReferenceBackend();
const problems = 60;

/** A tensor read by its coordinates; outside there is `outside`. */
interface Grid {
  readonly dims: readonly number[];
  readonly at: (coordinates: readonly number[], outside?: number) => number;
}

function gridOf(data: ArrayLike<number>, dims: readonly number[]): Grid {
  return {
    dims,
    at(coordinates, outside = Number.NaN) {
      let index = 0;
      for (const [axis, dim] of dims.entries()) {
        const coordinate = coordinates[axis]!;
        if (coordinate < 0 || coordinate >= dim) return outside;
        index = index * dim + coordinate;
      }
      return data[index]!;
    },
  };
}

function gridsOf({ plan, inputs }: Problem): (Grid | undefined)[] {
  return plan.steps[0]!.inputs.map((index) => {
    const tensor = plan.tensors[index];
    if (tensor === undefined) return undefined;
    const port = plan.inputs.findIndex((input) => input.tensor === index);
    const { buffer } = tensor.space === 'model' ? plan.model : plan.constants;
    const count = elementCount(tensor.dims);
    const data = port >= 0 ? inputs[port]! : viewOf(tensor.type, buffer, tensor.offset, count);
    return gridOf(data as Float32Array, tensor.dims);
  });
}

/** All coordinates of a shape, in row-major order. */
function* coordinatesOf(dims: readonly number[]): Generator<number[]> {
  const total = elementCount(dims);
  for (let index = 0; index < total; index++) {
    const coordinates: number[] = [];
    let rest = index;
    for (const dim of [...dims].reverse()) {
      coordinates.unshift(rest % dim);
      rest = Math.floor(rest / dim);
    }
    yield coordinates;
  }
}

/** Half to even, from the two integers around. */
function nearest(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** Cells of one window, as [row, column], those of the padding among them. */
function tapsOf(
  {
    strideH,
    strideW,
    dilationH,
    dilationW,
    padTop,
    padLeft,
  }: Step<'MaxPool'>['params'] | Step<'QConv'>['params'],
  [kernelH, kernelW]: readonly [number, number],
  [row, column]: readonly [number, number],
): [number, number, number, number][] {
  const taps: [number, number, number, number][] = [];
  for (let ky = 0; ky < kernelH; ky++) {
    for (let kx = 0; kx < kernelW; kx++) {
      const y = row * strideH - padTop + ky * dilationH;
      taps.push([ky, kx, y, column * strideW - padLeft + kx * dilationW]);
    }
  }
  return taps;
}

type Definition<S extends StepName> = (
  params: Step<S>['params'],
  grids: readonly (Grid | undefined)[],
  coordinates: readonly number[],
  type: DataType,
) => number;

const definitions: { readonly [S in StepName]?: Definition<S> } = {
  QConv(params, [x, weight, bias, multiplier, weightZero, residual], [n, row, column, o], type) {
    const [channels, kernelH, kernelW, depth] = weight!.dims as [number, number, number, number];
    const { xZero, yZero, min, max, lower, upper } = params;
    const group = Math.floor((o! * params.groups) / channels);
    let sum = bias?.at([o!]) ?? 0;
    for (const [ky, kx, iy, ix] of tapsOf(params, [kernelH, kernelW], [row!, column!])) {
      for (let c = 0; c < depth; c++) {
        const cell = x!.at([n!, iy, ix, group * depth + c], xZero);
        sum += (cell - xZero) * (weight!.at([o!, ky, kx, c]) - (weightZero?.at([o!]) ?? 0));
      }
    }
    if (type === 'int32') return sum;
    const scaled = Math.fround(Math.fround(sum) * multiplier!.at([o!]));
    if (residual !== undefined) {
      const { codeZero, codeMin, codeMax } = params;
      const code = clamp(nearest(scaled) + codeZero, codeMin, codeMax);
      const own = Math.fround((code - codeZero) * params.codeMultiplier);
      const other = residual.at([n!, row!, column!, o!]) - params.residualZero;
      const total = Math.fround(own + Math.fround(other * params.residualMultiplier));
      return clamp(nearest(total) + yZero, min, max);
    }
    return type === 'uint8'
      ? clamp(nearest(scaled) + yZero, min, max)
      : clamp(scaled, lower, upper);
  },
  QConvDynamic(params, [x, weight, xZero, multiplier, weightZero, xScale, bias], at, type) {
    const fixed = { ...params, xZero: xZero!.at([]) } as unknown as StepParams<'QConv'>;
    const sum = definitions.QConv!(
      fixed,
      [x, weight, undefined, undefined, weightZero],
      at,
      'int32',
    );
    if (type === 'int32') return sum;
    const o = at[3]!;
    const one = xScale?.dims.length === 0 ? xScale.at([]) : 1;
    const product = Math.fround(Math.fround(sum) * Math.fround(one * multiplier!.at([o])));
    const own = xScale?.dims.length === 3 ? xScale.at(at.slice(0, 3)) : 1;
    const scaled = Math.fround(product * own);
    return clamp(Math.fround(scaled + (bias?.at([o]) ?? 0)), params.lower, params.upper);
  },
  QAveragePool(params, [x], [n, row, column, c], type) {
    const { kernelH, kernelW, xZero, yZero, xScale, yScale, min, max } = params;
    const cells = tapsOf(params, [kernelH, kernelW], [row!, column!])
      .map(([, , iy, ix]) => x!.at([n!, iy, ix, c!]))
      .filter((cell) => params.countIncludePad === 1 || !Number.isNaN(cell))
      .map((cell) => (Number.isNaN(cell) ? 0 : cell - xZero));
    const sum = cells.reduce((total, cell) => total + cell, 0);
    if (type === 'float32') return Math.fround(sum * Math.fround(xScale / cells.length));
    const multiplier = Math.fround(xScale / Math.fround(yScale * cells.length));
    return clamp(nearest(Math.fround(sum * multiplier)) + yZero, min, max);
  },
  MaxPool(params, [x], [n, row, column, c]) {
    const cells = tapsOf(params, [params.kernelH, params.kernelW], [row!, column!])
      .map(([, , iy, ix]) => x!.at([n!, iy, ix, c!]))
      .filter((cell) => !Number.isNaN(cell));
    return cells.sort((a, b) => b - a)[0]!;
  },
  Lrn({ size, alpha, beta, bias }, [x], coordinates) {
    const channel = coordinates.at(-1)!;
    const near = (c: number) => x!.at([...coordinates.slice(0, -1), c], 0);
    let sum = 0;
    for (let i = 0; i < size; i++) sum += near(channel - Math.floor((size - 1) / 2) + i) ** 2;
    return near(channel) / (bias + (alpha / size) * sum) ** beta;
  },
  Transpose: ({ perm }, [x], coordinates) =>
    x!.at(x!.dims.map((_, axis) => coordinates[perm.indexOf(axis)]!)),
  Slice: ({ starts, steps }, [x], coordinates) =>
    x!.at(coordinates.map((coordinate, axis) => starts[axis]! + coordinate * steps[axis]!)),
};

/** The only output of a plan. */
function outputOf(plan: Plan): { readonly type: DataType; readonly dims: readonly number[] } {
  return plan.tensors[plan.outputs[0]!.tensor]!;
}

/** Inputs and outputs that need no computer. */
describe('cases by hand', () => {
  const f32 = (...values: number[]) =>
    ({ type: 'float32', dims: [values.length], constant: Float32Array.from(values) }) as const;
  const u8 = (...values: number[]) =>
    ({ type: 'uint8', dims: [values.length], constant: Uint8Array.from(values) }) as const;
  const i32 = (...values: number[]) =>
    ({ type: 'int32', dims: [values.length], constant: Int32Array.from(values) }) as const;

  /** One pixel whose channels are the weights times x − xZero = 1. */
  function requantized(sums: number[], multiplier: number, params: Partial<StepParams<'QConv'>>) {
    const channels = sums.length;
    const x = { type: 'uint8', dims: [1, 1, 1, 1], constant: Uint8Array.of(1) } as const;
    const weight = {
      type: 'int8',
      dims: [channels, 1, 1, 1],
      constant: new Int8Array(channels),
    } as const;
    const multipliers = f32(...sums.map(() => multiplier));
    const y = [{ type: 'uint8', dims: [1, 1, 1, channels] }] as const;
    return [...runStep('QConv', [x, weight, i32(...sums), multipliers], y, params)];
  }

  it('requantizes ties to even before the zero point is added', () => {
    expect(requantized([1, 3, 5, 7], 0.5, { yZero: 7 })).toEqual([7, 9, 9, 11]);
    expect(requantized([-1, -3, -5, -7], 0.5, { yZero: 7 })).toEqual([7, 5, 5, 3]);
  });

  it('clamps after the zero point is added', () => {
    const sums = [-(2 ** 31), -20, 20, 2 ** 31 - 1];
    expect(requantized(sums, 1, { yZero: 10 })).toEqual([0, 0, 30, 255]);
    expect(requantized(sums, 1, { yZero: 10, min: 10, max: 25 })).toEqual([10, 10, 25, 25]);
  });

  it('rounds an accumulator above 2^24 to float32 first', () => {
    const [x, weight, y] = [
      u8(1),
      Int8Array.of(0),
      { type: 'float32', dims: [1, 1, 1, 1] },
    ] as const;
    const product = (sum: number) =>
      runStep(
        'QConv',
        [
          { ...x, dims: [1, 1, 1, 1] },
          { type: 'int8', dims: [1, 1, 1, 1], constant: weight },
          i32(sum),
          f32(3),
        ],
        [y],
      )[0];
    // 2^24 + 1 becomes 2^24; three times the exact sum would be nearer to 3 · 2^24 + 4.
    expect(product(2 ** 24 + 1)).toBe(3 * 2 ** 24);
    expect(Math.fround(3 * (2 ** 24 + 1))).toBe(3 * 2 ** 24 + 4);
  });

  it('wraps a sum beyond int32', () => {
    const x = { type: 'uint8', dims: [1, 1, 1, 1], constant: Uint8Array.of(1) } as const;
    const weight = { type: 'int8', dims: [1, 1, 1, 1], constant: Int8Array.of(1) } as const;
    const y = [{ type: 'int32', dims: [1, 1, 1, 1] }] as const;
    expect([...runStep('QConv', [x, weight, i32(2 ** 31 - 1), f32(1)], y)]).toEqual([-(2 ** 31)]);
  });

  it('quantizes ties, infinities and NaN', () => {
    const x = f32(0.5, 1.5, 2.5, -0.5, Infinity, -Infinity, NaN, 3e38);
    const y = [{ type: 'uint8', dims: [8] }] as const;
    const quantized = runStep('QuantizeLinear', [x, f32(1), u8(7)], y);
    expect([...quantized]).toEqual([7, 9, 9, 7, 255, 0, 0, 255]);
  });

  it('divides by the scale, and does not multiply by its reciprocal', () => {
    // 7.5 · 0.1 in float32 over 0.1 is 7.5 exactly; times the rounded reciprocal it is not.
    const x = f32(Math.fround(Math.fround(0.1) * 7.5), Math.fround(Math.fround(0.1) * 8.5));
    const y = [{ type: 'uint8', dims: [2] }] as const;
    expect([...runStep('QuantizeLinear', [x, f32(0.1), undefined], y)]).toEqual([8, 8]);
  });

  it('adds each operand by its own multiplier and rounds once', () => {
    // 1.5 + 1.5 is 3, where rounding each would give 4; 0.5 and 1.5 are ties, to even.
    const y = [{ type: 'uint8', dims: [3] }] as const;
    const params = { aMultiplier: 0.25, bMultiplier: 0.5 };
    expect([...runStep('QAdd', [u8(6, 2, 6), u8(3, 0, 0)], y, params)]).toEqual([3, 0, 2]);
  });

  it('averages only what counts', () => {
    const x = { type: 'uint8', dims: [1, 1, 2, 1], constant: Uint8Array.of(30, 60) } as const;
    const y = [{ type: 'float32', dims: [1, 1, 1, 1] }] as const;
    const params = { kernelH: 1, kernelW: 3, padLeft: 1, xScale: 1, yScale: 1, xZero: 0 };
    expect([...runStep('QAveragePool', [x], y, params)]).toEqual([45]);
    expect([...runStep('QAveragePool', [x], y, { ...params, countIncludePad: 1 })]).toEqual([
      Math.fround(90 * Math.fround(1 / 3)),
    ]);
  });

  it('pads by constant, reflection and edge, and cuts off where before is negative', () => {
    const pad = (before: number, mode: PadMode) => [
      ...runStep('Pad', [u8(1, 2, 3)], [{ type: 'uint8', dims: [6] }], {
        before: perAxis([before]),
        mode: padModes[mode],
        value: 9,
      }),
    ];
    expect(pad(2, 'constant')).toEqual([9, 9, 1, 2, 3, 9]);
    expect(pad(2, 'reflect')).toEqual([3, 2, 1, 2, 3, 2]);
    expect(pad(2, 'edge')).toEqual([1, 1, 1, 2, 3, 3]);
    expect(pad(-1, 'constant')).toEqual([2, 3, 9, 9, 9, 9]);
  });

  it('casts', () => {
    const cast = (from: TypedArray, fromType: DataType, to: DataType) => {
      const x = { type: fromType, dims: [from.length], constant: from };
      return [...(runStep('Cast', [x], [{ type: to, dims: [from.length] }]) as Uint8Array)];
    };
    const reals = Float32Array.of(1.9, -1.9, 300, -1, NaN, Infinity, -Infinity);
    expect(cast(reals, 'float32', 'uint8')).toEqual([1, 0, 255, 0, 0, 255, 0]);
    expect(cast(reals, 'float32', 'int8')).toEqual([1, -1, 127, -1, 0, 127, -128]);
    expect(cast(reals, 'float32', 'int64')).toEqual([
      1n,
      -1n,
      300n,
      -1n,
      0n,
      2n ** 63n - 1n,
      -(2n ** 63n),
    ]);
    expect(cast(reals, 'float32', 'bool')).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(cast(Float32Array.of(0, -0, 1e-40), 'float32', 'bool')).toEqual([0, 0, 1]);
    expect(cast(Int32Array.of(255, 256, -1), 'int32', 'uint8')).toEqual([255, 0, 255]);
    expect(cast(BigInt64Array.of(-1n, 2n ** 32n + 5n), 'int64', 'int32')).toEqual([-1, 5]);
    // 2^60 + 2^36 + 1 lies just above the middle of two float32; by way of a double it would fall
    // on it.
    expect(cast(BigInt64Array.of(2n ** 60n + 2n ** 36n + 1n), 'int64', 'float32')).toEqual([
      2 ** 60 + 2 ** 37,
    ]);
    expect(cast(BigUint64Array.of(2n ** 64n - 1n), 'uint64', 'float32')).toEqual([2 ** 64]);
    expect(cast(Uint16Array.of(0x3c00, 0xc000), 'float16', 'int16')).toEqual([1, -2]);
  });

  it('finds a scale for values that are zero, or nearly', () => {
    const y = [
      { type: 'uint8', dims: [2] },
      { type: 'float32', dims: [] },
      { type: 'uint8', dims: [] },
    ] as const;
    const quantize = (...values: number[]) => {
      const plan = singleStepPlan('DynamicQuantizeLinear', [f32(...values)], y);
      return runSingle(backend, plan, []).map((output) => [...(output as Uint8Array)]);
    };
    expect(quantize(0, 0)).toEqual([[0, 0], [1], [0]]);
    expect(quantize(1e-45, 0)).toEqual([[0, 0], [1], [0]]);
    expect(quantize(-1, 254)).toEqual([[0, 255], [1], [1]]);
    expect(quantize(3, 255)).toEqual([[3, 255], [1], [0]]);
  });
});

describe('steps equal their definitions', () => {
  const defined = suites.filter((suite) =>
    Object.hasOwn(definitions, drawProblem(suite, 0).plan.steps[0]!.op),
  );
  it.each(defined)('$name', (suite) => {
    for (let index = 0; index < problems; index++) {
      const problem = drawProblem(suite, index);
      const { op, params } = problem.plan.steps[0]!;
      const { type, dims } = outputOf(problem.plan);
      if (type.endsWith('int64') || type === 'float64') continue;
      const define = definitions[op] as unknown as Definition<StepName>;
      const grids = gridsOf(problem);
      const [ours] = runSingle(backend, problem.plan, problem.inputs) as [Float32Array];
      const what = `seed ${problem.seed}: ${describeProblem(problem)}`;
      let at = 0;
      for (const coordinates of coordinatesOf(dims)) {
        const wanted = define(params, grids, coordinates, type);
        const found = ours[at++]!;
        // Lrn is defined in double; six roundings to float32 keep ours this near.
        const allowed = op === 'Lrn' ? 4e-7 * Math.abs(wanted) : 0;
        if (Object.is(found, wanted) || Math.abs(found - wanted) <= allowed) continue;
        expect.fail(`${what}, at ${coordinates}: expected ${wanted}, found ${found}`);
      }
      expect(at, what).toBe(ours.length);
    }
  });
});
