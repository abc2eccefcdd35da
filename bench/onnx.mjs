/** ONNX models for the peers: a small builder, and the layers of a case as every runtime takes them. */
import { writeAttribute } from '../dist/esm/onnx/attributes.js';
import { encodeModel } from '../dist/esm/onnx/messages.js';
import { writeTensor } from '../dist/esm/onnx/tensors.js';
import { valueInfoOf } from '../dist/esm/onnx/types.js';

const noGraphs = () => {
  throw new Error('no subgraphs here');
};

/** A graph that grows node by node; values are their names. */
export class ModelBuilder {
  #nodes = [];
  #constants = [];
  #inputs = [];
  #outputs = [];
  #names = 0;

  #name(stem) {
    return `${stem}_${this.#names++}`;
  }

  input(name, type, dims) {
    this.#inputs.push(valueInfoOf(name, { type, dims }));
    return name;
  }

  constant(type, dims, data) {
    const name = this.#name('c');
    this.#constants.push(writeTensor(name, { type, dims, data }));
    return name;
  }

  scalar(type, value) {
    const arrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array };
    return this.constant(type, [], arrays[type].of(value));
  }

  /** Adds a node with one output, and names that. Attributes are whole numbers, or lists of them. */
  node(op, inputs, attributes = {}) {
    const name = this.#name(op);
    this.#nodes.push({
      opType: op,
      name,
      input: inputs,
      output: [name],
      attribute: Object.entries(attributes).map(([key, value]) =>
        writeAttribute(key, { kind: Array.isArray(value) ? 'ints' : 'int', value }, noGraphs),
      ),
    });
    return name;
  }

  output(value, type, dims) {
    this.#outputs.push(valueInfoOf(value, { type, dims }));
  }

  /** The file, at opset 13. */
  bytes() {
    return encodeModel({
      irVersion: 8,
      producerName: 'octavo bench',
      opsetImport: [{ domain: '', version: 13 }],
      graph: {
        name: 'bench',
        node: this.#nodes,
        input: this.#inputs,
        output: this.#outputs,
        initializer: this.#constants,
      },
    });
  }
}

/** Tensors between channels-last and ONNX's channels-first: the pixels' channels become planes, or back. */
export function toPlanes(data, pixels, channels) {
  const planes = new data.constructor(data.length);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) planes[c * pixels + p] = data[p * channels + c];
  }
  return planes;
}

/** Weights OHWI as ONNX has them: OI for a window's cells, or [inputs, outputs] of a matrix product. */
function onnxWeights({ kind, inputs, outputs, window, groups }, weight) {
  if (kind === 'gemm') return toPlanes(weight, outputs, inputs);
  const size = window ** 2 * (inputs / groups);
  const out = new weight.constructor(weight.length);
  for (let o = 0; o < outputs; o++) {
    const filter = weight.subarray(o * size, (o + 1) * size);
    out.set(toPlanes(filter, window ** 2, inputs / groups), o * size);
  }
  return out;
}

function dimsOf({ kind, height, width, inputs, outputs, window, groups, ...shape }) {
  if (kind === 'gemm') {
    return { x: [width, inputs], weight: [inputs, outputs], y: [width, outputs], axis: 1 };
  }
  return {
    x: [1, inputs, height, width],
    weight: [outputs, inputs / groups, window, window],
    y: [1, outputs, shape.outHeight, shape.outWidth],
    axis: 0,
  };
}

const convAttributes = ({ window, stride, pad, groups }) => ({
  kernel_shape: [window, window],
  strides: [stride, stride],
  pads: [pad, pad, pad, pad],
  group: groups,
});

/**
 * The int8 layer in QDQ form, which a runtime fuses to an operator on bytes, and its input. Scales of the bias are
 * exactly x_scale · w_scale, or it would not.
 */
export function int8Model(shape, layer) {
  const model = new ModelBuilder();
  const dims = dimsOf(shape);
  const { outputs, kind } = shape;
  const x = model.input('x', 'uint8', dims.x);
  const xScale = model.scalar('float32', layer.xScale);
  const xFloat = model.node('DequantizeLinear', [x, xScale, model.scalar('uint8', layer.xZero)]);
  const weight = model.constant('int8', dims.weight, onnxWeights(shape, layer.weight));
  const weightScale = model.constant('float32', [outputs], layer.weightScale);
  const zeros = model.constant('int8', [outputs], new Int8Array(outputs));
  const weightFloat = model.node('DequantizeLinear', [weight, weightScale, zeros], {
    axis: dims.axis,
  });
  let product;
  if (kind === 'gemm') {
    product = model.node('MatMul', [xFloat, weightFloat]);
  } else {
    const scales = layer.weightScale.map((scale) => Math.fround(layer.xScale * scale));
    const biasFloat = model.node(
      'DequantizeLinear',
      [
        model.constant('int32', [outputs], layer.bias),
        model.constant('float32', [outputs], scales),
        model.constant('int32', [outputs], new Int32Array(outputs)),
      ],
      { axis: 0 },
    );
    product = model.node('Conv', [xFloat, weightFloat, biasFloat], convAttributes(shape));
  }
  const yScale = model.scalar('float32', layer.yScale);
  const y = model.node('QuantizeLinear', [product, yScale, model.scalar('uint8', layer.yZero)]);
  model.output(y, 'uint8', dims.y);
  return { bytes: model.bytes(), feeds: { x: onnxInput(shape, 'uint8', layer.x) } };
}

/** The float layer, and its input. */
export function floatModel(shape, layer) {
  const model = new ModelBuilder();
  const dims = dimsOf(shape);
  const x = model.input('x', 'float32', dims.x);
  const weight = model.constant('float32', dims.weight, onnxWeights(shape, layer.weight));
  const y =
    shape.kind === 'gemm'
      ? model.node('MatMul', [x, weight])
      : model.node(
          'Conv',
          [x, weight, model.constant('float32', [shape.outputs], layer.bias)],
          convAttributes(shape),
        );
  model.output(y, 'float32', dims.y);
  return { bytes: model.bytes(), feeds: { x: onnxInput(shape, 'float32', layer.x) } };
}

function onnxInput(shape, type, x) {
  const { kind, height, width, inputs } = shape;
  const data = kind === 'gemm' ? x : toPlanes(x, height * width, inputs);
  return { type, dims: dimsOf(shape).x, data };
}

/** An output of such a model in the order of Octavo's: channels last. */
export function channelsLast({ kind, outHeight, outWidth, outputs }, data) {
  return kind === 'gemm' ? data : toPlanes(data, outputs, outHeight * outWidth);
}
