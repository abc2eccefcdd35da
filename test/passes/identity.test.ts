import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute, ValueType } from '../../src/graph/ir.js';
import { deadCode } from '../../src/passes/deadCode.js';
import { dropIdentities } from '../../src/passes/identity.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { passed, sketch } from './sketch.js';

const { int, ints } = attribute;
const i64 = (...values: number[]): Tensor => t('int64', values);
const one = t('float32', [1], []);
const ones = (...dims: number[]): Tensor =>
  t('float32', new Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims);
const zero = t('float32', [0], [1]);

type Row = readonly [
  what: string,
  op: string,
  more: readonly (string | Tensor)[],
  attributes?: Record<string, Attribute>,
  x?: ValueType,
];

/** One node between x and y; inputs after x are constants, '' or 'x' again. */
function run([, op, more, attributes, x = float32('N', 4)]: Row): string[] {
  const constants: Record<string, Tensor> = {};
  const names = more.map((what, i) => {
    if (typeof what === 'string') return what;
    constants[`k${i}`] = what;
    return `k${i}`;
  });
  const inputs = op.startsWith('k') ? [...names, 'x'] : ['x', ...names];
  const nodes = [node(op.replace(/^k/, ''), inputs, ['m'], attributes), node('Exp', ['m'], ['y'])];
  return sketch(passed({ inputs: { x }, nodes, constants, outputs: { y: 'y' } }, dropIdentities));
}

const dropped: readonly Row[] = [
  ['Identity', 'Identity', []],
  ['Dropout', 'Dropout', []],
  ['Dropout that is told not to train', 'Dropout', ['', t('bool', [0], [])]],
  ['Cast to the same type', 'Cast', [], { to: int(1) }],
  ['Transpose in order', 'Transpose', [], { perm: ints([0, 1]) }],
  ['Transpose of a vector', 'Transpose', [], {}, float32('N')],
  ['Reshape to the same dims', 'Reshape', [i64(0, 4)]],
  ['Reshape that copies', 'Reshape', [i64(0, -1)]],
  ['Flatten of a matrix', 'Flatten', []],
  ['Squeeze of nothing', 'Squeeze', [i64()]],
  ['Unsqueeze of nothing', 'Unsqueeze', [i64()]],
  ['Expand to less', 'Expand', [i64(1, 4)]],
  ['Slice of all', 'Slice', [i64(0), i64(2 ** 40), i64(0)]],
  ['Slice of a whole axis', 'Slice', [i64(-4), i64(4), i64(1)]],
  ['Pad by nothing', 'Pad', [i64(0, 0, 0, 0)]],
  ['Concat of one', 'Concat', [], { axis: int(0) }],
  ['Split in one', 'Split', [], { num_outputs: int(1) }],
  ['Max of one', 'Max', []],
  ['MaxPool of single cells', 'MaxPool', [], { kernel_shape: ints([1]) }, float32(1, 2, 3)],
  ['x + 0', 'Add', [zero]],
  ['0 + x', 'kAdd', [zero]],
  ['x - 0', 'Sub', [zero]],
  ['x · 1', 'Mul', [one]],
  ['x · ones', 'Mul', [ones(1, 4)]],
  ['x / 1 of unknown dims', 'Div', [one], {}, { type: 'float32' }],
];

const kept: readonly Row[] = [
  ['Dropout that may train', 'Dropout', ['', 'train']],
  ['Cast to another type', 'Cast', [], { to: int(11) }],
  ['Transpose', 'Transpose', [], {}, float32(4, 4)],
  ['Reshape that may do something', 'Reshape', [i64(-1, 4)], {}, float32(undefined, 4)],
  ['Slice backwards', 'Slice', [i64(-1), i64(-9), i64(1), i64(-1)]],
  ['Slice of unknown size', 'Slice', [i64(0), i64(4), i64(0)]],
  ['Pad by 1 and -1', 'Pad', [i64(0, 1, 0, -1)]],
  ['Expand to more', 'Expand', [i64(4)], {}, float32(1)],
  [
    'MaxPool with stride',
    'MaxPool',
    [],
    { kernel_shape: ints([1]), strides: ints([2]) },
    float32(1, 2, 3),
  ],
  ['x + 0 that spreads x', 'Add', [ones(3, 1, 4)]],
  ['x · 1 that may spread x', 'Mul', [ones(2, 4)]],
  ['x · 1 of unknown rank', 'Mul', [ones(1, 4)], {}, { type: 'float32' }],
  ['0 - x', 'kSub', [zero]],
  ['1 / x', 'kDiv', [one]],
  ['x + 1', 'Add', [one]],
  ['Max of two', 'Max', ['x']],
];

describe('dropping identities', () => {
  it.each(dropped.map((row) => [row[0], row] as const))('drops %s', (_, row) => {
    expect(run(row)).toEqual(['y = Exp(x)']);
  });

  it.each(kept.filter((row) => row[2][1] !== 'train').map((row) => [row[0], row] as const))(
    'keeps %s',
    (_, row) => {
      expect(run(row)).toHaveLength(2);
    },
  );

  it('keeps a Dropout that may train, or whose mask is read', () => {
    const inputs = { x: float32('N'), train: { type: 'bool', dims: [] } } as const;
    const training = passed(
      {
        inputs,
        nodes: [node('Cast', ['train'], ['flag'], { to: int(9) }), node('Neg', ['x'], ['y'])],
        outputs: { y: 'y', flag: 'flag' },
      },
      dropIdentities,
    );
    expect(sketch(training)).toEqual(['y = Neg(x)', 'flag: train']);
    const nodes = [node('Dropout', ['x'], ['m', 'mask'])];
    const masked = passed({ inputs, nodes, outputs: { m: 'm', mask: 'mask' } }, dropIdentities);
    expect(sketch(masked)).toEqual(['m, mask = Dropout(x)']);
  });

  it('lets a graph output read past a dropped node, under its own name', () => {
    const nodes = [node('Relu', ['x'], ['r']), node('Identity', ['r'], ['y'])];
    const graph = passed({ inputs: { x: float32(1) }, nodes, outputs: { y: 'y' } }, dropIdentities);
    expect(sketch(graph)).toEqual(['r = Relu(x)', 'y: r']);
  });

  it('takes a chain of any length', () => {
    const nodes = Array.from({ length: 5000 }, (_, i) =>
      node('Identity', [i === 0 ? 'x' : `v${i - 1}`], [`v${i}`]),
    );
    const parts = { inputs: { x: float32(1) }, nodes, outputs: { y: 'v4999' } };
    expect(sketch(passed(parts, dropIdentities))).toEqual(['y: x']);
  });

  it('joins transposes', () => {
    const nodes = [
      node('Transpose', ['x'], ['a'], { perm: ints([0, 2, 3, 1]) }),
      node('Transpose', ['a'], ['b'], { perm: ints([0, 2, 1, 3]) }),
      node('Transpose', ['a'], ['c'], { perm: ints([0, 3, 1, 2]) }),
      node('Add', ['c', 'c'], ['d']),
    ];
    const graph = passed(
      { inputs: { x: float32('N', 2, 3, 4) }, nodes, outputs: { b: 'b', d: 'd' } },
      dropIdentities,
      deadCode,
    );
    expect(sketch(graph)).toEqual(['d = Add(x, x)', 'b = Transpose(x)']);
    expect(graph.nodes[1]!.attributes.get('perm')).toEqual(ints([0, 3, 2, 1]));
  });

  it.each([
    ['sizes', i64(-1, 2, 6), 'y = Reshape(x, k)'],
    ['a copied dim that is free', i64(0, 2, 6), 'y = Reshape(f, k)'],
  ])('joins reshapes to %s', (_, target, last) => {
    const nodes = [node('Flatten', ['x'], ['f']), node('Reshape', ['f', 'k'], ['y'])];
    const parts = { inputs: { x: float32('N', 3, 4) }, nodes, constants: { k: target } };
    const graph = passed({ ...parts, outputs: { y: 'y' } }, dropIdentities);
    expect(sketch(graph).at(-1)).toBe(last);
  });

  it('joins reshapes that copy known dims', () => {
    const nodes = [node('Flatten', ['x'], ['f']), node('Reshape', ['f', 'k'], ['y'])];
    const parts = { inputs: { x: float32(2, 3, 4) }, nodes, constants: { k: i64(0, 2, -1) } };
    const graph = passed({ ...parts, outputs: { y: 'y' } }, dropIdentities, deadCode);
    expect(sketch(graph)).toEqual(['y = Reshape(x, Reshape_y_shape)']);
    expect(graph.constants.get('Reshape_y_shape')).toEqual(i64(2, 2, 6));
  });
});

describe('dead code', () => {
  const parts = {
    inputs: { x: float32(1) },
    nodes: [
      node('Relu', ['x'], ['y']),
      node('Exp', ['x'], ['a']),
      node('Add', ['a', 'k'], ['b']),
      node('Split', ['x'], ['s', 't'], { num_outputs: int(2) }),
    ],
    constants: { k: one, unread: one },
    outputs: { y: 'y', t: 't' },
  };

  it('is removed in one patch, with the constants only it read', () => {
    const graph = passed(parts, deadCode);
    expect(sketch(graph)).toEqual(['y = Relu(x)', 's, t = Split(x)']);
    expect([...graph.constants.keys()]).toEqual([]);
    expect(graph.types.has('a')).toBe(false);
    expect(deadCode.next(graph)).toBeUndefined();
  });

  it('leaves inputs that nothing reads', () => {
    const graph = passed({ ...parts, inputs: { ...parts.inputs, z: float32(2) } }, deadCode);
    expect(graph.inputs).toEqual(['x', 'z']);
  });
});
