/** Quantize and dequantize at every granularity, and dynamic quantization. */
import type { TypedArray } from '../../src/core/dtype.js';
import { scaleDims } from '../../src/numerics/layout.js';
import { integers, limits, type Random } from '../helpers/random.js';
import { type Operand, singleStepPlan } from '../helpers/singleStep.js';
import { count, drawDims, drawFactor } from './draw.js';
import type { Suite } from './problem.js';

const quantizedTypes = ['uint8', 'uint8', 'int8', 'int8', 'uint16', 'int16'] as const;

/** Where scales lie: on the tensor, along an axis, or in blocks along an axis. */
function drawSpread(random: Random, dims: readonly number[]) {
  const axis = random.int(0, Math.max(dims.length - 1, 0));
  const blockSize = random.int(1, 8);
  const spread = dims.length === 0 ? {} : random.pick([{}, { axis }, { axis, blockSize }]);
  return {
    scales: scaleDims(dims, spread),
    params: { axis, blockSize: 'blockSize' in spread ? blockSize : 0 },
  };
}

function drawScales(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => drawFactor(random, 1 / 1024, 2));
}

/** Scale and, mostly, zero point: constants, or inputs of the plan. */
function drawParams(
  random: Random,
  type: 'uint8' | 'int8' | 'uint16' | 'int16' | 'int32',
  dims: readonly number[],
): { scale: Float32Array; operands: (Operand | undefined)[]; inputs: TypedArray[] } {
  const scale = drawScales(random, count(dims));
  const zeroPoint =
    type === 'int32' ? new Int32Array(count(dims)) : integers(random, type, count(dims));
  const constant = random.chance(0.7);
  const hasZeroPoint = random.chance(0.8);
  const given = hasZeroPoint ? [scale, zeroPoint] : [scale];
  const operands = [
    { type: 'float32', dims, constant: constant ? scale : undefined } as const,
    hasZeroPoint ? { type, dims, constant: constant ? zeroPoint : undefined } : undefined,
  ];
  return { scale, operands, inputs: constant ? [] : given };
}

/** Reals over and beyond the range of the type: ties, infinities and NaN among them. */
function drawReals(random: Random, length: number, reach: number): Float32Array {
  const special = [Infinity, -Infinity, NaN, 0, -0, 3e38, -3e38, 1e-40];
  const draw = random.pick([
    () => random.real(-reach, reach),
    () => random.int(-2 * reach, 2 * reach) / 2,
    () => random.int(-20 * reach, 20 * reach) / 20,
    () => (random.chance(0.2) ? random.pick(special) : random.real(-2 * reach, 2 * reach)),
  ]);
  return Float32Array.from({ length }, draw);
}

export const quantizeSuites: readonly Suite[] = [
  {
    name: 'quantize',
    draw: (random) => {
      const dims = drawDims(random, random.int(0, 4), 10_000);
      const type = random.pick(quantizedTypes);
      const { scales, params } = drawSpread(random, dims);
      const { operands, inputs } = drawParams(random, type, scales);
      const plan = singleStepPlan(
        'QuantizeLinear',
        [{ type: 'float32', dims }, ...operands],
        [{ type, dims }],
        params,
      );
      return { plan, inputs: [drawReals(random, count(dims), limits[type][1] / 2), ...inputs] };
    },
  },
  {
    name: 'dequantize',
    draw: (random) => {
      const dims = drawDims(random, random.int(0, 4), 10_000);
      const type = random.pick([...quantizedTypes, 'int32'] as const);
      const { scales, params } = drawSpread(random, dims);
      const { operands, inputs } = drawParams(random, type, scales);
      const plan = singleStepPlan(
        'DequantizeLinear',
        [{ type, dims }, ...operands],
        [{ type: 'float32', dims }],
        params,
      );
      return { plan, inputs: [integers(random, type, count(dims)), ...inputs] };
    },
  },
  {
    name: 'dynamicquantize',
    draw: (random) => {
      const dims = drawDims(random, random.int(0, 4), 10_000);
      const half = random.int(0, 254) + 0.5;
      // In the first, the zero point is nearly a half: it falls to either side as the division
      // rounds.
      const [low, high] = random.pick([
        [-half, 255 - half],
        [-1, 1],
        [0, 1],
        [-1, 0],
        [0, 0],
        [-0.01, 1],
      ] as const);
      const reach = drawFactor(random, 1e-6, 1e6);
      const x = Float32Array.from({ length: count(dims) }, () => random.real(low, high) * reach);
      x.set([low * reach, high * reach].slice(0, x.length));
      const plan = singleStepPlan(
        'DynamicQuantizeLinear',
        [{ type: 'float32', dims }],
        [
          { type: 'uint8', dims },
          { type: 'float32', dims: [] },
          { type: 'uint8', dims: [] },
        ],
      );
      return { plan, inputs: [x] };
    },
  },
];
