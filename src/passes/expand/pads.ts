/** Padding that takes cells away, or that repeats x from its other end; cropping and padding to a size. */
import { intsOf, stringOf } from '../../graph/attributes.js';
import { axisOf } from '../../graph/ops/dims.js';
import { numbersOf } from '../../graph/ops/movement.js';
import type { Expand, Expansion } from './expansion.js';

/** Cells added before and after each axis; taken away where negative. */
interface Change {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function sliced(to: Expansion, x: string, shape: readonly number[], { before, after }: Change) {
  const cut = (cells: number) => Math.max(0, -cells);
  if ([...before, ...after].every((cells) => cells >= 0)) return x;
  const starts = before.map(cut);
  const ends = shape.map((size, axis) => size - cut(after[axis]!));
  return to.op('Slice', [x, to.constant('int64', starts), to.constant('int64', ends)]);
}

const pad: Expand = (to) => {
  const { node, context } = to;
  const x = to.input(0);
  const shape = to.shapeOf(x);
  const pads = numbersOf(context, 1);
  const axes = to.input(3) === '' ? shape?.map((_, axis) => axis) : numbersOf(context, 3);
  const wraps = stringOf(node, 'mode', 'constant') === 'wrap';
  if (shape === undefined || pads === undefined || axes === undefined) return false;
  if (!wraps && pads.every((cells) => cells >= 0)) return false;
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  axes.forEach((given, i) => {
    const axis = axisOf(node, given, shape.length);
    before[axis] = pads[i]!;
    after[axis] = pads[i + axes.length]!;
  });
  let y = sliced(to, x, shape, { before, after });
  const added = [...before, ...after].map((cells) => Math.max(0, cells));
  if (!wraps) {
    const inputs = [y, to.constant('int64', added)];
    if (to.input(2) !== '') inputs.push(to.input(2));
    to.output(0, to.op('Pad', inputs, { mode: stringOf(node, 'mode', 'constant') }));
    return true;
  }
  const sizes = to.shapeOf(y)!;
  for (const [axis, size] of sizes.entries()) {
    const [front, back] = [added[axis]!, added[axis + shape.length]!];
    if (front + back === 0) continue;
    if (size === 0) return false;
    const cells = Array.from({ length: front + size + back }, (_, i) => (i - front) % size);
    y = to.op('Gather', [y, to.constant('int64', cells)], { axis });
  }
  to.output(0, y);
  return true;
};

const centerCropPad: Expand = (to) => {
  const { node, context } = to;
  const x = to.input(0);
  const shape = to.shapeOf(x);
  const target = numbersOf(context, 1);
  if (shape === undefined || target === undefined) return false;
  const axes = intsOf(node, 'axes') ?? shape.map((_, axis) => axis);
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  axes.forEach((given, i) => {
    const axis = axisOf(node, given, shape.length);
    const more = target[i]! - shape[axis]!;
    // Half of it, rounded down, in front.
    before[axis] = Math.sign(more) * Math.floor(Math.abs(more) / 2);
    after[axis] = more - before[axis]!;
  });
  const y = sliced(to, x, shape, { before, after });
  const added = [...before, ...after].map((cells) => Math.max(0, cells));
  to.output(0, to.op('Pad', [y, to.constant('int64', added)]));
  return true;
};

export const pads: Readonly<Record<string, Expand>> = { Pad: pad, CenterCropPad: centerCropPad };
