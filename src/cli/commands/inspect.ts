/** octavo inspect: a model's graph, as imported or after the passes that lead to a plan. */
import { shownDim } from '../../core/shape.js';
import { withClosures } from '../../graph/closures.js';
import { indexOf, qualifiedOp, typeOf } from '../../graph/ir.js';
import { printGraph } from '../../graph/print.js';
import { loadModel } from '../../onnx/model.js';
import { bindDims } from '../../passes/bind.js';
import type { TraceEntry } from '../../passes/pass.js';
import { lowerGraph } from '../../runtime/program.js';
import type { CommandContext } from '../command.js';
import { dimOptions, whole } from '../options.js';
import { formatTable } from '../terminal.js';

export async function inspectCommand(
  file: string,
  { options, terminal }: CommandContext,
): Promise<void> {
  const stopAfter = whole(options, 'stopAfter', 0);
  const sizes = dimOptions(options);
  const { graph: imported } = await loadModel(file);
  const hasSizes = Object.keys(sizes).length > 0;
  const bound = hasSizes ? bindDims(imported, new Map(), sizes) : imported;
  const trace: TraceEntry[] = [];
  const isTraced = options.trace === true || stopAfter !== undefined;
  const graph =
    isTraced || options.lowered === true
      ? lowerGraph(withClosures(bound), {
          stopAfter,
          onPatch: isTraced ? (entry) => trace.push(entry) : undefined,
        })
      : bound;
  const index = indexOf(graph);
  const counts = new Map<string, number>();
  for (const node of graph.nodes) {
    counts.set(qualifiedOp(node), (counts.get(qualifiedOp(node)) ?? 0) + 1);
  }
  const data = {
    name: graph.name,
    opsets: Object.fromEntries(graph.opsets),
    inputs: graph.inputs.map((name) => ({ name, ...graph.types.get(name) })),
    outputs: graph.outputs.map(({ name, value }) => {
      const type = typeOf(graph, value);
      return { name, type: type?.type, dims: type?.dims?.map(shownDim) };
    }),
    operators: Object.fromEntries(counts),
    constants: [...graph.constants].map(([name, { type, dims }]) => ({
      name,
      type,
      dims,
      readers: index.consumers(name).length,
    })),
    ...(isTraced && { trace }),
  };
  terminal.result(data, () => {
    const operators = formatTable(
      ['operator', 'count'],
      [...counts].sort((a, b) => b[1] - a[1]).map(([op, count]) => [op, String(count)]),
    );
    const parts = [printGraph(graph), operators];
    if (isTraced) parts.splice(1, 0, formatTrace(trace));
    return parts.join('\n\n');
  });
}

function formatTrace(trace: readonly TraceEntry[]): string {
  return formatTable(
    ['patch', 'nodes', 'pass', 'what'],
    trace.map(({ index, pass, what, nodesBefore, nodesAfter }) => [
      String(index),
      `${nodesBefore} → ${nodesAfter}`,
      pass,
      what,
    ]),
    ['right', 'right', 'left', 'left'],
  );
}
