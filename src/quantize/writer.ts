/** Writing nodes into a graph: their names, constants and types, collected into one patch. */
import { scalar, type Tensor } from '../core/tensor.js';
import type { Attribute, Dim, Graph, Node, ValueType } from '../graph/ir.js';
import { namesFor } from '../graph/names.js';
import { applyPatch } from '../graph/patch.js';

export type OutputType = readonly [type: ValueType['type'], dims: readonly Dim[] | undefined];

export class GraphWriter {
  readonly name: (wish: string) => string;
  readonly #graph: Graph;
  readonly #add: Node[] = [];
  readonly #remove: Node[] = [];
  readonly #constants: [string, Tensor][] = [];
  readonly #types: [string, ValueType][] = [];
  readonly #scalars = new Map<string, string>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.name = namesFor(graph);
  }

  dimsOf(value: string): readonly Dim[] | undefined {
    return (this.#graph.constants.get(value) ?? this.#graph.types.get(value))?.dims;
  }

  constantOf(value: string): Tensor | undefined {
    return this.#graph.constants.get(value);
  }

  constant(wish: string, tensor: Tensor): string {
    const name = this.name(wish);
    this.#constants.push([name, tensor]);
    return name;
  }

  /** A float32 without dims, the same for all who ask. */
  number(value: number): string {
    const key = String(value);
    const known = this.#scalars.get(key);
    if (known !== undefined) return known;
    const name = this.constant(`number_${key}`, scalar('float32', value));
    this.#scalars.set(key, name);
    return name;
  }

  /** Adds a node whose outputs are new values, called `wish` and so on, unless `output` names the first. */
  node(
    op: string,
    inputs: readonly string[],
    wish: string,
    types: readonly OutputType[],
    rest: {
      readonly output?: string;
      readonly domain?: string;
      readonly attributes?: readonly (readonly [string, Attribute])[];
    } = {},
  ): readonly [string, ...string[]] {
    const { output, domain = '', attributes = [] } = rest;
    const outputs = types.map((_, i) => (i === 0 && output) || this.name(`${wish}_${i}`));
    const name = this.name(`${wish}_node`);
    this.#add.push({ name, op, domain, inputs, outputs, attributes: new Map(attributes) });
    for (const [i, [type, dims]] of types.entries())
      this.#types.push([outputs[i]!, { type, dims }]);
    return outputs as [string, ...string[]];
  }

  /** A node in another's place, under its name. */
  replace(node: Node, by: Node): void {
    this.#remove.push(node);
    this.#add.push(by);
  }

  remove(node: Node): void {
    this.#remove.push(node);
  }

  done(what: string): Graph {
    return applyPatch(this.#graph, {
      what,
      remove: this.#remove,
      add: this.#add,
      constants: this.#constants,
      types: this.#types,
    });
  }
}
