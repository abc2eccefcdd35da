/**
 * Rows quantized as a function makes them: on each backend the same bits as of the function and the quantizing one after the
 * other, for functions of which each backend has bits of its own too.
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { createWasmBackend } from '../../src/backends/wasm/index.js';
import { unaryKinds } from '../../src/runtime/kinds.js';
import { createRandom, floats } from '../helpers/random.js';
import { runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from '../native/contenders.js';
import { firstDifference } from '../suites/problem.js';

const backends = [createReferenceBackend(), createWasmBackend({}), ...nativeBackends(2)];
const { Gelu, GeluTanh, Sigmoid, Softplus, Erf, Sin } = unaryKinds;

describe('rows of a function', () => {
  // Rows of a few elements, of some vectors and a rest, and longer ones than are taken together.
  it.each([
    [300, 3],
    [37, 83],
    [40, 1536],
    [5, 5003],
  ])('%d × %d', (rows, depth) => {
    const random = createRandom(rows);
    const x = floats(random, rows * depth, -9, 9);
    const matrix = { type: 'float32', dims: [rows, depth] } as const;
    const results = [{ type: 'uint8', dims: [rows, depth] } as const, { ...matrix, dims: [rows] }];
    for (const backend of backends) {
      for (const kind of [Gelu, GeluTanh, Sigmoid, Softplus, Erf, Sin]) {
        const parts = [
          singleStepPlan('Unary', [matrix], [matrix], { kind }),
          singleStepPlan('DynamicQuantizeRows', [matrix], results),
        ] as const;
        const expected = runSingle(backend, parts[1], runSingle(backend, parts[0], [x]));
        const whole = singleStepPlan('DynamicQuantizeRows', [matrix], results, {
          ...{ kind, alpha: 0, beta: 0 },
        });
        expect(firstDifference(expected, runSingle(backend, whole, [x]), undefined)).toBe(
          undefined,
        );
      }
    }
  });
});
