/** Collecting the parts of one rewrite: nodes, constants and types, which can be asked for at once. */
import type { Tensor } from '../../core/tensor.js';
import { withDims } from '../../core/turned.js';
import { attribute } from '../../graph/attributes.js';
import { type Attribute, type Dim, type Node, typeOf, type ValueType } from '../../graph/ir.js';
import { type NodeParams, nodeFieldsOf, noFunction, type StepName } from '../../runtime/steps.js';
import type { Rewrite, Site } from './rules.js';
import { isIdentity, permuteDims, permuteTensor, reshapeTarget } from './shapes.js';

export interface Rewriting {
  typeOf(value: string): ValueType | undefined;
  constantOf(value: string): Tensor | undefined;
  /** Adds an `octavo` node that writes `output`, by default a fresh value; returns the value. */
  step<S extends StepName>(
    op: S,
    inputs: readonly string[],
    params: NodeParams<S>,
    type: ValueType,
    options?: StepOptions,
  ): string;
  /** The same for a step that writes several values, all of them named. */
  steps<S extends StepName>(
    op: S,
    inputs: readonly string[],
    params: NodeParams<S>,
    types: readonly ValueType[],
    outputs: readonly string[],
    extra?: StepOptions['extra'],
  ): void;
  /** Adds any node with one output; the first that computes something takes the site's name. */
  node(node: Omit<Node, 'name' | 'outputs'>, type: ValueType, output?: string): string;
  /** Adds any node with outputs of these types. */
  nodes(node: Omit<Node, 'name'>, outputTypes: readonly ValueType[]): void;
  /** Adds a DynamicQuantizeRows of x; returns its codes and scales. */
  quantizeRows(x: string, codes?: string): readonly [codes: string, scales: string];
  constant(wish: string, tensor: Tensor): string;
  /** y axis i is x axis perm[i]; a constant is moved at once, and the identity adds nothing. */
  transpose(value: string, perm: readonly number[], output?: string): string;
  /** The same elements under other dims; undefined while too many dims are free to say so. */
  reshape(value: string, dims: readonly Dim[], output?: string): string | undefined;
  remove(...nodes: readonly Node[]): void;
  /** Readers of `from` read `to` instead. */
  replace(from: string, to: string): void;
  done(what: string): Rewrite;
}

export interface StepOptions {
  readonly output?: string | undefined;
  /** Attributes beside the step's fields, for shape inference: see graph/ops/octavo. */
  readonly extra?: Readonly<Record<string, Attribute>>;
}

/** Operators that come along with another: the other one keeps the name that users know. */
const moving = new Set(['Transpose', 'Reshape']);

/** Starts a rewrite of the site's node, which it removes. */
export function rewriting(site: Site): Rewriting {
  const { graph, node, fresh } = site;
  const remove: Node[] = [node];
  const add: Node[] = [];
  const constants = new Map<string, Tensor>();
  const types = new Map<string, ValueType>();
  const replace: [string, string][] = [];
  let inherited = false; // the name of the node that goes
  const nameFor = (op: string): string => {
    const inherits = !inherited && (op === node.op || !moving.has(op));
    inherited ||= inherits;
    return inherits ? node.name : fresh(`${node.name}/${op}`);
  };
  const self: Rewriting = {
    typeOf: (value) => constants.get(value) ?? types.get(value) ?? typeOf(graph, value),
    constantOf: (value) => constants.get(value) ?? graph.constants.get(value),
    step(op, inputs, params, type, { output, extra = {} } = {}) {
      const attributes = attributesOf(op, params);
      for (const [key, value] of Object.entries(extra)) attributes.set(key, value);
      return self.node({ op, domain: 'octavo', inputs, attributes }, type, output);
    },
    steps(op, inputs, params, valueTypes, outputs, extra = {}) {
      const name = nameFor(op);
      const attributes = new Map([...attributesOf(op, params), ...Object.entries(extra)]);
      add.push({ op, domain: 'octavo', name, inputs, outputs, attributes });
      for (const [i, value] of outputs.entries()) types.set(value, valueTypes[i]!);
    },
    node(rest, type, output) {
      const name = nameFor(rest.op);
      const value = output ?? fresh(`${name}/y`);
      add.push({ ...rest, name, outputs: [value] });
      types.set(value, type);
      return value;
    },
    nodes(rest, outputTypes) {
      add.push({ ...rest, name: fresh(`${node.name}/${rest.op}`) });
      for (const [i, output] of rest.outputs.entries()) types.set(output, outputTypes[i]!);
    },
    quantizeRows(x, codes = fresh(`${x}/rows`)) {
      const outputs = [codes, fresh(`${x}/scales`)] as const;
      const dims = self.typeOf(x)!.dims;
      self.nodes(
        ...([
          {
            op: 'DynamicQuantizeRows',
            domain: 'octavo',
            inputs: [x],
            outputs,
            attributes: attributesOf('DynamicQuantizeRows', noFunction),
          },
          [
            { type: 'int8', dims },
            { type: 'float32', dims: dims?.slice(0, -1) },
          ],
        ] as const),
      );
      return outputs;
    },
    constant(wish, tensor) {
      const value = fresh(wish);
      constants.set(value, tensor);
      return value;
    },
    transpose(value, perm, output) {
      if (isIdentity(perm) && output === undefined) return value;
      const constant = self.constantOf(value);
      if (constant !== undefined && output === undefined) {
        return self.constant(`${value}/transposed`, permuteTensor(constant, perm));
      }
      const { type, dims } = self.typeOf(value)!;
      const moved = { type, dims: dims && permuteDims(dims, perm) };
      return self.step('Transpose', [value], { perm }, moved, { output });
    },
    reshape(value, dims, output) {
      const { type, dims: before } = self.typeOf(value)!;
      const constant = self.constantOf(value);
      if (constant !== undefined && output === undefined) {
        return self.constant(`${value}/reshaped`, withDims(constant, dims as number[]));
      }
      const target = before && reshapeTarget(before, dims);
      if (target === undefined) return undefined;
      const data = BigInt64Array.from(target, BigInt);
      const shape = self.constant(`${value}/shape`, { type: 'int64', dims: [data.length], data });
      const rest = { op: 'Reshape', domain: 'octavo', inputs: [value, shape] };
      return self.node({ ...rest, attributes: new Map() }, { type, dims }, output);
    },
    remove: (...nodes) => {
      remove.push(...nodes);
    },
    replace: (from, to) => {
      replace.push([from, to]);
    },
    done: (what) => ({
      what,
      remove,
      add,
      constants: [...constants],
      types: [...types],
      replace,
    }),
  };
  return self;
}

/** Parameters as attributes of the kinds that the step's fields have. */
export function attributesOf<S extends StepName>(
  op: S,
  params: NodeParams<S>,
): Map<string, Attribute> {
  const values = params as Record<string, number | readonly number[]>;
  return new Map(
    nodeFieldsOf(op).map(([field, kind]) => {
      const value = values[field]!;
      if (kind === 'i32x8') return [field, attribute.ints(value as readonly number[])];
      const make = kind === 'f32' ? attribute.float : attribute.int;
      return [field, make(value as number)];
    }),
  );
}
