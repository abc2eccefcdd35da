/** What a correction adds to the codes of biases: found between two graphs, and added again. */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import type { Graph } from '../graph/ir.js';
import { applyPatch } from '../graph/patch.js';
import { roundHalfEven } from '../numerics/index.js';
import { type Bias, biasOf } from './biases.js';
import { maxBias } from './weights.js';

/** What is added to the int32 codes of biases, one for each output channel, by the node's name. */
export type BiasShifts = ReadonlyMap<string, Int32Array>;

/** Of the layers called `names`, whose biases the graphs have in common but for the codes. */
export function shiftsBetween(before: Graph, after: Graph, names: readonly string[]): BiasShifts {
  const wanted = new Set(names);
  const biasesOf = (graph: Graph) =>
    graph.nodes
      .filter(({ name }) => wanted.has(name))
      .map((node) => [node.name, biasOf(graph, node)?.tensor.data] as const);
  const old = new Map(biasesOf(before));
  const shifts = biasesOf(after).flatMap(([name, codes]): [string, Int32Array][] => {
    const from = old.get(name);
    if (codes === undefined || from === undefined) return [];
    return [[name, codes.map((code, c) => code - from[c]!)]];
  });
  return new Map(shifts);
}

/**
 * The real shifts between two graphs of one model, as codes for a third one: for the biases that all of them have, in the
 * steps that they have there.
 */
export function carriedShifts(before: Graph, after: Graph, to: Graph): BiasShifts {
  const names = to.nodes.map(({ name }) => name);
  const wanted = shiftsBetween(before, after, names);
  const nodes = (graph: Graph) => new Map(graph.nodes.map((node) => [node.name, node]));
  const [from, there] = [nodes(before), nodes(to)];
  const carried = [...wanted].flatMap(([name, steps]): [string, Int32Array][] => {
    const old = biasOf(before, from.get(name)!)!;
    const bias = biasOf(to, there.get(name)!);
    if (bias === undefined) return [];
    const scaleAt = ({ scale }: Bias, c: number) => scale[scale.length === 1 ? 0 : c]!;
    const moved = steps.map((step, c) => {
      const code = bias.tensor.data[c]!;
      const shift = roundHalfEven((step * scaleAt(old, c)) / scaleAt(bias, c));
      return Math.min(Math.max(code + shift, -maxBias), maxBias) - code;
    });
    return [[name, moved]];
  });
  return new Map(carried);
}

/**
 * Adds to the codes of biases. Throws `INVALID_RECIPE` for a node without an int32 bias of as many channels, and for
 * codes that leave no room for the sum.
 */
export function shiftBiases(graph: Graph, shifts: BiasShifts): Graph {
  const layers = graph.nodes.filter(({ name }) => shifts.has(name));
  const constants = layers.map((node): [string, Tensor] => {
    const bias = biasOf(graph, node);
    const steps = shifts.get(node.name)!;
    const codes = bias?.tensor.data.map((code, c) => code + (steps[c] ?? 0));
    const fits = codes?.length === steps.length && codes.every((code) => Math.abs(code) <= maxBias);
    if (bias !== undefined && codes !== undefined && fits) {
      return [bias.codes, { ...bias.tensor, data: codes }];
    }
    throw new OctavoError('INVALID_RECIPE', 'no bias that can be shifted so', {
      where: node.name,
      expected: `${steps.length} channels, and codes up to ${maxBias}`,
    });
  });
  return applyPatch(graph, { what: 'shift biases', constants });
}
