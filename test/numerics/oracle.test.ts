/** The numerics against ONNX Runtime, bit for bit. */
import { describe, expect, it } from 'vitest';
import { allocate, bitsOf, type TypedArray } from '../../src/core/dtype.js';
import { decodeBfloat16, encodeBfloat16, encodeFloat16 } from '../../src/core/half.js';
import { elementCount } from '../../src/core/shape.js';
import { tensor } from '../../src/core/tensor.js';
import {
  dequantize,
  dynamicQuantize,
  integerRange,
  isPackedType,
  pack,
  type QuantizedType,
  type QuantParams,
  quantize,
  requantize,
  requantizeMultiplier,
} from '../../src/numerics/index.js';
import {
  type LayoutCase,
  layoutCases,
  nameOf,
  randomParams,
  randomSource,
  randomValues,
  scaleDimsOf,
  specialValues,
} from './cases.js';
import { runOracle } from './oracle.js';

const seed = 0x0c80;

/** int2 and uint2 came with opset 25. */
const opsetOf = (type: QuantizedType) => (bitsOf(type) === 2 ? 25 : 21);

function storeIntegers(values: ArrayLike<number>, type: QuantizedType): TypedArray {
  if (isPackedType(type)) return pack(Int8Array.from(values) as never, type);
  const data = allocate(type, values.length);
  for (let i = 0; i < values.length; i++) data[i] = values[i]!;
  return data;
}

/** Scale and zero point as ONNX constants. */
function constantsOf(params: QuantParams, layout: LayoutCase) {
  const dims = scaleDimsOf(layout);
  const { type, scale, zeroPoint } = params;
  return {
    scale: tensor('float32', scale, dims),
    zero: tensor(type, storeIntegers(zeroPoint, type) as never, dims),
  };
}

function attributesOf({ axis, blockSize }: LayoutCase): Record<string, number> {
  return {
    ...(axis !== undefined && { axis }),
    ...(blockSize !== undefined && { block_size: blockSize }),
  };
}

const types = ['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4', 'int2', 'uint2'] as const;

describe.each(types)('%s', (type) => {
  const random = randomSource(seed);

  // ONNX Runtime 1.30 converts these by paths of their own, which wrap around for NaN and for steps
  // beyond int32.
  const wraps = ({ axis, blockSize }: LayoutCase) =>
    blockSize !== undefined || bitsOf(type) === 2 || (bitsOf(type) === 4 && axis !== undefined);

  it.each(layoutCases.map((layout) => [nameOf(layout), layout] as const))(
    'quantizes and dequantizes as ONNX Runtime does, per %s',
    async (_, layout) => {
      const { dims } = layout;
      const params = randomParams(type, layout, random);
      const special = wraps(layout) ? [0, -0, 1e-45] : specialValues;
      const values = randomValues(layout, params, random, special);
      const attributes = attributesOf(layout);
      const codes = quantize(values, dims, params);
      // onnxruntime-node cannot hand out packed types, so those are compared dequantized.
      const packed = isPackedType(type);
      // ONNX Runtime 1.30 mixes up the 2-bit integers that share a byte when the scale differs
      // between neighbours. Its DequantizeLinear does not.
      const mixesUp = bitsOf(type) === 2 && layout.axis === dims.length - 1 && !layout.blockSize;
      const actual = await runOracle({
        opset: opsetOf(type),
        feeds: { x: tensor('float32', values, dims) },
        constants: { ...constantsOf(params, layout), ours: tensor(type, codes as never, dims) },
        nodes: [
          { op: 'QuantizeLinear', inputs: ['x', 'scale', 'zero'], outputs: ['q'], attributes },
          { op: 'DequantizeLinear', inputs: ['q', 'scale', 'zero'], outputs: ['y'], attributes },
          { op: 'DequantizeLinear', inputs: ['ours', 'scale', 'zero'], outputs: ['z'], attributes },
        ],
        outputs: { y: 'float32', z: 'float32', ...(!packed && { q: type }) },
      });
      const expected = dequantize(codes, dims, params);
      if (!packed) expect(codes).toEqual(actual.q);
      expect(actual.z).toEqual(expected);
      if (!mixesUp) expect(actual.y).toEqual(expected);
    },
  );
});

it('dequantizes int32 as ONNX Runtime does', async () => {
  const random = randomSource(seed);
  for (const layout of layoutCases.filter(({ blockSize }) => blockSize === undefined)) {
    const params = randomParams('int32', layout, random);
    const q = Int32Array.from(
      { length: elementCount(layout.dims) },
      () => (random() - 0.5) * 2 ** 32,
    );
    const { y } = await runOracle({
      constants: { ...constantsOf(params, layout), q: tensor('int32', q, layout.dims) },
      nodes: [
        {
          op: 'DequantizeLinear',
          inputs: ['q', 'scale', 'zero'],
          outputs: ['y'],
          attributes: attributesOf(layout),
        },
      ],
      outputs: { y: 'float32' },
    });
    expect(dequantize(q, layout.dims, params)).toEqual(y);
  }
});

it('quantizes dynamically as ONNX Runtime does', async () => {
  const random = randomSource(seed);
  const ranges = [
    [-1, 1],
    [-1, 3],
    [0, 6],
    [-6, 0],
    [2, 5],
    [-5, -2],
    [0, 0],
    [-1e-30, 1e-30],
    [-1e38, 1e38],
    [-1e-3, 1e3],
  ] as const;
  const inputs = ranges.flatMap(([low, high]) =>
    [1, 7, 64, 1001].map((length) =>
      Float32Array.from({ length }, (_, i) =>
        i === 0 ? low : i === 1 ? high : i === 2 ? Number.NaN : low + (high - low) * random(),
      ),
    ),
  );
  for (const x of inputs) {
    const actual = await runOracle({
      feeds: { x: tensor('float32', x, [x.length]) },
      nodes: [{ op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 'scale', 'zero'] }],
      outputs: { q: 'uint8', scale: 'float32', zero: 'uint8' },
    });
    const { data, scale, zeroPoint } = dynamicQuantize(x);
    expect({ scale, zeroPoint }).toEqual({ scale: actual.scale![0], zeroPoint: actual.zero![0] });
    expect(data).toEqual(actual.q);
  }
});

it('requantizes as QLinearMatMul does', async () => {
  const random = randomSource(seed);
  for (let round = 0; round < 20; round++) {
    const [m, k, n] = [1 + (round % 7), 1 + ((round * 13) % 64), 1 + ((round * 5) % 19)];
    const perColumn = round % 2 === 1;
    const type = round % 4 < 2 ? 'uint8' : 'int8';
    const { min, max } = integerRange(type);
    const anyInteger = () => min + Math.floor(random() * 256);
    const a = allocate(type, m * k).map(anyInteger);
    // 7 bits: products of more saturate there on CPUs without a dot product instruction.
    const b = Int8Array.from({ length: k * n }, () => random() * 128 - 64);
    const [sa, za] = [Math.fround(random() + 0.01), anyInteger()];
    const columns = perColumn ? n : 1;
    const sb = Float32Array.from({ length: columns }, () => random() + 0.01);
    const sy = Math.fround(Math.sqrt(k) * 15 * (random() + 0.1));
    const zy = anyInteger();
    const weightDims = perColumn ? [n] : [];
    const { y } = await runOracle({
      constants: {
        a: tensor(type, a as never, [m, k]),
        sa: tensor('float32', Float32Array.of(sa), []),
        za: tensor(type, storeIntegers([za], type) as never, []),
        b: tensor('int8', b, [k, n]),
        sb: tensor('float32', sb, weightDims),
        zb: tensor('int8', new Int8Array(columns), weightDims),
        sy: tensor('float32', Float32Array.of(sy), []),
        zy: tensor(type, storeIntegers([zy], type) as never, []),
      },
      nodes: [
        {
          op: 'QLinearMatMul',
          inputs: ['a', 'sa', 'za', 'b', 'sb', 'zb', 'sy', 'zy'],
          outputs: ['y'],
        },
      ],
      outputs: { y: type },
    });
    const acc = new Int32Array(m * n);
    for (let i = 0; i < m * n; i++) {
      const [row, column] = [Math.floor(i / n), i % n];
      for (let j = 0; j < k; j++) acc[i]! += (a[row * k + j]! - za) * b[j * n + column]!;
    }
    const multipliers = sb.map((s) => requantizeMultiplier(sa, s, sy));
    const out = allocate(type, m * n);
    expect(requantize(acc, multipliers, zy, min, max, out)).toEqual(y);
  }
});

describe('half floats', () => {
  const random = randomSource(seed);
  const words = Uint32Array.from({ length: 50_000 }, () => random() * 2 ** 32);
  const anything = new Float32Array(words.buffer).filter((x) => !Number.isNaN(x));
  const x = Float32Array.from([
    ...anything,
    ...Array.from({ length: 50_000 }, () => random() ** 9),
  ]);

  it('casts to float16 as ONNX Runtime does', async () => {
    const { y } = await runOracle({
      feeds: { x: tensor('float32', x, [x.length]) },
      nodes: [{ op: 'Cast', inputs: ['x'], outputs: ['y'], attributes: { to: 10 } }],
      outputs: { y: 'float16' },
    });
    // A Float16Array where the engine has them.
    const bits = new Uint16Array(y!.buffer, y!.byteOffset, y!.length);
    expect(encodeFloat16(x)).toEqual(bits);
  });

  it('casts to bfloat16 as ONNX Runtime does', async () => {
    const { y } = await runOracle({
      feeds: { x: tensor('float32', x, [x.length]) },
      nodes: [
        { op: 'Cast', inputs: ['x'], outputs: ['b'], attributes: { to: 16 } },
        { op: 'Cast', inputs: ['b'], outputs: ['y'], attributes: { to: 1 } },
      ],
      outputs: { y: 'float32' },
    });
    expect(decodeBfloat16(encodeBfloat16(x))).toEqual(y);
  });
});
