/** Where transposes end up: at the borders, and nowhere else. What they compute is in pipelines.test. */
import { describe, expect, it } from 'vitest';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute, Dim, Graph, Node } from '../../src/graph/ir.js';
import type { Model } from '../../src/onnx/model.js';
import { executionPasses } from '../../src/passes/pipelines.js';
import { quantizeDynamic } from '../../src/quantize/dynamic.js';
import { node, t } from '../helpers/onnx-builder.js';
import { createRandom } from '../helpers/random.js';
import { build, countOps, lowered, quantizeNode } from './oracle.js';

const { int, ints } = attribute;

/** Builds a network layer by layer, each taking and giving the name of a value. */
function network(quantized: boolean) {
  const random = createRandom(3);
  const nodes: Node[] = [];
  const constants: Record<string, Tensor> = {};
  let count = 0;
  const constant = (tensor: Tensor) => {
    const name = `k${count++}`;
    constants[name] = tensor;
    return name;
  };
  const weight = (...dims: number[]) => {
    const data = Float32Array.from({ length: elementCount(dims) }, () => random.real(-1, 1));
    if (!quantized) return constant({ type: 'float32', dims, data });
    const codes = constant({ type: 'int8', dims, data: Int8Array.from(data, (x) => x * 127) });
    const name = `w${count++}`;
    constants[`${name}_scale`] = t('float32', [1 / 127], []);
    constants[`${name}_zero`] = t('int8', [0], []);
    nodes.push(quantizeNode('DequantizeLinear', codes, name, name));
    return name;
  };
  const op = (name: string, inputs: string[], attributes: Record<string, Attribute> = {}) => {
    const value = `v${count++}`;
    nodes.push(node(name, inputs, [value], attributes));
    return value;
  };
  const pair = (x: string) => {
    if (!quantized) return x;
    const name = `p${count++}`;
    constants[`${name}_scale`] = t('float32', [0.05], []);
    constants[`${name}_zero`] = t('uint8', [128], []);
    nodes.push(quantizeNode('QuantizeLinear', x, `${name}_q`, name));
    nodes.push(quantizeNode('DequantizeLinear', `${name}_q`, name, name));
    return name;
  };
  const same = (k: number) => ints(new Array(4).fill((k - 1) / 2));
  return {
    op,
    pair,
    weight,
    constant,
    conv: (x: string, from: number, to: number, k = 1, more: Record<string, Attribute> = {}) =>
      op('Conv', [x, weight(to, from, k, k)], { pads: same(k), ...more }),
    relu: (x: string) => pair(op('Relu', [x])),
    graph: (output: string, dims: readonly Dim[] = ['N', 3, 16, 16]): Graph =>
      build({
        nodes,
        inputs: { x: { type: 'float32', dims } },
        outputs: { y: output },
        constants,
      }),
  };
}

type Net = ReturnType<typeof network>;

/** Pool to one cell, flatten, one product. */
function head(net: Net, x: string, channels: number): string {
  const mean = net.pair(net.op('GlobalAveragePool', [x]));
  const flat = net.op('Flatten', [mean]);
  return net.op('Gemm', [flat, net.weight(channels, 5)]);
}

function mobileNet(net: Net): string {
  let x = net.relu(net.conv(net.pair('x'), 3, 8, 3, { strides: ints([2, 2]) }));
  for (let block = 0; block < 3; block++) {
    const wide = net.relu(net.conv(x, 8, 24));
    const deep = net.relu(net.conv(wide, 1, 24, 3, { group: int(24) }));
    const thin = net.pair(net.conv(deep, 24, 8));
    x = net.pair(net.op('Add', [x, thin]));
  }
  return head(net, x, 8);
}

function resNet(net: Net): string {
  let x = net.op('MaxPool', [net.relu(net.conv(net.pair('x'), 3, 8, 3))], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
  });
  for (let block = 0; block < 3; block++) {
    const a = net.relu(net.conv(x, 8, 8, 3));
    const b = net.pair(net.conv(a, 8, 8, 3));
    const shortcut = block === 1 ? net.pair(net.conv(x, 8, 8)) : x;
    x = net.relu(net.op('Add', [b, shortcut]));
  }
  return head(net, x, 8);
}

function squeezeExcite(net: Net): string {
  let x = net.relu(net.conv(net.pair('x'), 3, 8, 3));
  for (let block = 0; block < 2; block++) {
    const mean = net.pair(net.op('GlobalAveragePool', [x]));
    const small = net.relu(net.conv(mean, 8, 2));
    const gate = net.pair(net.op('HardSigmoid', [net.conv(small, 2, 8)]));
    x = net.relu(net.conv(net.pair(net.op('Mul', [x, gate])), 8, 8));
  }
  return head(net, x, 8);
}

function inception(net: Net): string {
  let x = net.relu(net.conv(net.pair('x'), 3, 8, 3));
  for (let block = 0; block < 2; block++) {
    const one = net.relu(net.conv(x, 8, 4));
    const three = net.relu(net.conv(x, 8, 3, 3));
    const pooled = net.op('MaxPool', [x], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) });
    const pool = net.relu(net.conv(pooled, 8, 1));
    x = net.pair(net.op('Concat', [one, three, pool], { axis: int(1) }));
  }
  return head(net, x, 8);
}

/** Shortcuts as ResNet-20 has them: every second pixel, channels padded. */
function slicedShortcut(net: Net): string {
  const x = net.relu(net.conv(net.pair('x'), 3, 4, 3));
  const deep = net.pair(net.conv(x, 4, 8, 3, { strides: ints([2, 2]) }));
  const lists = [
    [0, 0],
    [2 ** 40, 2 ** 40],
    [2, 3],
    [2, 2],
  ].map((list) => net.constant(t('int64', list)));
  const thin = net.op('Slice', [x, ...lists]);
  const pads = net.constant(t('int64', [0, 2, 0, 0, 0, 2, 0, 0]));
  const wide = net.pair(net.op('Pad', [thin, pads]));
  return head(net, net.relu(net.op('Add', [deep, wide])), 8);
}

const networks = { mobileNet, resNet, squeezeExcite, inception, slicedShortcut };

const feeds: Record<string, Tensor> = {
  x: { type: 'float32', dims: [2, 3, 16, 16], data: new Float32Array(2 * 3 * 256) },
};

describe('transposes', () => {
  const cases = Object.entries(networks).flatMap(([name, make]) => [
    [`${name} in float`, make, false] as const,
    [`${name} quantized`, make, true] as const,
  ]);

  it.each(cases)('of %s: one, at the input', (_, make, quantized) => {
    const net = network(quantized);
    const graph = lowered(net.graph(make(net)), feeds);
    const transposes = graph.nodes.filter((n) => n.op === 'Transpose');
    const first = quantized ? graph.nodes.find((n) => n.op === 'QuantizeLinear')!.outputs[0] : 'x';
    expect(transposes.map((n) => n.inputs[0])).toEqual([first]);
    expect(countOps(graph).DequantizeLinear ?? 0).toBe(0);
  });

  it.each(cases.filter(([name]) => !name.startsWith('sliced')))(
    'of %s are settled before the batch size is known',
    (_, make, quantized) => {
      const net = network(quantized);
      const graph = lowered(net.graph(make(net)), {});
      expect(countOps(graph).Transpose).toBe(1);
      expect(graph.nodes.every((n) => n.domain === 'octavo')).toBe(true);
    },
  );

  it('are a Reshape where only axes of size 1 move', () => {
    const net = network(false);
    const y = net.conv('x', 1, 4, 3);
    const one = { x: { ...feeds.x!, dims: [2, 1, 16, 48] } as Tensor };
    const counts = countOps(lowered(net.graph(y, ['N', 1, 16, 48]), one));
    expect(counts).toEqual({ Reshape: 1, Conv: 1, Transpose: 1 });
  });

  it('cost nothing between convolutions of one axis', () => {
    const net = network(false);
    const line = (x: string, from: number, to: number) =>
      net.op('Conv', [x, net.weight(to, from, 3)]);
    const y = line(net.op('Relu', [line(net.op('Relu', [line('x', 3, 4)]), 4, 4)]), 4, 2);
    const counts = countOps(lowered(net.graph(y, ['N', 3, 40]), {}));
    expect(counts).toEqual({ Transpose: 2, Reshape: 2, Conv: 3 });
  });

  it('stand before a DequantizeLinear at the output, where they move bytes', () => {
    const net = network(true);
    const graph = lowered(net.graph(net.pair(net.conv(net.pair('x'), 3, 4, 3))), feeds);
    const ops = graph.nodes.map((n) => n.op);
    expect(ops).toEqual(['QuantizeLinear', 'Transpose', 'QConv', 'Transpose', 'DequantizeLinear']);
  });

  it('pass a quantizer of the whole tensor, whose scale and zero point they leave alone', async () => {
    const net = network(false);
    const y = net.relu(net.conv(net.relu(net.conv('x', 3, 4, 3)), 4, 4, 3));
    const source = { graph: net.graph(y), meta: {} } as Model;
    const { model } = await quantizeDynamic(source, { opTypes: ['Conv'] });
    const graph = lowered(model.graph, feeds);
    const ops = graph.nodes.map((n) => n.op);
    expect(ops.filter((op) => op === 'QConvDynamic').length).toBe(2);
    expect(ops.filter((op) => op === 'DynamicQuantizeLinear').length).toBe(2);
    // In front of the first and behind the last.
    expect(ops.filter((op) => op === 'Transpose').length).toBe(2);
  });

  it('of a flattened image go into the weight behind it', () => {
    for (const quantized of [false, true]) {
      const net = network(quantized);
      const x = net.relu(net.conv(net.pair('x'), 3, 4, 3));
      const y = net.op('Gemm', [net.op('Flatten', [x]), net.weight(4 * 256, 5)]);
      expect(countOps(lowered(net.graph(y), feeds)).Transpose).toBe(1);
    }
  });

  it('are the flags of a MatMul where they swap its matrix', () => {
    const net = network(false);
    const turned = net.op('Transpose', ['x'], { perm: ints([0, 1, 3, 2]) });
    const graph = lowered(net.graph(net.op('MatMul', [turned, turned])), feeds);
    const { MatMul, Transpose } = countOps(graph);
    expect([MatMul, Transpose]).toEqual([1, undefined]);
  });

  it('are shared where two would be the same', () => {
    const net = network(false);
    const y = net.op('Add', [net.conv('x', 3, 4, 3), net.conv('x', 3, 4, 1)]);
    expect(countOps(lowered(net.graph(y), feeds)).Transpose).toBe(2);
  });

  it('reuse the turned operand that another reader has', () => {
    const net = network(false);
    const sum = net.op('Add', [net.conv('x', 3, 3, 3), 'x']);
    const graph = lowered(net.graph(head(net, net.conv(sum, 3, 4), 4)), feeds);
    expect(countOps(graph).Transpose).toBe(1);
  });
});

it('every pass has a name of its own, but for cleaning up', () => {
  const cleaning = new Set(['remove dead code', 'write activations plainly']);
  const names = executionPasses.map((pass) => pass.name).filter((name) => !cleaning.has(name));
  expect(new Set(names).size).toBe(names.length);
});
