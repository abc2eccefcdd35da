/**
 * Weights in the order in which the kernels read them, their zero points taken off, and the tables
 * that go with them: one entry for each column, filled up to whole panels or blocks in each group.
 */

import type { PrepareContext } from './kernel.js';

/** Columns of a panel that tiles are multiplied with. */
export const panelColumns = 8;

/** Columns of a panel that a single quantized row is multiplied with. */
export const rowPanelColumns = 32;

/** Neighbours along the depth that one lane multiplies: int16, or int8 by the relaxed dot product. */
export const pairDepth = 2;
export const quadDepth = 4;

export interface Columns {
  readonly groups: number;
  /** Of each group. */
  readonly columns: number;
}

/**
 * A matrix product for each group. Weights are given as [group][column][run][depth of a run]; a run
 * is what lies side by side in x.
 */
export interface PanelShape extends Columns {
  readonly runs: number;
  readonly depth: number;
}

/** `count` rounded up to a multiple of `unit`. */
export function roundUp(count: number, unit: number): number {
  return Math.ceil(count / unit) * unit;
}

/** Elements of panels: [group][panel][run][depth / unit][columns of a panel][unit]. */
export function panelLength(
  { groups, columns, runs, depth }: PanelShape,
  ofPanel: number,
  unit: number,
): number {
  return groups * roundUp(columns, ofPanel) * runs * roundUp(depth, unit);
}

/** Where the packing functions of assembly/ find weights, and zero points, or 0. They may read a little beyond both ends. */
export function inScratch(
  weights: Int8Array,
  zeros: Int32Array | undefined,
  { memory, scratch }: PrepareContext,
): { readonly weights: number; readonly zeros: number } {
  const margin = 32;
  const behind = roundUp(weights.length, 4) + 2 * margin;
  const { address } = scratch(behind + 4 * (zeros?.length ?? 0));
  new Int8Array(memory.buffer, address + margin, weights.length).set(weights);
  if (zeros === undefined) return { weights: address + margin, zeros: 0 };
  new Int32Array(memory.buffer, address + behind, zeros.length).set(zeros);
  return { weights: address + margin, zeros: address + behind };
}

/** Values of `layout` (assembly/tile.ts). */
export const layouts = { pairs: 0, quads: 1 };

/** Writes such panels, as int16 or as int8, by the unit; `zeros` has the zero point of each column of each group. */
export function packPanels(
  to: number,
  weights: Int8Array,
  zeros: Int32Array | undefined,
  shape: PanelShape,
  ofPanel: number,
  unit: number,
  context: PrepareContext,
): void {
  const { groups, columns, runs, depth } = shape;
  const from = inScratch(weights, zeros, context);
  const bytes = panelLength(shape, ofPanel, unit) * (4 / unit);
  new Uint8Array(context.memory.buffer, to, bytes).fill(0);
  const layout = unit === pairDepth ? layouts.pairs : layouts.quads;
  context.exports.packDotPanels(
    ...([layout, from.weights, from.zeros] as const),
    ...([groups, columns, runs, depth, ofPanel, to] as const),
  );
}

/** Writes the panels of assembly/row.ts, as long as those of int8 in pairs. */
export function packRowPanels(
  to: Uint8Array,
  weights: Int8Array,
  { columns, depth }: Omit<PanelShape, 'groups' | 'runs'>,
): void {
  const panelStep = roundUp(depth, 2) * rowPanelColumns;
  to.fill(0);
  for (let column = 0, from = 0; column < columns; column++) {
    const ofPanel = column % rowPanelColumns;
    const isHigh = (ofPanel >> 2) & 1;
    const panel = Math.floor(column / rowPanelColumns) * panelStep;
    const lane = 16 * (ofPanel >> 3) + 4 * (ofPanel & 3) + isHigh;
    for (let k = 0; k < depth; k++) {
      const at = panel + (k >> 1) * 2 * rowPanelColumns + lane + 2 * (k & 1);
      to[at] = weights[from++]! + (isHigh ? 0 : 128);
    }
  }
}

/** Strides, in elements, of weights that are given in another order than [column][depth]. */
export interface WeightStrides {
  readonly column: number;
  readonly depth: number;
}

/** Writes float32 panels: [group][panel][depth][8 columns]; `depth` is that of all runs. */
export function packFloatPanels(
  to: Float32Array,
  weights: Float32Array,
  { groups, columns, depth }: Omit<PanelShape, 'runs'>,
  strides: WeightStrides = { column: depth, depth: 1 },
): void {
  const panels = Math.ceil(columns / panelColumns);
  to.fill(0);
  for (let channel = 0; channel < groups * columns; channel++) {
    const group = Math.floor(channel / columns);
    const column = channel % columns;
    const panel = group * panels + Math.floor(column / panelColumns);
    let at = panel * depth * panelColumns + (column % panelColumns);
    let from = channel * strides.column;
    for (let k = 0; k < depth; k++, at += panelColumns, from += strides.depth) {
      to[at] = weights[from]!;
    }
  }
}

/** Channels of a block of the quantized depthwise kernel. */
export const depthwiseBlock = 16;

/**
 * Where in its block each channel lies, in units of one channel: with pairs, halves of a block have
 * their even channels first (assembly/depthwise.ts).
 */
export function placeInBlock(channel: number, unit: number): number {
  const place = channel % depthwiseBlock;
  if (unit === quadDepth) return place;
  return (place & 8) + 4 * (place & 1) + ((place & 7) >> 1);
}

/** Writes depthwise weights: [block][taps / unit][16 channels][unit]; given as [channel][tap]. */
export function packDepthwise(
  to: Int16Array | Int8Array,
  weights: Int8Array,
  zeros: Int32Array | undefined,
  taps: number,
  unit: number,
): void {
  const units = Math.ceil(taps / unit);
  to.fill(0);
  weights.forEach((weight, i) => {
    const channel = Math.floor(i / taps);
    const tap = i % taps;
    const row = Math.floor(channel / depthwiseBlock) * units + Math.floor(tap / unit);
    const at = unit * (row * depthwiseBlock + placeInBlock(channel, unit)) + (tap % unit);
    to[at] = weight - (zeros?.[channel] ?? 0);
  });
}

/** A table of one entry for each channel, in the order of such weights. */
export function inBlocks<T extends Int32Array | Float32Array>(values: T, unit: number): T {
  const length = roundUp(values.length, depthwiseBlock);
  const table = new (values.constructor as new (length: number) => T)(length);
  values.forEach((value, channel) => {
    table[channel - (channel % depthwiseBlock) + placeInBlock(channel, unit)] = value;
  });
  return table;
}

/** Channels of a block of the float depthwise kernel. */
export const floatBlock = 16;

/** Writes float32 depthwise weights: [block][tap][16 channels]; given as [channel][tap]. */
export function packFloatDepthwise(to: Float32Array, weights: Float32Array, taps: number): void {
  to.fill(0);
  weights.forEach((weight, i) => {
    const channel = Math.floor(i / taps);
    const row = Math.floor(channel / floatBlock) * taps + (i % taps);
    to[row * floatBlock + (channel % floatBlock)] = weight;
  });
}

/**
 * Elements of a table of one entry for each column, each group filled up to a multiple of `unit`.
 */
export function tableLength({ groups, columns }: Columns, unit: number): number {
  return groups * roundUp(columns, unit);
}

/** `values`, one for each column, as such a table; what fills groups up is 0. */
export function tableOf<T extends Int32Array | Float32Array>(
  values: T,
  shape: Columns,
  unit: number,
): T {
  const { groups, columns } = shape;
  const table = new (values.constructor as new (length: number) => T)(tableLength(shape, unit));
  for (let group = 0; group < groups; group++) {
    const own = values.subarray(group * columns, (group + 1) * columns);
    table.set(own, group * roundUp(columns, unit));
  }
  return table;
}

/** The address of such a table, 0 where there is no column, or no `values`. */
export function keepTable<T extends Int32Array | Float32Array>(
  values: T | undefined,
  type: new (buffer: ArrayBuffer, byteOffset: number, length: number) => T,
  shape: Columns,
  unit: number,
  { keep, memory }: PrepareContext,
): number {
  const length = tableLength(shape, unit);
  const address = keep(4 * length);
  const table = new type(memory.buffer, address, length).fill(0);
  if (values !== undefined) table.set(tableOf(values, shape, unit));
  return address;
}
