/** Operators of pictures that become others, drawn at random and held against ONNX Runtime, with dims known at once or later. */
import { describe, expect, it } from 'vitest';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute, Graph } from '../../src/graph/ir.js';
import { node, t } from '../helpers/onnx-builder.js';
import { createRandom, type Random } from '../helpers/random.js';
import { build, countOps, lowered, quantizeNode, runOracle, runReference } from './oracle.js';

const { int, ints, string } = attribute;

interface Drawn {
  readonly op: string;
  readonly x: readonly number[];
  /** Behind x; undefined for an absent one. */
  readonly constants: readonly (Tensor | undefined)[];
  readonly attributes: Record<string, Attribute>;
}

function floats(random: Random, dims: readonly number[]): Tensor<'float32'> {
  const data = Float32Array.from({ length: elementCount(dims) }, () => random.real(-2, 2));
  return { type: 'float32', dims, data };
}

function each<T>(length: number, draw: (axis: number) => T): T[] {
  return Array.from({ length }, (_, axis) => draw(axis));
}

function drawConvTranspose(random: Random): Drawn {
  const rank = random.pick([1, 2, 2, 2]);
  const groups = random.pick([1, 1, 2, 3]);
  const [inputs, depth] = [groups * random.int(1, 3), random.int(1, 3)];
  const kernel = each(rank, () => random.int(1, 4));
  const stride = random.int(1, 4);
  const strides = each(rank, () => (random.chance(0.7) ? stride : random.int(1, 3)));
  const dilations = each(rank, () => (random.chance(0.7) ? 1 : random.int(2, 3)));
  const sizes = each(rank, () => random.int(3, 7));
  const extent = (axis: number) => dilations[axis]! * (kernel[axis]! - 1) + 1;
  const attributes: Record<string, Attribute> = {
    group: int(groups),
    strides: ints(strides),
    dilations: ints(dilations),
  };
  const form = random.pick(['plain', 'pads', 'pads', 'auto_pad', 'output_shape']);
  if (form === 'pads') {
    attributes['pads'] = ints(each(2 * rank, (i) => random.int(0, extent(i % rank) - 1)));
    attributes['output_padding'] = ints(each(rank, (i) => random.int(0, strides[i]! - 1)));
  }
  if (form === 'auto_pad') {
    // Where strides leave gaps, ONNX Runtime does not give SAME the size that ONNX asks for.
    const gaps = strides.some((one, i) => one > extent(i));
    const all = ['VALID', 'SAME_UPPER', 'SAME_LOWER'];
    attributes['auto_pad'] = string(random.pick(gaps ? all.slice(0, 1) : all));
  }
  if (form === 'output_shape') {
    const whole = (i: number) => strides[i]! * (sizes[i]! - 1) + extent(i);
    attributes['output_shape'] = ints(each(rank, (i) => whole(i) - random.int(0, extent(i) - 1)));
  }
  const bias = random.chance(0.5) ? [floats(random, [depth * groups])] : [];
  return {
    op: 'ConvTranspose',
    x: [random.int(1, 2), inputs, ...sizes],
    constants: [floats(random, [inputs, depth, ...kernel]), ...bias],
    attributes,
  };
}

const placements = [
  ...['half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel', 'align_corners', 'asymmetric'],
  'tf_crop_and_resize',
];

function drawResize(random: Random): Drawn {
  const x = [random.int(1, 2), random.int(1, 3), random.int(2, 9), random.int(2, 9)];
  const mode = random.pick(['nearest', 'linear', 'cubic']);
  const antialias = mode !== 'nearest' && random.chance(0.3);
  const placement = random.pick(antialias ? placements.slice(0, 1) : placements);
  const attributes: Record<string, Attribute> = {
    mode: string(mode),
    coordinate_transformation_mode: string(placement),
    antialias: int(antialias ? 1 : 0),
  };
  if (mode === 'nearest') {
    const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];
    attributes['nearest_mode'] = string(random.pick(roundings));
  }
  if (mode === 'cubic') {
    attributes['cubic_coeff_a'] = attribute.float(random.pick([-0.75, -0.5]));
    if (!antialias) attributes['exclude_outside'] = int(random.int(0, 1));
  }
  const crops = placement === 'tf_crop_and_resize';
  const roi = t('float32', [0, 0, 0.2, -0.1, 1, 1, 0.7, 1.3]);
  attributes['extrapolation_value'] = attribute.float(10);
  const scales = random.chance(0.5);
  // ONNX Runtime crops nothing along an axis of scale 1.
  const one = crops ? 0.9 : 1;
  const factors = [random.pick([0.5, 0.6, one, 2, 2.5, 3]), random.pick([0.4, one, 1.5, 2, 4])];
  const sizes = each(2, () => random.int(crops ? 10 : 1, 14));
  return {
    op: 'Resize',
    x,
    constants: [
      crops ? roi : undefined,
      scales ? t('float32', [1, 1, ...factors]) : undefined,
      ...(scales ? [] : [t('int64', [x[0]!, x[1]!, ...sizes].map(BigInt))]),
    ],
    attributes,
  };
}

function graphOf({ op, x, constants, attributes }: Drawn, open: boolean): Graph {
  const names = constants.map((constant, i) => (constant === undefined ? '' : `c${i}`));
  const given = names.flatMap((name, i) => (name === '' ? [] : [[name, constants[i]!] as const]));
  return build({
    nodes: [node(op, ['x', ...names], ['y'], attributes)],
    inputs: {
      x: { type: 'float32', dims: open ? x.map((dim, i) => (i === 1 ? dim : `d${i}`)) : x },
    },
    constants: Object.fromEntries(given),
    outputs: { y: 'y' },
  });
}

function expectClose(found: Tensor, expected: Tensor, what: string): void {
  expect(found.dims, what).toEqual(expected.dims);
  const [a, b] = [found.data as Float32Array, expected.data as Float32Array];
  const bad = a.findIndex((value, i) => !(Math.abs(value - b[i]!) <= 2e-5 * (1 + Math.abs(b[i]!))));
  if (bad >= 0) expect.fail(`${what}: [${bad}] is ${a[bad]}, not ${b[bad]}`);
}

const kinds = { ConvTranspose: drawConvTranspose, Resize: drawResize };

describe.each(Object.entries(kinds))('%s', (_, draw) => {
  it('is what ONNX Runtime computes', async () => {
    for (let seed = 1; seed <= 120; seed++) {
      const random = createRandom(seed);
      const drawn = draw(random);
      const feeds = { x: floats(random, drawn.x) };
      const graph = graphOf(drawn, false);
      const { y: found } = runReference(graph, feeds);
      const what = `seed ${seed}: ${JSON.stringify([drawn.x, drawn.constants.map((c) => c?.dims), ...Object.entries(drawn.attributes).map(([key, { value }]) => [key, value])])}`;
      const later = runReference(lowered(graphOf(drawn, true), {}), feeds);
      expect(later['y'], what).toEqual(found);
      expectClose(found!, (await runOracle(graph, feeds))['y']!, what);
    }
  }, 60_000);
});

/** Quantize and dequantize, with one scale. */
function pair(x: string, y: string) {
  return [
    quantizeNode('QuantizeLinear', x, `${y}_q`, 'p'),
    quantizeNode('DequantizeLinear', `${y}_q`, y, 'p'),
  ];
}

const scale = { p_scale: t('float32', [0.05], []), p_zero: t('uint8', [120], []) };

describe('quantized pictures', () => {
  it.each([
    [1, 4, 1],
    [2, 6, 2],
  ])('transposed convolutions of integers, in %i groups', async (groups, channels, depth) => {
    const random = createRandom(groups);
    const codes = Int8Array.from({ length: channels * depth * 9 }, () => random.int(-20, 20));
    const graph = build({
      nodes: [
        ...pair('x', 'xd'),
        quantizeNode('DequantizeLinear', 'w_q', 'w', 'w', 1),
        node('ConvTranspose', ['xd', 'w'], ['t'], {
          strides: ints([2, 2]),
          pads: ints([1, 1, 1, 1]),
          output_padding: ints([1, 1]),
          group: int(groups),
        }),
        node('Relu', ['t'], ['r']),
        ...pair('r', 'y'),
      ],
      inputs: { x: { type: 'float32', dims: [1, channels, 5, 4] } },
      outputs: { y: 'y' },
      constants: {
        ...scale,
        w_q: { type: 'int8', dims: [channels, depth, 3, 3], data: codes },
        w_scale: t(
          'float32',
          Array.from({ length: depth }, (_, i) => 0.0123 * (i + 1)),
        ),
        w_zero: t('int8', new Array(depth).fill(0)),
      },
    });
    const feeds = { x: floats(random, [1, channels, 5, 4]) };
    const counts = countOps(lowered(graph, feeds));
    expect(counts).toMatchObject({ QConv: 1, QuantizeLinear: 1, DequantizeLinear: 1 });
    expect(counts).not.toHaveProperty('Conv');
    const [found, expected] = [runReference(graph, feeds), await runOracle(graph, feeds)];
    expectClose(found['y']!, expected['y']!, 'y');
  });

  it('nearest cells are chosen among codes', async () => {
    const graph = build({
      nodes: [
        ...pair('x', 'xd'),
        node('Resize', ['xd', '', 'scales'], ['r'], { mode: string('nearest') }),
        ...pair('r', 'y'),
      ],
      inputs: { x: { type: 'float32', dims: [1, 3, 5, 4] } },
      outputs: { y: 'y' },
      constants: { ...scale, scales: t('float32', [1, 1, 2, 3]) },
    });
    const feeds = { x: floats(createRandom(1), [1, 3, 5, 4]) };
    expect(countOps(lowered(graph, feeds))).toEqual({
      QuantizeLinear: 1,
      Gather: 2,
      DequantizeLinear: 1,
    });
    expectClose(runReference(graph, feeds)['y']!, (await runOracle(graph, feeds))['y']!, 'y');
  });
});

it('keeps pictures channels-last through resizing and transposed convolutions', () => {
  const random = createRandom(1);
  const graph = build({
    nodes: [
      node('Conv', ['x', 'w'], ['a']),
      node('Resize', ['a', '', 'scales'], ['b'], { mode: string('linear') }),
      node('Conv', ['b', 'w'], ['c']),
      node('ConvTranspose', ['c', 'w'], ['d'], { strides: ints([2, 2]) }),
      node('Conv', ['d', 'w'], ['y']),
    ],
    inputs: { x: { type: 'float32', dims: [2, 4, 6, 5] } },
    outputs: { y: 'y' },
    constants: { w: floats(random, [4, 4, 1, 1]), scales: t('float32', [1, 1, 2, 2]) },
  });
  const found = lowered(graph, { x: floats(random, [2, 4, 6, 5]) });
  // In and out, and the phases, which change places.
  expect(countOps(found)).toEqual({ Transpose: 3, Conv: 4, Resample: 2, Reshape: 2, Slice: 1 });
});
