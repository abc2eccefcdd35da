/** A graph that keeps every rule: y = clip(relu(conv(x))), with outputs that show one value twice, an input and a constant. */
import type { Graph } from '../../src/graph/ir.js';
import { float32, graphOf, node, t } from '../helpers/onnx-builder.js';

export function sound(): Graph {
  return graphOf({
    inputs: { x: float32('N', 3, 8, 8) },
    nodes: [
      node('Conv', ['x', 'w', 'b'], ['c']),
      node('Relu', ['c'], ['r']),
      node('Clip', ['r', '', 'six'], ['y']),
    ],
    outputs: { out: 'y', same: 'y', through: 'x', fixed: 'six' },
    constants: {
      w: t('float32', new Array(24).fill(1), [2, 3, 2, 2]),
      b: t('float32', [1, 2]),
      six: t('float32', [6], []),
    },
    types: { c: float32('N', 2, 7, 7), r: float32('N', 2, 7, 7) },
  });
}
