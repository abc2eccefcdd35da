/**
 * Running a graph piece by piece over a few samples. What later nodes read is kept and nothing else, so that asking for
 * every value of a graph in turn costs one run of it, and what is still to come may change in between.
 */
import type { Tensor } from '../core/tensor.js';
import type { Graph, Node } from '../graph/ir.js';
import { createSession, type Feeds, type SessionOptions } from '../runtime/session.js';

export class PieceRunner {
  readonly #session: SessionOptions | undefined;
  /** Values that wait for readers, for each sample. */
  readonly #live: Map<string, Tensor>[];
  /** Names of nodes that have run: a graph that changes keeps those. */
  readonly #done = new Set<string>();

  constructor(samples: readonly Feeds[], session?: SessionOptions) {
    this.#session = session;
    this.#live = samples.map((feeds) => new Map(Object.entries(feeds)));
  }

  /**
   * Runs what is left of the graph up to the node of this name, and returns the node's first output for each sample.
   * `graph` is that of the call before but for nodes that have not run yet.
   */
  async advance(graph: Graph, until: string, signal?: AbortSignal): Promise<readonly Tensor[]> {
    const end = graph.nodes.findIndex((node) => node.name === until) + 1;
    const isOpen = (node: Node): boolean => !this.#done.has(node.name) && !isConstant(graph, node);
    const nodes = graph.nodes.slice(0, end).filter(isOpen);
    const result = graph.nodes[end - 1]!.outputs[0]!;
    const later = new Set([
      ...graph.nodes.slice(end).flatMap((node) => node.inputs),
      ...graph.outputs.map(({ value }) => value),
    ]);
    const written = nodes.flatMap((node) => node.outputs);
    const wanted = written.filter(
      (value) => value === result || (value !== '' && later.has(value)),
    );
    const piece = cutOut(graph, nodes, wanted, this.#live[0]!);
    const session = await createSession(piece, this.#session);
    try {
      for (const live of this.#live) {
        const feeds = Object.fromEntries(piece.inputs.map((value) => [value, live.get(value)!]));
        const results = await session.run(feeds, { signal });
        for (const value of wanted) live.set(value, results[value]!);
        for (const value of live.keys())
          if (value !== result && !later.has(value)) live.delete(value);
      }
    } finally {
      session.dispose();
    }
    for (const node of nodes) this.#done.add(node.name);
    const results = this.#live.map((live) => live.get(result)!);
    if (!later.has(result)) for (const live of this.#live) live.delete(result);
    return results;
  }

  /** Puts other tensors in the place of a value that `advance` returned. */
  replace(value: string, tensors: readonly Tensor[]): void {
    this.#live.forEach((live, i) => {
      live.set(value, tensors[i]!);
    });
  }
}

/** What reads constants alone (a DequantizeLinear of weights) belongs to whichever piece reads it. */
function isConstant(graph: Graph, node: Node): boolean {
  return node.inputs.every((input) => input === '' || graph.constants.has(input));
}

/** A graph of these nodes, and of those that make their constants, with the inputs that they need. */
function cutOut(
  graph: Graph,
  nodes: readonly Node[],
  outputs: readonly string[],
  live: ReadonlyMap<string, Tensor>,
): Graph {
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const makers = graph.nodes.filter(
    (node) => isConstant(graph, node) && node.outputs.some((output) => read.has(output)),
  );
  for (const node of makers) for (const input of node.inputs) read.add(input);
  const all = [...makers, ...nodes];
  const written = new Set(all.flatMap((node) => node.outputs));
  const constants = [...graph.constants].filter(([name]) => read.has(name));
  const inputs = [...read].filter(
    (value) => value !== '' && !written.has(value) && !graph.constants.has(value),
  );
  const types = new Map(
    [...written].flatMap((value) => {
      const type = graph.types.get(value);
      return type === undefined ? [] : [[value, type] as const];
    }),
  );
  for (const value of inputs) {
    const { type, dims } = live.get(value)!;
    types.set(value, { type, dims });
  }
  return {
    ...graph,
    inputs,
    nodes: all,
    outputs: outputs.map((value) => ({ name: value, value })),
    constants: new Map(constants),
    types,
  };
}
