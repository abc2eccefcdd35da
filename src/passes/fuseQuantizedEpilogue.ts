/**
 * What follows a product, a sum or a mean and is computed where its result is stored: a Relu or Clip,
 * and a QuantizeLinear. Rounding keeps order, so that clamping codes is quantizing what was clamped.
 */
import type { Node } from '../graph/ir.js';
import { clampOf } from './lower/elementwise.js';
import { type Coding, codingOf, encode, isQuantize, isUint8 } from './lower/quantParams.js';
import { onlyConsumer, type Site } from './lower/rules.js';

export interface Epilogue {
  /** Nodes that it takes the place of. */
  readonly nodes: readonly Node[];
  /** The value to write in the end. */
  readonly output: string;
  /** Of the result; undefined when it stays float. */
  readonly coding: Coding<'uint8'> | undefined;
  /** Bounds of a float result. */
  readonly lower: number;
  readonly upper: number;
  /** Bounds of codes: 0 … 255 when the result is float. */
  readonly min: number;
  readonly max: number;
}

/** The epilogue of a value, as far as each part is the only reader of the one before. */
export function epilogueOf(site: Site, value: string): Epilogue {
  const nodes: Node[] = [];
  let output = value;
  let bounds = { lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY };
  let next = onlyConsumer(site, output);
  const clamp = next && clampOf(site, next);
  if (clamp !== undefined) {
    bounds = clamp;
    nodes.push(next!);
    output = next!.outputs[0]!;
    next = onlyConsumer(site, output);
  }
  const coding = next && isQuantize(next) ? codingOf(site.graph, next) : undefined;
  if (!isUint8(coding)) return { nodes, output, coding: undefined, ...bounds, min: 0, max: 255 };
  nodes.push(next!);
  return {
    nodes,
    output: next!.outputs[0]!,
    coding,
    lower: Number.NEGATIVE_INFINITY,
    upper: Number.POSITIVE_INFINITY,
    min: encode(bounds.lower, coding),
    max: encode(bounds.upper, coding),
  };
}
