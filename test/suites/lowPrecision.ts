/** Products of weights narrower or wider than int8: the same bits everywhere, float results too. */
import { unaryKinds } from '../../src/runtime/kinds.js';
import type { StepParams } from '../../src/runtime/steps.js';
import { floats, integers, type Random } from '../helpers/random.js';
import { singleStepPlan } from '../helpers/singleStep.js';
import { drawFactor, drawSize } from './draw.js';
import type { Problem, Suite } from './problem.js';

/** A long product now and then, and rows of more than one strip. */
function drawProduct(random: Random): { rows: number; depth: number; columns: number } {
  const columns = random.chance(0.8) ? drawSize(random) : random.int(71, 200);
  const rows = random.chance(0.3) ? random.int(1, 4) : drawSize(random);
  const depth = random.chance(0.6) ? drawSize(random) : random.int(71, 700);
  return { rows, depth, columns };
}

/** A function whose results are the same bits everywhere. */
function drawFunction(random: Random): StepParams<'Unary'> {
  const { Clip, LeakyRelu, Neg, Abs, Ceil } = unaryKinds;
  const kind = random.pick([Clip, Clip, LeakyRelu, Neg, Abs, Ceil]);
  return { kind, alpha: random.pick([0, -1, 0.25]), beta: random.pick([1, 6, Infinity]) };
}

function drawRows(random: Random): Problem {
  const rows = random.int(0, 9);
  const depth = random.chance(0.9) ? drawSize(random) : random.int(0, 400);
  const largest = random.pick([1e-45, 1e-40, 1e-3, 1, 127, 1e4, 3e38]);
  const x = floats(random, rows * depth, -largest, largest);
  // Halves of a step, and rows that have no range.
  if (depth > 0 && random.chance(0.5)) {
    for (let i = 0; i < x.length; i++) x[i] = random.int(-254, 254) / 2;
    for (let row = 0; row < rows; row++) x[row * depth] = random.pick([127, -127, 254]);
  }
  if (random.chance(0.1)) x.fill(random.pick([0, -0]));
  const plan = singleStepPlan(
    'DynamicQuantizeRows',
    [{ type: 'float32', dims: [rows, depth] }],
    [
      { type: random.pick(['int8', 'uint8']), dims: [rows, depth] },
      { type: 'float32', dims: [rows] },
    ],
    random.chance(0.5) ? {} : drawFunction(random),
  );
  return { plan, inputs: [x] };
}

function drawInt4(random: Random): Problem {
  const { rows, depth, columns } = drawProduct(random);
  const blockSize = random.pick([16, 16, 24, 32, 32, 64, 128]);
  const blocks = Math.ceil(depth / blockSize);
  const weight = integers(random, 'uint8', columns * blocks * (blockSize / 2));
  const scale = floats(random, columns * blocks, -1, 1);
  const zeroPoint = integers(random, 'uint8', columns * Math.ceil(blocks / 2));
  const bias = floats(random, columns, -100, 100);
  const x = integers(random, 'int8', rows * depth);
  const lead = random.pick([[rows], [1, rows], [rows, 1]]);
  const plan = singleStepPlan(
    'MatMulInt4',
    [
      { type: 'int8', dims: [...lead, depth] },
      { type: 'float32', dims: lead },
      { type: 'uint8', dims: [columns, blocks, blockSize / 2], constant: weight },
      { type: 'float32', dims: [columns, blocks], constant: scale },
      random.chance(0.5)
        ? { type: 'uint8', dims: [columns, Math.ceil(blocks / 2)], constant: zeroPoint }
        : undefined,
      random.chance(0.5) ? { type: 'float32', dims: [columns], constant: bias } : undefined,
    ],
    [{ type: 'float32', dims: [...lead, columns] }],
    { blockSize },
    random.pick(['plan', 'model']),
  );
  return { plan, inputs: [x, floats(random, rows, 0.001, 1)] };
}

function drawInt1(random: Random): Problem {
  const { rows, depth, columns } = drawProduct(random);
  // Now and then more words than a byte of counts takes.
  const k = random.chance(0.1) ? random.int(990, 2100) : depth;
  const scaled = random.chance(0.4);
  const bits = (count: number) => {
    const values = integers(random, 'uint8', Math.ceil(count / 8));
    // The bits that fill up the last byte are 0.
    if (count % 8 > 0) values[values.length - 1]! &= (1 << (count % 8)) - 1;
    return values;
  };
  const multiplier = floats(random, columns, -2, 2);
  const bias = floats(random, columns, -100, 100);
  const plan = singleStepPlan(
    'MatMulInt1',
    [
      { type: 'int1', dims: [rows, k] },
      { type: 'int1', dims: [columns, k], constant: bits(columns * k) },
      scaled ? { type: 'float32', dims: [columns], constant: multiplier } : undefined,
      scaled && random.chance(0.5)
        ? { type: 'float32', dims: [columns], constant: bias }
        : undefined,
    ],
    [{ type: scaled ? 'float32' : 'int32', dims: [rows, columns] }],
    {},
    random.pick(['plan', 'model']),
  );
  return { plan, inputs: [bits(rows * k)] };
}

function drawInt16(random: Random): Problem {
  const { rows, depth, columns } = drawProduct(random);
  const type = random.pick(['int16', 'int64', 'float32'] as const);
  // Weights of all 16 bits, of 12 and of 8: sums of 32 bits hold few, more and many of them.
  const bits = random.pick([16, 16, 12, 8]);
  const [low, high] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const weight = integers(random, 'int16', columns * depth, low, high);
  const natural = 1 / (high * Math.sqrt(depth));
  const multiplier = Float32Array.from({ length: columns }, () =>
    drawFactor(random, natural / 8, natural * 8),
  );
  const bias = integers(random, 'int32', columns);
  const min = random.int(-32768, 32767);
  const plan = singleStepPlan(
    'MatMulInt16',
    [
      { type: 'int16', dims: [rows, depth] },
      { type: 'int16', dims: [columns, depth], constant: weight },
      type === 'int64' ? undefined : { type: 'float32', dims: [columns], constant: multiplier },
      random.chance(0.5) ? { type: 'int32', dims: [columns], constant: bias } : undefined,
    ],
    [{ type, dims: [rows, columns] }],
    random.chance(0.7) ? { min: -32768, max: 32767 } : { min, max: random.int(min, 32767) },
    random.pick(['plan', 'model']),
  );
  return { plan, inputs: [integers(random, 'int16', rows * depth)] };
}

export const lowPrecisionSuites: readonly Suite[] = [
  { name: 'dynamicquantizerows', draw: drawRows },
  { name: 'matmulint4', draw: drawInt4 },
  { name: 'matmulint1', draw: drawInt1 },
  { name: 'matmulint16', draw: drawInt16 },
];
