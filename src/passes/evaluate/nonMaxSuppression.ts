/**
 * NonMaxSuppression: of each class of each batch, boxes in descending order of their scores, but for those that overlap
 * one taken before by more than a threshold. Areas and overlaps are computed in float32, as ONNX Runtime does, so that
 * a box at the threshold falls on the same side.
 */
import type { Tensor } from '../../core/tensor.js';
import { intOf } from '../../graph/attributes.js';
import type { ShapedEvaluator } from './evaluation.js';

interface Box {
  readonly y1: number;
  readonly x1: number;
  readonly y2: number;
  readonly x2: number;
  readonly area: number;
}

const f32 = Math.fround;

/** Corners y1, x1, y2, x2 in any order; or the centre's x and y, width and height. */
function boxOf(data: Float32Array, at: number, isCentered: boolean): Box {
  const [a, b, c, d] = data.subarray(at, at + 4) as unknown as [number, number, number, number];
  const [y1, x1, y2, x2] = isCentered
    ? [f32(b - d / 2), f32(a - c / 2), f32(b + d / 2), f32(a + c / 2)]
    : [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
  return { y1, x1, y2, x2, area: f32(f32(y2 - y1) * f32(x2 - x1)) };
}

function overlaps(a: Box, b: Box, threshold: number): boolean {
  const width = f32(Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1));
  const height = f32(Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1));
  if (!(width > 0 && height > 0)) return false;
  const intersection = f32(width * height);
  if (!(a.area > 0 && b.area > 0)) return false;
  const union = f32(f32(a.area + b.area) - intersection);
  return union > 0 && f32(intersection / union) > threshold;
}

/** Boxes [batches, boxes, 4], scores [batches, classes, boxes]; gives [n, 3]: batch, class and box of each one taken. */
export const nonMaxSuppression: ShapedEvaluator = ({ context, inputs }) => {
  const [boxes, scores] = inputs as [Tensor<'float32'>, Tensor<'float32'>];
  const numberOf = (i: number) =>
    inputs[i] === undefined ? undefined : Number(inputs[i]!.data[0]);
  const most = numberOf(2) ?? 0;
  const threshold = numberOf(3) ?? 0;
  const least = numberOf(4);
  const isCentered = intOf(context.node, 'center_point_box', 0) !== 0;
  const [batches, classes, count] = scores.dims as [number, number, number];
  const taken: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const all = Array.from({ length: count }, (_, i) =>
      boxOf(boxes.data, (batch * count + i) * 4, isCentered),
    );
    for (let kind = 0; kind < classes; kind++) {
      const first = (batch * classes + kind) * count;
      const score = (i: number) => scores.data[first + i]!;
      const passes = (i: number) =>
        least === undefined ? !Number.isNaN(score(i)) : score(i) > least;
      const order = all.map((_, i) => i).filter(passes);
      // Sorting keeps the order of equal scores.
      order.sort((a, b) => score(b) - score(a));
      const kept: Box[] = [];
      for (const i of order) {
        if (kept.length >= most) break;
        const box = all[i]!;
        if (kept.some((other) => overlaps(box, other, threshold))) continue;
        kept.push(box);
        taken.push(batch, kind, i);
      }
    }
  }
  const data = BigInt64Array.from(taken, BigInt);
  return [{ type: 'int64', dims: [taken.length / 3, 3], data }];
};
