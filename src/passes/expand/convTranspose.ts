/**
 * ConvTranspose as a Conv. With stride s, cell s · q + r of y is a sum over the cells q, q − 1, … of x, whose weights
 * depend on the phase r alone: so one Conv with a set of output channels for each phase computes all of them, and its
 * channels are then put side by side. Weights are turned around and shared out once, as constants.
 */
import { allocate, bitsOf, isSigned } from '../../core/dtype.js';
import { elementCount, stridesOf } from '../../core/shape.js';
import type { Tensor } from '../../core/tensor.js';
import { groupsOf } from '../../graph/ops/convolution.js';
import { type TransposedAxis, transposedAxes } from '../../graph/ops/convTranspose.js';
import { codesOf, isDequantize, quantParamsOf } from '../lower/quantParams.js';
import type { Expand, Expansion } from './expansion.js';
import { carryAhead } from './phases.js';
import { positions } from './positions.js';

/** A constant, or one behind a DequantizeLinear, whose elements can be put in another order. */
interface Operand {
  readonly tensor: Tensor;
  /** The code of 0 in a channel. */
  readonly zero: (channel: number) => number;
  /** The same coding of other elements; channel i of them, along axis 0, was `channels[i]`. */
  readonly rebuilt: (tensor: Tensor, channels: readonly number[]) => string;
}

/** `axis` is that of the channels. Undefined for what is computed, and for codings that no order keeps. */
function operandOf(to: Expansion, value: string, axis: number): Operand | undefined {
  const { graph, index } = to.site;
  const constant = to.constantOf(value);
  if (constant !== undefined) {
    return { tensor: constant, zero: () => 0, rebuilt: (tensor) => to.tensor(tensor) };
  }
  const producer = index.producer(value);
  if (producer === undefined || !isDequantize(producer)) return undefined;
  const [codesName, scale, zeroName = ''] = producer.inputs as [string, string, string?];
  const codes = graph.constants.get(codesName);
  const params = codes && quantParamsOf(graph, producer);
  if (params === undefined || params.blockSize !== undefined) return undefined;
  const whole = params.scale.length === 1;
  const along =
    params.axis === undefined || params.axis >= 0 ? params.axis : params.axis + codes!.dims.length;
  if (!whole && along !== axis) return undefined;
  const scales = graph.constants.get(scale)!;
  const wide = widened(codes!);
  /** Values of a scale or zero point for these channels; one for all where there is no more. */
  const pick = (from: Tensor, channels: readonly number[]) => {
    const { type, dims } = from;
    const data = from.data as unknown as ArrayLike<number>;
    if (whole) return to.tensor({ type, dims, data } as unknown as Tensor);
    const picked = allocate(type, channels.length) as unknown as number[];
    channels.forEach((channel, i) => {
      picked[i] = data[channel]!;
    });
    return to.tensor({ type, dims: [channels.length], data: picked } as unknown as Tensor);
  };
  return {
    tensor: wide,
    zero: (channel) => params.zeroPoint[whole ? 0 : channel]!,
    rebuilt: (tensor, channels) => {
      const parts = zeroName === '' ? [scales] : [scales, widened(graph.constants.get(zeroName)!)];
      const rest = parts.map((part) => pick(part, channels));
      return to.op('DequantizeLinear', [to.tensor(tensor), ...rest], { axis: 0 });
    },
  };
}

/** Codes of less than a byte as bytes. */
function widened(tensor: Tensor): Tensor {
  const { type, dims } = tensor;
  if (bitsOf(type) >= 8) return tensor;
  return isSigned(type)
    ? { type: 'int8', dims, data: Int8Array.from(codesOf(tensor)) }
    : { type: 'uint8', dims, data: Uint8Array.from(codesOf(tensor)) };
}

/** How an axis of y is computed: taps of the Conv, its padding, and what is cut off of its phases. */
interface Plan {
  readonly stride: number;
  readonly taps: number;
  readonly dilation: number;
  readonly pads: readonly [number, number];
  readonly cut: readonly [number, number];
  /** The weight that tap `t` has in phase `r`; undefined for none. */
  readonly source: (r: number, t: number) => number | undefined;
}

function planOf({ kernel, stride, dilation, before, tail }: TransposedAxis): Plan {
  // Without strides the Conv is dilated itself; else the weights get the zeros between them.
  const spacing = stride === 1 ? 1 : dilation;
  const own = stride === 1 ? dilation : 1;
  const taps = Math.ceil((spacing * (kernel - 1) + 1) / stride);
  const reach = own * (taps - 1);
  const skipped = Math.min(Math.floor(before / stride), reach);
  const after = Math.max(0, Math.ceil(tail / stride) - 1);
  return {
    stride,
    taps,
    dilation: own,
    pads: [reach - skipped, after],
    cut: [before - stride * skipped, stride * (1 + after) - tail],
    source: (r, t) => {
      const at = r + stride * (taps - 1 - t);
      return at % spacing === 0 && at / spacing < kernel ? at / spacing : undefined;
    },
  };
}

/** Channels of the Conv, as output channel and phase of y. */
interface Channel {
  readonly output: number;
  readonly phase: readonly number[];
}

/** Weights [M · phases, C / groups, …taps] of [C, M / groups, …kernel]. */
function turned(
  weight: Operand,
  channels: readonly Channel[],
  plans: readonly Plan[],
  groups: number,
): Tensor {
  const { type, dims, data } = weight.tensor;
  const [inputs, depth] = dims as [number, number];
  const perGroup = inputs / groups;
  const strides = stridesOf(dims);
  const shape = [channels.length, perGroup, ...plans.map(({ taps }) => taps)];
  const result = allocate(type, elementCount(shape)) as unknown as number[];
  const cells = positions(plans.map(({ taps }) => taps));
  let at = 0;
  for (const { output, phase } of channels) {
    const group = Math.floor(output / depth);
    const taps = cells.map((cell) => cell.map((t, axis) => plans[axis]!.source(phase[axis]!, t)));
    for (let c = 0; c < perGroup; c++) {
      const from = (group * perGroup + c) * strides[0]! + (output % depth) * strides[1]!;
      for (const tap of taps) {
        const there = tap.every((k) => k !== undefined);
        const offset = tap.reduce<number>(
          (sum, k, axis) => sum + (k ?? 0) * strides[axis + 2]!,
          from,
        );
        result[at++] = there ? (data[offset] as number) : weight.zero(output % depth);
      }
    }
  }
  return { type, dims: shape, data: result } as unknown as Tensor;
}

/** The bias of each channel of the Conv. */
function biasFor(bias: Operand, outputs: readonly number[]): string {
  const { type, data } = bias.tensor;
  const result = allocate(type, outputs.length) as unknown as number[];
  outputs.forEach((output, i) => {
    result[i] = data[output] as number;
  });
  return bias.rebuilt({ type, dims: [outputs.length], data: result } as unknown as Tensor, outputs);
}

/** Writes a ConvTranspose; waits for a weight that is computed. */
const convTranspose: Expand = (to) => {
  const { node } = to;
  const [x, biasName] = [to.input(0), to.input(2)];
  const xDims = to.dimsOf(x);
  const weight = operandOf(to, to.input(1), 1);
  const bias = biasName === '' ? undefined : operandOf(to, biasName, 0);
  if (xDims === undefined || weight === undefined || to.typeOf(x) !== 'float32') return false;
  const [, depth, ...kernel] = weight.tensor.dims as [number, number, ...number[]];
  const axes = transposedAxes(node, kernel, xDims.slice(2));
  if (axes === undefined || (biasName !== '' && bias === undefined)) return false;
  const groups = groupsOf(node);
  const plans = axes.map(planOf);
  const strides = plans.map(({ stride }) => stride);
  const phases = positions(strides);
  const square = strides.length === 2 && strides[0] === strides[1];
  // Other arrangements of the phases are written with dims.
  if (phases.length > 1 && !square && to.shapeOf(x) === undefined) return false;
  const outputs = Array.from({ length: depth * groups }, (_, output) => output);
  // Phases outside keep channels together; groups have to stay together themselves.
  const outside = groups === 1;
  const channels = outside
    ? phases.flatMap((phase) => outputs.map((output) => ({ output, phase })))
    : outputs.flatMap((output) => phases.map((phase) => ({ output, phase })));
  const numbers = channels.map(({ output }) => output);
  const inGroup = numbers.map((output) => output % depth);
  const inputs = [x, weight.rebuilt(turned(weight, channels, plans, groups), inGroup)];
  if (bias !== undefined) inputs.push(biasFor(bias, numbers));
  const conv = to.op('Conv', inputs, {
    group: groups,
    pads: [...plans.map(({ pads }) => pads[0]), ...plans.map(({ pads }) => pads[1])],
    dilations: plans.map(({ dilation }) => dilation),
  });
  if (phases.length === 1) {
    to.output(0, cropped(to, conv, plans));
    return true;
  }
  const { value, output } = carryAhead(to, conv, numbers);
  const spread = square
    ? to.op('DepthToSpace', [value], { blocksize: strides[0]!, mode: outside ? 'DCR' : 'CRD' })
    : arranged(to, value, strides, outside);
  to.replace(output, cropped(to, spread, plans));
  return true;
};

/** Phases of each axis put between its cells: what DepthToSpace does, for any number of axes and any strides. */
function arranged(to: Expansion, y: string, strides: readonly number[], outside: boolean): string {
  const [n, channels, ...sizes] = to.shapeOf(y) as [number, number, ...number[]];
  const rank = strides.length;
  const depth = channels / strides.reduce((a, b) => a * b, 1);
  const split = outside ? [n, ...strides, depth, ...sizes] : [n, depth, ...strides, ...sizes];
  const [depthAxis, firstPhase] = outside ? [1 + rank, 1] : [1, 2];
  const perm = [0, depthAxis, ...strides.flatMap((_, i) => [2 + rank + i, firstPhase + i])];
  const parts = to.op('Reshape', [y, to.constant('int64', split)]);
  const moved = to.op('Transpose', [parts], { perm });
  const whole = [n, depth, ...sizes.map((size, i) => size * strides[i]!)];
  return to.op('Reshape', [moved, to.constant('int64', whole)]);
}

function cropped(to: Expansion, y: string, plans: readonly Plan[]): string {
  const cuts = plans.map(({ cut }, i) => ({ axis: i + 2, start: cut[0], end: cut[1] }));
  const needed = cuts.filter(({ start, end }) => start > 0 || end > 0);
  if (needed.length === 0) return y;
  const starts = needed.map(({ start }) => start);
  const ends = needed.map(({ end }) => (end > 0 ? -end : Number.MAX_SAFE_INTEGER));
  const lists = [starts, ends, needed.map(({ axis }) => axis)];
  return to.op('Slice', [y, ...lists.map((list) => to.constant('int64', list))]);
}

export const transposedConvolution: Readonly<Record<string, Expand>> = {
  ConvTranspose: convTranspose,
};
