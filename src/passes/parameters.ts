/**
 * Inputs that must be known before a node can become steps, since shapes or the choice of steps depend on them. A plan
 * has no place for them: where they are computed, a model runs in stages (runtime/stages), and the values that one
 * stage computes are constants of the next.
 */
import { type Node, qualifiedOp } from '../graph/ir.js';
import { isEvaluated } from './evaluate/index.js';

const positions: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  Tile: [1],
  Squeeze: [1],
  Unsqueeze: [1],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Pad: [1, 2, 3],
  CenterCropPad: [1],
  Resize: [1, 2, 3],
  ConvTranspose: [1, 2],
  TopK: [1],
  OneHot: [1],
  Trilu: [1],
  CumSum: [1],
  AffineGrid: [1],
  MaxUnpool: [2],
  ConstantOfShape: [0],
  Range: [0, 1, 2],
  'octavo:If': [0],
  'octavo:Loop': [0, 1],
};

/** Values that the node waits for while they are no constants. */
export function parametersOf(node: Node): readonly string[] {
  const op = qualifiedOp(node);
  const fixed = positions[op] ?? (op.startsWith('Reduce') ? [1] : undefined);
  // What no step computes is evaluated, from constants alone.
  const wanted = fixed ?? (isEvaluated(node) ? node.inputs.keys() : []);
  return [...wanted].map((i) => node.inputs[i] ?? '').filter((value) => value !== '');
}
