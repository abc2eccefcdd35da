import { describe, expect, it } from 'vitest';
import { attribute } from '../../src/graph/attributes.js';
import { inferTypes } from '../../src/graph/infer.js';
import { formatBytes, printGraph } from '../../src/graph/print.js';
import { float32, graphOf, node, t } from '../helpers/onnx-builder.js';

describe('printGraph', () => {
  it('shows a line per value, constants in place', () => {
    const graph = inferTypes(
      graphOf({
        inputs: { x: float32('N', 2, 8, 8) },
        nodes: [
          node('Conv', ['x', 'w', ''], ['c'], { strides: attribute.ints([2, 2]) }),
          node('Clip', ['c', '', 'six'], ['y']),
          node('Split', ['y', 'parts'], ['a', 'b'], { axis: attribute.int(1) }),
          node('Mystery', ['b'], ['m'], { mode: attribute.string('up\u001b[31m') }, 'elsewhere'),
        ],
        outputs: { first: 'a', m: 'm' },
        constants: {
          w: t('float32', new Array(36).fill(0.5), [2, 2, 3, 3]),
          six: t('float32', [6.1], []),
          parts: t('int64', [1, 1]),
        },
      }),
    );
    expect(printGraph(graph)).toBe(
      [
        'test: 4 nodes, 3 constants of 164 B, opset 21',
        'x  float32 [N, 2, 8, 8]  input',
        'c  float32 [N, 2, 3, 3]  Conv(x, w float32 [2, 2, 3, 3], -) strides=[2, 2]',
        'y  float32 [N, 2, 3, 3]  Clip(c, -, 6.1)',
        'a  float32 [N, 1, 3, 3]  Split(y, [1, 1]) axis=1',
        'b  float32 [N, 1, 3, 3]  and Split_a',
        "m  ?                     elsewhere:Mystery(b) mode='up\\u001b[31m'",
        "a  float32 [N, 1, 3, 3]  output 'first'",
        'm  ?                     output',
      ].join('\n'),
    );
  });

  it('cuts long lists and shows other attributes', () => {
    const graph = graphOf({
      nodes: [
        node('Mystery', [], ['y'], {
          axes: attribute.ints(Array.from({ length: 20 }, (_, i) => i)),
          names: attribute.strings(['a', 'b\n']),
          value: attribute.tensor(t('float32', [1, 2], [2])),
          half: attribute.float(0.1),
          body: { kind: 'graph', value: graphOf({ nodes: [], outputs: {} }) },
        }),
      ],
      outputs: { y: 'y' },
    });
    expect(printGraph(graph)).toContain(
      'axes=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, …]' +
        " names=['a', 'b\\u000a'] value=float32 [2] half=0.1 body={0 nodes}",
    );
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 KB'],
    [12_345, '12.3 KB'],
    [14_000_000, '14.0 MB'],
    [999_999_999, '1.00 GB'],
    [2.5e12, '2.50e+3 GB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
