/** Weights of the usual products reach a backend as they lie in the file. */
import { expect, it } from 'vitest';
import { Turned } from '../../src/core/turned.js';
import { attribute } from '../../src/graph/attributes.js';
import { createProgram } from '../../src/runtime/program.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { build } from '../passes/oracle.js';

it('does not move the weights of convolutions and products before they are packed', () => {
  const weight = t(
    'int8',
    Array.from({ length: 30 }, (_, i) => i - 15),
    [6, 5],
  );
  const kernel = t(
    'float32',
    Array.from({ length: 72 }, (_, i) => i),
    [4, 3, 3, 2],
  );
  const program = createProgram(
    build({
      nodes: [
        node('Conv', ['x', 'kernel'], ['c'], { pads: attribute.ints([1, 1, 1, 0]) }),
        node('DynamicQuantizeLinear', ['m'], ['codes', 'scale', 'zero']),
        node('MatMulInteger', ['codes', 'weight', 'zero'], ['y']),
      ],
      inputs: { x: float32(1, 3, 8, 8), m: float32(7, 6) },
      outputs: { c: 'c', y: 'y' },
      constants: { weight, kernel },
    }),
  );
  const turned = program.constants.data.filter((data) => data instanceof Turned);
  expect(turned.map(({ source }) => source)).toEqual(
    expect.arrayContaining([weight.data, kernel.data]),
  );
  expect(turned).toHaveLength(2);
});
