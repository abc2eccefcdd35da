/**
 * Rules: how a pass is written down as one rewrite per kind of node. A rule looks at one node and
 * hands back what to do there, or nothing. `rulePass` makes a pass of them: each patch rewrites every
 * node that a rule takes hold of and that no other rewrite of the same patch touches, so that a graph
 * of any size needs a few patches. `perMatch` is the same pass at one rewrite a patch: for bisection.
 *
 * A rewrite keeps names true: a value that outlives it means what it meant before.
 */
import { OctavoError } from '../../core/errors.js';
import { copyMap } from '../../core/maps.js';
import type { Tensor } from '../../core/tensor.js';
import {
  type Graph,
  type GraphIndex,
  indexOf,
  type Node,
  qualifiedOp,
  typeOf,
  type ValueType,
} from '../../graph/ir.js';
import { namesFor } from '../../graph/names.js';
import type { Patch } from '../../graph/patch.js';
import type { Pass } from '../pass.js';

/** A node under a rule, and the graph around it. */
export interface Site {
  readonly graph: Graph;
  readonly index: GraphIndex;
  readonly node: Node;
  /** A name nothing else has, like the wished one. */
  readonly fresh: (wish: string) => string;
}

/** A patch whose parts can be walked more than once. */
export interface Rewrite extends Patch {
  readonly remove: readonly Node[];
  readonly add: readonly Node[];
  readonly constants: readonly (readonly [string, Tensor])[];
  readonly types: readonly (readonly [string, ValueType])[];
  readonly replace: readonly (readonly [string, string])[];
}

export type Rule = (site: Site) => Rewrite | undefined;

/** Rules by qualified operator name. */
export type Rules = Readonly<Record<string, Rule>>;

export interface RulePass extends Pass {
  /** The same pass, one rewrite a patch. */
  readonly perMatch: Pass;
}

export interface RulePassOptions {
  /**
   * Each rewrite of a patch sees what the ones before it did, so that what moves down the graph gets to
   * the bottom in one patch. For rules that remove their own node only, and do not ask who reads a value
   * unless to read along.
   */
  readonly sweeps?: boolean;
}

export function rulePass(name: string, rules: Rules, options: RulePassOptions = {}): RulePass {
  const table = new Map(Object.entries(rules));
  const { sweeps = false } = options;
  return {
    name,
    next: (graph) => mergedRewrites(name, graph, table, Number.POSITIVE_INFINITY, sweeps),
    perMatch: { name, next: (graph) => mergedRewrites(name, graph, table, 1, sweeps) },
  };
}

/** What rules look at while rewrites are being collected. */
interface View {
  readonly graph: Graph;
  readonly index: GraphIndex;
  /** The node as it reads after the rewrites so far. */
  readonly present: (node: Node) => Node;
  readonly take: (rewrite: Rewrite) => void;
}

/** The graph as it is, whatever is taken. */
function stillView(graph: Graph): View {
  return { graph, index: indexOf(graph), present: (node) => node, take: () => {} };
}

/** The graph with what was taken so far, as far as it lies above the node at hand. */
function sweepingView(graph: Graph): View {
  const index = indexOf(graph);
  const added = new Map<string, Node>();
  const replaced = new Map<string, string>();
  /** The graph's, until there is something to add. */
  let own:
    | { readonly types: Map<string, ValueType>; readonly constants: Map<string, Tensor> }
    | undefined;
  const view = {
    graph,
    index: {
      ...index,
      producer: (value: string) => added.get(value) ?? index.producer(value),
    },
    present: (node: Node) =>
      node.inputs.some((input) => replaced.has(input))
        ? { ...node, inputs: node.inputs.map((input) => replaced.get(input) ?? input) }
        : node,
    take: ({ add, replace, ...more }: Rewrite) => {
      if (own === undefined) {
        own = { types: copyMap(graph.types), constants: copyMap(graph.constants) };
        view.graph = { ...graph, ...own };
      }
      for (const node of add) for (const output of node.outputs) added.set(output, node);
      for (const [value, type] of more.types) own.types.set(value, type);
      for (const [value, tensor] of more.constants) own.constants.set(value, tensor);
      for (const [from, to] of replace) replaced.set(from, replaced.get(to) ?? to);
    },
  };
  return view;
}

/** The nodes that there is a rule for, in order. */
function nodesOf(graph: Graph, rules: ReadonlyMap<string, Rule>): Node[] {
  const { operators } = indexOf(graph);
  const places: number[] = [];
  rules.forEach((_, op) => {
    operators.get(op)?.forEach((place) => {
      places.push(place);
    });
  });
  places.sort((a, b) => a - b);
  return places.map((place) => graph.nodes[place]!);
}

/** The patch of up to `limit` rewrites that do not touch each other. */
function mergedRewrites(
  name: string,
  graph: Graph,
  rules: ReadonlyMap<string, Rule>,
  limit: number,
  sweeps: boolean,
): Patch | undefined {
  const nodes = nodesOf(graph, rules);
  // Most passes find nothing to do, and need none of this.
  if (nodes.length === 0) return undefined;
  const view = sweeps ? sweepingView(graph) : stillView(graph);
  let names: ReturnType<typeof namesFor> | undefined;
  const fresh = (wish: string): string => {
    names ??= namesFor(graph);
    return names(wish);
  };
  const taken: Rewrite[] = [];
  const removed = new Set<Node>();
  const gone = new Set<string>(); // values that no node writes any more
  const lost = new Set<string>(); // of these, the ones that nothing takes the place of
  const read = new Set<string>(); // values that added nodes read, which a patch does not rewire
  const targets = new Set<string>(); // values that take the place of others
  for (let n = 0; n < nodes.length && taken.length < limit; n++) {
    const node = nodes[n]!;
    if (removed.has(node)) continue;
    const rule = rules.get(qualifiedOp(node))!;
    const presented = view.present(node);
    const found = rule({ graph: view.graph, index: view.index, node: presented, fresh });
    if (found === undefined) continue;
    const rewrite = presented === node ? found : removing(found, presented, node);
    const touches = touchesOf(rewrite);
    if (hasAny(removed, rewrite.remove)) continue;
    if (hasAny(read, touches.gone) || hasAny(targets, touches.lost)) continue;
    if (hasAny(gone, touches.read) || hasAny(lost, touches.targets)) continue;
    taken.push(rewrite);
    view.take(rewrite);
    addAll(removed, rewrite.remove);
    addAll(gone, touches.gone);
    addAll(lost, touches.lost);
    addAll(read, touches.read);
    addAll(targets, touches.targets);
  }
  if (taken.length === 0) return undefined;
  if (taken.length === 1) return taken[0]!;
  return {
    what: `${name}, ${taken.length} times; the first: ${taken[0]!.what}`,
    remove: taken.flatMap((rewrite) => rewrite.remove),
    add: taken.flatMap((rewrite) => rewrite.add),
    constants: taken.flatMap((rewrite) => rewrite.constants),
    types: taken.flatMap((rewrite) => rewrite.types),
    replace: taken.flatMap((rewrite) => rewrite.replace),
  };
}

/** The rewrite, made of a node as it was presented, of the node itself. */
function removing(rewrite: Rewrite, presented: Node, node: Node): Rewrite {
  const remove = rewrite.remove.map((other) => (other === presented ? node : other));
  return { ...rewrite, remove };
}

function hasAny<T>(set: ReadonlySet<T>, items: readonly T[]): boolean {
  for (let i = 0; i < items.length; i++) if (set.has(items[i]!)) return true;
  return false;
}

function addAll<T>(set: Set<T>, items: readonly T[]): void {
  for (let i = 0; i < items.length; i++) set.add(items[i]!);
}

function touchesOf({ remove, add, replace }: Rewrite) {
  const isWritten = (value: string) => add.some((node) => node.outputs.includes(value));
  const isReplaced = (value: string) => replace.some((pair) => pair[0] === value);
  const gone = remove
    .flatMap((node) => node.outputs)
    .filter((value) => value !== '' && !isWritten(value));
  return {
    gone,
    lost: gone.filter((value) => !isReplaced(value)),
    read: add.flatMap((node) => node.inputs),
    targets: replace.map((pair) => pair[1]),
  };
}

/** The one node that reads the value, when there is one and no graph output shows the value. */
export function onlyConsumer({ index }: Pick<Site, 'index'>, value: string): Node | undefined {
  const consumers = index.consumers(value);
  return consumers.length === 1 && !index.isOutput(value) ? consumers[0] : undefined;
}

/** Whether a node or a graph output reads the value. */
export function isRead({ index }: Pick<Site, 'index'>, value: string): boolean {
  return value !== '' && (index.isOutput(value) || index.consumers(value).length > 0);
}

/** An `UNSUPPORTED_OPERATOR` error that names the node, its operator and opset, and `what` of it. */
export function unsupported({ graph, node }: Pick<Site, 'graph' | 'node'>, what = ''): OctavoError {
  const domain = node.domain === '' ? 'ai.onnx' : node.domain;
  const opset = graph.opsets.get(node.domain) ?? 1;
  return new OctavoError(
    'UNSUPPORTED_OPERATOR',
    `operator ${node.op} (domain ${domain}, opset ${opset})${what && `: ${what}`} is not supported`,
    { where: node.name },
  );
}

/** Whether all values that are there are known to be float32. Others wait: they may be folded away. */
export function areFloat({ graph }: Site, ...values: readonly string[]): boolean {
  return values.every((value) => value === '' || typeOf(graph, value)?.type === 'float32');
}
