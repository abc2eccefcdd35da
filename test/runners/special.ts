/** NaN, infinities, zeros, subnormals and the ends of the range, through every float function. */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { binaryKinds, reduceKinds, type UnaryKind, unaryKinds } from '../../src/runtime/kinds.js';
import type { StepName, StepParams } from '../../src/runtime/steps.js';
import { type Operand, perAxis, runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { unaryTolerance } from '../suites/float.js';
import { firstDifference, type Tolerance } from '../suites/problem.js';

const positive = [
  0, 1e-45, 1e-40, 1.2e-38, 1e-20, 0.3, 0.5, 1, 2.5, 3, 6, 9.5, 20, 87.3, 88.7, 88.8,
];
const half = [
  ...positive,
  103,
  105,
  1e5,
  2 ** 22,
  2 ** 23 + 1,
  1e20,
  3.4e38,
  Number.POSITIVE_INFINITY,
];
/** More than a vector, so that all of them meet the vector path and most the tail. */
const values = Float32Array.from([
  Number.NaN,
  ...half,
  ...half.map((x) => -x),
  Number.NaN,
  ...half,
]);

/** Subnormal results may differ by a few of their own units. */
const tolerance: Tolerance = { absolute: 1e-44, relative: 2e-6 };

const reference = createReferenceBackend();

const f32 = (dims: readonly number[]): Operand => ({ type: 'float32', dims });

/** Lengths of a tail, of a vector and a tail, and of more. */
const lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 17, 37];

/** Declares the tests, which all of `backends` have to pass. */
export function testSpecialValues(backends: readonly Backend[]): void {
  const test = it.runIf(backends.length > 0);

  function checkStep<S extends StepName>(
    op: S,
    operands: readonly (Operand | undefined)[],
    inputs: readonly Float32Array[],
    params: Partial<StepParams<S>>,
    yDims: readonly number[],
    allowed = tolerance,
  ): void {
    const plan = singleStepPlan(op, operands, [f32(yDims)], params);
    const expected = runSingle(reference, plan, inputs);
    for (const backend of backends) {
      const found = runSingle(backend, plan, inputs);
      const where = `${backend.name} ${backend.isa}`;
      expect(firstDifference(expected, found, allowed), where).toBeUndefined();
    }
  }

  function check<S extends StepName>(
    op: S,
    inputs: readonly Float32Array[],
    params: Partial<StepParams<S>>,
    yDims: readonly number[] = [inputs[0]!.length],
    allowed = tolerance,
  ): void {
    const operands = inputs.map(({ length }) => f32([length]));
    checkStep(op, operands, inputs, params, yDims, allowed);
  }

  test.each(Object.entries(unaryKinds))('Unary %s', (name, kind) => {
    const [alpha, beta] = name === 'Clip' ? [-1, 6] : [0.25, 0.5];
    const allowed = unaryTolerance[name as UnaryKind];
    for (const length of [...lengths, values.length]) {
      const x = values.slice(values.length - length);
      check('Unary', [x], { kind, alpha, beta }, [length], allowed);
    }
  });

  test.each(Object.entries(binaryKinds).filter(([name]) => name !== 'Pow'))(
    'Binary %s',
    (_, kind) => {
      for (let shift = 0; shift < values.length; shift += 5) {
        const other = values.map((_, i) => values[(i + shift) % values.length]!);
        check('Binary', [values, other], { kind });
      }
    },
  );

  test.each([0, 1, 2, 3, 0.5, -1, -0.5])('Binary Pow, exponent %d', (exponent) => {
    check('Binary', [values, Float32Array.of(exponent)], { kind: binaryKinds.Pow });
  });

  test.each(Object.entries(reduceKinds))('Reduce %s keeps NaN wherever it is', (_, kind) => {
    for (let at = 0; at < 70; at += 3) {
      const x = Float32Array.from({ length: 70 }, (_, i) => (i === at ? Number.NaN : i - 35));
      check('Reduce', [x], { kind, axes: perAxis([1]) }, [1]);
      check('Reduce', [x], { kind, axes: perAxis([0]) });
    }
  });

  const waves = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i));

  describe.each(lengths)('rows of %i', (length) => {
    const row = (...special: number[]) => waves(length).map((value, i) => special[i] ?? value);
    /** Two rows: the second one with `value` at each place in turn. */
    const eachPlace = (value: number, run: (x: Float32Array) => void) => {
      for (let at = 0; at < length; at++) {
        const x = waves(2 * length);
        x[length + at] = value;
        run(x);
      }
    };
    const rows = f32([2, length]);

    test('Softmax', () => {
      check('Softmax', [row(3e38, -3e38)], {});
      check('Softmax', [row(1e-45, -1e-40)], {});
      check('Softmax', [new Float32Array(length).fill(Number.NEGATIVE_INFINITY)], {});
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 90]) {
        eachPlace(value, (x) => checkStep('Softmax', [rows], [x], {}, [2, length]));
      }
    });

    test('LayerNorm', () => {
      const epsilon = Math.fround(1e-5);
      const line = f32([length]);
      const [scale, bias, other] = [row(-2, 0), row(1e-40), waves(2 * length)];
      const allowed = { absolute: 1e-5, relative: 1e-5 };
      const norm = (x: Float32Array) => {
        const params = { epsilon };
        const dims = [2, length];
        checkStep('LayerNorm', [rows, line], [x, scale], params, dims, allowed);
        const all = [rows, line, line, rows];
        checkStep('LayerNorm', all, [x, scale, bias, other], params, dims, allowed);
        checkStep('LayerNorm', all, [other, scale, bias, x], params, dims, allowed);
      };
      norm(new Float32Array(2 * length).fill(2.5)); // whose variance is 0
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 30]) {
        eachPlace(value, norm);
      }
    });

    test('Attention, masked', () => {
      const [queries, heads, depth] = [2, 2, 3];
      const inputs = [queries, length, length].map((count) => waves(count * heads * depth));
      const operands = [queries, length, length].map((count) => f32([1, count, heads * depth]));
      const attend = (mask: Float32Array, dims: readonly number[]) =>
        checkStep(
          'Attention',
          [...operands, f32(dims)],
          [...inputs, mask],
          { heads, scale: 0.5 },
          [1, queries, heads * depth],
          { absolute: 1e-5, relative: 0 },
        );
      attend(new Float32Array(length).fill(Number.NEGATIVE_INFINITY), [length]);
      attend(Float32Array.of(Number.NEGATIVE_INFINITY, 1), [queries, 1]);
      const lowest = -3.4028234663852886e38;
      for (const value of [
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        lowest,
      ]) {
        eachPlace(value, (mask) => attend(mask, [queries, length]));
      }
    });
  });

  test('what is empty', () => {
    const none = new Float32Array(0);
    check('Softmax', [none], {});
    checkStep('Softmax', [f32([3, 0])], [none], {}, [3, 0]);
    checkStep('LayerNorm', [f32([3, 0]), f32([0])], [none, none], {}, [3, 0]);
    const attend = (queries: number, keys: number) => {
      const dims = [queries, keys, keys].map((count) => [2, count, 6]);
      const inputs = dims.map(([, count]) => waves(12 * count!));
      checkStep('Attention', dims.map(f32), inputs, { heads: 2, scale: 1 }, [2, queries, 6]);
    };
    attend(5, 0);
    attend(0, 5);
  });
}
