import { describe, expect, it } from 'vitest';
import type { Graph, Node } from '../../src/graph/ir.js';
import { resolveOptions } from '../../src/quantize/options.js';
import { placeQuantization } from '../../src/quantize/placement.js';
import { selectNodes } from '../../src/quantize/select.js';
import { NetBuilder, smallCnn, smallCnnInput } from './nets.js';

type Options = Partial<Parameters<typeof resolveOptions>[0]>;

function place(graph: Graph, options: Options = {}) {
  const resolved = resolveOptions({ calibrationData: [], ...options });
  return placeQuantization(graph, selectNodes(graph, resolved));
}

const names = (nodes: Iterable<Node>) => [...nodes].map((node) => node.outputs[0]).sort();
const quantizedValues = ({ groups }: ReturnType<typeof place>) =>
  groups.flatMap((group) => group.values).sort();

describe('placement', () => {
  it('puts the pair behind the activation and leaves the logits in float', () => {
    const placement = place(smallCnn().graph(smallCnnInput, ['y']));
    expect(names(placement.anchors)).toEqual(['deep', 'flat', 'left', 'logits', 'right', 'stem']);
    expect(quantizedValues(placement)).toEqual(
      ['x', 'stem_relu', 'deep_relu', 'flat', 'sum_relu', 'pooled', 'left_relu', 'right_relu']
        .concat('joined', 'mean', 'features')
        .sort(),
    );
  });

  it('shares parameters across movers and into a concatenation', () => {
    const { groups } = place(smallCnn().graph(smallCnnInput, ['y']));
    const group = (value: string) => groups.find(({ values }) => values.includes(value))!;
    expect(group('pooled').source).toBe('sum_relu');
    expect(group('features').source).toBe('mean');
    expect(group('left_relu').source).toBe('joined');
    expect(group('right_relu').source).toBe('joined');
    expect(group('flat').values).toEqual(['flat']);
  });

  it('keeps an input of a concatenation apart when others read it', () => {
    const net = new NetBuilder(3);
    const a = net.conv('x', 'a', [4, 3, 1]);
    const b = net.conv(a, 'b', [4, 4, 1]);
    const joined = net.op('Concat', [a, b], 'joined', { axis: { kind: 'int', value: 1 } });
    net.conv(joined, 'y', [2, 8, 1]);
    const { groups } = place(net.graph([1, 3, 4, 4], ['y']));
    expect(groups.find(({ values }) => values.includes('a'))!.source).toBe('a');
    expect(groups.find(({ values }) => values.includes('b'))!.source).toBe('joined');
  });

  it('does not quantize what comes before the first anchor', () => {
    const net = new NetBuilder(4);
    const scaled = net.op('Mul', ['x', net.constant('k', [1, 3, 1, 1])], 'scaled');
    net.conv(net.conv(scaled, 'c', [4, 3, 1]), 'y', [2, 4, 1]);
    expect(quantizedValues(place(net.graph([1, 3, 4, 4], ['y'])))).toEqual(['c', 'scaled']);
  });

  it('pools in integers at the end too, and never clips what leads to an output', () => {
    const net = new NetBuilder(5);
    const c = net.op('Relu', [net.conv('x', 'c', [4, 3, 1])], 'c_relu');
    net.op('GlobalAveragePool', [c], 'y');
    const { groups } = place(net.graph([1, 3, 4, 4], ['y']));
    expect(groups.find(({ source }) => source === 'c_relu')!.feedsOutput).toBe(true);
    expect(groups.find(({ source }) => source === 'x')!.feedsOutput).toBe(false);
  });

  it('leaves excluded nodes and what only they need in float', () => {
    const graph = smallCnn().graph(smallCnnInput, ['y']);
    const placement = place(graph, { nodesToExclude: ['Conv_flat', /left$/] });
    expect(names(placement.anchors)).toEqual(['deep', 'logits', 'right', 'stem']);
    expect(quantizedValues(placement)).not.toContain('deep_relu');
    const only = place(graph, { nodesToQuantize: [(node) => node.op === 'Gemm'] });
    expect(names(only.integerNodes)).toEqual(['logits']);
  });

  it('ignores products without constant weights, and forms that no kernel computes', () => {
    const net = new NetBuilder(6);
    net.op('MatMul', ['x', 'x'], 'square');
    const weight = net.constant('w', [4, 4]);
    net.op('Gemm', ['square', weight], 'y', { alpha: { kind: 'float', value: 2 } });
    expect(place(net.graph([4, 4], ['y'])).anchors).toEqual([]);
  });

  it.each([
    ['nodesToExclude', { nodesToExclude: ['nowhere'] }],
    ['nodesToQuantize', { nodesToQuantize: [/nowhere/g] }],
    ['nodesToExclude', { nodesToExclude: [() => false] }],
  ] satisfies [string, Options][])(
    'says which selector of %s matches nothing',
    (where, options) => {
      const graph = smallCnn().graph(smallCnnInput, ['y']);
      expect(() => place(graph, options)).toThrow(
        expect.objectContaining({ code: 'NO_MATCH', where }),
      );
    },
  );
});
