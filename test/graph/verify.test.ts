/** Every rule of a graph, broken one at a time; the error names the node or value. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph, ValueType } from '../../src/graph/ir.js';
import { formatType, verify } from '../../src/graph/verify.js';
import { float32, graphOf, node, t } from '../helpers/onnx-builder.js';
import { sound } from './sound.js';

const withTypes = (graph: Graph, more: Record<string, ValueType>): Graph => ({
  ...graph,
  types: new Map([...graph.types, ...Object.entries(more)]),
});
const withConstants = (graph: Graph, more: Record<string, Tensor>): Graph => ({
  ...graph,
  constants: new Map([...graph.constants, ...Object.entries(more)]),
});
const withNodes = (graph: Graph, ...more: Graph['nodes']): Graph => ({
  ...graph,
  nodes: [...graph.nodes, ...more],
});

const broken: readonly (readonly [rule: string, where: string, break_: (g: Graph) => Graph])[] = [
  ['order', 'Clip_y', (g) => ({ ...g, nodes: [...g.nodes].reverse() })],
  ['a cycle', 'A_p', (g) => withNodes(g, node('A', ['q'], ['p']), node('A', ['p'], ['q']))],
  ['missing value', 'Relu_z', (g) => withNodes(g, node('Relu', ['nowhere'], ['z']))],
  ['two producers', 'r', (g) => withNodes(g, { ...node('Relu', ['x'], ['r']), name: 'again' })],
  ['a node writes an input', 'x', (g) => withNodes(g, node('Relu', ['c'], ['x']))],
  ['a node writes a constant', 'w', (g) => withNodes(g, node('Relu', ['c'], ['w']))],
  ['one output twice in a node', 'z', (g) => withNodes(g, node('Split', ['x'], ['z', 'z']))],
  ['two inputs of a name', 'x', (g) => ({ ...g, inputs: ['x', 'x'] })],
  ['input and constant', 'w', (g) => withTypes({ ...g, inputs: ['x', 'w'] }, { w: float32(1) })],
  ['an input without a type', 'new', (g) => ({ ...g, inputs: ['x', 'new'] })],
  ['an input without a name', 'test', (g) => ({ ...g, inputs: ['x', ''] })],
  [
    'two nodes of a name',
    'Relu_r',
    (g) => withNodes(g, { ...node('Relu', ['c'], ['z']), name: 'Relu_r' }),
  ],
  [
    'a node without a name',
    'Relu',
    (g) => withNodes(g, { ...node('Relu', ['c'], ['z']), name: '' }),
  ],
  ['a node without outputs', 'Relu_', (g) => withNodes(g, node('Relu', ['c'], ['']))],
  ['two outputs of a name', 'out', (g) => ({ ...g, outputs: [...g.outputs, g.outputs[0]!] })],
  ['an output of nothing', 'o', (g) => ({ ...g, outputs: [{ name: 'o', value: 'gone' }] })],
  ['an output without a name', 'test', (g) => ({ ...g, outputs: [{ name: '', value: 'y' }] })],
  [
    'constant data too short',
    'k',
    (g) => withConstants(g, { k: { ...t('float32', [1]), dims: [2] } }),
  ],
  [
    'constant of another type',
    'k',
    (g) => withConstants(g, { k: { ...t('float32', [1]), type: 'int8' } as Tensor }),
  ],
  [
    'constant of no type',
    'k',
    (g) => withConstants(g, { k: { ...t('float32', [1]), type: 'text' } as unknown as Tensor }),
  ],
  ['a constant without a name', 'test', (g) => withConstants(g, { '': t('float32', [1]) })],
  ['a type of nothing', 'gone', (g) => withTypes(g, { gone: float32(1) })],
  ['a constant typed twice', 'w', (g) => withTypes(g, { w: float32(2, 3, 2, 2) })],
  ['an unknown type', 'y', (g) => withTypes(g, { y: { type: 'text' } as unknown as ValueType })],
  ['a negative dim', 'y', (g) => withTypes(g, { y: float32(-1) })],
  ['a fractional dim', 'y', (g) => withTypes(g, { y: float32(1.5) })],
  ['too few inputs', 'Conv_z', (g) => withNodes(g, node('Conv', ['x'], ['z']))],
  ['a required input absent', 'Conv_z', (g) => withNodes(g, node('Conv', ['', 'w'], ['z']))],
  ['too many inputs', 'Relu_z', (g) => withNodes(g, node('Relu', ['x', 'x'], ['z']))],
  ['too many outputs', 'Relu_z', (g) => withNodes(g, node('Relu', ['x'], ['z', 'u']))],
  ['inputs that contradict', 'Add_z', (g) => withNodes(g, node('Add', ['x', 'w'], ['z']))],
  [
    'a stated rank that is wrong',
    'Relu_z',
    (g) => withTypes(withNodes(g, node('Relu', ['x'], ['z'])), { z: float32(3) }),
  ],
  [
    'a stated dim that is wrong',
    'Relu_z',
    (g) => withTypes(withNodes(g, node('Relu', ['x'], ['z'])), { z: float32('N', 4, 8, 8) }),
  ],
  [
    'a stated type that is wrong',
    'Relu_z',
    (g) => withTypes(withNodes(g, node('Relu', ['x'], ['z'])), { z: { type: 'int8' } }),
  ],
];

describe('verify', () => {
  it('accepts a sound graph, again and again', () => {
    const graph = sound();
    verify(graph);
    verify(graph);
  });

  it('accepts untyped values, unknown operators and free dims that may fit', () => {
    const graph = withNodes(sound(), node('Mystery', ['y'], ['m'], {}, 'elsewhere'));
    verify({ ...graph, types: new Map([['x', float32('N', 3, 8, 8)]]) });
    verify(
      withTypes(withNodes(graph, node('Neg', ['x'], ['z'])), { z: float32('M', undefined, 8, 8) }),
    );
  });

  it('takes an absent input where the operator lets one be absent in the middle', () => {
    const inputs = ['x8', 'w8', '', 'm'];
    const graph = graphOf({
      inputs: { x8: { type: 'uint8', dims: [1, 4, 4, 2] } },
      nodes: [node('QConv', inputs, ['y'], {}, 'octavo')],
      outputs: { y: 'y' },
      constants: { w8: t('int8', new Array(6).fill(1), [3, 1, 1, 2]), m: t('float32', [1, 1, 1]) },
    });
    verify(graph);
    const without = { ...graph, nodes: [node('QConv', ['x8', 'w8', '', ''], ['y'], {}, 'octavo')] };
    expect(() => verify(without)).toThrow(/wrong number of inputs/);
  });

  it.each(broken)('refuses %s', (_, where, break_) => {
    expect(() => verify(break_(sound()))).toThrow(
      expect.objectContaining({ code: 'INVALID_GRAPH', where }),
    );
  });

  it('looks at a node again when it is rewired', () => {
    const graph = sound();
    verify(graph);
    const nodes = graph.nodes.map((n) => (n.op === 'Conv' ? { ...n, inputs: ['x', 'b'] } : n));
    expect(() => verify({ ...graph, nodes })).toThrow(/rank/);
  });

  it('reports an attribute of the wrong kind', () => {
    const bad = node('Softmax', ['x'], ['z'], { axis: attribute.string('last') });
    expect(() => verify(withNodes(sound(), bad))).toThrow(
      expect.objectContaining({ code: 'INVALID_MODEL', where: 'Softmax_z' }),
    );
  });

  it('formats types', () => {
    expect(formatType(float32(1, 'N', undefined))).toBe('float32 [1, N, ?]');
    expect(formatType({ type: 'int8' })).toBe('int8');
  });
});
