/** NaN, infinities, zeros, subnormals and the ends of the range, through every float function. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import {
  binaryKinds,
  reduceKinds,
  type StepName,
  type StepParams,
  type UnaryKind,
  unaryKinds,
} from '../../src/runtime/steps.js';
import { perAxis, runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { unaryTolerance } from '../suites/float.js';
import { firstDifference, type Tolerance } from '../suites/problem.js';
import { nativeBackends } from './contenders.js';

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
const backends = nativeBackends(1);

function check<S extends StepName>(
  op: S,
  inputs: readonly Float32Array[],
  params: Partial<StepParams<S>>,
  yDims: readonly number[] = [inputs[0]!.length],
  allowed = tolerance,
): void {
  const operands = inputs.map(({ length }) => ({ type: 'float32', dims: [length] }) as const);
  const plan = singleStepPlan(op, operands, [{ type: 'float32', dims: yDims }], params);
  const expected = runSingle(reference, plan, inputs);
  for (const backend of backends) {
    const found = runSingle(backend, plan, inputs);
    expect(firstDifference(expected, found, allowed), `native ${backend.isa}`).toBeUndefined();
  }
}

describe('special values', () => {
  it.runIf(backends.length > 0).each(Object.entries(unaryKinds))('Unary %s', (name, kind) => {
    const [alpha, beta] = name === 'Clip' ? [-1, 6] : [0.25, 0.5];
    const allowed = unaryTolerance[name as UnaryKind];
    check('Unary', [values], { kind, alpha, beta }, [values.length], allowed);
  });

  it
    .runIf(backends.length > 0)
    .each(Object.entries(binaryKinds).filter(([name]) => name !== 'Pow'))(
    'Binary %s',
    (_, kind) => {
      for (let shift = 0; shift < values.length; shift += 5) {
        const other = values.map((_, i) => values[(i + shift) % values.length]!);
        check('Binary', [values, other], { kind });
      }
    },
  );

  it.runIf(backends.length > 0).each([0, 1, 2, 3, 0.5, -1, -0.5])(
    'Binary Pow, exponent %d',
    (exponent) => {
      check('Binary', [values, Float32Array.of(exponent)], { kind: binaryKinds.Pow });
    },
  );

  it.runIf(backends.length > 0).each(Object.entries(reduceKinds))(
    'Reduce %s keeps NaN wherever it is',
    (_, kind) => {
      for (let at = 0; at < 70; at += 3) {
        const x = Float32Array.from({ length: 70 }, (_, i) => (i === at ? Number.NaN : i - 35));
        check('Reduce', [x], { kind, axes: perAxis([1]) }, [1]);
        check('Reduce', [x], { kind, axes: perAxis([0]) });
      }
    },
  );

  it.runIf(backends.length > 0)('Softmax of infinities and NaN', () => {
    const row = (...special: number[]) =>
      Float32Array.from({ length: 37 }, (_, i) => special[i] ?? Math.sin(i));
    check('Softmax', [row(Number.NEGATIVE_INFINITY)], {});
    check('Softmax', [row(Number.POSITIVE_INFINITY)], {});
    check('Softmax', [row(1, 2, Number.NaN)], {});
    check('Softmax', [row(3e38, -3e38)], {});
    check('Softmax', [new Float32Array(37).fill(Number.NEGATIVE_INFINITY)], {});
  });
});
