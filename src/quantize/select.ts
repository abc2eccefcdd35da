/** Which nodes a caller means by names, patterns and predicates. */
import { OctavoError } from '../core/errors.js';
import type { Graph, Node } from '../graph/ir.js';
import type { NodeSelector, ResolvedOptions } from './options.js';

/** Nodes that may be quantized: of the types asked for, picked if any are picked, and not excluded. */
export function selectNodes(
  graph: Graph,
  options: Pick<ResolvedOptions, 'opTypes' | 'nodesToQuantize' | 'nodesToExclude'>,
): ReadonlySet<Node> {
  const picked =
    options.nodesToQuantize === undefined
      ? new Set(graph.nodes)
      : matches(graph, options.nodesToQuantize, 'nodesToQuantize');
  const excluded = matches(graph, options.nodesToExclude, 'nodesToExclude');
  const selected = graph.nodes.filter(
    (node) =>
      node.domain === '' && options.opTypes.has(node.op) && picked.has(node) && !excluded.has(node),
  );
  return new Set(selected);
}

/** Nodes that any of the selectors means. Throws `NO_MATCH` for a selector that means none. */
export function matches(
  graph: Graph,
  selectors: readonly NodeSelector[],
  where: string,
): Set<Node> {
  const found = new Set<Node>();
  for (const selector of selectors) {
    const nodes = graph.nodes.filter((node) => isMatch(node, selector));
    if (nodes.length === 0) {
      throw new OctavoError('NO_MATCH', `${describe(selector)} matches no node`, {
        where,
        found: `${graph.nodes.length} nodes, such as '${graph.nodes[0]?.name ?? ''}'`,
      });
    }
    for (const node of nodes) found.add(node);
  }
  return found;
}

function isMatch(node: Node, selector: NodeSelector): boolean {
  if (typeof selector === 'string') return node.name === selector;
  if (typeof selector === 'function') return selector(node);
  // A global or sticky pattern carries its position from one test to the next.
  selector.lastIndex = 0;
  return selector.test(node.name);
}

function describe(selector: NodeSelector): string {
  if (typeof selector === 'string') return `'${selector}'`;
  return typeof selector === 'function' ? 'the predicate' : String(selector);
}
