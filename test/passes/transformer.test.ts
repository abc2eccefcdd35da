/** GELU and LayerNormalization in the pieces that exporters write, and what only looks like them. */
import { describe, expect, it } from 'vitest';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph, Node } from '../../src/graph/ir.js';
import { deadCode } from '../../src/passes/deadCode.js';
import { recogniseGelu } from '../../src/passes/gelu.js';
import { recogniseLayerNorm } from '../../src/passes/layerNorm.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { passed, sketch } from './sketch.js';

const scalar = (value: number) => t('float32', [value], []);
const constants = {
  half: scalar(0.5),
  one: scalar(1),
  two: scalar(2),
  three: scalar(3),
  root: scalar(Math.SQRT2),
  inverse: scalar(Math.SQRT1_2),
  cubic: scalar(0.044715),
  slope: scalar(Math.sqrt(2 / Math.PI)),
  wrong: scalar(1.41),
  epsilon: scalar(1e-5),
  axes: t('int64', [-1]),
  first: t('int64', [0]),
  g: t('float32', [1, 2, 3, 4]),
  b: t('float32', [4, 3, 2, 1]),
  row: t('float32', [1, 2, 3, 4], [1, 4]),
  column: t('float32', [1, 2], [2, 1]),
};
const inputs = { x: float32('N', 2, 4), other: float32('N', 2, 4) };

function recognised(nodes: readonly Node[]): Graph {
  const passes = [recogniseGelu, recogniseLayerNorm, deadCode];
  return passed({ inputs, nodes, constants, outputs: { y: 'y' } }, ...passes);
}

/** 'y = Op(a, b)' as nodes. */
const lines = (...texts: readonly string[]): Node[] =>
  texts.map((text) => {
    const [, output, op, given] = /^(\w+) = (\w+)\((.*)\)$/.exec(text)!;
    return node(op!, given!.split(', '), [output!]);
  });

const erfGate = (argument: string) => lines(`s = ${argument}`, 'e = Erf(s)', 'gate = Add(e, one)');
const tanhGate = lines(
  'q = Mul(x, x)',
  'c = Mul(x, q)',
  'd = Mul(cubic, c)',
  'sum = Add(x, d)',
  's = Mul(sum, slope)',
  'e = Tanh(s)',
  'gate = Add(one, e)',
);

describe('GELU', () => {
  it.each<readonly [string, readonly Node[], 'none' | 'tanh']>([
    [
      '(x · gate) · ½',
      [...erfGate('Div(x, root)'), ...lines('p = Mul(x, gate)', 'y = Mul(p, half)')],
      'none',
    ],
    [
      '(x · gate) / 2',
      [...erfGate('Mul(inverse, x)'), ...lines('p = Mul(gate, x)', 'y = Div(p, two)')],
      'none',
    ],
    [
      '(x · ½) · gate',
      [...erfGate('Div(x, root)'), ...lines('p = Mul(half, x)', 'y = Mul(p, gate)')],
      'none',
    ],
    [
      'x · (½ · gate)',
      [...erfGate('Div(x, root)'), ...lines('p = Mul(half, gate)', 'y = Mul(x, p)')],
      'none',
    ],
    [
      'tanh of x³ as products',
      [...tanhGate, ...lines('p = Mul(half, x)', 'y = Mul(p, gate)')],
      'tanh',
    ],
    [
      'tanh of a power',
      [
        ...lines(
          'c = Pow(x, three)',
          'd = Mul(c, cubic)',
          'sum = Add(d, x)',
          's = Mul(slope, sum)',
        ),
        ...lines('e = Tanh(s)', 'gate = Add(e, one)', 'p = Mul(x, gate)', 'y = Mul(half, p)'),
      ],
      'tanh',
    ],
  ])('%s', (_, nodes, form) => {
    const graph = recognised(nodes);
    expect(sketch(graph)).toEqual(['y = Gelu(x)']);
    expect(graph.nodes[0]!.attributes.get('approximate')).toEqual(attribute.string(form));
  });

  it.each<readonly [string, readonly Node[]]>([
    [
      'another root',
      [...erfGate('Div(x, wrong)'), ...lines('p = Mul(x, gate)', 'y = Mul(p, half)')],
    ],
    ['no half', [...erfGate('Div(x, root)'), ...lines('y = Mul(x, gate)')]],
    [
      'the gate of another value',
      [...erfGate('Div(other, root)'), ...lines('p = Mul(x, gate)', 'y = Mul(p, half)')],
    ],
    [
      'a root that varies',
      [...erfGate('Div(x, g)'), ...lines('p = Mul(x, gate)', 'y = Mul(p, half)')],
    ],
  ])('is not %s', (_, nodes) => {
    expect(recognised(nodes).nodes.map(({ op }) => op)).not.toContain('Gelu');
  });
});

const centred = lines('m = ReduceMean(x, axes)', 'd = Sub(x, m)');
const deviation = lines(
  'q = Pow(d, two)',
  'v = ReduceMean(q, axes)',
  'w = Add(v, epsilon)',
  'r = Sqrt(w)',
);

describe('LayerNormalization', () => {
  it.each<readonly [string, readonly Node[], string]>([
    [
      'alone',
      [...centred, ...deviation, ...lines('y = Div(d, r)')],
      'y = LayerNormalization(x, Div_y/scale)',
    ],
    [
      'with scale and bias',
      [...centred, ...deviation, ...lines('n = Div(d, r)', 's = Mul(n, g)', 'y = Add(b, s)')],
      'y = LayerNormalization(x, Mul_s/scale, Add_y/bias)',
    ],
    [
      'by a reciprocal, its square a product, of a second difference',
      [
        ...centred,
        ...lines('m2 = ReduceMean(x, axes)', 'd2 = Sub(x, m2)', 'q = Mul(d2, d2)'),
        ...lines('v = ReduceMean(q, axes)', 'w = Add(epsilon, v)', 'r = Sqrt(w)'),
        ...lines('i = Reciprocal(r)', 'n = Mul(d, i)', 'y = Mul(row, n)'),
      ],
      'y = LayerNormalization(x, Mul_y/scale)',
    ],
    [
      'by one over the deviation',
      [...centred, ...deviation, ...lines('i = Div(one, r)', 'y = Mul(i, d)')],
      'y = LayerNormalization(x, Mul_y/scale)',
    ],
    [
      'with a scale per column left alone',
      [...centred, ...deviation, ...lines('n = Div(d, r)', 'y = Mul(n, column)')],
      'n = LayerNormalization(x, Div_n/scale); y = Mul(n, column)',
    ],
    [
      'with a scale that is not its only reader',
      [...centred, ...deviation, ...lines('n = Div(d, r)', 's = Mul(n, g)', 'y = Add(s, n)')],
      'n = LayerNormalization(x, Div_n/scale); s = Mul(n, g); y = Add(s, n)',
    ],
  ])('%s', (_, nodes, expected) => {
    expect(sketch(recognised(nodes)).join('; ')).toBe(expected);
  });

  it.each<readonly [string, readonly Node[]]>([
    [
      'over another axis',
      [
        ...lines('m = ReduceMean(x, first)', 'd = Sub(x, m)'),
        ...deviation,
        ...lines('y = Div(d, r)'),
      ],
    ],
    [
      'a variance of another value',
      [
        ...lines('m = ReduceMean(x, axes)', 'd = Sub(x, m)', 'q = Pow(other, two)'),
        ...deviation.slice(1),
        ...lines('y = Div(d, r)'),
      ],
    ],
    [
      'without ε',
      [
        ...centred,
        ...lines('q = Pow(d, two)', 'v = ReduceMean(q, axes)', 'r = Sqrt(v)', 'y = Div(d, r)'),
      ],
    ],
  ])('is not %s', (_, nodes) => {
    expect(recognised(nodes).nodes.map(({ op }) => op)).not.toContain('LayerNormalization');
  });
});
