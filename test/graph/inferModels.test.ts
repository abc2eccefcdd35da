/**
 * Inference on real models: the types it finds for every computed value are the ones that onnxruntime
 * computes, when the graph is exported with all values as outputs and run as it is written.
 */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allocate } from '../../src/core/dtype.js';
import { elementCount, type Shape } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { type Graph, typeOf } from '../../src/graph/ir.js';
import { definitionOf } from '../../src/graph/ops/index.js';
import { verify } from '../../src/graph/verify.js';
import { exportModel } from '../../src/onnx/export.js';
import { loadModel } from '../../src/onnx/model.js';
import { specialize } from '../../src/passes/bind.js';
import { devModels, noDevModels, ocrModels } from '../helpers/devModels.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom } from '../helpers/random.js';

/** Two samples, and 96 of whatever else is free: pixels (a multiple of all strides), tokens. */
function chosenDims(graph: Graph): Map<string, Shape> {
  return new Map(
    graph.inputs.map((input) => [
      input,
      typeOf(graph, input)!.dims!.map((dim, axis) =>
        typeof dim === 'number' ? dim : axis === 0 ? 2 : 96,
      ),
    ]),
  );
}

/** Floats from 0 to 1, and integers 0 or 1, which any vocabulary has. */
function feedOf(graph: Graph, input: string, dims: Shape): Tensor {
  const random = createRandom(1);
  const { type } = typeOf(graph, input)!;
  const data = allocate(type, elementCount(dims));
  for (let i = 0; i < data.length; i++) {
    const value = type === 'float32' ? random.next() : random.int(0, 1);
    (data as unknown as (number | bigint)[])[i] = type === 'int64' ? BigInt(value) : value;
  }
  return { type, dims, data } as Tensor;
}

async function compareWithOracle(path: string): Promise<void> {
  const { graph } = await loadModel(path);
  const inputDims = chosenDims(graph);
  const bound = specialize(graph, inputDims);
  verify(bound);
  const values = bound.nodes.flatMap((node) => node.outputs).filter((value) => value !== '');
  const unique = [...new Set([...values, ...bound.outputs.map((output) => output.value)])];
  const bytes = exportModel({ ...bound, outputs: unique.map((value) => ({ name: value, value })) });
  const feeds = Object.fromEntries(
    [...inputDims].map(([input, dims]) => [input, feedOf(graph, input, dims)]),
  );
  const results = await runOnnxRuntime(bytes, feeds, { optimize: false });
  const inferred = new Map(unique.map((value) => [value, typeOf(bound, value)]));
  const seen = [...results].map(([value, { type, dims }]) => `${value}: ${type} [${dims}]`);
  const stated = [...results.keys()].map((value) => {
    const type = inferred.get(value);
    return `${value}: ${type?.type} [${type?.dims}]`;
  });
  expect(results.size).toBe(unique.length);
  expect(stated).toEqual(seen);
}

describe.skipIf(noDevModels)(`dev models${noDevModels ? `, skipped: ${noDevModels}` : ''}`, () => {
  it.each(devModels.map((path) => [basename(path), path]))('%s', async (_, path) => {
    await compareWithOracle(path);
  });
});

describe('OCR models', () => {
  it('are installed', () => {
    expect(ocrModels.length).toBeGreaterThan(0);
  });

  it.each(ocrModels.map((path) => [basename(path), path]))('%s', async (_, path) => {
    const { graph } = await loadModel(path);
    const unknown = graph.nodes.filter((node) => definitionOf(node) === undefined);
    if (unknown.length === 0) await compareWithOracle(path);
    // The detector resizes and deconvolves, which no operator here defines.
    else
      expect(new Set(unknown.map((node) => node.op))).toEqual(new Set(['ConvTranspose', 'Resize']));
  });
});
