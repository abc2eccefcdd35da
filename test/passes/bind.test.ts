import { describe, expect, it } from 'vitest';
import type { Shape } from '../../src/core/shape.js';
import { inferTypes } from '../../src/graph/infer.js';
import type { Graph } from '../../src/graph/ir.js';
import { bindDims, specialize } from '../../src/passes/bind.js';
import { float32, graphOf, node, t } from '../helpers/onnx-builder.js';
import { sketch } from './sketch.js';

function twoInputs(): Graph {
  return inferTypes(
    graphOf({
      inputs: { a: float32('N', 3, 'L'), b: float32('N', 'L', undefined), c: { type: 'float32' } },
      nodes: [node('MatMul', ['a', 'b'], ['m']), node('Add', ['m', 'c'], ['y'])],
      outputs: { y: 'y' },
      types: { y: float32(99) },
    }),
  );
}

const dims = (entries: Record<string, Shape>) => new Map(Object.entries(entries));

describe('bindDims', () => {
  it('binds names wherever they stand and infers the rest', () => {
    const bound = bindDims(twoInputs(), dims({ a: [2, 3, 5], b: [2, 5, 7], c: [7] }));
    expect(bound.types).toEqual(
      new Map([
        ['a', float32(2, 3, 5)],
        ['b', float32(2, 5, 7)],
        ['c', float32(7)],
        ['m', float32(2, 3, 7)],
        ['y', float32(2, 3, 7)],
      ]),
    );
  });

  it('leaves free what is not given', () => {
    const bound = bindDims(twoInputs(), dims({ a: [2, 3, 5] }));
    expect(bound.types.get('b')).toEqual(float32(2, 5, undefined));
    expect(bound.types.get('m')).toEqual(float32(2, 3, '?m.2'));
    expect(bindDims(twoInputs(), dims({})).types).toEqual(twoInputs().types);
  });

  it('leaves the graph it was given as it was', () => {
    const graph = twoInputs();
    bindDims(graph, dims({ a: [2, 3, 5], b: [2, 5, 7], c: [7] }));
    expect(graph.types).toEqual(twoInputs().types);
    const other = bindDims(graph, dims({ a: [4, 3, 1], b: [4, 1, 1], c: [1] }));
    expect(other.types.get('y')).toEqual(float32(4, 3, 1));
  });

  it('takes free dimensions by name', () => {
    const bound = bindDims(twoInputs(), dims({ b: [2, 5, 1] }), { N: 2 });
    expect(bound.types.get('a')).toEqual(float32(2, 3, 5));
  });

  it.each<readonly [string, Record<string, Shape>, Record<string, number>, string, string, RegExp]>(
    [
      ['an unknown input', { z: [1] }, {}, 'INVALID_INPUT', 'z', /no such input/],
      ['a wrong rank', { a: [2, 3] }, {}, 'INVALID_INPUT', 'a', /rank.*\[N, 3, L\].*\[2, 3\]/],
      ['a wrong size', { a: [2, 4, 5] }, {}, 'INVALID_INPUT', 'a', /size of axis 1/],
      [
        'two sizes of a name',
        { a: [2, 3, 5], b: [3, 5, 1] },
        {},
        'INVALID_INPUT',
        'b',
        /'N', which is 2 by a/,
      ],
      [
        'a size against its override',
        { a: [2, 3, 5] },
        { L: 6 },
        'INVALID_INPUT',
        'a',
        /'L', which is 6 by free dimension 'L'/,
      ],
      ['a negative size', { c: [-1] }, {}, 'INVALID_INPUT', 'c', /bad dimension/],
      ['a fraction', { c: [1.5] }, {}, 'INVALID_INPUT', 'c', /bad dimension/],
      ['a name that is none', {}, { M: 1 }, 'NO_MATCH', "free dimension 'M'", /found N, L/],
      [
        'a name of an object',
        {},
        { constructor: 1 } as never,
        'NO_MATCH',
        "free dimension 'constructor'",
        /no input/,
      ],
      [
        'an override that is no size',
        {},
        { N: -1 },
        'INVALID_ARGUMENT',
        "free dimension 'N'",
        /not a size/,
      ],
      [
        'dims that no operator takes',
        { b: [2, 5, 7], c: [3] },
        {},
        'INVALID_GRAPH',
        'Add_y',
        /do not broadcast/,
      ],
    ],
  )('refuses %s', (_, given, overrides, code, where, message) => {
    const run = () => bindDims(twoInputs(), dims(given), overrides);
    expect(run).toThrow(message);
    expect(run).toThrow(expect.objectContaining({ code, where }));
  });
});

describe('specialize', () => {
  const graph = inferTypes(
    graphOf({
      inputs: { x: float32('N', 'L', 4) },
      nodes: [
        node('Shape', ['x'], ['s']),
        node('ReduceProd', ['s'], ['count']),
        node('Reshape', ['x', 'count'], ['flat']),
        node('Shape', ['flat'], ['fs']),
        node('ConstantOfShape', ['fs'], ['zeros']),
        node('Add', ['flat', 'zeros'], ['y']),
      ],
      outputs: { y: 'y' },
    }),
  );

  it('computes shapes that depend on the dims of inputs', () => {
    const special = specialize(graph, dims({ x: [2, 3, 4] }));
    expect(sketch(special)).toEqual(['flat = Reshape(x, count)', 'y = Add(flat, zeros)']);
    expect(special.constants.get('count')).toEqual(t('int64', [24]));
    expect(special.types.get('y')).toEqual(float32(24));
  });

  it('takes overrides', () => {
    const special = specialize(graph, dims({}), { N: 2, L: 1 });
    expect(special.types.get('y')).toEqual(float32(8));
  });
});
