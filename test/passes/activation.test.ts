import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph, Node } from '../../src/graph/ir.js';
import { boundsOf, plainActivations } from '../../src/passes/activation.js';
import { deadCode } from '../../src/passes/deadCode.js';
import { recogniseHardSigmoid, recogniseHardSwish } from '../../src/passes/hardSwish.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { passed, sketch } from './sketch.js';

const scalar = (value: number): Tensor => t('float32', [value], []);
const constants = {
  zero: scalar(0),
  one: scalar(1),
  minus: scalar(-1),
  three: scalar(3),
  six: t('float32', [6], [1]),
  sixth: scalar(1 / 6),
  most: scalar(3.4028234663852886e38),
  least: scalar(-3.4028234663852886e38),
  infinite: scalar(Number.POSITIVE_INFINITY),
  slopes: t('float32', [0.25, 0.25], [2, 1]),
  unequal: t('float32', [0.25, 0.5], [2, 1]),
  wide: t('float32', [3, 3], [2, 1, 1, 1]),
};

const x = float32('N', 2, undefined);

/** What the nodes become, unread ones removed; y is the output. */
function recognised(nodes: readonly Node[], passes = [plainActivations]): Graph {
  return passed({ inputs: { x }, nodes, constants, outputs: { y: 'y' } }, ...passes, deadCode);
}

/** 'Relu' or 'Clip 0 6', with the limits' values. */
function inShort(graph: Graph): string {
  return graph.nodes
    .map((n) => {
      const bounds = n.op === 'Clip' ? boundsOf(graph, n) : undefined;
      return bounds === undefined ? n.op : `Clip ${bounds.lower} ${bounds.upper}`;
    })
    .join(', ');
}

const y = (op: string, ...inputs: string[]) => node(op, inputs, ['y']);

describe('plain activations', () => {
  it.each<readonly [string, readonly Node[], string]>([
    ['Clip from 0', [y('Clip', 'x', 'zero')], 'Relu'],
    ['Clip from 0 to the largest float', [y('Clip', 'x', 'zero', 'most')], 'Relu'],
    ['Clip from 0 to infinity', [y('Clip', 'x', 'zero', 'infinite')], 'Relu'],
    ['Clip from 0 to 6', [y('Clip', 'x', 'zero', 'six')], 'Clip 0 6'],
    ['Clip by nothing', [y('Clip', 'x')], ''],
    ['Clip by the largest floats', [y('Clip', 'x', 'least', 'most')], ''],
    ['Clip from nowhere', [y('Clip', 'x', 'six', 'zero')], 'Clip 6 0'],
    ['Clip by computed limits', [node('Neg', ['one'], ['l']), y('Clip', 'x', 'l')], 'Neg, Clip'],
    ['Max with 0', [y('Max', 'x', 'zero')], 'Relu'],
    ['Max of 0', [y('Max', 'zero', 'x')], 'Relu'],
    ['Max with 1', [y('Max', 'x', 'one')], 'Clip 1 Infinity'],
    ['Min with 6', [y('Min', 'x', 'six')], 'Clip -Infinity 6'],
    ['Min with infinity', [y('Min', 'x', 'infinite')], ''],
    ['Max of three', [y('Max', 'x', 'zero', 'one')], 'Max'],
    ['Max that spreads x', [y('Max', 'x', 'wide')], 'Max'],
    ['Max of channels', [y('Max', 'x', 'unequal')], 'Max'],
    ['PRelu of one slope', [y('PRelu', 'x', 'slopes')], 'LeakyRelu'],
    ['PRelu of two slopes', [y('PRelu', 'x', 'unequal')], 'PRelu'],
    ['Relu of Relu', [node('Relu', ['x'], ['a']), y('Relu', 'a')], 'Relu'],
    ['Relu6 in two', [node('Relu', ['x'], ['a']), y('Clip', 'a', '', 'six')], 'Clip 0 6'],
    ['Relu6 by Max and Min', [node('Max', ['x', 'zero'], ['a']), y('Min', 'a', 'six')], 'Clip 0 6'],
    ['Relu of Clip', [node('Clip', ['x', 'minus', 'one'], ['a']), y('Relu', 'a')], 'Clip 0 1'],
    [
      'Clips apart',
      [node('Clip', ['x', 'zero', 'one'], ['a']), y('Clip', 'a', 'three', 'six')],
      'Clip 3 3',
    ],
    [
      'a chain',
      [
        node('Relu', ['x'], ['a']),
        node('Relu', ['a'], ['b']),
        node('Clip', ['b', '', 'one'], ['c']),
        y('Relu', 'c'),
      ],
      'Clip 0 1',
    ],
    [
      'Relu of what is limited and read elsewhere',
      [node('Clip', ['x', 'zero', 'one'], ['a']), node('Relu', ['a'], ['b']), y('Add', 'a', 'b')],
      'Clip 0 1, Add',
    ],
    [
      'Clip of what is limited otherwise and read elsewhere',
      [node('Relu', ['x'], ['a']), node('Clip', ['a', 'minus', 'one'], ['b']), y('Add', 'a', 'b')],
      'Relu, Clip -1 1, Add',
    ],
  ])('%s', (_, nodes, expected) => {
    expect(inShort(recognised(nodes))).toBe(expected);
  });

  it('keeps names, and types of other kinds', () => {
    const graph = recognised([y('Max', 'x', 'zero')]);
    expect(graph.nodes[0]).toMatchObject({ name: 'Max_y', op: 'Relu', inputs: ['x'] });
    const int64 = passed(
      {
        inputs: { x: { type: 'int64', dims: ['N'] } },
        nodes: [node('Max', ['x', 'z'], ['m']), node('Relu', ['m'], ['y'])],
        constants: { z: t('int64', [0], []) },
        outputs: { y: 'y' },
      },
      plainActivations,
    );
    expect(sketch(int64)).toEqual(['m = Max(x, z)', 'y = Relu(m)']);
  });

  it('writes the slope of LeakyRelu', () => {
    const graph = recognised([y('PRelu', 'x', 'slopes')]);
    expect(graph.nodes[0]!.attributes.get('alpha')).toEqual(attribute.float(0.25));
  });
});

const passes = [recogniseHardSwish, recogniseHardSigmoid];
const add = (a: string, b: string) => node('Add', [a, b], ['a']);
const clip = (low = 'zero', high = 'six') => node('Clip', ['a', low, high], ['c']);
const gate = (alpha: number, beta = 0.5) =>
  node('HardSigmoid', ['x'], ['g'], {
    alpha: attribute.float(alpha),
    beta: attribute.float(beta),
  });

describe('HardSwish', () => {
  it.each<readonly [string, readonly Node[]]>([
    [
      'x · c / 6',
      [add('x', 'three'), clip(), node('Mul', ['x', 'c'], ['p']), y('Div', 'p', 'six')],
    ],
    [
      'c · x / 6',
      [add('three', 'x'), clip(), node('Mul', ['c', 'x'], ['p']), y('Div', 'p', 'six')],
    ],
    [
      'x · c · 1/6',
      [add('x', 'three'), clip(), node('Mul', ['x', 'c'], ['p']), y('Mul', 'p', 'sixth')],
    ],
    [
      '1/6 · (x · c)',
      [add('x', 'three'), clip(), node('Mul', ['x', 'c'], ['p']), y('Mul', 'sixth', 'p')],
    ],
    [
      'x · (c / 6)',
      [add('x', 'three'), clip(), node('Div', ['c', 'six'], ['q']), y('Mul', 'x', 'q')],
    ],
    [
      '(c · 1/6) · x',
      [add('x', 'three'), clip(), node('Mul', ['c', 'sixth'], ['q']), y('Mul', 'q', 'x')],
    ],
    [
      '(x / 6) · c',
      [add('x', 'three'), clip(), node('Div', ['x', 'six'], ['q']), y('Mul', 'q', 'c')],
    ],
    [
      'c · (x · 1/6)',
      [add('x', 'three'), clip(), node('Mul', ['sixth', 'x'], ['q']), y('Mul', 'c', 'q')],
    ],
    ['x · HardSigmoid(x)', [gate(1 / 6), y('Mul', 'x', 'g')]],
    ['HardSigmoid(x) · x', [gate(0.1666667), y('Mul', 'g', 'x')]],
  ])('is recognised in %s', (_, nodes) => {
    expect(sketch(recognised(nodes, passes))).toEqual(['y = HardSwish(x)']);
  });

  it.each<readonly [string, readonly Node[]]>([
    [
      'another factor',
      [add('x', 'three'), clip(), node('Mul', ['a', 'c'], ['p']), y('Div', 'p', 'six')],
    ],
    [
      'another shift',
      [add('x', 'one'), clip(), node('Mul', ['x', 'c'], ['p']), y('Div', 'p', 'six')],
    ],
    [
      'another lower limit',
      [add('x', 'three'), clip('one'), node('Mul', ['x', 'c'], ['p']), y('Div', 'p', 'six')],
    ],
    [
      'another upper limit',
      [
        add('x', 'three'),
        clip('zero', 'three'),
        node('Mul', ['x', 'c'], ['p']),
        y('Div', 'p', 'six'),
      ],
    ],
    [
      'another divisor',
      [add('x', 'three'), clip(), node('Mul', ['x', 'c'], ['p']), y('Div', 'p', 'three')],
    ],
    [
      'a divided 6',
      [add('x', 'three'), clip(), node('Mul', ['x', 'c'], ['p']), y('Div', 'six', 'p')],
    ],
    [
      'a shift that spreads x',
      [add('x', 'wide'), clip(), node('Mul', ['x', 'c'], ['p']), y('Div', 'p', 'six')],
    ],
    ['another slope', [gate(0.2), y('Mul', 'x', 'g')]],
    ['another offset', [gate(1 / 6, 0.25), y('Mul', 'x', 'g')]],
    ['a gate of something else', [gate(1 / 6), node('Neg', ['x'], ['n']), y('Mul', 'n', 'g')]],
    ['a square of the gate', [gate(1 / 6), y('Mul', 'g', 'g')]],
  ])('is not %s', (_, nodes) => {
    const graph = recognised(nodes, passes);
    expect(graph.nodes.map((n) => n.op)).toEqual(nodes.map((n) => n.op));
  });

  it('leaves what others read', () => {
    const nodes = [
      add('x', 'three'),
      clip(),
      node('Mul', ['x', 'c'], ['p']),
      node('Div', ['p', 'six'], ['s']),
      y('Add', 's', 'c'),
    ];
    expect(sketch(recognised(nodes, passes))).toEqual([
      'a = Add(x, three)',
      'c = Clip(a, zero, six)',
      's = HardSwish(x)',
      'y = Add(s, c)',
    ]);
  });

  it.each<readonly [string, Node]>([
    ['c / 6', y('Div', 'c', 'six')],
    ['c · 1/6', y('Mul', 'c', 'sixth')],
    ['1/6 · c', y('Mul', 'sixth', 'c')],
  ])('has its HardSigmoid recognised alone, in %s', (_, last) => {
    const graph = recognised([add('x', 'three'), clip(), last], passes);
    expect(sketch(graph)).toEqual(['y = HardSigmoid(x)']);
    expect(graph.nodes[0]!.attributes).toEqual(
      new Map([
        ['alpha', attribute.float(1 / 6)],
        ['beta', attribute.float(0.5)],
      ]),
    );
  });
});
