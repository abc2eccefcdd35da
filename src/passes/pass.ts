/**
 * Passes. A pass looks at a graph and hands back a patch, or nothing when it is content; only the
 * driver applies patches. After each one the graph is verified, so a pass that breaks a graph is
 * caught at the patch that broke it, and `stopAfter` finds a wrong patch by bisection.
 */
import { OctavoError } from '../core/errors.js';
import { Turns } from '../core/turns.js';
import type { Graph } from '../graph/ir.js';
import { type Patch, patched } from '../graph/patch.js';
import { verifyPatched } from '../graph/verify.js';

export interface Pass {
  readonly name: string;
  /** The next patch to this graph, or undefined when there is nothing (more) to do. */
  readonly next: (graph: Graph) => Patch | undefined;
}

/** One applied patch, as `octavo inspect --trace` prints it. */
export interface TraceEntry {
  readonly index: number;
  readonly pass: string;
  readonly what: string;
  readonly nodesBefore: number;
  readonly nodesAfter: number;
}

export interface PassOptions {
  /** Apply at most this many patches in all. */
  readonly stopAfter?: number | undefined;
  readonly onPatch?: ((entry: TraceEntry) => void) | undefined;
}

/**
 * Runs each pass to its fixed point, in order. Throws `INTERNAL` naming the pass when a patch leaves
 * an invalid graph, or when a pass does not come to an end.
 */
export function runPasses(graph: Graph, passes: readonly Pass[], options: PassOptions = {}): Graph {
  const runPass = passRunner(options);
  return passes.reduce(runPass, graph);
}

/** The same, and lets the event loop turn between passes. */
export async function runPassesInTurns(
  graph: Graph,
  passes: readonly Pass[],
  options: PassOptions = {},
): Promise<Graph> {
  const runPass = passRunner(options);
  const turns = new Turns();
  for (const pass of passes) {
    if (turns.isDue) await turns.take();
    graph = runPass(graph, pass);
  }
  return graph;
}

/** What runs one pass after the other, and counts their patches. */
function passRunner(options: PassOptions): (graph: Graph, pass: Pass) => Graph {
  const { stopAfter = Number.POSITIVE_INFINITY, onPatch } = options;
  let applied = 0;
  return (graph, pass) => {
    // Every patch must make progress; a pass that patches more often than this is going in circles.
    for (let patches = 0; applied < stopAfter; patches++) {
      const patch = pass.next(graph);
      if (patch === undefined) break;
      if (patches >= 16 * graph.nodes.length + 64)
        throw new OctavoError('INTERNAL', `pass '${pass.name}' does not end`);
      const result = patched(graph, patch);
      try {
        verifyPatched(graph, result);
      } catch (cause) {
        throw new OctavoError('INTERNAL', `pass '${pass.name}' broke the graph: ${patch.what}`, {
          cause,
        });
      }
      applied++;
      onPatch?.({
        index: applied,
        pass: pass.name,
        what: patch.what,
        nodesBefore: graph.nodes.length,
        nodesAfter: result.graph.nodes.length,
      });
      graph = result.graph;
    }
    return graph;
  };
}
