/**
 * What a layer multiplies its weight by, as rows of a matrix: rows of x for a matrix product; for a convolution what its
 * window covers at an output, one row for each of some places. Of many rows a few are taken, evenly spread.
 */
import type { Tensor } from '../core/tensor.js';
import type { Node } from '../graph/ir.js';
import { groupsOf } from '../graph/ops/convolution.js';
import { resolveWindow, type WindowAxis } from '../graph/ops/window.js';

/** Rows [count, width], for one group of a convolution after the other. */
export interface LayerInputs {
  readonly width: number;
  readonly count: number;
  readonly groups: readonly Float32Array[];
}

/** At most `most` rows of what `node` reads in `tensors`, as many of each of them. */
export function layerInputs(
  node: Node,
  weightDims: readonly number[],
  tensors: readonly Tensor[],
  most: number,
): LayerInputs {
  const quota = Math.max(Math.floor(most / tensors.length), 1);
  let last: Places | undefined;
  const parts = tensors.map((x) => {
    if (node.op !== 'Conv') return rowsOf(x, quota);
    // Samples are mostly of one size.
    if (last?.dims.join() !== x.dims.join()) last = placesOf(node, weightDims, x.dims, quota);
    return patchesOf(node, weightDims, x, last!);
  });
  const { width, groups } = parts[0]!;
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  return {
    width,
    count,
    groups: groups.map((_, g) => {
      const all = new Float32Array(count * width);
      let at = 0;
      for (const part of parts) {
        all.set(part.groups[g]!, at);
        at += part.count * width;
      }
      return all;
    }),
  };
}

/** `count` of `total` places, evenly spread; all where there are fewer. */
function spread(total: number, count: number): readonly number[] {
  const taken = Math.min(total, count);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * total) / taken));
}

function rowsOf({ dims, data }: Tensor, quota: number): LayerInputs {
  const width = dims.at(-1)!;
  const places = spread(data.length / width, quota);
  const rows = new Float32Array(places.length * width);
  for (const [i, row] of places.entries()) {
    rows.set((data as Float32Array).subarray(row * width, (row + 1) * width), i * width);
  }
  return { width, count: places.length, groups: [rows] };
}

/** Some outputs of a convolution of x with these dims. */
interface Places {
  readonly dims: readonly number[];
  readonly taps: number;
  /** For each place the image that it is in, and where each tap lies in a channel of it; −1 on padding. */
  readonly images: Int32Array;
  readonly offsets: Int32Array;
}

function placesOf(
  node: Node,
  [, , ...kernel]: readonly number[],
  dims: readonly number[],
  quota: number,
): Places {
  const [images, , ...sizes] = dims as [number, number, ...number[]];
  const axes = resolveWindow(node, kernel, sizes);
  const outputs = product(axes.map(({ output }) => output));
  const places = spread(images * outputs, quota);
  const taps = product(kernel);
  const offsets = new Int32Array(places.length * taps);
  for (const [row, place] of places.entries()) {
    offsets.set(tapOffsets(axes, sizes, place % outputs), row * taps);
  }
  return { dims, taps, images: Int32Array.from(places, (at) => Math.floor(at / outputs)), offsets };
}

/** Rows that are filled together, so that neither what is read nor what is written leaves the cache. */
const together = 64;

function patchesOf(
  node: Node,
  [, depth]: readonly number[],
  { dims, data }: Tensor,
  { taps, images, offsets }: Places,
): LayerInputs {
  const [, channels, ...sizes] = dims as [number, number, ...number[]];
  const pixels = product(sizes);
  const width = depth! * taps;
  const count = images.length;
  const groups = Array.from({ length: groupsOf(node) }, () => new Float32Array(count * width));
  for (let start = 0; start < count; start += together) {
    const end = Math.min(start + together, count);
    for (let c = 0; c < channels; c++) {
      const group = groups[Math.floor(c / depth!)]!;
      const first = (c % depth!) * taps;
      for (let row = start; row < end; row++) {
        const from = (images[row]! * channels + c) * pixels;
        const to = row * width + first;
        for (let tap = 0; tap < taps; tap++) {
          const offset = offsets[row * taps + tap]!;
          if (offset >= 0) group[to + tap] = (data as Float32Array)[from + offset]!;
        }
      }
    }
  }
  return { width, count, groups };
}

/** Where the taps of the window at output `place` lie in a channel; −1 on padding. */
function tapOffsets(
  axes: readonly WindowAxis[],
  sizes: readonly number[],
  place: number,
): readonly number[] {
  let rest = place;
  let offsets = [0];
  let stride = 1;
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    const { kernel, stride: step, dilation, before, output } = axes[axis]!;
    const size = sizes[axis]!;
    const first = (rest % output) * step - before;
    rest = Math.floor(rest / output);
    const inner = offsets;
    offsets = Array.from({ length: kernel }, (_, tap) => {
      const at = first + tap * dilation;
      const isInside = at >= 0 && at < size;
      return inner.map((offset) => (isInside && offset >= 0 ? at * stride + offset : -1));
    }).flat();
    stride *= size;
  }
  return offsets;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}
