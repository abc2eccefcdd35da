/** The operator form of quantized models, against ONNX Runtime's own kernels for it. */
import { describe, expect, it } from 'vitest';
import type { DataType } from '../../src/core/dtype.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute } from '../../src/graph/ir.js';
import { node, t } from '../helpers/onnx-builder.js';
import { createRandom, integers } from '../helpers/random.js';
import { build, countOps, lowered, runOracle, runReference } from './oracle.js';

const { int, ints, float } = attribute;

interface Case {
  readonly op: string;
  readonly domain?: string;
  readonly attributes?: Record<string, Attribute>;
  /** Codes of graph inputs by dims; the rest are constants. */
  readonly inputs: readonly (readonly number[] | Tensor | undefined)[];
  readonly type?: 'uint8' | 'int8';
  readonly steps: readonly string[];
  /** Most that a code may be off: 0 where ONNX Runtime follows the same formula. */
  readonly off?: number;
}

// Weights of int8 have 7 bits: ONNX Runtime's products of others saturate on CPUs without a dot product instruction.
const random = createRandom(7);
const codes = <T extends 'uint8' | 'int8' | 'int32'>(
  type: T,
  dims: number[],
  low?: number,
  high?: number,
) => ({ type, dims, data: integers(random, type, elementCount(dims), low, high) }) as Tensor;
const scale = (...values: number[]) =>
  t('float32', values, values.length === 1 ? [] : [values.length]);
const u8 = (zero: number) => t('uint8', [zero], []);
const i8 = (...zeros: number[]) => t('int8', zeros, zeros.length === 1 ? [] : [zeros.length]);
const contrib = 'com.microsoft';

const cases: Case[] = [
  {
    op: 'QLinearConv',
    attributes: { pads: ints([1, 1, 1, 1]), strides: ints([2, 1]) },
    inputs: [
      [2, 3, 6, 7],
      ...[scale(0.021), u8(113), codes('int8', [4, 3, 3, 3], -64, 63)],
      ...[scale(0.003, 0.0041, 0.0017, 0.0091), i8(0, 0, 0, 0), scale(0.13), u8(99)],
      codes('int32', [4], -3000, 3000),
    ],
    steps: ['QConv'],
  },
  {
    op: 'QLinearConv',
    attributes: { group: int(4) },
    inputs: [
      [1, 4, 5, 5],
      ...[scale(0.021), u8(0), codes('uint8', [4, 1, 3, 3]), scale(0.0033), u8(121)],
      ...[scale(0.017), u8(128)],
    ],
    steps: ['QConv'],
  },
  {
    op: 'QLinearConv',
    type: 'int8',
    inputs: [
      [1, 3, 5, 5],
      ...[scale(0.021), i8(-7), codes('int8', [4, 3, 1, 1], -64, 63), scale(0.0033), i8(0)],
      ...[scale(0.0217), i8(9)],
    ],
    steps: ['Lookup', 'QConv', 'Lookup'],
  },
  {
    op: 'QLinearMatMul',
    inputs: [
      [3, 4, 6],
      ...[scale(0.021), u8(113), codes('int8', [6, 5], -64, 63), scale(0.0033), i8(0)],
      ...[scale(0.0217), u8(128)],
    ],
    steps: ['QConv'],
  },
  {
    op: 'QGemm',
    domain: contrib,
    attributes: { alpha: float(1), transA: int(0), transB: int(1) },
    inputs: [
      [4, 6],
      ...[scale(0.021), u8(113), codes('int8', [5, 6], -64, 63)],
      ...[
        scale(0.003, 0.0041, 0.0017, 0.0091, 0.002),
        i8(0, 0, 0, 0, 0),
        codes('int32', [5], -900, 900),
      ],
      ...[scale(0.0217), u8(128)],
    ],
    steps: ['QConv'],
  },
  {
    op: 'QGemm',
    domain: contrib,
    attributes: { alpha: float(1), transA: int(0), transB: int(0) },
    inputs: [
      [4, 6],
      ...[scale(0.021), u8(113), codes('int8', [6, 5], -64, 63), scale(0.003), i8(0)],
    ],
    steps: ['QConv'],
  },
  ...['QLinearAdd', 'QLinearMul'].map((op) => ({
    op,
    domain: contrib,
    inputs: [
      [2, 3, 4, 5],
      ...[scale(0.021), u8(113)],
      [3, 1, 1],
      ...[scale(0.0117), u8(99), scale(0.0371), u8(120)],
    ],
    steps: [op === 'QLinearAdd' ? 'QAdd' : 'QMul'],
    off: 1,
  })),
  {
    op: 'QLinearAveragePool',
    domain: contrib,
    attributes: { kernel_shape: ints([3, 2]), pads: ints([1, 0, 1, 1]) },
    inputs: [[2, 3, 6, 7], ...[scale(0.021), u8(113), scale(0.0193), u8(120)]],
    steps: ['QAveragePool'],
    off: 1,
  },
  {
    op: 'QLinearGlobalAveragePool',
    domain: contrib,
    attributes: { channels_last: int(0) },
    inputs: [[2, 3, 6, 7], ...[scale(0.021), u8(113), scale(0.0093), u8(120)]],
    steps: ['QAveragePool'],
    off: 1,
  },
  {
    op: 'QLinearSigmoid',
    domain: contrib,
    inputs: [[3, 90], ...[scale(0.04), u8(113), scale(1 / 256), u8(0)]],
    steps: ['Lookup'],
    off: 1,
  },
  {
    op: 'QLinearLeakyRelu',
    domain: contrib,
    attributes: { alpha: float(0.1) },
    inputs: [[3, 90], ...[scale(0.04), u8(113), scale(0.0371), u8(50)]],
    steps: ['Lookup'],
    off: 1,
  },
  {
    op: 'QLinearConcat',
    domain: contrib,
    attributes: { axis: int(1) },
    inputs: [
      ...[scale(0.021), u8(113)],
      [2, 3, 4],
      ...[scale(0.021), u8(113)],
      [2, 1, 4],
      ...[scale(0.0117), u8(99)],
    ],
    steps: ['Lookup', 'Concat'],
    off: 1,
  },
];

describe('quantized operators', () => {
  it.each(cases.map((one, i) => [`${one.op} ${i}`, one] as const))(
    '%s',
    async (_, { op, domain = '', attributes = {}, inputs, type = 'uint8', steps, off = 0 }) => {
      const names = inputs.map((input, i) => (input === undefined ? '' : `x${i}`));
      const feeds: Record<string, Tensor> = {};
      const constants: Record<string, Tensor> = {};
      const types: Record<string, { type: DataType; dims: readonly number[] }> = {};
      inputs.forEach((input, i) => {
        if (input === undefined) return;
        if ('data' in input) constants[names[i]!] = input;
        else {
          feeds[names[i]!] = codes(type, [...input]);
          types[names[i]!] = { type, dims: input };
        }
      });
      const graph = build({
        nodes: [node(op, names, ['y'], attributes, domain)],
        inputs: types,
        outputs: { y: 'y' },
        constants,
      });
      const found = runReference(graph, feeds).y!;
      const expected = (await runOracle(graph, feeds)).y!;
      expect([found.type, found.dims]).toEqual([expected.type, [...expected.dims]]);
      const far = Array.from(found.data as Uint8Array, (code, i) =>
        Math.abs(code - (expected.data as Uint8Array)[i]!),
      );
      if (found.type === 'float32') expect(Math.max(...far)).toBeLessThan(1e-5);
      else expect(Math.max(...far)).toBeLessThanOrEqual(off);
      const { Transpose, Reshape, ...rest } = countOps(lowered(graph, feeds));
      expect(
        Object.entries(rest)
          .flatMap(([name, count]) => new Array(count).fill(name))
          .sort(),
      ).toEqual([...steps].sort());
    },
  );

  it('leaves computed scales alone', () => {
    const graph = build({
      nodes: [node('QLinearMatMul', ['a', 's', 'z', 'b', 'bs', 'bz', 'ys', 'yz'], ['y'])],
      inputs: { a: { type: 'uint8', dims: [2, 3] }, s: { type: 'float32', dims: [] } },
      outputs: { y: 'y' },
      constants: {
        ...{
          z: u8(1),
          b: codes('int8', [3, 2]),
          bs: scale(0.1),
          bz: i8(0),
          ys: scale(0.1),
          yz: u8(0),
        },
      },
    });
    expect(countOps(lowered(graph, {}))).toEqual({ QLinearMatMul: 1 });
  });
});
