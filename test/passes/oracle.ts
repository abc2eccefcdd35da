/**
 * Running a small graph three ways: by a plan on the reference backend, after all execution passes or
 * a choice of them, and in ONNX Runtime from its exported file.
 */
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { inferTypes } from '../../src/graph/infer.js';
import { type Graph, type Node, qualifiedOp } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import type { ModelMeta } from '../../src/onnx/model.js';
import { bindDims } from '../../src/passes/bind.js';
import { type Pass, runPasses } from '../../src/passes/pass.js';
import { executionPasses } from '../../src/passes/pipelines.js';
import { compile } from '../../src/runtime/compile.js';
import type { Plan } from '../../src/runtime/plan.js';
import { graphOf, type IrParts } from '../helpers/onnx-builder.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';

export type Results = Readonly<Record<string, Tensor>>;

export function build(parts: IrParts): Graph {
  return inferTypes(graphOf({ opsets: { '': 21, 'com.microsoft': 1 }, ...parts }));
}

/** The graph for the dims of these feeds, after `passes`. */
export function lowered(graph: Graph, feeds: Results, passes: readonly Pass[] = executionPasses) {
  const dims = new Map(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
  return runPasses(bindDims(graph, dims), passes);
}

export function runPlan(plan: Plan, feeds: Results): Results {
  const model = createReferenceBackend().open(new Uint8Array(64));
  try {
    const inputs = plan.inputs.map((port) => feeds[port.name]!.data);
    const data = model.prepare(plan).runSync(inputs);
    return Object.fromEntries(
      plan.outputs.map(({ name, tensor }, i) => {
        const { type, dims } = plan.tensors[tensor]!;
        return [name, { type, dims, data: data[i]! } as Tensor];
      }),
    );
  } finally {
    model.dispose();
  }
}

export function runReference(graph: Graph, feeds: Results, passes?: readonly Pass[]): Results {
  return runPlan(compile(lowered(graph, feeds, passes)), feeds);
}

const meta: ModelMeta = {
  irVersion: 10,
  opsets: new Map(),
  producerName: 'test',
  producerVersion: '',
  domain: '',
  modelVersion: 0,
  docString: '',
  metadata: new Map(),
  unknown: [],
};

export async function runOracle(graph: Graph, feeds: Results, optimize = false): Promise<Results> {
  const results = await runOnnxRuntime(exportModel(graph, meta), feeds, { optimize });
  return Object.fromEntries(results) as unknown as Results;
}

/** How often each operator occurs. */
export function countOps(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const node of graph.nodes) {
    const op = qualifiedOp(node).replace('octavo:', '');
    counts[op] = (counts[op] ?? 0) + 1;
  }
  return counts;
}

/** Nodes of a DequantizeLinear or QuantizeLinear, with constants for scale and zero point. */
export function quantizeNode(
  op: 'QuantizeLinear' | 'DequantizeLinear',
  x: string,
  y: string,
  params: string,
  axis?: number,
): Node {
  const attributes = new Map(axis === undefined ? [] : [['axis', attribute.int(axis)]]);
  const inputs = [x, `${params}_scale`, `${params}_zero`];
  return { name: `${op}_${y}`, op, domain: '', inputs, outputs: [y], attributes };
}
