/** octavo inspect: a model's graph, as imported or after the passes that lead to a plan. */
import { indexOf, qualifiedOp } from '../../graph/ir.js';
import { printGraph } from '../../graph/print.js';
import { loadModel } from '../../onnx/model.js';
import { runPasses, type TraceEntry } from '../../passes/pass.js';
import { executionPasses } from '../../passes/pipelines.js';
import { type CommandContext, whole } from '../command.js';
import { formatTable } from '../terminal.js';

export async function inspectCommand(
  file: string,
  { options, terminal }: CommandContext,
): Promise<void> {
  const model = await loadModel(file);
  const trace: TraceEntry[] = [];
  const lowered = options.lowered === true || options.trace === true;
  const graph = lowered
    ? runPasses(model.graph, executionPasses, {
        stopAfter: whole(options, 'stopAfter'),
        onPatch: (entry) => trace.push(entry),
      })
    : model.graph;
  const counts = new Map<string, number>();
  for (const node of graph.nodes) {
    counts.set(qualifiedOp(node), (counts.get(qualifiedOp(node)) ?? 0) + 1);
  }
  const index = indexOf(graph);
  const data = {
    name: graph.name,
    opsets: Object.fromEntries(graph.opsets),
    inputs: graph.inputs.map((name) => ({ name, ...graph.types.get(name) })),
    outputs: graph.outputs.map(({ name, value }) => ({ name, ...graph.types.get(value) })),
    operators: Object.fromEntries(counts),
    constants: [...graph.constants].map(([name, { type, dims }]) => ({
      name,
      type,
      dims,
      readers: index.consumers(name).length,
    })),
    ...(options.trace === true && { trace }),
  };
  terminal.result(data, () => {
    const parts = [printGraph(graph)];
    if (options.trace === true) {
      parts.push(
        formatTable(
          ['patch', 'pass', 'what', 'nodes'],
          trace.map((entry) => [
            String(entry.index),
            entry.pass,
            entry.what,
            `${entry.nodesBefore} → ${entry.nodesAfter}`,
          ]),
        ),
      );
    }
    parts.push(
      formatTable(
        ['operator', 'count'],
        [...counts].sort((a, b) => b[1] - a[1]).map(([op, count]) => [op, String(count)]),
      ),
    );
    return parts.join('\n\n');
  });
}
