/**
 * Stages: how a model runs whose shapes, or whose branches, depend on what it computes. Its graph is cut at the nodes
 * that wait for such values: what does not depend on them is one plan, and once it has run, the values are constants of
 * the rest, which is lowered and cut again. A model without such nodes is one stage.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { isClosure } from '../graph/closures.js';
import { type Graph, type Node, staticDims, typeOf } from '../graph/ir.js';
import { unsupportedNode } from '../passes/lower/supported.js';
import { parametersOf } from '../passes/parameters.js';

/** The part of a graph that can run, and how to go on. */
export interface Cut {
  /** All of its nodes are steps; its outputs are named as their values. */
  readonly ready: Graph;
  /** Absent where nothing is left. */
  readonly rest?: Rest | undefined;
}

export interface Rest {
  /** Values whose elements decide about the rest. */
  readonly parameters: readonly string[];
  /** What is left of the graph, given the parameters; its inputs are values of the stages before it. */
  readonly bind: (parameters: ReadonlyMap<string, Tensor>) => Graph;
}

/** Whether a node has a step, or needs none. */
function isReady(node: Node): boolean {
  return node.domain === 'octavo' && !isClosure(node);
}

/**
 * Cuts a graph that was lowered with all dims of its inputs known. Throws `UNSUPPORTED_OPERATOR` for the first node that
 * has no step and waits for nothing.
 */
export function cutGraph(graph: Graph): Cut {
  if (graph.nodes.every(isReady)) return { ready: graph };
  const blocked = new Set<string>();
  const parameters = new Set<string>();
  const ready: Node[] = [];
  const waiting: Node[] = [];
  for (const node of graph.nodes) {
    if (isReady(node) && !node.inputs.some((input) => blocked.has(input))) {
      ready.push(node);
      continue;
    }
    waiting.push(node);
    const stuck = !node.inputs.some((input) => blocked.has(input));
    for (const output of node.outputs) blocked.add(output);
    if (isReady(node)) continue;
    const missing = parametersOf(node).filter(
      (value) => !blocked.has(value) && !graph.constants.has(value),
    );
    if (stuck && missing.length === 0) throw unsupportedNode(graph, node);
    for (const value of missing) parameters.add(value);
  }
  return {
    ready: readyGraph(graph, ready, waiting, parameters),
    rest: restOf(graph, waiting, parameters),
  };
}

/** What the ready nodes compute and others read. */
function readyGraph(
  graph: Graph,
  ready: readonly Node[],
  waiting: readonly Node[],
  parameters: ReadonlySet<string>,
): Graph {
  const computed = new Set(ready.flatMap((node) => node.outputs));
  const read = [
    ...parameters,
    ...waiting.flatMap((node) => node.inputs),
    ...graph.outputs.map(({ value }) => value),
  ];
  const outputs = [...new Set(read)].filter((value) => computed.has(value));
  const used = new Set(ready.flatMap((node) => node.inputs));
  return {
    ...graph,
    inputs: graph.inputs.filter((input) => used.has(input)),
    outputs: outputs.map((value) => ({ name: value, value })),
    nodes: ready,
    constants: new Map([...graph.constants].filter(([name]) => used.has(name))),
    types: new Map([...graph.types].filter(([name]) => used.has(name) || computed.has(name))),
  };
}

function restOf(graph: Graph, waiting: readonly Node[], parameters: ReadonlySet<string>): Rest {
  const written = new Set(waiting.flatMap((node) => node.outputs));
  const read = new Set([
    ...waiting.flatMap((node) => node.inputs),
    ...graph.outputs.map(({ value }) => value),
  ]);
  const inputs = [...read].filter(
    (value) =>
      value !== '' && !written.has(value) && !graph.constants.has(value) && !parameters.has(value),
  );
  for (const input of inputs) {
    if (staticDims(graph, input) !== undefined) continue;
    throw new OctavoError('INTERNAL', 'a value between two stages has no dims', { where: input });
  }
  const constants = [...graph.constants].filter(([name]) => read.has(name));
  const types = new Map(
    [...written, ...inputs].flatMap((value) => {
      const type = value === '' ? undefined : typeOf(graph, value);
      return type === undefined ? [] : [[value, type] as const];
    }),
  );
  return {
    parameters: [...parameters],
    bind: (values) => ({
      ...graph,
      inputs,
      nodes: waiting,
      constants: new Map([...constants, ...values]),
      types,
    }),
  };
}
