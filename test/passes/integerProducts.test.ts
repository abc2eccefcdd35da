/** Products of integers with computed scales and zero points, against ONNX Runtime. */
import { describe, expect, it } from 'vitest';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { node, t } from '../helpers/onnx-builder.js';
import { createRandom, floats, integers } from '../helpers/random.js';
import { build, countOps, lowered, runOracle, runReference } from './oracle.js';

const { int, ints } = attribute;
const random = createRandom(11);
/** Signed ones have 7 bits: ONNX Runtime's products of others saturate on CPUs without a dot product instruction. */
const bytes = (type: 'uint8' | 'int8', dims: number[]) => {
  const [low, high] = type === 'int8' ? [-64, 63] : [0, 255];
  return { type, dims, data: integers(random, type, elementCount(dims), low, high) } as Tensor;
};
const reals = (dims: number[], low = -2, high = 2) =>
  ({ type: 'float32', dims, data: floats(random, elementCount(dims), low, high) }) as Tensor;
const zero = (type: 'uint8' | 'int8', ...zeros: number[]) =>
  t(type, zeros, zeros.length === 1 ? [] : [zeros.length]);
const contrib = 'com.microsoft';

interface Parts {
  readonly nodes: ReturnType<typeof node>[];
  readonly feeds: Record<string, Tensor>;
  readonly constants?: Record<string, Tensor>;
}

async function check({ nodes, feeds, constants = {} }: Parts, steps: readonly string[]) {
  const graph = build({ nodes, inputs: feeds, outputs: { y: 'y' }, constants });
  const found = runReference(graph, feeds).y!;
  const expected = (await runOracle(graph, feeds)).y!;
  expect([found.type, found.dims]).toEqual([expected.type, [...expected.dims]]);
  if (found.type === 'int32') expect(found.data).toEqual(expected.data);
  else {
    // The same formula; ONNX Runtime may fuse a product with a sum.
    const far = Array.from(found.data as Float32Array, (value, i) =>
      Math.abs(value - (expected.data as Float32Array)[i]!),
    );
    expect(Math.max(...far)).toBeLessThan(1e-5);
  }
  const { Transpose, Reshape, ...rest } = countOps(lowered(graph, feeds));
  expect(Object.keys(rest).sort()).toEqual([...steps].sort());
}

describe('MatMulInteger', () => {
  const types = ['uint8', 'int8'] as const;
  const forms = types.flatMap((a) => types.map((b) => [a, b] as const));

  it.each(forms)('%s by a constant of %s, a zero point for each column', async (a, b) => {
    const zeros = b === 'int8' ? [3, 0, -9, 127, -128] : [130, 128, 0, 255, 7];
    await check(
      {
        nodes: [node('MatMulInteger', ['a', 'b', 'za', 'zb'], ['y'])],
        feeds: { a: bytes(a, [2, 3, 7]), za: zero(a, a === 'int8' ? -5 : 200) },
        constants: { b: bytes(b, [7, 5]), zb: zero(b, ...zeros) },
      },
      a === 'int8' ? ['Lookup', 'QConvDynamic'] : ['QConvDynamic'],
    );
  });

  it.each(forms)('%s by %s without zero points', async (a, b) => {
    const nodes = [node('MatMulInteger', ['a', 'b'], ['y'])];
    const parts = { nodes, feeds: { a: bytes(a, [3, 7]) }, constants: { b: bytes(b, [7, 5]) } };
    await check(parts, a === 'int8' ? ['Lookup', 'QConvDynamic'] : ['QConvDynamic']);
  });

  it.each(forms)(
    '%s by a computed %s, of more products than float32 sums exactly',
    async (a, b) => {
      const feeds = {
        a: bytes(a, [2, 3, 600]),
        b: bytes(b, [2, 600, 4]),
        za: zero(a, 3),
        zb: zero(b, 9),
      };
      const nodes = [node('MatMulInteger', ['a', 'b', 'za', 'zb'], ['y'])];
      await check({ nodes, feeds }, ['Arithmetic', 'Binary', 'Cast', 'MatMul', 'Slice']);
    },
  );

  it('a zero point for each row, which ONNX Runtime does not take', () => {
    const [a, b] = [bytes('uint8', [3, 7]), bytes('int8', [7, 4])];
    const za = zero('uint8', 1, 100, 255);
    const feeds = { a, za };
    const nodes = [node('MatMulInteger', ['a', 'b', 'za'], ['y'])];
    const graph = build({ nodes, inputs: feeds, outputs: { y: 'y' }, constants: { b } });
    const numbers = (tensor: Tensor) => tensor.data as Uint8Array;
    const expected = Int32Array.from({ length: 12 }, (_, i) => {
      const [row, column] = [Math.floor(i / 4), i % 4];
      return [0, 1, 2, 3, 4, 5, 6].reduce((sum, k) => {
        const x = numbers(a)[row * 7 + k]! - numbers(za)[row]!;
        return sum + x * numbers(b)[k * 4 + column]!;
      }, 0);
    });
    expect(runReference(graph, feeds).y!.data).toEqual(expected);
  });
});

describe('ConvInteger', () => {
  const attributes = { pads: ints([1, 2, 1, 0]), strides: ints([2, 1]), dilations: ints([1, 2]) };

  it.each(['uint8', 'int8'] as const)('%s, padded with a computed zero point', async (type) => {
    // ONNX Runtime has a signed form of weights alone.
    const feeds = { x: bytes('uint8', [2, 3, 6, 7]), zx: zero('uint8', 77) };
    const nodes = [node('ConvInteger', ['x', 'w', 'zx', 'zw'], ['y'], attributes)];
    const constants = { w: bytes(type, [4, 3, 3, 3]), zw: zero(type, 5) };
    await check({ nodes, feeds, constants }, ['QConvDynamic']);
  });

  it('depthwise, and of one axis', async () => {
    const nodes = [
      node('ConvInteger', ['x', 'w', 'zx'], ['y'], { group: int(4), pads: ints([1, 1]) }),
    ];
    const feeds = { x: bytes('uint8', [1, 4, 9]), zx: zero('uint8', 9) };
    await check({ nodes, feeds, constants: { w: bytes('int8', [4, 1, 3]) } }, ['QConvDynamic']);
  });

  it('computed weights', async () => {
    const feeds = {
      x: bytes('uint8', [1, 70, 5, 5]),
      w: bytes('uint8', [3, 70, 3, 3]),
      zx: zero('uint8', 9),
    };
    const nodes = [node('ConvInteger', ['x', 'w', 'zx'], ['y'], { pads: ints([1, 1, 1, 1]) })];
    await check({ nodes, feeds }, ['Arithmetic', 'Binary', 'Cast', 'Conv', 'Slice']);
  });
});

/** What dynamic quantizers write behind the integers. */
const tail = [
  node('Mul', ['s', 'ws'], ['scales']),
  node('Cast', ['acc'], ['f'], { to: int(1) }),
  node('Mul', ['f', 'scales'], ['scaled']),
  node('Add', ['scaled', 'bias'], ['y']),
];

describe('dynamic quantization', () => {
  it.each([
    ['one scale', reals([], 0.01, 0.02)],
    ['a scale for each column', reals([5], 0.01, 0.02)],
  ])('MatMulInteger, %s of weights and a bias', async (_, ws) => {
    const nodes = [
      node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      node('MatMulInteger', ['q', 'w', 'z', 'zw'], ['acc']),
      ...tail,
    ];
    const constants = { w: bytes('uint8', [7, 5]), zw: zero('uint8', 120), ws, bias: reals([5]) };
    const parts = { nodes, feeds: { x: reals([2, 3, 7]) }, constants };
    await check(parts, ['DynamicQuantizeLinear', 'QConvDynamic']);
  });

  it('ConvInteger, a bias of four axes, and a clamp', async () => {
    const nodes = [
      node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      node('ConvInteger', ['q', 'w', 'z'], ['acc'], { pads: ints([1, 1, 1, 1]) }),
      ...tail.slice(0, 3),
      node('Add', ['scaled', 'bias'], ['sum']),
      node('Relu', ['sum'], ['y']),
    ];
    const constants = {
      w: bytes('int8', [4, 3, 3, 3]),
      ws: reals([4, 1, 1], 0.001, 0.002),
      bias: reals([1, 4, 1, 1]),
    };
    const parts = { nodes, feeds: { x: reals([2, 3, 6, 7]) }, constants };
    await check(parts, ['DynamicQuantizeLinear', 'QConvDynamic']);
  });

  it('a scale for each column, then one for each row, and a bias', async () => {
    const nodes = [
      node('MatMulInteger', ['q', 'w'], ['acc']),
      node('Cast', ['acc'], ['f'], { to: int(1) }),
      node('Mul', ['f', 'ws'], ['columns']),
      node('Mul', ['s', 'columns'], ['scaled']),
      node('Add', ['bias', 'scaled'], ['y']),
    ];
    const feeds = { q: bytes('int8', [2, 3, 7]), s: reals([2, 3, 1], 0.01, 0.1) };
    const constants = {
      w: bytes('int8', [7, 5]),
      ws: reals([5], 0.001, 0.002),
      bias: reals([5]),
    };
    await check({ nodes, feeds, constants }, ['Lookup', 'QConvDynamic']);
  });

  it('leaves factors and addends alone that it does not know', async () => {
    const nodes = [
      node('MatMulInteger', ['q', 'w'], ['acc']),
      node('Cast', ['acc'], ['f'], { to: int(1) }),
      node('Mul', ['f', 'columns'], ['scaled']),
      node('Add', ['scaled', 'rows'], ['y']),
    ];
    const feeds = { q: bytes('uint8', [3, 7]), columns: reals([5], 1e-3, 2e-3) };
    const constants = { w: bytes('int8', [7, 5]), rows: reals([3, 1]) };
    await check({ nodes, feeds, constants }, ['Binary', 'QConvDynamic']);
  });

  it.each([true, false])('DynamicQuantizeMatMul, bias %s', async (bias) => {
    const inputs = ['x', 'w', 'ws', 'zw', ...(bias ? ['bias'] : [])];
    const nodes = [node('DynamicQuantizeMatMul', inputs, ['y'], {}, contrib)];
    const constants = {
      w: bytes('int8', [7, 5]),
      ws: reals([5], 0.001, 0.002),
      zw: zero('int8', 0, 0, 0, 0, 0),
      ...(bias && { bias: reals([5]) }),
    };
    const parts = { nodes, feeds: { x: reals([2, 3, 7]) }, constants };
    await check(parts, ['DynamicQuantizeLinear', 'QConvDynamic']);
  });

  it('MatMulIntegerToFloat', async () => {
    const inputs = ['q', 'w', 's', 'ws', 'z', '', 'bias'];
    const nodes = [node('MatMulIntegerToFloat', inputs, ['y'], {}, contrib)];
    const feeds = {
      q: bytes('uint8', [3, 7]),
      s: reals([1], 0.01, 0.02),
      z: t('uint8', [99], [1]),
    };
    const constants = { w: bytes('int8', [7, 5]), ws: reals([1], 1e-3, 2e-3), bias: reals([5]) };
    await check({ nodes, feeds, constants }, ['QConvDynamic']);
  });
});
