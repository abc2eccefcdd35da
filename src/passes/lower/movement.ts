/**
 * Operators that move elements. Integers of 32 bits and more are left alone while a graph input has
 * free dims: they may be sizes that folding will know once those are bound.
 */
import { bitsOf, type DataType } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { attribute, intOf, intsOf, stringOf } from '../../graph/attributes.js';
import { elementTypeOf } from '../../graph/elementTypes.js';
import { type Dim, type Graph, staticDims, typeOf } from '../../graph/ir.js';
import { contextOf } from '../../graph/ops/context.js';
import { areStatic, axisOf } from '../../graph/ops/dims.js';
import { numbersOf, sliceRanges, splitSizes } from '../../graph/ops/movement.js';
import type { InferContext } from '../../graph/ops/op.js';
import { padModes } from '../../runtime/kinds.js';
import { widened } from '../evaluate/convert.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { type Rule, type Rules, type Site, unsupported } from './rules.js';

const sizeTypes: ReadonlySet<DataType> = new Set(['int32', 'int64', 'uint32', 'uint64', 'bool']);

/** Whether a value may be moved by steps already. */
export function isMovable({ graph }: Site, value: string): boolean {
  const type = typeOf(graph, value)?.type;
  if (type === undefined || bitsOf(type) < 8) return false;
  return !sizeTypes.has(type) || isBound(graph);
}

/** Whether every graph input has known dims. */
export function isBound(graph: Graph): boolean {
  return graph.inputs.every((input) => staticDims(graph, input) !== undefined);
}

export function contextAt({ graph, node }: Pick<Site, 'graph' | 'node'>): InferContext {
  return contextOf(node, graph.opsets.get(node.domain) ?? 1, {
    type: (value) => typeOf(graph, value),
    constant: (value) => graph.constants.get(value),
    contents: () => undefined,
  });
}

/** Reshape, Flatten, Squeeze, Unsqueeze: whatever says the new dims, the types know them. */
const reshape: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  const output = node.outputs[0]!;
  const to = rewriting(site);
  const dims = to.typeOf(output)?.dims;
  if (!isMovable(site, x) || dims === undefined) return undefined;
  if (to.reshape(x, dims, output) === undefined) return undefined;
  return to.done(`lower ${node.name}`);
};

/** The node's output is its input. */
const drop: Rule = (site) => {
  const { node } = site;
  const [output, ...others] = node.outputs;
  if (others.some((other) => other !== '')) throw unsupported(site, 'a second output');
  const to = rewriting(site);
  to.replace(output!, node.inputs[0]!);
  return to.done(`drop ${node.name}`);
};

const transpose: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  const to = rewriting(site);
  const rank = to.typeOf(x)?.dims?.length;
  if (!isMovable(site, x) || rank === undefined) return undefined;
  to.transpose(x, permOf(site, rank), node.outputs[0]!);
  return to.done(`lower ${node.name}`);
};

/** Permutation of an ONNX Transpose, which reverses the axes when it does not say. */
export function permOf({ node }: Pick<Site, 'node'>, rank: number): readonly number[] {
  return intsOf(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

/** The part of x from `starts`, `steps` apart, of these `sizes`, all one per axis. */
interface Part {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly sizes: readonly number[];
}

function addSlice(to: Rewriting, x: string, part: Part, output?: string): string {
  const { type, dims } = to.typeOf(x)!;
  const { starts, steps, sizes } = part;
  return to.step(
    'Slice',
    [x],
    { starts, steps },
    { type, dims: sizes.map((size, axis) => (size < 0 ? dims![axis] : size)) },
    {
      output,
      extra: { sizes: attribute.ints(sizes) },
    },
  );
}

/** All of a value; of axes whose size is free, -1 takes all. */
function whole(dims: readonly Dim[]): { starts: number[]; steps: number[]; sizes: number[] } {
  return {
    starts: dims.map(() => 0),
    steps: dims.map(() => 1),
    sizes: dims.map((dim) => (typeof dim === 'number' ? dim : -1)),
  };
}

const slice: Rule = (site) => {
  const { graph, node } = site;
  const x = node.inputs[0]!;
  const dims = staticDims(graph, x);
  if (!isMovable(site, x) || dims === undefined) return undefined;
  const ranges = sliceRanges(contextAt(site), dims);
  if (ranges === undefined) return undefined;
  const part = whole(dims);
  for (const { axis, range } of ranges) {
    part.starts[axis] = range!.start;
    part.steps[axis] = range!.step;
    part.sizes[axis] = range!.count;
  }
  const to = rewriting(site);
  addSlice(to, x, part, node.outputs[0]!);
  return to.done(`lower ${node.name}`);
};

const split: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  const to = rewriting(site);
  const dims = to.typeOf(x)?.dims;
  if (!isMovable(site, x) || dims === undefined) return undefined;
  const axis = axisOf(node, intOf(node, 'axis', 0), dims.length);
  const length = dims[axis];
  const sizes = typeof length === 'number' ? splitSizes(contextAt(site), length) : undefined;
  if (sizes === undefined) return undefined;
  let start = 0;
  node.outputs.forEach((output, i) => {
    const part = whole(dims);
    part.starts[axis] = start;
    part.sizes[axis] = sizes[i]!;
    start += sizes[i]!;
    if (output !== '') addSlice(to, x, part, output);
  });
  return to.done(`lower ${node.name}`);
};

/** One constant index along an axis is a slice. */
const gather: Rule = (site) => {
  const { graph, node } = site;
  const [x, indices] = node.inputs as [string, string];
  const dims = staticDims(graph, x);
  const constant = graph.constants.get(indices);
  const to = rewriting(site);
  const y = to.typeOf(node.outputs[0]!);
  if (!isMovable(site, x) || dims === undefined || y?.dims === undefined) return undefined;
  const axis = axisOf(node, intOf(node, 'axis', 0), dims.length);
  if (constant?.data.length !== 1) {
    if (constant === undefined && !isBound(graph)) return undefined;
    to.step('Gather', [x, indices], { axis }, y, { output: node.outputs[0]! });
    return to.done(`lower ${node.name}`);
  }
  const index = Number(constant.data[0]);
  const part = whole(dims);
  part.starts[axis] = axisOf(node, index, dims[axis]!);
  part.sizes[axis] = 1;
  const row = addSlice(to, x, part);
  if (to.reshape(row, y.dims, node.outputs[0]!) === undefined) return undefined;
  return to.done(`lower ${node.name}`);
};

const expand: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  const to = rewriting(site);
  const y = to.typeOf(node.outputs[0]!);
  if (!isMovable(site, x) || !areStatic(y?.dims)) return undefined;
  const extra = { dims: attribute.ints(y!.dims as readonly number[]) };
  to.step('Expand', [x], {}, y!, { output: node.outputs[0]!, extra });
  return to.done(`lower ${node.name}`);
};

/** Cells that an ONNX Pad adds before and after each axis; undefined while they are not known. */
export function padsOf(
  site: Site,
  rank: number,
): { before: number[]; after: number[] } | undefined {
  const { node } = site;
  const context = contextAt(site);
  const pads = numbersOf(context, 1);
  const axes =
    (node.inputs[3] ?? '') === ''
      ? Array.from({ length: rank }, (_, i) => i)
      : numbersOf(context, 3);
  if (pads === undefined || axes === undefined) return undefined;
  const before = new Array<number>(rank).fill(0);
  const after = new Array<number>(rank).fill(0);
  axes.forEach((given, i) => {
    const axis = axisOf(node, given, rank);
    before[axis] = pads[i]!;
    after[axis] = pads[i + axes.length]!;
  });
  for (const cells of [...before, ...after]) {
    // Cells taken away are a Slice, once dims are known.
    if (cells < 0) return undefined;
    if (cells < 2 ** 31) continue;
    throw new OctavoError('LIMIT_EXCEEDED', 'the padding does not fit 32 bits', {
      where: node.name,
      found: String(cells),
    });
  }
  return { before, after };
}

/** The value a constant-mode Pad fills with; undefined while it is computed, and where float32 does not hold it. */
function padValue(site: Site): number | undefined {
  const name = site.node.inputs[2] ?? '';
  if (name === '') return 0;
  const constant = site.graph.constants.get(name);
  if (constant?.data.length !== 1) return undefined;
  const value = Number(widened(constant)?.[0]);
  return Object.is(Math.fround(value), value) ? value : undefined;
}

const pad: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  const to = rewriting(site);
  const { type, dims } = to.typeOf(x) ?? {};
  if (!isMovable(site, x) || type === undefined || dims === undefined) return undefined;
  const mode = stringOf(node, 'mode', 'constant');
  if (!Object.hasOwn(padModes, mode)) return undefined;
  const pads = padsOf(site, dims.length);
  const value = padValue(site);
  if (pads === undefined || value === undefined) return undefined;
  const { before, after } = pads;
  const padded = dims.map((dim, i): Dim => {
    const more = before[i]! + after[i]!;
    return more === 0 ? dim : typeof dim === 'number' ? dim + more : undefined;
  });
  const params = { before, value, mode: padModes[mode as keyof typeof padModes] };
  to.step(
    'Pad',
    [x],
    params,
    { type, dims: padded },
    {
      output: node.outputs[0]!,
      extra: { after: attribute.ints(after) },
    },
  );
  return to.done(`lower ${node.name}`);
};

const concat: Rule = (site) => {
  const { node } = site;
  const output = node.outputs[0]!;
  const to = rewriting(site);
  const type = to.typeOf(output);
  if (type?.dims === undefined || !isMovable(site, output)) return undefined;
  if (node.inputs.includes('')) return undefined;
  const axis = axisOf(node, intOf(node, 'axis', 0), type.dims.length);
  to.step('Concat', node.inputs, { axis }, type, { output });
  return to.done(`lower ${node.name}`);
};

/** Adds the conversion of a value to another type; returns the value itself where it has the type. */
export function addCast(to: Rewriting, x: string, type: DataType, output?: string): string {
  const from = to.typeOf(x)!;
  if (from.type === type && output === undefined) return x;
  const extra = { outputType: attribute.string(type) };
  return to.step('Cast', [x], {}, { ...from, type }, { output, extra });
}

const cast: Rule = (site) => {
  const { node } = site;
  const x = node.inputs[0]!;
  const to = rewriting(site);
  const type = to.typeOf(x);
  const target = elementTypeOf(intOf(node, 'to', 0), node.name);
  if (type === undefined) return undefined;
  if (type.type === target) return drop(site);
  if (bitsOf(type.type) < 8 || bitsOf(target) < 8) return undefined;
  if (!isBound(site.graph) && (sizeTypes.has(type.type) || sizeTypes.has(target))) return undefined;
  addCast(to, x, target, node.outputs[0]!);
  return to.done(`lower ${node.name}`);
};

export const movementRules: Rules = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Identity: drop,
  Dropout: drop,
  Transpose: transpose,
  Slice: slice,
  Split: split,
  Gather: gather,
  Expand: expand,
  Pad: pad,
  Concat: concat,
  Cast: cast,
};
