/**
 * Pictures read at computed places: the cells around each place are gathered, channels together, and summed by their
 * weights. Also MaxUnpool, which scatters.
 */
import { allocate } from '../../core/dtype.js';
import type { Tensor } from '../../core/tensor.js';
import { floatOf, intOf, stringOf } from '../../graph/attributes.js';
import { numbersOf } from '../../graph/ops/movement.js';
import { unpooledDims } from '../../graph/ops/sampling.js';
import { unsupported } from '../lower/rules.js';
import type { Expand, Expansion } from './expansion.js';
import { positions } from './positions.js';

const int64 = 7;

/** Arithmetic on values and numbers. */
function arithmetic(to: Expansion) {
  const of = (x: string | number) => (typeof x === 'number' ? to.constant('float32', x) : x);
  const binary = (op: string) => (a: string | number, b: string | number) =>
    to.op(op, [of(a), of(b)]);
  return {
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    atLeast: binary('Max'),
    atMost: binary('Min'),
    less: binary('Less'),
    floor: (x: string) => to.op('Floor', [x]),
    abs: (x: string) => to.op('Abs', [x]),
    where: (condition: string, a: string | number, b: string | number) =>
      to.op('Where', [condition, of(a), of(b)]),
  };
}

type Arithmetic = ReturnType<typeof arithmetic>;

/** Part i along the last axis, which goes. */
function coordinate(to: Expansion, x: string, i: number): string {
  return to.op('Gather', [x, to.constant('int64', i)], { axis: to.dimsOf(x)!.length - 1 });
}

/** Places beyond the borders as places between them. */
type Border = (x: string, size: number) => string;

function borderOf(to: Expansion, is: Arithmetic, aligned: boolean): Border | undefined {
  const mode = stringOf(to.node, 'padding_mode', 'zeros');
  const clipped: Border = (x, size) => is.atMost(is.atLeast(x, 0), size - 1);
  if (mode === 'zeros') return undefined;
  if (mode === 'border') return clipped;
  if (mode !== 'reflection') throw unsupported(to.site, `padding_mode '${mode}'`);
  return (x, size) => {
    const [first, range] = aligned ? [0, size - 1] : [-0.5, size];
    if (range === 0) return is.mul(x, 0);
    // Back and forth between the borders: a period of twice the range.
    const from = is.sub(x, first);
    const rounds = is.floor(is.div(from, 2 * range));
    const within = is.sub(from, is.mul(rounds, 2 * range));
    const folded = is.sub(range, is.abs(is.sub(within, range)));
    return clipped(is.add(folded, first), size);
  };
}

/** A cell of one axis and what it counts for. */
interface Tap {
  readonly cell: string;
  readonly weight: string | undefined;
}

/** Keys' cubic with a = −0.75, of a distance t in 0 … 1 from the second of four cells. */
function cubicWeights(is: Arithmetic, t: string): string[] {
  const a = -0.75;
  const near = (x: string) => is.add(is.mul(is.mul(is.sub(is.mul(x, a + 2), a + 3), x), x), 1);
  const far = (x: string) =>
    is.sub(is.mul(is.add(is.mul(is.sub(is.mul(x, a), 5 * a), x), 8 * a), x), 4 * a);
  const [before, after] = [is.add(t, 1), is.sub(1, t)];
  return [far(before), near(t), near(after), far(is.add(after, 1))];
}

function tapsOf(to: Expansion, is: Arithmetic, mode: string, place: string): readonly Tap[] {
  if (mode === 'nearest') return [{ cell: to.op('Round', [place]), weight: undefined }];
  const low = is.floor(place);
  const t = is.sub(place, low);
  if (mode === 'linear') {
    return [
      { cell: low, weight: is.sub(1, t) },
      { cell: is.add(low, 1), weight: t },
    ];
  }
  if (mode !== 'cubic') throw unsupported(to.site, `mode '${mode}'`);
  return cubicWeights(is, t).map((weight, i) => ({ cell: is.add(low, i - 1), weight }));
}

/** x [N, C, …] at grid [N, …places, axes], whose coordinates run from −1 to 1, the last axis of x first. */
const gridSample: Expand = (to) => {
  const [x, grid] = [to.input(0), to.input(1)];
  const [shape, gridShape] = [to.shapeOf(x), to.shapeOf(grid)];
  if (shape === undefined || gridShape === undefined || to.typeOf(x) !== 'float32') return false;
  const is = arithmetic(to);
  const [n, channels, ...sizes] = shape as [number, number, ...number[]];
  const aligned = intOf(to.node, 'align_corners', 0) !== 0;
  const mode = stringOf(to.node, 'mode', 'linear');
  const border = borderOf(to, is, aligned);
  const count = gridShape.slice(1, -1).reduce((a, b) => a * b, 1);
  const flatGrid = to.op('Reshape', [grid, to.constant('int64', [n, count, sizes.length])]);
  const axes = sizes.map((size, axis) => {
    const g = coordinate(to, flatGrid, sizes.length - 1 - axis);
    const place = aligned
      ? is.mul(is.add(g, 1), (size - 1) / 2)
      : is.sub(is.mul(is.add(g, 1), size / 2), 0.5);
    const bordered = border === undefined || mode === 'cubic' ? place : border(place, size);
    return tapsOf(to, is, mode, bordered).map(({ cell, weight }): Tap => {
      const inside = is.atMost(is.atLeast(cell, 0), size - 1);
      if (border !== undefined) {
        return { cell: mode === 'cubic' ? border(cell, size) : inside, weight };
      }
      const there = to.op('Equal', [cell, inside]);
      return { cell: inside, weight: is.where(there, weight ?? 1, 0) };
    });
  });
  const cells = sizes.reduce((a, b) => a * b, 1);
  const rows = to.op(
    'Transpose',
    [to.op('Reshape', [x, to.constant('int64', [n, channels, cells])])],
    { perm: [0, 2, 1] },
  );
  const last = to.constant('int64', [2]);
  const parts = positions(axes.map(({ length }) => length)).map((choice) => {
    const taps = choice.map((tap, axis) => axes[axis]![tap]!);
    const index = taps
      .map(({ cell }) => to.op('Cast', [cell], { to: int64 }))
      .reduce((at, cell, axis) => {
        const scaled = to.op('Mul', [at, to.constant('int64', sizes[axis]!)]);
        return to.op('Add', [scaled, cell]);
      });
    const read = to.op('GatherND', [rows, to.op('Unsqueeze', [index, last])], { batch_dims: 1 });
    const weights = taps.flatMap(({ weight }) => (weight === undefined ? [] : [weight]));
    if (weights.length === 0) return read;
    const weight = weights.reduce((a, b) => is.mul(a, b));
    return is.mul(read, to.op('Unsqueeze', [weight, last]));
  });
  const sum = parts.reduce((a, b) => is.add(a, b));
  const turned = to.op('Transpose', [sum], { perm: [0, 2, 1] });
  const whole = [n, channels, ...gridShape.slice(1, -1)];
  to.output(0, to.op('Reshape', [turned, to.constant('int64', whole)]));
  return true;
};

/** Coordinates of the cells of a picture of `size`, moved by theta: a product with a constant matrix. */
const affineGrid: Expand = (to) => {
  const size = numbersOf(to.context, 1);
  if (size === undefined) return false;
  const sizes = size.slice(2);
  const aligned = intOf(to.node, 'align_corners', 0) !== 0;
  const at = (cell: number, cells: number) =>
    aligned ? (cells === 1 ? 0 : (2 * cell) / (cells - 1) - 1) : (2 * cell + 1) / cells - 1;
  const cells = positions(sizes);
  const rows = cells.flatMap((cell) => [
    ...cell.map((i, axis) => at(i, sizes[axis]!)).reverse(),
    1,
  ]);
  const base = to.tensor({
    type: 'float32',
    dims: [cells.length, sizes.length + 1],
    data: Float32Array.from(rows),
  });
  const moved = to.op('MatMul', [base, to.op('Transpose', [to.input(0)], { perm: [0, 2, 1] })]);
  const whole = [size[0]!, ...sizes, sizes.length];
  to.output(0, to.op('Reshape', [moved, to.constant('int64', whole)]));
  return true;
};

interface RoiAxis {
  readonly low: string;
  readonly high: string;
  readonly weight: string;
  /** Whether the sample lies on x at all, by a cell's tolerance. */
  readonly inside: string;
}

/** Samples of one axis, [rois, bins · samples], between `start` and `end` of each roi. */
function roiAxis(
  to: Expansion,
  is: Arithmetic,
  [start, end]: readonly [string, string],
  [bins, samples, size]: readonly [number, number, number],
  forced: boolean,
): RoiAxis {
  const length = is.sub(end, start);
  const width = is.div(forced ? is.atLeast(length, 1) : length, bins);
  const offsets = Array.from(
    { length: bins * samples },
    (_, i) => Math.floor(i / samples) + ((i % samples) + 0.5) / samples,
  );
  const one = to.constant('int64', [1]);
  const column = (x: string) => to.op('Unsqueeze', [x, one]);
  const place = is.add(column(start), is.mul(column(width), to.constant('float32', offsets)));
  const beyond = to.op('Or', [is.less(place, -1), is.less(size, place)]);
  const on = is.atMost(is.atLeast(place, 0), size - 1);
  const low = is.floor(on);
  return {
    low,
    high: is.atMost(is.add(low, 1), size - 1),
    weight: is.sub(on, low),
    inside: is.where(beyond, 0, 1),
  };
}

/** Means, or maxima, of samples between the cells of x, in bins that make up each roi. */
const roiAlign: Expand = (to) => {
  const { node } = to;
  const [x, rois, batches] = [to.input(0), to.input(1), to.input(2)];
  const [shape, count] = [to.shapeOf(x), to.shapeOf(rois)?.[0]];
  if (shape === undefined || count === undefined || to.typeOf(x) !== 'float32') return false;
  const samples = intOf(node, 'sampling_ratio', 0);
  if (samples < 1) throw unsupported(to.site, "'sampling_ratio' 0, by which rois choose their own");
  const is = arithmetic(to);
  const [, channels, rows, columns] = shape as [number, number, number, number];
  const [height, width] = ['output_height', 'output_width'].map((name) => intOf(node, name, 1)) as [
    number,
    number,
  ];
  const half = stringOf(node, 'coordinate_transformation_mode', 'half_pixel') === 'half_pixel';
  const scale = floatOf(node, 'spatial_scale', 1);
  const edges = [0, 1, 2, 3].map((i) => {
    const scaled = is.mul(coordinate(to, rois, i), scale);
    return half ? is.sub(scaled, 0.5) : scaled;
  }) as [string, string, string, string];
  const y = roiAxis(to, is, [edges[1], edges[3]], [height, samples, rows], !half);
  const across = roiAxis(to, is, [edges[0], edges[2]], [width, samples, columns], !half);
  const [down, along] = [height * samples, width * samples];
  const whole = [count, down, along];
  const spread = (value: string, dims: readonly number[]) => {
    const placed = to.op('Reshape', [value, to.constant('int64', dims)]);
    return to.op('Expand', [placed, to.constant('int64', whole)]);
  };
  const vertical = (value: string) => spread(value, [count, down, 1]);
  const horizontal = (value: string) => spread(value, [count, 1, along]);
  const index = (value: string) => to.op('Cast', [value], { to: int64 });
  const last = to.constant('int64', [3]);
  const batch = to.op('Unsqueeze', [spread(batches, [count, 1, 1]), last]);
  const pixels = to.op('Transpose', [x], { perm: [0, 2, 3, 1] });
  const there = is.mul(vertical(y.inside), horizontal(across.inside));
  const corners = positions([2, 2]).map(([low, left]) => {
    const cells = [
      batch,
      to.op('Unsqueeze', [index(vertical(low === 0 ? y.low : y.high)), last]),
      to.op('Unsqueeze', [index(horizontal(left === 0 ? across.low : across.high)), last]),
    ];
    const read = to.op('GatherND', [pixels, to.op('Concat', cells, { axis: 3 })]);
    const [v, h] = [vertical(y.weight), horizontal(across.weight)];
    const weight = is.mul(low === 0 ? is.sub(1, v) : v, left === 0 ? is.sub(1, h) : h);
    return is.mul(read, to.op('Unsqueeze', [is.mul(weight, there), last]));
  });
  const isMax = stringOf(node, 'mode', 'avg') === 'max';
  const sample = corners.reduce((a, b) => (isMax ? is.atLeast(a, b) : is.add(a, b)));
  const bins = [count, height, samples, width, samples, channels];
  const parted = to.op('Reshape', [sample, to.constant('int64', bins)]);
  const reduce = isMax ? 'ReduceMax' : 'ReduceMean';
  const reduced = to.op(reduce, [parted, to.constant('int64', [2, 4])], { keepdims: 0 });
  to.output(0, to.op('Transpose', [reduced], { perm: [0, 3, 1, 2] }));
  return true;
};

/** Zeros of what was pooled, with x at its places; zeros behind that where y is to be larger. */
const maxUnpool: Expand = (to) => {
  const [x, places] = [to.input(0), to.input(1)];
  const [type, own] = [to.typeOf(x), unpooledDims(to.context)];
  const given = to.input(2) === '' ? own : numbersOf(to.context, 2);
  if (type === undefined || own === undefined || given === undefined) return false;
  const count = own.reduce((a, b) => a * b, 1);
  const zeros = to.tensor({ type, dims: [count], data: allocate(type, count) } as Tensor);
  const flat = to.constant('int64', [-1]);
  const [values, indices] = [x, places].map((value) => to.op('Reshape', [value, flat]));
  const whole = to.op('ScatterElements', [zeros, indices!, values!], { axis: 0 });
  const pooled = to.op('Reshape', [whole, to.constant('int64', own)]);
  const more = given.map((size, axis) => size - own[axis]!);
  const padded = () => to.op('Pad', [pooled, to.constant('int64', [...own.map(() => 0), ...more])]);
  to.output(0, more.every((cells) => cells === 0) ? pooled : padded());
  return true;
};

export const sampling: Readonly<Record<string, Expand>> = {
  GridSample: gridSample,
  AffineGrid: affineGrid,
  RoiAlign: roiAlign,
  MaxUnpool: maxUnpool,
};
