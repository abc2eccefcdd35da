import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/core/limits.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { elementTypeCode } from '../../src/graph/elementTypes.js';
import type { Attribute, Node } from '../../src/graph/ir.js';
import { quantize } from '../../src/numerics/quantize.js';
import { constantFolding } from '../../src/passes/constantFolding.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { passed, sketch } from './sketch.js';

const { int, ints } = attribute;
const folding = constantFolding();
const i64 = (...values: (number | bigint)[]): Tensor => t('int64', values.map(BigInt));

/** What one node makes of constants; undefined when it is not folded. */
function fold(op: string, inputs: readonly Tensor[], attributes: Record<string, Attribute> = {}) {
  const names = inputs.map((_, i) => `k${i}`);
  const constants = Object.fromEntries(inputs.map((tensor, i) => [`k${i}`, tensor]));
  const nodes = [node(op, names, ['y'], attributes)];
  return passed({ nodes, constants, outputs: { y: 'y' } }, folding).constants.get('y');
}

describe('constant folding', () => {
  const folded: readonly (readonly [
    string,
    string,
    readonly Tensor[],
    Tensor,
    Record<string, Attribute>?,
  ])[] = [
    ['int64 wraps', 'Add', [i64(2n ** 63n - 1n), i64(1)], i64(-(2n ** 63n))],
    ['int64 keeps 64 bits', 'Mul', [i64(2n ** 31n + 1n), i64(2n ** 31n - 1n)], i64(2n ** 62n - 1n)],
    ['int64 divides towards zero', 'Div', [i64(-7, 7, -7), i64(2, -2, -2)], i64(-3, -3, 3)],
    ['int32 wraps', 'Mul', [t('int32', [65537]), t('int32', [65537])], t('int32', [131073])],
    ['int32 divides towards zero', 'Div', [t('int32', [-7]), t('int32', [2])], t('int32', [-3])],
    ['uint8 wraps', 'Sub', [t('uint8', [1]), t('uint8', [2])], t('uint8', [255])],
    [
      'float32 rounds each sum',
      'Add',
      [t('float32', [2 ** 24]), t('float32', [1])],
      t('float32', [2 ** 24]),
    ],
    ['Min of three', 'Min', [i64(3, 5), i64(4), i64(9, 1)], i64(3, 1)],
    [
      'powers of floats',
      'Pow',
      [t('float32', [4, 2]), t('float32', [0.5])],
      t('float32', [2, Math.SQRT2]),
    ],
    ['negative int64', 'Neg', [i64(5, -(2n ** 63n))], i64(-5, -(2n ** 63n))],
    ['comparison of int64', 'Less', [i64(2n ** 53n), i64(2n ** 53n + 1n)], t('bool', [1])],
    ['half to even', 'Round', [t('float32', [0.5, 1.5, -2.5])], t('float32', [0, 2, -2])],
    ['Cast cuts towards zero', 'Cast', [t('float32', [1.9, -1.9])], i64(1, -1), { to: int(7) }],
    ['Cast wraps integers', 'Cast', [i64(2n ** 32n + 5n)], t('int32', [5]), { to: int(6) }],
    ['Cast to bool', 'Cast', [t('float32', [0, -0.5])], t('bool', [0, 1]), { to: int(9) }],
    [
      'Cast to float16',
      'Cast',
      [t('float32', [1, 65536])],
      t('float16', [0x3c00, 0x7c00]),
      { to: int(10) },
    ],
    ['Cast from bfloat16', 'Cast', [t('bfloat16', [0x3fc0])], t('float32', [1.5]), { to: int(1) }],
    [
      'Reshape of packed',
      'Reshape',
      [t('uint4', [0x21, 0x43], [4]), i64(2, 2)],
      { ...t('uint4', [0x21, 0x43], [4]), dims: [2, 2] },
    ],
    [
      'Slice backwards',
      'Slice',
      [i64(0, 1, 2, 3), i64(-1), i64(-(2n ** 63n)), i64(0), i64(-2)],
      i64(3, 1),
    ],
    [
      'Gather from the end',
      'Gather',
      [t('float32', [1, 2, 3, 4], [2, 2]), i64(-1)],
      t('float32', [2, 4], [2, 1]),
      { axis: int(1) },
    ],
    [
      'ConstantOfShape',
      'ConstantOfShape',
      [i64(2)],
      i64(7, 7),
      { value: attribute.tensor(i64(7)) },
    ],
    ['Range down', 'Range', [5, 0, -2].map((x) => t('int64', [x], [])), i64(5, 3, 1)],
    ['ReduceProd', 'ReduceProd', [i64(3, 4, 5)], i64(60)],
    ['ReduceMean of int64', 'ReduceMean', [i64(3, 4)], i64(3)],
    [
      'Transpose',
      'Transpose',
      [t('int8', [1, 2, 3, 4, 5, 6], [2, 3])],
      t('int8', [1, 4, 2, 5, 3, 6], [3, 2]),
      { perm: ints([1, 0]) },
    ],
  ];
  for (const [what, op, inputs, expected, attributes] of folded) {
    it(`computes: ${what}`, () => {
      expect(fold(op, inputs, attributes)).toEqual(expected);
    });
  }

  const left: readonly (readonly [
    string,
    string,
    readonly Tensor[],
    Record<string, Attribute>?,
  ])[] = [
    ['integer division by zero', 'Div', [i64(1), i64(0)]],
    ['floats beyond the type', 'Cast', [t('float32', [3e9])], { to: int(6) }],
    ['NaN as an integer', 'Cast', [t('float32', [Number.NaN])], { to: int(7) }],
    ['packed elements', 'Transpose', [{ ...t('uint4', [0x21, 0x43], [4]), dims: [2, 2] }]],
    ['half floats', 'Add', [t('float16', [1]), t('float16', [1])]],
    ['an index outside', 'Gather', [t('float32', [1]), i64(1)]],
    ['sums that leave 2^53', 'ReduceSum', [i64(2n ** 53n, 1)]],
    ['nothing to reduce', 'ReduceMax', [t('float32', [], [0])]],
    ['what has no evaluator', 'Softmax', [t('float32', [1, 2])]],
  ];
  for (const [what, op, inputs, attributes] of left) {
    it(`leaves ${what}`, () => {
      expect(fold(op, inputs, attributes)).toBeUndefined();
    });
  }

  it.each(['int8', 'uint8', 'int16', 'int4', 'uint2'] as const)(
    'quantizes weights to %s, and leaves the DequantizeLinear',
    (type) => {
      const values = Float32Array.from({ length: 12 }, (_, i) => (i - 5.5) / 3);
      const scale = Float32Array.of(0.1, 0.2, 0.3);
      const nodes = [
        node('QuantizeLinear', ['w', 'scale', 'zero'], ['q'], { axis: int(0) }),
        node('DequantizeLinear', ['q', 'scale', 'zero'], ['y'], { axis: int(0) }),
      ];
      const zeroPoint = Int32Array.of(0, 1, 1);
      const zero = {
        type,
        dims: [3],
        data: quantize(Float32Array.of(0, 1, 1), [3], {
          type,
          scale: Float32Array.of(1),
          zeroPoint: new Int32Array(1),
        }),
      } as Tensor;
      const constants = {
        w: { type: 'float32', dims: [3, 4], data: values },
        scale: { type: 'float32', dims: [3], data: scale },
        zero,
      } as const;
      const graph = passed({ nodes, constants, outputs: { y: 'y' } }, folding);
      expect(sketch(graph)).toEqual(['y = DequantizeLinear(q, scale, zero)']);
      expect(graph.constants.get('q')).toEqual({
        type,
        dims: [3, 4],
        data: quantize(values, [3, 4], { type, scale, zeroPoint, axis: 0 }),
      });
      expect(graph.constants.has('w')).toBe(false);
    },
  );

  it('quantizes in blocks', () => {
    const nodes = [node('QuantizeLinear', ['w', 's'], ['y'], { axis: int(0), block_size: int(2) })];
    const constants = { w: t('float32', [1, 2, 3]), s: t('float32', [0.5, 0.1]) };
    const graph = passed({ nodes, constants, outputs: { y: 'y' } }, folding);
    expect(graph.constants.get('y')).toEqual(t('uint8', [2, 4, 30]));
  });

  it('refuses a scale that is none', () => {
    const bad = { w: t('float32', [1]), s: t('float32', [0]) };
    const nodes = [node('QuantizeLinear', ['w', 's'], ['y'])];
    expect(() => passed({ nodes, constants: bad, outputs: { y: 'y' } }, folding)).toThrow(
      expect.objectContaining({ code: 'INVALID_QUANTIZATION' }),
    );
  });
});

describe('folding of shapes', () => {
  const inputs = { x: float32('N', 3, 8, 8) };

  it('takes dims that are known and keeps what depends on free ones', () => {
    const nodes = [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'one'], ['c']),
      node('Gather', ['s', 'zero'], ['n']),
      node('Mul', ['c', 'c'], ['y']),
    ];
    const constants = { one: i64(1), zero: i64(0) };
    const graph = passed({ inputs, nodes, constants, outputs: { y: 'y', n: 'n' } }, folding);
    expect(sketch(graph)).toEqual(['s = Shape(x)', 'n = Gather(s, zero)']);
    expect(graph.constants.get('y')).toEqual(i64(9));
  });

  it('goes through values whose dims it makes known, in one patch', () => {
    const nodes = [
      node('Shape', ['x'], ['s'], { start: int(1) }),
      node('Cast', ['s'], ['f'], { to: int(elementTypeCode('float32')) }),
      node('ReduceProd', ['f'], ['p'], { keepdims: int(1) }),
      node('Cast', ['p'], ['t'], { to: int(elementTypeCode('int64')) }),
      node('Concat', ['minus', 't'], ['target'], { axis: int(0) }),
      node('Reshape', ['x', 'target'], ['r']),
      node('Shape', ['r'], ['rs'], { start: int(1) }),
      node('ConstantOfShape', ['rs'], ['y']),
    ];
    const patches: string[] = [];
    const graph = passed(
      { inputs, nodes, constants: { minus: i64(-1) }, outputs: { y: 'y', r: 'r' } },
      {
        ...folding,
        next: (current) => {
          const patch = folding.next(current);
          if (patch !== undefined) patches.push(patch.what);
          return patch;
        },
      },
    );
    expect(patches).toEqual([
      "compute Shape 'Shape_s', Cast 'Cast_f', ReduceProd 'ReduceProd_p' and 4 more",
    ]);
    expect(sketch(graph)).toEqual(['r = Reshape(x, target)']);
    expect(graph.types.get('r')).toEqual(float32('N', 192));
    expect(graph.constants.get('y')).toEqual(t('float32', new Array(192).fill(0), [192]));
  });
});

describe('limits of folding', () => {
  const filled = (...sizes: number[][]): { nodes: Node[]; constants: Record<string, Tensor> } => ({
    nodes: sizes.map((_, i) => node('ConstantOfShape', [`k${i}`], [`y${i}`])),
    constants: Object.fromEntries(sizes.map((size, i) => [`k${i}`, i64(...size)])),
  });
  const outputs = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`y${i}`, `y${i}`]));

  it('keep a small model from growing large', () => {
    const terabyte = filled([2 ** 20, 2 ** 18]);
    const graph = passed({ ...terabyte, outputs: outputs(1) }, folding);
    expect(graph.nodes).toHaveLength(1);
  });

  it('count what has grown in all, also over several runs', () => {
    const mebibytes = (count: number) => [count, 2 ** 18];
    const parts = filled(mebibytes(100), mebibytes(20), mebibytes(20), mebibytes(8));
    const once = passed({ ...parts, outputs: outputs(4) }, folding);
    expect([...once.constants.keys()].filter((name) => name.startsWith('y'))).toEqual([
      'y0',
      'y1',
      'y3',
    ]);
    expect(folding.next(once)).toBeUndefined();
  });

  it('are lifted and lowered by name', () => {
    const small = constantFolding({ ...defaultLimits, tensorBytes: 8 });
    const parts = filled([2], [3]);
    const graph = passed({ ...parts, outputs: outputs(2) }, small);
    expect([...graph.constants.keys()].sort()).toEqual(['k1', 'y0']);
  });

  it('do not count what only moves', () => {
    const w = {
      type: 'float32',
      dims: [2 ** 13, 2 ** 12],
      data: new Float32Array(2 ** 25),
    } as const;
    const nodes = [node('Transpose', ['w'], ['a']), node('Reshape', ['a', 'k'], ['y'])];
    const graph = passed({ nodes, constants: { w, k: i64(-1) }, outputs: { y: 'y' } }, folding);
    expect(graph.nodes).toEqual([]);
  });

  it('refuse dims that are no exact integer', () => {
    const parts = filled([2 ** 40, 2 ** 40]);
    expect(() => passed({ ...parts, outputs: outputs(1) }, folding)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', where: 'ConstantOfShape_y0' }),
    );
  });
});
