/** Small networks with random weights, one per pattern that placement has to get right. */
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { inferTypes } from '../../src/graph/infer.js';
import type { Attribute, Graph, Node } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import type { Model } from '../../src/onnx/model.js';
import { float32, graphOf, node } from '../helpers/onnx-builder.js';
import { createRandom, type Random } from '../helpers/random.js';

/** Collects nodes and constants; each method adds one layer and returns the value it writes. */
export class NetBuilder {
  readonly #nodes: Node[] = [];
  readonly #constants: Record<string, Tensor> = {};
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  constant(name: string, dims: readonly number[], scale = 1): string {
    const count = dims.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: count }, () => this.#random.real(-scale, scale));
    this.#constants[name] = { type: 'float32', dims, data };
    return name;
  }

  given(name: string, tensor: Tensor): string {
    this.#constants[name] = tensor;
    return name;
  }

  conv(x: string, y: string, [o, i, k]: readonly [number, number, number], groups = 1): string {
    const weight = this.constant(
      `${y}_w`,
      [o, i / groups, k, k],
      1 / Math.sqrt((i / groups) * k * k),
    );
    const bias = this.constant(`${y}_b`, [o], 0.1);
    return this.op('Conv', [x, weight, bias], y, {
      pads: attribute.ints([k >> 1, k >> 1, k >> 1, k >> 1]),
      group: attribute.int(groups),
    });
  }

  gemm(x: string, y: string, inputs: number, outputs: number): string {
    const weight = this.constant(`${y}_w`, [outputs, inputs], 1 / Math.sqrt(inputs));
    const bias = this.constant(`${y}_b`, [outputs], 0.1);
    return this.op('Gemm', [x, weight, bias], y, { transB: attribute.int(1) });
  }

  op(
    op: string,
    inputs: readonly string[],
    y: string,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    this.#nodes.push(node(op, inputs, [y], attributes));
    return y;
  }

  graph(input: readonly number[], outputs: readonly string[]): Graph {
    return inferTypes(
      graphOf({
        nodes: this.#nodes,
        inputs: { x: float32(...input) },
        outputs: Object.fromEntries(outputs.map((value) => [value, value])),
        constants: this.#constants,
      }),
    );
  }

  /** Through bytes, as a user's model comes. */
  model(input: readonly number[], outputs: readonly string[]): Model {
    return importModel(exportModel(this.graph(input, outputs)));
  }
}

/** Convolutions, a residual addition, a concatenation with pooling, global pooling and a classifier. */
export function smallCnn(seed = 1): NetBuilder {
  const net = new NetBuilder(seed);
  const stem = net.op('Relu', [net.conv('x', 'stem', [8, 3, 3])], 'stem_relu');
  const deep = net.op('Relu', [net.conv(stem, 'deep', [8, 8, 3], 8)], 'deep_relu');
  const flat = net.conv(deep, 'flat', [8, 8, 1]);
  const sum = net.op('Relu', [net.op('Add', [flat, stem], 'sum')], 'sum_relu');
  const pooled = net.op('MaxPool', [sum], 'pooled', {
    kernel_shape: attribute.ints([2, 2]),
    strides: attribute.ints([2, 2]),
  });
  const left = net.op('Relu', [net.conv(pooled, 'left', [4, 8, 1])], 'left_relu');
  const right = net.op('Relu', [net.conv(pooled, 'right', [6, 8, 3])], 'right_relu');
  const joined = net.op('Concat', [left, right], 'joined', { axis: attribute.int(1) });
  const mean = net.op('GlobalAveragePool', [joined], 'mean');
  net.op('Softmax', [net.gemm(net.op('Flatten', [mean], 'features'), 'logits', 10, 5)], 'y');
  return net;
}

export const smallCnnInput = [1, 3, 12, 12] as const;

/** Feeds of standard-normal-like values. */
export function feedsFor(dims: readonly number[], count: number, seed = 2) {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const data = Float32Array.from(
      { length: dims.reduce((a, b) => a * b, 1) },
      () => random.real(-1, 1) + random.real(-1, 1) + random.real(-1, 1),
    );
    return { x: { type: 'float32', dims, data } as Tensor };
  });
}

/** A channel is far larger than the rest behind a normalization, as in encoders. */
export function smallEncoder(): Model {
  const net = new NetBuilder(5);
  const gains = Float32Array.from({ length: 16 }, (_, i) => (i === 3 ? 40 : 1));
  const gain = net.given('g', { type: 'float32', dims: [16], data: gains });
  const normal = net.op('LayerNormalization', ['x', gain], 'normal');
  const inner = net.op('MatMul', [normal, net.constant('w1', [16, 32], 0.3)], 'inner');
  const hidden = net.op('Relu', [inner], 'hidden');
  net.op('MatMul', [hidden, net.constant('w2', [32, 16], 0.3)], 'y');
  return net.model([1, 4, 16], ['y']);
}
