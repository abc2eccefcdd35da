/** Collecting the parts of one rewrite: nodes, constants and types, which can be asked for at once. */
import type { Tensor } from '../../core/tensor.js';
import { withDims } from '../../core/turned.js';
import { attribute } from '../../graph/attributes.js';
import { type Attribute, type Dim, type Node, typeOf, type ValueType } from '../../graph/ir.js';
import { type NodeParams, nodeFieldsOf, noFunction, type StepName } from '../../runtime/steps.js';
import type { Rewrite, Site } from './rules.js';
import { isIdentity, permuteDims, permuteTensor, reshapeTarget } from './shapes.js';

export interface StepOptions {
  readonly output?: string | undefined;
  /** Attributes beside the step's fields, for shape inference: see graph/ops/octavo. */
  readonly extra?: Readonly<Record<string, Attribute>>;
}

/** Operators that come along with another: the other one keeps the name that users know. */
const moving = new Set(['Transpose', 'Reshape']);

/** One rewrite under way. */
export class Rewriting {
  readonly #site: Site;
  readonly #remove: Node[];
  readonly #add: Node[] = [];
  readonly #constants: [string, Tensor][] = [];
  readonly #types: [string, ValueType][] = [];
  readonly #replace: [string, string][] = [];
  /** Whether a node has taken the name of the one that goes. */
  #inherited = false;

  constructor(site: Site) {
    this.#site = site;
    this.#remove = [site.node];
  }

  typeOf(value: string): ValueType | undefined {
    return (
      entryOf(this.#constants, value) ??
      entryOf(this.#types, value) ??
      typeOf(this.#site.graph, value)
    );
  }

  constantOf(value: string): Tensor | undefined {
    return entryOf(this.#constants, value) ?? this.#site.graph.constants.get(value);
  }

  /** Adds an `octavo` node that writes `output`, by default a fresh value; returns the value. */
  step<S extends StepName>(
    op: S,
    inputs: readonly string[],
    params: NodeParams<S>,
    type: ValueType,
    { output, extra }: StepOptions = {},
  ): string {
    const attributes = attributesOf(op, params, extra);
    return this.node({ op, domain: 'octavo', inputs, attributes }, type, output);
  }

  /** The same for a step that writes several values, all of them named. */
  steps<S extends StepName>(
    op: S,
    inputs: readonly string[],
    params: NodeParams<S>,
    types: readonly ValueType[],
    outputs: readonly string[],
    extra?: StepOptions['extra'],
  ): void {
    const attributes = attributesOf(op, params, extra);
    this.#add.push({ op, domain: 'octavo', name: this.#nameFor(op), inputs, outputs, attributes });
    this.#giveTypes(outputs, types);
  }

  /** Adds any node with one output; the first that computes something takes the site's name. */
  node(rest: Omit<Node, 'name' | 'outputs'>, type: ValueType, output?: string): string {
    const name = this.#nameFor(rest.op);
    const value = output ?? this.#site.fresh(`${name}/y`);
    this.#add.push({ ...rest, name, outputs: [value] });
    this.#types.push([value, type]);
    return value;
  }

  /** Adds any node with outputs of these types. */
  nodes(rest: Omit<Node, 'name'>, types: readonly ValueType[]): void {
    const { node, fresh } = this.#site;
    this.#add.push({ ...rest, name: fresh(`${node.name}/${rest.op}`) });
    this.#giveTypes(rest.outputs, types);
  }

  /** Adds a DynamicQuantizeRows of x; returns its codes and scales. */
  quantizeRows(
    x: string,
    codes = this.#site.fresh(`${x}/rows`),
  ): readonly [codes: string, scales: string] {
    const outputs = [codes, this.#site.fresh(`${x}/scales`)] as const;
    const { dims } = this.typeOf(x)!;
    const attributes = attributesOf('DynamicQuantizeRows', noFunction);
    this.nodes({ op: 'DynamicQuantizeRows', domain: 'octavo', inputs: [x], outputs, attributes }, [
      { type: 'int8', dims },
      { type: 'float32', dims: dims?.slice(0, -1) },
    ]);
    return outputs;
  }

  constant(wish: string, tensor: Tensor): string {
    const value = this.#site.fresh(wish);
    this.#constants.push([value, tensor]);
    return value;
  }

  /** y axis i is x axis perm[i]; a constant is moved at once, and the identity adds nothing. */
  transpose(value: string, perm: readonly number[], output?: string): string {
    if (isIdentity(perm) && output === undefined) return value;
    const constant = this.constantOf(value);
    if (constant !== undefined && output === undefined) {
      return this.constant(`${value}/transposed`, permuteTensor(constant, perm));
    }
    const { type, dims } = this.typeOf(value)!;
    const moved = { type, dims: dims && permuteDims(dims, perm) };
    return this.step('Transpose', [value], { perm }, moved, { output });
  }

  /** The same elements under other dims; undefined while too many dims are free to say so. */
  reshape(value: string, dims: readonly Dim[], output?: string): string | undefined {
    const { type, dims: before } = this.typeOf(value)!;
    const constant = this.constantOf(value);
    if (constant !== undefined && output === undefined) {
      return this.constant(`${value}/reshaped`, withDims(constant, dims as number[]));
    }
    const target = before && reshapeTarget(before, dims);
    if (target === undefined) return undefined;
    const data = BigInt64Array.from(target, BigInt);
    const shape = this.constant(`${value}/shape`, { type: 'int64', dims: [data.length], data });
    const rest = { op: 'Reshape', domain: 'octavo', inputs: [value, shape] };
    return this.node({ ...rest, attributes: new Map() }, { type, dims }, output);
  }

  remove(...nodes: readonly Node[]): void {
    this.#remove.push(...nodes);
  }

  /** Readers of `from` read `to` instead. */
  replace(from: string, to: string): void {
    this.#replace.push([from, to]);
  }

  done(what: string): Rewrite {
    return {
      what,
      remove: this.#remove,
      add: this.#add,
      constants: this.#constants,
      types: this.#types,
      replace: this.#replace,
    };
  }

  #nameFor(op: string): string {
    const { node, fresh } = this.#site;
    const inherits = !this.#inherited && (op === node.op || !moving.has(op));
    this.#inherited ||= inherits;
    return inherits ? node.name : fresh(`${node.name}/${op}`);
  }

  #giveTypes(values: readonly string[], types: readonly ValueType[]): void {
    for (const [i, value] of values.entries()) this.#types.push([value, types[i]!]);
  }
}

/** What is paired with a name, last of all. */
function entryOf<T>(pairs: readonly (readonly [string, T])[], name: string): T | undefined {
  for (let i = pairs.length - 1; i >= 0; i--) if (pairs[i]![0] === name) return pairs[i]![1];
  return undefined;
}

/** Starts a rewrite of the site's node, which it removes. */
export function rewriting(site: Site): Rewriting {
  return new Rewriting(site);
}

/** Parameters as attributes of the kinds that the step's fields have, and others beside them. */
export function attributesOf<S extends StepName>(
  op: S,
  params: NodeParams<S>,
  extra: NonNullable<StepOptions['extra']> = {},
): Map<string, Attribute> {
  const values = params as Record<string, number | readonly number[]>;
  const attributes = new Map<string, Attribute>();
  const fields = nodeFieldsOf(op);
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]![0];
    const kind = fields[i]![1];
    const value = values[field]!;
    if (kind === 'i32x8') attributes.set(field, attribute.ints(value as readonly number[]));
    else if (kind === 'f32') attributes.set(field, attribute.float(value as number));
    else attributes.set(field, attribute.int(value as number));
  }
  for (const key of Object.keys(extra)) attributes.set(key, extra[key]!);
  return attributes;
}
