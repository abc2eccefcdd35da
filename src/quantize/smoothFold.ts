/**
 * Where the division by SmoothQuant's factors goes: into the LayerNormalization or the product that makes a value, where
 * nothing else reads it, so that it costs nothing; otherwise into a multiplication of its own.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { type Graph, indexOf, type Node } from '../graph/ir.js';
import { namesFor } from '../graph/names.js';
import { applyPatch } from '../graph/patch.js';
import { type Anchor, anchorOf, isMatrixProduct } from './anchor.js';

export interface Fold {
  /** A node's constants are divided, or a node divides. */
  readonly kind: 'constants' | 'node';
  /** Constants that are divided, with the node that reads each and at which input. */
  readonly constants: readonly { readonly node: Node; readonly input: number }[];
}

/** How `value`, read by `readers`, can be divided channel by channel; undefined where it cannot. */
export function foldOf(
  graph: Graph,
  value: string,
  readers: readonly Node[],
  mayMultiply: boolean,
): Fold | undefined {
  const index = indexOf(graph);
  const isTheirs =
    !index.isOutput(value) &&
    index.consumers(value).every((node) => readers.some(({ name }) => name === node.name));
  const constants = isTheirs ? makersOf(graph, value) : undefined;
  if (constants !== undefined) return { kind: 'constants', constants };
  return mayMultiply ? { kind: 'node', constants: [] } : undefined;
}

/** Constants whose last axis runs along the channels of `value`, which is proportional to all of them together. */
function makersOf(graph: Graph, value: string): Fold['constants'] | undefined {
  const index = indexOf(graph);
  const isOwn = (name: string) => index.consumers(name).length === 1;
  const maker = index.producer(value);
  if (maker === undefined || maker.domain !== '') return undefined;
  const channels = graph.types.get(value)?.dims?.at(-1);
  const isChannels = (name: string) => {
    const constant = graph.constants.get(name);
    return (
      constant?.type === 'float32' && constant.dims.length === 1 && constant.dims[0] === channels
    );
  };
  switch (maker.op) {
    case 'LayerNormalization': {
      const given = [1, 2].filter((input) => (maker.inputs[input] ?? '') !== '');
      const isAll = given.includes(1) && given.every((input) => isChannels(maker.inputs[input]!));
      if (!isAll || maker.outputs.slice(1).some((output) => output !== '')) return undefined;
      return given.map((input) => ({ node: maker, input }));
    }
    case 'Relu':
      return isOwn(maker.inputs[0]!) && !index.isOutput(maker.inputs[0]!)
        ? makersOf(graph, maker.inputs[0]!)
        : undefined;
    case 'Add': {
      const input = maker.inputs.findIndex(isChannels);
      const other = maker.inputs[1 - input];
      if (input < 0 || other === undefined || !isOwn(other) || index.isOutput(other))
        return undefined;
      const rest = makersOf(graph, other);
      return rest && [...rest, { node: maker, input }];
    }
    case 'MatMul':
    case 'Gemm': {
      const anchor = anchorOf(graph, maker);
      if (anchor === undefined || anchor.channelAxis !== 1) return undefined;
      const bias = maker.inputs[2] ?? '';
      if (bias !== '' && !isChannels(bias)) return undefined;
      return [1, ...(bias === '' ? [] : [2])].map((input) => ({ node: maker, input }));
    }
    default:
      return undefined;
  }
}

/** What is done to a value, and to the weights of the products that read it. */
export interface SmoothingFactors {
  readonly value: string;
  /** Names of the products. */
  readonly nodes: readonly string[];
  /** What each channel is divided by. */
  readonly factors: Float32Array;
}

/**
 * Divides the channels of several values one after the other. Throws `INVALID_RECIPE` for nodes that are no products
 * of a value with as many channels.
 */
export function smoothBy(float: Graph, all: readonly SmoothingFactors[]): Graph {
  let graph = float;
  for (const { value, nodes, factors } of all) {
    const named = new Map(graph.nodes.map((node) => [node.name, node]));
    const products = nodes.flatMap((name) => {
      const node = named.get(name);
      const anchor = node && isMatrixProduct(node) ? anchorOf(graph, node) : undefined;
      const fits =
        anchor?.data === value &&
        anchor.weightTensor.dims[1 - anchor.channelAxis] === factors.length;
      return fits ? [{ node: node!, channelAxis: anchor.channelAxis }] : [];
    });
    if (products.length !== nodes.length || nodes.length === 0) {
      throw new OctavoError('INVALID_RECIPE', 'no products to smooth', {
        where: value,
        expected: `products that read ${factors.length} channels of it`,
        found: nodes.join(', '),
      });
    }
    const readers = products.map(({ node }) => node);
    const fold = foldOf(graph, value, readers, true)!;
    graph = divideChannels(graph, value, products, fold, factors);
  }
  return graph;
}

/** Divides the channels of `value` by `factors`, and multiplies the weights of its products by them. */
export function divideChannels(
  graph: Graph,
  value: string,
  products: readonly (Pick<Anchor, 'channelAxis'> & { readonly node: Node })[],
  { kind, constants: divided }: Fold,
  factors: Float32Array,
): Graph {
  const name = namesFor(graph);
  const constants: [string, Tensor][] = [];
  const current = (node: Node) => graph.nodes.find((candidate) => candidate.name === node.name)!;
  const changed = new Map<string, Node>();
  const change = (node: Node, input: number, to: (x: number, i: number) => number) => {
    const now = changed.get(node.name) ?? current(node);
    const tensor = graph.constants.get(now.inputs[input]!) as Tensor<'float32'>;
    const wish = name(`${now.inputs[input]!}_smooth`);
    constants.push([wish, { ...tensor, data: tensor.data.map(to) }]);
    changed.set(node.name, { ...now, inputs: now.inputs.with(input, wish) });
  };
  const width = factors.length;
  for (const { node, channelAxis } of products) {
    const columns = graph.constants.get(current(node).inputs[1]!)!.dims[1]!;
    change(node, 1, (w, i) =>
      Math.fround(w * factors[channelAxis === 0 ? i % width : Math.floor(i / columns)]!),
    );
  }
  for (const { node, input } of divided) change(node, input, (c, i) => c / factors[i % width]!);
  const add: Node[] = [];
  if (kind === 'node') {
    const output = name(`${value}_smooth`);
    const inverse = name(`${value}_factors`);
    constants.push([inverse, { type: 'float32', dims: [width], data: factors.map((s) => 1 / s) }]);
    const inputs = [value, inverse];
    const attributes = new Map();
    add.push({
      name: name(`${output}_node`),
      op: 'Mul',
      domain: '',
      inputs,
      outputs: [output],
      attributes,
    });
    for (const { node } of products) {
      const now = changed.get(node.name)!;
      changed.set(node.name, { ...now, inputs: now.inputs.with(0, output) });
    }
  }
  const type = graph.types.get(value);
  return applyPatch(graph, {
    what: `smooth ${value}`,
    remove: [...changed.values()].map(current),
    add: [...changed.values(), ...add],
    constants,
    types: type === undefined ? [] : add.map(({ outputs }) => [outputs[0]!, type] as const),
  });
}
