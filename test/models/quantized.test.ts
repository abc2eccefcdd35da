/**
 * Models that others quantized, against onnxruntime-node: whole networks by what they answer, and every
 * layer by itself on the integers that onnxruntime feeds it. The second tells more: where onnxruntime
 * fails to fuse a layer it computes it in float, whose last bits tip roundings that later layers amplify.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { type Graph, indexOf } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import { createSession } from '../../src/runtime/session.js';
import { devModels, noDevModels } from '../helpers/devModels.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom } from '../helpers/random.js';

const models = devModels.filter((file) => /(qdq|v1_int8)\.onnx$/.test(file));

/**
 * onnxruntime computes 15 of 53 and 6 of 9 of their convolutions in float, and softmax stretches what
 * comes of it over several steps: on random data their answers drift apart, their layers do not.
 */
const drifting = ['mobilenet_v2_1.0_224_int8pc_qdq.onnx', 'resnet8_cifar10_qdq.onnx'];

/** Smooth random data, over the range that the input's QuantizeLinear takes in. */
function inputFor(graph: Graph, seed: number): Record<string, Tensor> {
  const random = createRandom(seed);
  const [name] = graph.inputs;
  const dims = graph.types.get(name!)!.dims!.map((dim) => (typeof dim === 'number' ? dim : 1));
  const quantize = indexOf(graph)
    .consumers(name!)
    .find(({ op }) => op === 'QuantizeLinear')!;
  const [scale] = graph.constants.get(quantize.inputs[1]!)!.data as Float32Array;
  const zero = graph.constants.get(quantize.inputs[2]!)!;
  const lowest = (zero.type === 'int8' ? -128 : 0) - Number(zero.data[0]);
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  let value = random.real(0, 255);
  for (let i = 0; i < data.length; i++) {
    value = Math.min(Math.max(value + random.real(-24, 24), 0), 255);
    data[i] = (lowest + value) * scale!;
  }
  return { [name!]: { type: 'float32', dims, data } };
}

/** Share of equal elements, and the largest difference. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>) {
  let equal = 0;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i]) equal++;
    else largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  }
  return { exact: equal / a.length, largest };
}

/** The part of the graph between the integers that lead to `value` and `value`. */
function layerOf(graph: Graph, value: string): Graph {
  const index = indexOf(graph);
  const inputs = new Set<string>();
  const nodes = new Set<Graph['nodes'][number]>();
  const visit = (name: string): void => {
    const producer = index.producer(name);
    if (graph.constants.has(name)) return;
    if (producer === undefined || (producer.op === 'QuantizeLinear' && name !== value)) {
      inputs.add(name);
      return;
    }
    nodes.add(producer);
    for (const input of producer.inputs) if (input !== '') visit(input);
  };
  visit(value);
  return {
    ...graph,
    inputs: [...inputs],
    outputs: [{ name: value, value }],
    nodes: graph.nodes.filter((node) => nodes.has(node)),
  };
}

describe.skipIf(noDevModels)(`quantized dev models ${noDevModels ?? ''}`, () => {
  it.each(models.filter((file) => !drifting.includes(basename(file))))(
    'answers: %s',
    async (file) => {
      const bytes = readFileSync(file);
      const { graph } = importModel(bytes);
      const index = indexOf(graph);
      let last = index.producer(graph.outputs[0]!.value)!;
      while (last.op !== 'DequantizeLinear') last = index.producer(last.inputs[0]!)!;
      const [scale] = graph.constants.get(last.inputs[1]!)!.data as Float32Array;
      const session = await createSession(graph);
      let elements = 0;
      let exact = 0;
      for (let seed = 1; seed <= 10; seed++) {
        const feeds = inputFor(graph, seed);
        const ours = Object.values(await session.run(feeds))[0]!.data as Float32Array;
        const [expected] = (await runOnnxRuntime(bytes, feeds, { precise: true })).values();
        const found = difference(
          Array.from(ours, (x) => Math.round(x / scale!)),
          Array.from(expected!.data as Float32Array, (x) => Math.round(x / scale!)),
        );
        expect(found.largest).toBeLessThanOrEqual(1);
        elements += ours.length;
        exact += found.exact * ours.length;
      }
      session.dispose();
      expect(exact / elements).toBeGreaterThanOrEqual(0.999);
    },
  );

  it.each(models)('layer by layer: %s', async (file) => {
    const { graph, meta } = importModel(readFileSync(file));
    const feeds = inputFor(graph, 77);
    const values = graph.nodes
      .filter(({ op }) => op === 'QuantizeLinear')
      .map((n) => n.outputs[0]!);
    const outputs = values.map((value) => ({ name: value, value }));
    const expected = await runOnnxRuntime(exportModel({ ...graph, outputs }, meta), feeds, {
      precise: true,
    });
    let elements = 0;
    let exact = 0;
    for (const value of values) {
      const layer = layerOf(graph, value);
      const session = await createSession(layer);
      const given = layer.inputs.map(
        (name) => [name, (feeds[name] ?? expected.get(name)) as Tensor] as const,
      );
      const result = await session.run(Object.fromEntries(given));
      session.dispose();
      const ours = result[value]!.data as Int8Array;
      const theirs = expected.get(value)!.data as Int8Array;
      expect(ours.length).toBe(theirs.length);
      const found = difference(ours, theirs);
      expect(found.largest, value).toBeLessThanOrEqual(1);
      elements += ours.length;
      exact += found.exact * ours.length;
    }
    expect(exact / elements).toBeGreaterThanOrEqual(0.999);
  });
});
