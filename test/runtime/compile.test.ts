import { describe, expect, it } from 'vitest';
import type { DataType } from '../../src/core/dtype.js';
import { tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute, Graph, Node, ValueType } from '../../src/graph/ir.js';
import { compile } from '../../src/runtime/compile.js';
import { unaryKinds } from '../../src/runtime/kinds.js';
import { layoutConstants } from '../../src/runtime/memory.js';

const type = (name: DataType, ...dims: number[]): ValueType => ({ type: name, dims });

function node(
  name: string,
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, Attribute> = {},
): Node {
  return {
    name,
    op,
    domain: 'octavo',
    inputs,
    outputs,
    attributes: new Map(Object.entries(attributes)),
  };
}

function graph(parts: Partial<Graph>): Graph {
  return {
    name: 'g',
    inputs: [],
    outputs: [],
    nodes: [],
    constants: new Map(),
    types: new Map(),
    opsets: new Map([['', 21]]),
    ...parts,
  };
}

const relu = {
  kind: attribute.int(unaryKinds.Clip),
  alpha: attribute.float(0),
  beta: attribute.float(Number.POSITIVE_INFINITY),
};
const add = { kind: attribute.int(0) };

describe('compile', () => {
  it('turns nodes into steps, attributes into parameters, and drops those that have no field', () => {
    const plan = compile(
      graph({
        inputs: ['x'],
        outputs: [{ name: 'out', value: 'y' }],
        nodes: [
          node('t', 'Transpose', ['x'], ['t'], {
            perm: attribute.ints([1, 0]),
            padBottom: attribute.int(3),
          }),
          node('r', 'Unary', ['t'], ['y'], relu),
        ],
        types: new Map([
          ['x', type('float32', 2, 3)],
          ['t', type('float32', 3, 2)],
          ['y', type('float32', 3, 2)],
        ]),
      }),
    );
    expect(plan.steps).toEqual([
      {
        op: 'Transpose',
        node: 't',
        inputs: [0],
        outputs: [1],
        params: { perm: [1, 0, 0, 0, 0, 0, 0, 0] },
      },
      {
        op: 'Unary',
        node: 'r',
        inputs: [1],
        outputs: [2],
        params: { kind: 0, alpha: 0, beta: Number.POSITIVE_INFINITY },
      },
    ]);
    expect(plan.inputs).toEqual([{ name: 'x', tensor: 0 }]);
    expect(plan.outputs).toEqual([{ name: 'out', tensor: 2 }]);
    expect(plan.tensors.map((t) => t.bytes)).toEqual([24, 24, 24]);
    // x is dead when y is written.
    expect(plan.tensors[2]!.offset).toBe(plan.tensors[0]!.offset);
    expect(plan.arenaBytes).toBe(64 + 64 + 64);
  });

  it('makes a reshape other dims on the same bytes', () => {
    const plan = compile(
      graph({
        inputs: ['x'],
        outputs: [{ name: 'y', value: 'y' }],
        nodes: [
          node('a', 'Unary', ['x'], ['a'], relu),
          node('b', 'Reshape', ['a'], ['b']),
          node('c', 'Reshape', ['b'], ['c']),
          node('d', 'Binary', ['c', 'k'], ['y'], add),
        ],
        constants: new Map([['k', tensor('float32', Float32Array.of(1), [])]]),
        types: new Map([
          ['x', type('float32', 2, 3)],
          ['a', type('float32', 2, 3)],
          ['b', type('float32', 6)],
          ['c', type('float32', 1, 6)],
          ['y', type('float32', 1, 6)],
        ]),
      }),
    );
    expect(plan.steps.map((step) => step.op)).toEqual(['Unary', 'Binary']);
    const [a] = plan.steps[0]!.outputs;
    const [c, k] = plan.steps[1]!.inputs;
    expect(plan.tensors[c!]).toEqual({ ...plan.tensors[a!], dims: [1, 6] });
    expect(plan.tensors[k!]).toMatchObject({ space: 'plan', offset: 0 });
    expect(new Float32Array(plan.constants.buffer)[0]).toBe(1);
  });

  it('copies an output that is an input, a constant, or a view of one; once per value', () => {
    const plan = compile(
      graph({
        inputs: ['x'],
        outputs: [
          { name: 'same', value: 'x' },
          { name: 'flat', value: 'r' },
          { name: 'k', value: 'k' },
          { name: 'k2', value: 'k' },
        ],
        nodes: [node('r', 'Reshape', ['x'], ['r'])],
        constants: new Map([['k', tensor('int8', Int8Array.of(5), [1])]]),
        types: new Map([
          ['x', type('float32', 2, 3)],
          ['r', type('float32', 6)],
        ]),
      }),
    );
    expect(plan.steps.map(({ op, node }) => [op, node])).toEqual([
      ['Copy', 'same'],
      ['Copy', 'flat'],
      ['Copy', 'k'],
    ]);
    const outputs = plan.outputs.map((port) => plan.tensors[port.tensor]!);
    expect(outputs.map((t) => [t.space, t.type, t.dims])).toEqual([
      ['arena', 'float32', [2, 3]],
      ['arena', 'float32', [6]],
      ['arena', 'int8', [1]],
      ['arena', 'int8', [1]],
    ]);
    expect(new Set(outputs.map((t) => t.offset)).size).toBe(3);
  });

  it('finds constants in the model space by their data, under whatever dims', () => {
    const data = Float32Array.of(1, 2, 3, 4);
    const { offsets: model } = layoutConstants([
      tensor('float32', Float32Array.of(9), []),
      tensor('float32', data, [4]),
    ]);
    const plan = compile(
      graph({
        inputs: ['x'],
        outputs: [{ name: 'y', value: 'y' }],
        nodes: [node('a', 'Binary', ['x', 'k'], ['y'], add)],
        constants: new Map([['k', tensor('float32', data, [2, 2])]]),
        types: new Map([
          ['x', type('float32', 2, 2)],
          ['y', type('float32', 2, 2)],
        ]),
      }),
      { model },
    );
    expect(plan.tensors[1]).toMatchObject({ space: 'model', offset: 64, dims: [2, 2] });
    expect(plan.constants.length).toBe(64);
  });

  it('keeps unused inputs, absent inputs and empty tensors', () => {
    const plan = compile(
      graph({
        inputs: ['x', 'unused'],
        outputs: [{ name: 'y', value: 'y' }],
        nodes: [
          node('m', 'MatMul', ['x', 'x', ''], ['y'], {
            transposeA: attribute.int(0),
            transposeB: attribute.int(1),
            lower: attribute.float(0),
            upper: attribute.float(6),
          }),
        ],
        types: new Map([
          ['x', type('float32', 0, 3)],
          ['unused', type('int64', 5)],
          ['y', type('float32', 0, 0)],
        ]),
      }),
    );
    expect(plan.steps[0]!.inputs).toEqual([0, 0, -1]);
    expect(plan.inputs.map((port) => port.name)).toEqual(['x', 'unused']);
    expect(plan.tensors[1]!.bytes).toBe(40);
  });

  const oneNode = (n: Node, y: ValueType = type('float32', 2)): Graph =>
    graph({
      inputs: ['x'],
      outputs: [{ name: 'y', value: 'y' }],
      nodes: [n],
      types: new Map([
        ['x', type('float32', 2)],
        ['y', y],
      ]),
    });

  it.each([
    [
      'an ONNX node',
      oneNode({ ...node('n', 'Relu', ['x'], ['y']), domain: '' }),
      'UNSUPPORTED_OPERATOR',
    ],
    ['an unknown step', oneNode(node('n', 'Frobnicate', ['x'], ['y'])), 'UNSUPPORTED_OPERATOR'],
    ['a missing parameter', oneNode(node('n', 'Unary', ['x'], ['y'])), 'INTERNAL'],
    [
      'a wrong kind',
      oneNode(node('n', 'Binary', ['x', 'x'], ['y'], { kind: attribute.float(0) })),
      'INTERNAL',
    ],
    [
      'a parameter of more than 32 bits',
      oneNode(node('n', 'Binary', ['x', 'x'], ['y'], { kind: attribute.int(2 ** 31) })),
      'LIMIT_EXCEEDED',
    ],
    [
      'a free dimension',
      oneNode(node('n', 'Unary', ['x'], ['y'], relu), { type: 'float32', dims: ['N'] }),
      'INTERNAL',
    ],
    [
      'a tensor of 4 GiB',
      oneNode(node('n', 'Unary', ['x'], ['y'], relu), type('float32', 2 ** 30)),
      'LIMIT_EXCEEDED',
    ],
    [
      'nine axes',
      oneNode(node('n', 'Unary', ['x'], ['y'], relu), type('float32', 1, 1, 1, 1, 1, 1, 1, 1, 2)),
      'LIMIT_EXCEEDED',
    ],
  ])('refuses %s', (_, bad, code) => {
    expect(() => compile(bad)).toThrow(expect.objectContaining({ code }));
  });
});
