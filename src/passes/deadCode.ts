/** Dead code: removes, in one patch, every node and constant that no graph output depends on. */
import type { Node } from '../graph/ir.js';
import type { Pass } from './pass.js';

export const deadCode: Pass = {
  name: 'remove dead code',
  next: (graph) => {
    const live = new Set(graph.outputs.map((output) => output.value));
    const remove: Node[] = [];
    for (let i = graph.nodes.length - 1; i >= 0; i--) {
      const node = graph.nodes[i]!;
      if (node.outputs.some((output) => live.has(output))) {
        node.inputs.forEach((input) => {
          live.add(input);
        });
      } else {
        remove.push(node);
      }
    }
    let unread = 0;
    for (const name of graph.constants.keys()) if (!live.has(name)) unread++;
    if (remove.length === 0 && unread === 0) return undefined;
    // Applying any patch drops the constants that nothing reads.
    return { what: `remove ${remove.length} nodes and ${unread} constants`, remove };
  },
};
