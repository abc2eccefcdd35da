/** Operators that move elements by reshaping, transposing and repeating, and masks that only depend on dims. */
import { allocate } from '../../core/dtype.js';
import type { Tensor } from '../../core/tensor.js';
import { intOf, stringOf } from '../../graph/attributes.js';
import { numbersOf } from '../../graph/ops/movement.js';
import type { Expand } from './expansion.js';

/** Every axis repeated: as an axis before it, which is expanded. */
const tile: Expand = (to) => {
  const x = to.input(0);
  const shape = to.shapeOf(x);
  const repeats = numbersOf(to.context, 1);
  if (shape === undefined || repeats === undefined) return false;
  const split = shape.flatMap((size) => [1, size]);
  const repeated = shape.flatMap((size, i) => [repeats[i]!, size]);
  const whole = shape.map((size, i) => size * repeats[i]!);
  const parts = to.op('Reshape', [x, to.constant('int64', split)], { allowzero: 1 });
  const spread = to.op('Expand', [parts, to.constant('int64', repeated)]);
  to.output(0, to.op('Reshape', [spread, to.constant('int64', whole)], { allowzero: 1 }));
  return true;
};

/** [N, C, H, W] to [N, C / b², H · b, W · b]; of each channel's b² values, the channel varies slowest (CRD) or fastest. */
const depthToSpace: Expand = (to) => {
  const x = to.input(0);
  const shape = to.shapeOf(x);
  const block = intOf(to.node, 'blocksize', 1);
  if (shape?.length !== 4) return false;
  const [n, c, h, w] = shape as [number, number, number, number];
  const depth = c / block ** 2;
  const crd = stringOf(to.node, 'mode', 'DCR') === 'CRD';
  const split = crd ? [n, depth, block, block, h, w] : [n, block, block, depth, h, w];
  const perm = crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  const moved = to.op('Transpose', [to.op('Reshape', [x, to.constant('int64', split)])], { perm });
  to.output(0, to.op('Reshape', [moved, to.constant('int64', [n, depth, h * block, w * block])]));
  return true;
};

/** The way back of DepthToSpace in mode DCR. */
const spaceToDepth: Expand = (to) => {
  const x = to.input(0);
  const shape = to.shapeOf(x);
  const block = intOf(to.node, 'blocksize', 1);
  if (shape?.length !== 4) return false;
  const [n, c, h, w] = shape as [number, number, number, number];
  const [rows, columns] = [h / block, w / block];
  const split = to.constant('int64', [n, c, rows, block, columns, block]);
  const moved = to.op('Transpose', [to.op('Reshape', [x, split])], { perm: [0, 3, 5, 1, 2, 4] });
  const whole = to.constant('int64', [n, c * block ** 2, rows, columns]);
  to.output(0, to.op('Reshape', [moved, whole]));
  return true;
};

/** The upper or lower triangle of the last two axes: x where a mask holds. */
const trilu: Expand = (to) => {
  const x = to.input(0);
  const type = to.typeOf(x);
  const shape = to.shapeOf(x);
  const k = to.input(1) === '' ? 0 : numbersOf(to.context, 1)?.[0];
  if (shape === undefined || type === undefined || k === undefined) return false;
  const [rows, columns] = shape.slice(-2) as [number, number];
  const upper = intOf(to.node, 'upper', 1) !== 0;
  const data = new Uint8Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      data[i * columns + j] = (upper ? j >= i + k : j <= i + k) ? 1 : 0;
    }
  }
  const mask = to.tensor({ type: 'bool', dims: [rows, columns], data });
  to.output(0, to.op('Where', [mask, x, to.constant(type, 0)]));
  return true;
};

/** Ones along diagonal k of a matrix of x's dims. */
const eyeLike: Expand = (to) => {
  const shape = to.shapeOf(to.input(0));
  const type = to.typeOf(to.node.outputs[0]!);
  if (shape?.length !== 2 || type === undefined) return false;
  const [rows, columns] = shape as [number, number];
  const k = intOf(to.node, 'k', 0);
  const data = allocate(type, rows * columns) as unknown as { [i: number]: number | bigint };
  const one = data instanceof BigInt64Array || data instanceof BigUint64Array ? 1n : 1;
  for (let i = 0; i < rows; i++) {
    if (i + k >= 0 && i + k < columns) data[i * columns + i + k] = one;
  }
  to.output(0, to.tensor({ type, dims: shape, data } as unknown as Tensor));
  return true;
};

/** `on` where the number along the new axis is the index, else `off`. */
const oneHot: Expand = (to) => {
  const [indices, values] = [to.input(0), to.input(2)];
  const dims = to.dimsOf(indices);
  const depth = to.constantOf(to.input(1));
  if (dims === undefined || depth === undefined) return false;
  const count = Number(depth.data[0]);
  const given = intOf(to.node, 'axis', -1);
  const axis = given < 0 ? given + dims.length + 1 : given;
  const numbers = to.tensor({
    type: 'int64',
    dims: Array.from({ length: dims.length - axis + 1 }, (_, i) => (i === 0 ? count : 1)),
    data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)),
  });
  const whole = to.op('Cast', [indices], { to: 7 });
  const negative = to.op('Less', [whole, to.constant('int64', 0)]);
  const counted = to.op('Add', [whole, to.constant('int64', count)]);
  const index = to.op('Where', [negative, counted, whole]);
  const spread = to.op('Unsqueeze', [index, to.constant('int64', [axis])]);
  const hot = to.op('Equal', [spread, numbers]);
  const [off, on] = [0, 1].map((i) =>
    to.op('Gather', [values, to.constant('int64', i)], { axis: 0 }),
  );
  to.output(0, to.op('Where', [hot, on!, off!]));
  return true;
};

export const shapes: Readonly<Record<string, Expand>> = {
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Trilu: trilu,
  EyeLike: eyeLike,
  OneHot: oneHot,
};
