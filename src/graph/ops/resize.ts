/** Resize: what is resized, by how much, and how places of y are placed on x; attributes checked. */
import { floatOf, intOf, intsOf, stringOf } from '../attributes.js';
import type { Dim, Node } from '../ir.js';
import { contradiction, expectInputType } from './context.js';
import { axisOf, type Dims } from './dims.js';
import type { InferContext, OpDefinition } from './op.js';

const modes = ['nearest', 'linear', 'cubic'] as const;
const placements = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_crop_and_resize',
] as const;
const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;
const policies = ['stretch', 'not_larger', 'not_smaller'] as const;

export interface ResizeSettings {
  readonly mode: (typeof modes)[number];
  readonly placement: (typeof placements)[number];
  readonly rounding: (typeof roundings)[number];
  readonly policy: (typeof policies)[number];
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
  readonly cubicCoefficient: number;
  readonly extrapolationValue: number;
}

/** Attributes of a Resize. Throws `INVALID_GRAPH` for names that ONNX does not have. */
export function resizeSettings(node: Node): ResizeSettings {
  const choose = <T extends string>(name: string, all: readonly T[]): T => {
    const found = stringOf(node, name, all[0]!);
    const known = all.find((one) => one === found);
    if (known === undefined) throw contradiction(node, `unknown '${name}'`, all.join(', '), found);
    return known;
  };
  return {
    mode: choose('mode', modes),
    placement: choose('coordinate_transformation_mode', placements),
    rounding: choose('nearest_mode', roundings),
    policy: choose('keep_aspect_ratio_policy', policies),
    excludeOutside: intOf(node, 'exclude_outside', 0) !== 0,
    antialias: intOf(node, 'antialias', 0) !== 0,
    cubicCoefficient: floatOf(node, 'cubic_coeff_a', -0.75),
    extrapolationValue: floatOf(node, 'extrapolation_value', 0),
  };
}

/** An axis that a Resize names. */
export interface ResizedAxis {
  readonly axis: number;
  readonly output: Dim;
  /** Places of y for each of x; undefined while a size is not known. */
  readonly scale: number | undefined;
}

/**
 * The axes that a Resize names, in its order; undefined while scales and sizes are computed. Throws `INVALID_GRAPH` where
 * they contradict x or each other.
 */
export function resizedAxes(context: InferContext, dims: Dims): ResizedAxis[] | undefined {
  const { node } = context;
  const given = intsOf(node, 'axes') ?? dims.map((_, axis) => axis);
  const axes = given.map((axis) => axisOf(node, axis, dims.length));
  if (new Set(axes).size !== axes.length) throw contradiction(node, 'an axis is given twice');
  const has = (i: number) =>
    (node.inputs[i] ?? '') !== '' && context.constant(i)?.data.length !== 0;
  if (has(2) === has(3)) throw contradiction(node, 'it needs either scales or sizes');
  const fits = (length: number) => {
    if (length === axes.length) return;
    throw contradiction(node, 'wrong number of factors', String(axes.length), String(length));
  };
  if (has(2)) {
    const scales = context.constant(2)?.data as ArrayLike<number> | undefined;
    if (scales === undefined) return undefined;
    fits(scales.length);
    return axes.map((axis, i) => scaled(node, axis, dims[axis], scales[i]!));
  }
  const sizes = context.contents(3);
  if (sizes === undefined) return undefined;
  fits(sizes.length);
  for (const size of sizes) if (typeof size === 'number') checkSize(node, size);
  const ratios = axes.map((axis, i) => ratio(node, dims[axis], sizes[i]));
  const { policy } = resizeSettings(node);
  if (policy === 'stretch') {
    return axes.map((axis, i) => ({ axis, output: sizes[i], scale: ratios[i] }));
  }
  if (!ratios.every((one) => one !== undefined)) {
    return axes.map((axis) => ({ axis, output: undefined, scale: undefined }));
  }
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis) => {
    const output = Math.round(Math.fround(scale * (dims[axis] as number)));
    return { axis, output: checkSize(node, output), scale };
  });
}

function checkSize(node: Node, size: number): number {
  if (Number.isSafeInteger(size) && size >= 0 && size < 2 ** 31) return size;
  throw contradiction(node, 'size out of range', '0 to 2147483647', String(size));
}

function scaled(node: Node, axis: number, dim: Dim, scale: number): ResizedAxis {
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) {
    throw contradiction(node, 'bad scale', 'positive and finite', String(scale));
  }
  if (scale === 1) return { axis, output: dim, scale };
  // In float32, as other runtimes have it: 10 · 0.7 is 7.
  const output =
    typeof dim === 'number'
      ? checkSize(node, Math.floor(Math.fround(Math.fround(scale) * dim)))
      : undefined;
  return { axis, output, scale };
}

function ratio(node: Node, dim: Dim, size: Dim): number | undefined {
  if (typeof dim !== 'number' || typeof size !== 'number') return undefined;
  if (dim === 0 && size > 0) throw contradiction(node, 'an axis without cells is resized');
  return dim === 0 ? 1 : Math.fround(size / dim);
}

const resize: OpDefinition = {
  op: 'Resize',
  domain: '',
  since: 11,
  inputs: [1, 4],
  outputs: [1, 1],
  infer: (context) => {
    expectInputType(context, 2, 'float32');
    expectInputType(context, 3, 'int64');
    resizeSettings(context.node);
    const x = context.input(0);
    if (x?.dims === undefined) return [x && { type: x.type }];
    const dims = [...x.dims];
    const axes = resizedAxes(context, dims);
    if (axes === undefined) return [{ type: x.type, dims: dims.map(() => undefined) }];
    for (const { axis, output } of axes) dims[axis] = output;
    return [{ type: x.type, dims }];
  },
};

export const resizes: readonly OpDefinition[] = [resize];
