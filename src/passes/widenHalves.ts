/**
 * Models of 16-bit floats are computed with in float32: constants are widened once, feeds when they come in, and outputs
 * that are declared float16 or bfloat16 are rounded, once, when they go out. In between nothing is rounded to 16 bits but
 * what a Cast or CastLike asks to. So no result is less exact than the model says, and what overflows float16 on the way
 * does not overflow here.
 */
import type { DataType } from '../core/dtype.js';
import type { Tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import { elementTypeCode } from '../graph/elementTypes.js';
import { type Attribute, type Graph, type Node, typeOf, type ValueType } from '../graph/ir.js';
import { namesFor } from '../graph/names.js';
import { widened } from './evaluate/convert.js';

export function isHalf(type: DataType | undefined): type is 'float16' | 'bfloat16' {
  return type === 'float16' || type === 'bfloat16';
}

const halfCodes: ReadonlySet<number> = new Set([
  elementTypeCode('float16'),
  elementTypeCode('bfloat16'),
]);

/** Attributes that hold an element type. */
const typeAttributes = ['dtype', 'output_dtype', 'precision', 'softmax_precision'];

/** The graph without 16-bit floats but at its borders and between two Casts. The same graph where there are none. */
export function widenHalves(graph: Graph): Graph {
  return holdsHalves(graph) ? new Widening(graph).outermost(graph) : graph;
}

function holdsHalves({ constants, types, nodes }: Graph): boolean {
  const halves = (values: Iterable<{ readonly type: DataType }>) =>
    [...values].some(({ type }) => isHalf(type));
  return (
    halves(constants.values()) ||
    halves(types.values()) ||
    nodes.some(({ attributes }) =>
      [...attributes.values()].some(({ kind, value }) => kind === 'graph' && holdsHalves(value)),
    )
  );
}

function float32Of(tensor: Tensor): Tensor {
  if (!isHalf(tensor.type)) return tensor;
  return { type: 'float32', dims: tensor.dims, data: widened(tensor) as Float32Array };
}

function widerType(type: ValueType): ValueType {
  return isHalf(type.type) ? { ...type, type: 'float32' } : type;
}

function castNode(name: string, from: string, to: string, type: DataType): Node {
  const attributes = new Map([['to', attribute.int(elementTypeCode(type))]]);
  return { name, op: 'Cast', domain: '', inputs: [from], outputs: [to], attributes };
}

class Widening {
  readonly #fresh: (wish: string) => string;

  constructor(graph: Graph) {
    this.#fresh = namesFor(graph);
  }

  outermost(graph: Graph): Graph {
    const inputs = graph.inputs.filter((input) => isHalf(typeOf(graph, input)?.type));
    const renamed = new Map(inputs.map((input) => [input, this.#fresh(`${input}/float32`)]));
    const { nodes, constants, types, outputs } = this.#inner(graph, renamed);
    const read = [...renamed].map(([input, wide]) => {
      types.set(input, typeOf(graph, input)!);
      types.set(wide, widerType(typeOf(graph, input)!));
      return castNode(this.#fresh(`${input}/widen`), input, wide, 'float32');
    });
    const written: Node[] = [];
    const rounded = graph.outputs.map(({ name, value }, i) => {
      const type = typeOf(graph, value);
      if (!isHalf(type?.type)) return outputs[i]!;
      const narrow = this.#fresh(`${name}/${type!.type}`);
      types.set(narrow, type!);
      const from = outputs[i]!.value;
      written.push(castNode(this.#fresh(`${name}/round`), from, narrow, type!.type));
      return { name, value: narrow };
    });
    return { ...graph, nodes: [...read, ...nodes, ...written], constants, types, outputs: rounded };
  }

  /** A graph all of whose values are wide, `renamed` ones of those around it under other names. */
  #inner(graph: Graph, renamed: ReadonlyMap<string, string>) {
    const of = (value: string) => renamed.get(value) ?? value;
    const types = new Map([...graph.types].map(([name, type]) => [name, widerType(type)]));
    const constants = [...graph.constants].map(([name, it]) => [name, float32Of(it)] as const);
    const nodes = graph.nodes.flatMap((node) => {
      const attributes = this.#attributes(node, renamed);
      return this.#node(graph, { ...node, inputs: node.inputs.map(of), attributes }, node, types);
    });
    const outputs = graph.outputs.map(({ name, value }) => ({ name, value: of(value) }));
    return { ...graph, nodes, types, constants: new Map(constants), outputs };
  }

  #attributes({ attributes }: Node, renamed: ReadonlyMap<string, string>) {
    const wide = ([name, value]: readonly [string, Attribute]): readonly [string, Attribute] => {
      if (value.kind === 'graph') {
        const own = new Set(value.value.inputs);
        const around = new Map([...renamed].filter(([outer]) => !own.has(outer)));
        return [name, { kind: 'graph', value: this.#inner(value.value, around) }];
      }
      if (value.kind === 'tensor') return [name, attribute.tensor(float32Of(value.value))];
      const isType = value.kind === 'int' && typeAttributes.includes(name);
      return isType && halfCodes.has(value.value)
        ? [name, attribute.int(elementTypeCode('float32'))]
        : [name, value];
    };
    return new Map([...attributes].map(wide));
  }

  /** A node that rounds to 16 bits does so between two Casts; others are as they are. */
  #node(graph: Graph, node: Node, before: Node, types: Map<string, ValueType>): Node[] {
    const [from, like] = before.inputs.map((input) => typeOf(graph, input));
    const result =
      typeOf(graph, node.outputs[0] ?? '') ?? (node.op === 'CastLike' ? like : undefined);
    const casts = node.domain === '' && (node.op === 'Cast' || node.op === 'CastLike');
    if (!casts || !isHalf(result?.type)) return [node];
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    // What the model holds in that type already is not to be rounded by a Cast that changes nothing.
    if (from?.type === result.type) return [castNode(node.name, x, y, 'float32')];
    const narrow = this.#fresh(`${y}/${result.type}`);
    types.set(narrow, { ...result, dims: result.dims ?? from?.dims });
    return [
      castNode(this.#fresh(`${node.name}/round`), x, narrow, result.type),
      castNode(node.name, narrow, y, 'float32'),
    ];
  }
}
