/**
 * Running a graph piece by piece over a few samples. What later nodes read is kept and nothing else, so that asking for
 * every value of a graph in turn costs one run of it, and what is still to come may change in between.
 */
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, type Node, type ValueType } from '../graph/ir.js';
import { createSession, type Feeds, type SessionOptions } from '../runtime/session.js';

export interface PieceOptions {
  readonly session?: SessionOptions | undefined;
  /** Values to keep for a node of this name besides those that it reads. */
  readonly keep?: ReadonlyMap<string, readonly string[]> | undefined;
}

export class PieceRunner {
  readonly #options: PieceOptions;
  /** Values that wait for readers, for each sample. */
  readonly #live: Map<string, Tensor>[];
  /** Names of nodes that have run: a graph that changes keeps those. */
  readonly #done: Set<string>;

  constructor(samples: readonly Feeds[], options: PieceOptions = {}, done: Iterable<string> = []) {
    this.#options = options;
    this.#live = samples.map((feeds) => new Map(Object.entries(feeds)));
    this.#done = new Set(done);
  }

  /** Another runner that goes on from here; tensors are shared. */
  fork(): PieceRunner {
    const samples = this.#live.map((live) => Object.fromEntries(live));
    return new PieceRunner(samples, this.#options, this.#done);
  }

  /**
   * Runs the node of this name and what it still waits for, and returns its first output for each sample. `graph` is that
   * of the call before but for nodes that have not run yet, which may stand in another order.
   */
  async advance(graph: Graph, name: string, signal?: AbortSignal): Promise<readonly Tensor[]> {
    const node = nodeCalled(graph, name);
    const result = node.outputs[0]!;
    await this.#run(graph, this.#openNodes(graph, [result]), [result], signal);
    const results = this.read(result);
    if (!this.#readLater(graph).has(result)) for (const live of this.#live) live.delete(result);
    return results;
  }

  /** Runs what the node of this name still waits for. */
  async approach(graph: Graph, name: string, signal?: AbortSignal): Promise<void> {
    const { inputs } = nodeCalled(graph, name);
    await this.#run(graph, this.#openNodes(graph, inputs), [], signal);
  }

  /** Runs all that is left of the graph, and returns its outputs by their names, for each sample. */
  async finish(graph: Graph, signal?: AbortSignal): Promise<readonly Record<string, Tensor>[]> {
    const values = graph.outputs.map(({ value }) => value);
    await this.#run(graph, this.#openNodes(graph, values), [], signal);
    return this.#live.map((live) =>
      Object.fromEntries(
        graph.outputs.map(({ name, value }) => [
          name,
          (live.get(value) ?? graph.constants.get(value))!,
        ]),
      ),
    );
  }

  /** A value that waits for readers, for each sample. */
  read(value: string): readonly Tensor[] {
    return this.#live.map((live) => live.get(value)!);
  }

  /** Puts other tensors in the place of a value that `advance` returned. */
  replace(value: string, tensors: readonly Tensor[]): void {
    for (const [i, live] of this.#live.entries()) live.set(value, tensors[i]!);
  }

  /** What has to run for these values, in the graph's order. */
  #openNodes(graph: Graph, values: readonly string[]): readonly Node[] {
    const index = indexOf(graph);
    const open = new Set<Node>();
    const waiting = [...values];
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      const maker = index.producer(value);
      if (maker === undefined || open.has(maker) || this.#done.has(maker.name)) continue;
      open.add(maker);
      waiting.push(...maker.inputs);
    }
    return graph.nodes.filter((node) => open.has(node) && !isConstant(graph, node));
  }

  async #run(
    graph: Graph,
    nodes: readonly Node[],
    results: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (nodes.length === 0) return;
    const later = this.#readLater(graph, new Set(nodes));
    for (const result of results) later.add(result);
    const wanted = nodes.flatMap((node) => node.outputs).filter((value) => later.has(value));
    const piece = cutOut(graph, nodes, wanted, (value) => this.#typeOf(value));
    const session = await createSession(piece, this.#options.session);
    try {
      for (const live of this.#live) {
        const feeds = Object.fromEntries(piece.inputs.map((value) => [value, live.get(value)!]));
        const found = await session.run(feeds, { signal });
        for (const value of wanted) live.set(value, found[value]!);
        for (const value of live.keys()) if (!later.has(value)) live.delete(value);
      }
    } finally {
      session.dispose();
    }
    for (const node of nodes) this.#done.add(node.name);
  }

  /** What a value is in all samples: sizes in which they differ are free. */
  #typeOf(value: string): ValueType {
    const [first, ...others] = this.#live.map((live) => live.get(value)!);
    const { type, dims } = first!;
    if (others.some((other) => other.dims.length !== dims.length)) return { type };
    const isCommon = (axis: number) => others.every((other) => other.dims[axis] === dims[axis]);
    return { type, dims: dims.map((size, axis) => (isCommon(axis) ? size : undefined)) };
  }

  /** Values that are read by nodes still to come, which those that are running are not, and outputs of the graph. */
  #readLater(graph: Graph, running: ReadonlySet<Node> = new Set()): Set<string> {
    const read = new Set(graph.outputs.map(({ value }) => value));
    for (const node of graph.nodes) {
      if (running.has(node) || this.#done.has(node.name)) continue;
      for (const input of node.inputs) read.add(input);
      for (const value of this.#options.keep?.get(node.name) ?? []) read.add(value);
    }
    read.delete('');
    return read;
  }
}

function nodeCalled(graph: Graph, name: string): Node {
  return graph.nodes.find((node) => node.name === name)!;
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
  typeOf: (input: string) => ValueType,
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
  for (const value of inputs) types.set(value, typeOf(value));
  return {
    ...graph,
    inputs,
    nodes: all,
    outputs: outputs.map((value) => ({ name: value, value })),
    constants: new Map(constants),
    types,
  };
}
