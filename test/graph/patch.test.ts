/** What a patch breaks is found by looking at what it changed, as by looking at the whole graph. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/ir.js';
import { applyPatch, type Patch, patched } from '../../src/graph/patch.js';
import { verify, verifyPatched } from '../../src/graph/verify.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { sound } from './sound.js';

const nodeOf = (graph: Graph, op: string) => graph.nodes.filter((n) => n.op === op);
const add = (...nodes: Graph['nodes']) => ({ add: nodes });

type Parts = Omit<Patch, 'what'>;

const broken: readonly (readonly [what: string, where: string, parts: (g: Graph) => Parts])[] = [
  ['takes away what a node reads', 'Clip_y', (g) => ({ remove: nodeOf(g, 'Relu') })],
  ['takes away what an output shows', 'out', (g) => ({ remove: nodeOf(g, 'Clip') })],
  ['reads nothing', 'Relu_z', () => add(node('Relu', ['nowhere'], ['z']))],
  ['rewires to nothing', 'Clip_y', () => ({ replace: [['r', 'nowhere']] })],
  ['shows nothing', 'out', () => ({ replace: [['y', 'nowhere']] })],
  ['writes a graph input', 'x', () => add(node('Relu', ['six'], ['x']))],
  ['writes a constant', 'w', () => add(node('Relu', ['six'], ['w']))],
  ['gives a constant for a computed value', 'c', () => ({ constants: [['c', t('float32', [1])]] })],
  ['gives a constant for a graph input', 'x', () => ({ constants: [['x', t('float32', [1])]] })],
  [
    'gives a constant whose data do not fit',
    'b',
    () => ({ constants: [['b', { ...t('float32', [1]), dims: [2] }]] }),
  ],
  ['takes a name twice', 'Relu_r', () => add({ ...node('Relu', ['c'], ['z']), name: 'Relu_r' })],
  ['adds a node without a name', 'Relu', () => add({ ...node('Relu', ['c'], ['z']), name: '' })],
  ['adds a node without outputs', 'Relu_', () => add(node('Relu', ['c'], ['']))],
  ['adds a node of too many inputs', 'Relu_z', () => add(node('Relu', ['x', 'x'], ['z']))],
  ['adds a node of too few inputs', 'Conv_z', () => add(node('Conv', ['x'], ['z']))],
  ['adds a node that does not take its inputs', 'Add_z', () => add(node('Add', ['x', 'w'], ['z']))],
  ['rewires a node to what it does not take', 'Conv_c', () => ({ replace: [['w', 'b']] })],
  [
    'states a type that is wrong',
    'Relu_z',
    () => ({ ...add(node('Relu', ['x'], ['z'])), types: [['z', float32(3)]] }),
  ],
  ['states a dim that is none', 'y', () => ({ types: [['y', float32(-1)]] })],
];

describe('verifyPatched', () => {
  it.each(broken)('refuses a patch that %s', (_, where, parts) => {
    const graph = sound();
    verify(graph);
    const patch = { what: 'test', ...parts(graph) };
    const error = expect.objectContaining({ code: 'INVALID_GRAPH', where });
    expect(() => verifyPatched(graph, patched(graph, patch))).toThrow(error);
    expect(() => verify(applyPatch(graph, patch))).toThrow(error);
  });

  it('looks at all of a graph that nobody has verified', () => {
    const graph = { ...sound(), inputs: ['x', 'x'] };
    const patch = { what: 'nothing' };
    expect(() => verifyPatched(graph, patched(graph, patch))).toThrow(/more than once/);
  });

  it('takes a patch that keeps the rules, and another upon it', () => {
    const graph = sound();
    verify(graph);
    const first = patched(graph, {
      what: 'a Clip less',
      remove: nodeOf(graph, 'Clip'),
      replace: [['y', 'r']],
    });
    verifyPatched(graph, first);
    expect(first.graph.outputs.map(({ value }) => value)).toEqual(['r', 'r', 'x', 'six']);
    const second = patched(first.graph, {
      what: 'a Neg more',
      ...add(node('Neg', ['c'], ['n'])),
      replace: [['c', 'n']],
      types: [['n', float32('N', 2, 7, 7)]],
    });
    verifyPatched(first.graph, second);
    expect(second.graph.nodes.map(({ op }) => op)).toEqual(['Conv', 'Neg', 'Relu']);
    verify(second.graph);
  });
});

describe('a patch', () => {
  it('forgets constants and types that nothing needs any more, and those only', () => {
    const constants = new Map([...sound().constants, ['idle', t('float32', [1])]]);
    const types = new Map([...sound().types, ['ghost', float32(1)]]);
    const known = ({ constants, types }: Graph) => [[...constants.keys()], [...types.keys()]];
    const first = applyPatch(
      { ...sound(), constants, types },
      { what: 'add', ...add(node('Relu', ['y'], ['z'])), types: [['z', float32('N', 2, 7, 7)]] },
    );
    expect(known(first)).toEqual([
      ['w', 'b', 'six'],
      ['x', 'c', 'r', 'z'],
    ]);
    const second = applyPatch(first, {
      what: 'fold',
      remove: [...nodeOf(first, 'Conv'), ...nodeOf(first, 'Relu').slice(0, 1)],
      constants: [['r', t('float32', [1], [1, 1, 1, 1])]],
    });
    expect(known(second)).toEqual([
      ['six', 'r'],
      ['x', 'z'],
    ]);
    const third = applyPatch(second, {
      what: 'replace',
      remove: [...nodeOf(second, 'Clip'), ...nodeOf(second, 'Relu')],
      replace: [['y', 'x']],
    });
    expect(known(third)).toEqual([['six'], ['x']]);
  });
});
