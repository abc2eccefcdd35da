/**
 * Every float pass alone, and all of them in order, keep what a graph computes: onnxruntime runs random
 * graphs before and after. It also runs the models of the data folder before and after.
 */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allocate, type TypedArray } from '../../src/core/dtype.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { inferTypes } from '../../src/graph/infer.js';
import { type Graph, typeOf } from '../../src/graph/ir.js';
import { printGraph } from '../../src/graph/print.js';
import { formatType, verify } from '../../src/graph/verify.js';
import { exportModel } from '../../src/onnx/export.js';
import { loadModel } from '../../src/onnx/model.js';
import { floatPasses } from '../../src/passes/floatPasses.js';
import { runPasses } from '../../src/passes/pass.js';
import { devModels, ocrModels } from '../helpers/devModels.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom } from '../helpers/random.js';
import { randomGraph } from './randomGraph.js';

const graphs = 300;

function run(graph: Graph, feeds: Record<string, Tensor>) {
  return runOnnxRuntime(exportModel(graph), feeds, { optimize: false });
}

/** Largest difference of any output element, in units of the largest element (at least 1). */
function difference(
  before: ReadonlyMap<string, { data: TypedArray }>,
  after: ReadonlyMap<string, { data: TypedArray }>,
): number {
  let worst = 0;
  for (const [name, { data }] of before) {
    const other = after.get(name)!.data;
    if (other.length !== data.length) return Infinity;
    let scale = 1;
    for (const value of data) scale = Math.max(scale, Math.abs(Number(value)));
    for (let i = 0; i < data.length; i++) {
      const delta = Math.abs(Number(data[i]) - Number(other[i]));
      worst = Math.max(worst, Number.isNaN(delta) ? Infinity : delta / scale);
    }
  }
  return worst;
}

/** The types that a pass leaves must be those that inference finds. */
function expectTruthfulTypes(graph: Graph, label: string): void {
  const inferred = inferTypes(graph);
  for (const [value, type] of inferred.types) {
    const stated = graph.types.get(value);
    expect(stated, `${label}: '${value}' has no type`).toBeDefined();
    expect(stated!.type, `${label}: '${value}'`).toBe(type.type);
    type.dims?.forEach((dim, axis) => {
      const found = stated!.dims?.[axis];
      const agree = typeof dim !== 'number' || typeof found !== 'number' || dim === found;
      expect(agree, `${label}: '${value}' ${formatType(stated!)}, not ${formatType(type)}`).toBe(
        true,
      );
    });
  }
}

describe('float passes', () => {
  it(`keep the outputs of ${graphs} random graphs, each pass alone and all in order`, async () => {
    const fired = new Map(floatPasses.map((pass) => [pass.name, 0]));
    for (let seed = 1; seed <= graphs; seed++) {
      const { graph, feeds } = randomGraph(seed);
      verify(graph);
      const before = await run(graph, feeds);
      const lists = [...floatPasses.map((pass) => [pass]), floatPasses];
      for (const passes of lists) {
        const after = runPasses(graph, passes);
        if (after === graph) continue;
        if (passes.length === 1) fired.set(passes[0]!.name, fired.get(passes[0]!.name)! + 1);
        const label = `seed ${seed}, ${passes.map((pass) => pass.name).join(', ')}`;
        expectTruthfulTypes(after, label);
        const worst = difference(before, await run(after, feeds));
        if (!(worst <= 1e-5)) {
          const text = `${printGraph(graph)}\n\n${printGraph(after)}`;
          throw new Error(`${label}: differs by ${worst}\n${text}`);
        }
      }
    }
    // A pass that never finds anything is not tested.
    for (const [name, times] of fired) expect(times, name).toBeGreaterThanOrEqual(10);
  }, 120_000);

  it('find nothing more the second time', () => {
    for (let seed = 1; seed <= graphs; seed++) {
      const once = runPasses(randomGraph(seed).graph, floatPasses);
      const twice: string[] = [];
      runPasses(once, floatPasses, { onPatch: ({ pass, what }) => twice.push(`${pass}: ${what}`) });
      expect(twice, `seed ${seed}`).toEqual([]);
    }
  });

  it('can be stopped after any patch', async () => {
    const { graph, feeds } = randomGraph(7);
    const before = await run(graph, feeds);
    for (let stopAfter = 0; stopAfter <= 8; stopAfter++) {
      const after = runPasses(graph, floatPasses, { stopAfter });
      expect(difference(before, await run(after, feeds))).toBeLessThanOrEqual(1e-5);
    }
  });
});

function feedsOf(graph: Graph): Record<string, Tensor> {
  const random = createRandom(5);
  return Object.fromEntries(
    graph.inputs.map((input) => {
      const { type, dims } = typeOf(graph, input)!;
      const chosen = dims!.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? 1 : 64));
      const data = allocate(type, elementCount(chosen));
      for (let i = 0; i < data.length; i++) {
        const value = type === 'float32' ? random.real(-1, 1) : random.int(0, 1);
        (data as unknown as (number | bigint)[])[i] = type === 'int64' ? BigInt(value) : value;
      }
      return [input, { type, dims: chosen, data } as Tensor];
    }),
  );
}

describe('float passes on real models', () => {
  const paths = [...devModels, ...ocrModels];
  it.each(paths.map((path) => [basename(path), path]))('%s', async (_, path) => {
    const { graph } = await loadModel(path);
    const after = runPasses(graph, floatPasses);
    expect(after.nodes.length).toBeLessThanOrEqual(graph.nodes.length);
    // Batch norms of values whose rank is not known stay: the detector's, behind what is not inferred.
    const left = after.nodes.filter(
      (n) =>
        n.op === 'Identity' ||
        (n.op === 'BatchNormalization' && typeOf(after, n.inputs[0]!)?.dims !== undefined),
    );
    expect(left.map((n) => n.name)).toEqual([]);
    const feeds = feedsOf(graph);
    const worst = difference(await run(graph, feeds), await run(after, feeds));
    // Only names change in quantized models, and there a last place would become a whole step.
    const quantized = graph.nodes.some((n) => n.op.endsWith('QuantizeLinear'));
    expect(worst).toBeLessThanOrEqual(quantized ? 0 : 1e-5);
  });
});
