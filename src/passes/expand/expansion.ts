/**
 * Expansions: how an operator that is no step of its own is written in operators that are. An expansion asks what it
 * needs of the inputs, which may have to wait for dims, and adds nodes one after the other; their types are inferred
 * as they come, so that the next may ask for them.
 */
import { allocate, type DataType } from '../../core/dtype.js';
import type { Tensor } from '../../core/tensor.js';
import { attribute } from '../../graph/attributes.js';
import type { Attribute, Dim, Node, ValueType } from '../../graph/ir.js';
import { contextOf, type Knowledge } from '../../graph/ops/context.js';
import { areStatic } from '../../graph/ops/dims.js';
import { definitionOf } from '../../graph/ops/index.js';
import type { InferContext } from '../../graph/ops/op.js';
import { rewriting } from '../lower/rewriting.js';
import type { Rewrite, Rule, Site } from '../lower/rules.js';

type Plain = number | string | readonly number[] | Attribute;

export interface Expansion {
  readonly site: Site;
  readonly node: Node;
  /** What inference knows of the node's own inputs. */
  readonly context: InferContext;
  /** Name of input i, '' when it is absent. */
  input(i: number): string;
  typeOf(value: string): DataType | undefined;
  dimsOf(value: string): readonly Dim[] | undefined;
  /** Dims when all are known. */
  shapeOf(value: string): readonly number[] | undefined;
  constantOf(value: string): Tensor | undefined;
  /**
   * Adds a node with one output, and returns that. Attributes may be plain: a whole number is an int, a list of them
   * ints, text a string; floats are given as `attribute.float`.
   */
  op(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, Plain>>): string;
  /** The same with `outputs` outputs. */
  ops(op: string, inputs: readonly string[], outputs: number): readonly string[];
  /** A constant with the elements of one value, of no axes, or of a list, along one. */
  constant(type: DataType, values: number | readonly number[]): string;
  tensor(tensor: Tensor): string;
  /** Output i of the node is this value. */
  output(i: number, value: string): void;
  /** Takes another node away, too. */
  remove(node: Node): void;
  /** Readers of `from`, which a node that goes wrote, read `value` instead. */
  replace(from: string, value: string): void;
}

/** Writes all outputs that are read; false where it has to wait, or does not know this form. */
export type Expand = (to: Expansion) => boolean;

/** The expansion as a rule. */
export function expanding(expand: Expand): Rule {
  return (site): Rewrite | undefined => {
    const { graph, node } = site;
    const to = rewriting(site);
    const knowledge: Knowledge = {
      type: (value) => to.typeOf(value),
      constant: (value) => to.constantOf(value),
      contents: () => undefined,
    };
    const contextFor = (other: Node) =>
      contextOf(other, graph.opsets.get(other.domain) ?? 1, knowledge);
    const expansion: Expansion = {
      site,
      node,
      context: contextFor(node),
      input: (i) => node.inputs[i] ?? '',
      typeOf: (value) => to.typeOf(value)?.type,
      dimsOf: (value) => to.typeOf(value)?.dims,
      shapeOf: (value) => {
        const dims = to.typeOf(value)?.dims;
        return areStatic(dims) ? dims : undefined;
      },
      constantOf: (value) => to.constantOf(value),
      op: (op, inputs, plain = {}) => {
        const attributes = new Map(
          Object.entries(plain).map(([key, value]) => [key, attributeOf(value)] as const),
        );
        const added = { op, domain: '', inputs, attributes };
        const outputs = [site.fresh(`${node.name}/${op}`)];
        const type = definitionOf(added)?.infer(contextFor({ ...added, name: node.name, outputs }));
        return to.node(added, type?.[0] ?? ({} as ValueType), outputs[0]);
      },
      ops: (op, inputs, count) => {
        const outputs = Array.from({ length: count }, () => site.fresh(`${node.name}/${op}`));
        const added = { op, domain: '', inputs, outputs, attributes: new Map<string, Attribute>() };
        const types = definitionOf(added)?.infer(contextFor({ ...added, name: node.name }));
        to.nodes(added, (types ?? []) as readonly ValueType[]);
        return outputs;
      },
      constant: (type, values) => {
        const list = typeof values === 'number' ? [values] : values;
        const data = allocate(type, list.length) as unknown as { [i: number]: number | bigint };
        const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
        for (const [i, value] of list.entries()) data[i] = wide ? BigInt(value) : value;
        const dims = typeof values === 'number' ? [] : [list.length];
        return to.constant(`${node.name}/constant`, { type, dims, data } as unknown as Tensor);
      },
      tensor: (tensor) => to.constant(`${node.name}/constant`, tensor),
      output: (i, value) => {
        const output = node.outputs[i] ?? '';
        if (output !== '') to.replace(output, value);
      },
      remove: (other) => to.remove(other),
      replace: (from, value) => to.replace(from, value),
    };
    return expand(expansion) ? to.done(`expand ${node.name}`) : undefined;
  };
}

function attributeOf(value: Plain): Attribute {
  if (typeof value === 'number') return attribute.int(value);
  if (typeof value === 'string') return attribute.string(value);
  return 'kind' in value ? value : attribute.ints(value);
}
