/**
 * A layer as a TensorFlow Lite file, for LiteRT: one CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED, channels last, in float or in
 * int8 with a scale for each output channel. Inputs and outputs are float32 either way, because LiteRT.js takes no bytes: the int8 file
 * quantizes and dequantizes. Activations are int8 there: uint8 codes less 128, zero points too.
 *
 * Numbers below are field and enumerator numbers of TensorFlow Lite's schema.
 */
import { Builder } from 'flatbuffers';

const elementTypes = { float32: 0, int32: 2, int8: 9 };
const operators = {
  conv: { code: 3, options: 1 },
  depthwise: { code: 4, options: 2 },
  dequantize: { code: 6, options: 0 },
  gemm: { code: 9, options: 8 },
  quantize: { code: 114, options: 0 },
};
const samePadding = 0;

/** The int8 layer of drawLayer's numbers: the file, its input in float, and answers as uint8 codes. */
export function int8Tflite(shape, layer) {
  const { xScale, yScale, xZero, yZero } = layer;
  const dims = dimsOf(shape);
  const biasScale = layer.weightScale.map((scale) => Math.fround(xScale * scale));
  const weightScale = { scale: layer.weightScale, axis: shape.groups > 1 ? 3 : 0 };
  const bias = layer.bias ?? new Int32Array(shape.outputs);
  const bytes = fileOf(
    [
      { type: 'float32', dims: dims.x },
      { type: 'int8', dims: dims.x, scale: [xScale], zero: xZero - 128 },
      { type: 'int8', dims: dims.weight, data: weightsOf(shape, layer), ...weightScale },
      { type: 'int32', dims: [shape.outputs], data: bias, scale: biasScale },
      { type: 'int8', dims: dims.y, scale: [yScale], zero: yZero - 128 },
      { type: 'float32', dims: dims.y },
    ],
    [
      { name: 'quantize', inputs: [0], outputs: [1] },
      { name: dims.name, inputs: [1, 2, 3], outputs: [4] },
      { name: 'dequantize', inputs: [4], outputs: [5] },
    ],
    shape,
  );
  return {
    bytes,
    dims: dims.x,
    x: Float32Array.from(layer.x, (code) => (code - xZero) * xScale),
    answer: (data) => Uint8Array.from(data, (value) => Math.round(value / yScale) + yZero),
  };
}

/** The float layer of floatLayer's numbers. */
export function floatTflite(shape, layer) {
  const dims = dimsOf(shape);
  const type = 'float32';
  const bytes = fileOf(
    [
      { type, dims: dims.x },
      { type, dims: dims.weight, data: weightsOf(shape, layer) },
      { type, dims: [shape.outputs], data: layer.bias ?? new Float32Array(shape.outputs) },
      { type, dims: dims.y },
    ],
    [{ name: dims.name, inputs: [0, 1, 2], outputs: [3] }],
    shape,
  );
  return { bytes, dims: dims.x, x: layer.x, answer: (data) => data };
}

function dimsOf({ kind, height, width, inputs, outputs, window, groups, ...shape }) {
  if (kind === 'gemm') {
    return { name: kind, x: [width, inputs], weight: [outputs, inputs], y: [width, outputs] };
  }
  return {
    name: groups > 1 ? 'depthwise' : kind,
    x: [1, height, width, inputs],
    weight: groups > 1 ? [1, window, window, outputs] : [outputs, window, window, inputs],
    y: [1, shape.outHeight, shape.outWidth, outputs],
  };
}

function weightsOf({ groups, outputs, window }, { weight }) {
  return groups > 1 ? cellsFirst(weight, outputs, window ** 2) : weight;
}

/** A file of these tensors, the first and the last of which are its input and output, and of these operators. */
function fileOf(tensors, nodes, shape) {
  const most = tensors.reduce((sum, { data }) => sum + (data?.byteLength ?? 0), 65536);
  const builder = new Builder(most);
  // Buffer 0 is empty: that of all tensors without data.
  const constants = tensors.filter(({ data }) => data !== undefined);
  const buffers = [undefined, ...constants].map((tensor) => bufferOf(builder, tensor?.data));
  const tensorTables = tensors.map((tensor, i) =>
    tensorOf(builder, `t${i}`, tensor, constants.indexOf(tensor) + 1),
  );
  const nodeTables = nodes.map(({ name, inputs, outputs }, i) =>
    table(builder, [
      ['int', i],
      ['offset', intsOf(builder, inputs)],
      ['offset', intsOf(builder, outputs)],
      ['byte', operators[name].options],
      ['offset', optionsOf(builder, name, shape)],
    ]),
  );
  const codes = nodes.map(({ name }) =>
    // Version 3 of the layers is that of int8 with a scale for each channel.
    table(builder, [
      ['byte', operators[name].code],
      ['none'],
      ['int', nodes.length > 1 && operators[name].options > 0 ? 3 : 1],
      ['int', operators[name].code],
    ]),
  );
  const subgraph = table(builder, [
    ['offset', offsetsOf(builder, tensorTables)],
    ['offset', intsOf(builder, [0])],
    ['offset', intsOf(builder, [tensors.length - 1])],
    ['offset', offsetsOf(builder, nodeTables)],
  ]);
  const model = table(builder, [
    ['int', 3],
    ['offset', offsetsOf(builder, codes)],
    ['offset', offsetsOf(builder, [subgraph])],
    ['none'],
    ['offset', offsetsOf(builder, buffers)],
  ]);
  builder.finish(model, 'TFL3');
  return builder.asUint8Array();
}

/** Depthwise weights [O][cells] as [cells][O]. */
function cellsFirst(weight, channels, cells) {
  const out = new weight.constructor(weight.length);
  for (let c = 0; c < channels; c++) {
    for (let cell = 0; cell < cells; cell++) out[cell * channels + c] = weight[c * cells + cell];
  }
  return out;
}

/** Options of a layer's operator; 0, none, of the others. SAME pads an even size with stride 2 behind it alone: as much work. */
function optionsOf(builder, name, { stride }) {
  if (name === 'gemm') return table(builder, [['byte', 0]]);
  if (operators[name].options === 0) return 0;
  const window = [
    ['byte', samePadding],
    ['int', stride],
    ['int', stride],
  ];
  return table(builder, name === 'conv' ? window : [...window, ['int', 1]]);
}

function tensorOf(builder, name, { type, dims, scale, zero, axis }, buffer) {
  const shape = intsOf(builder, dims);
  const label = builder.createString(name);
  const quantization = scale === undefined ? 0 : quantizationOf(builder, { scale, zero, axis });
  return table(builder, [
    ['offset', shape],
    ['byte', elementTypes[type]],
    ['int', buffer],
    ['offset', label],
    ['offset', quantization],
  ]);
}

function quantizationOf(builder, { scale, zero = 0, axis = 0 }) {
  builder.startVector(4, scale.length, 4);
  for (let i = scale.length - 1; i >= 0; i--) builder.addFloat32(scale[i]);
  const scales = builder.endVector();
  builder.startVector(8, scale.length, 8);
  for (let i = 0; i < scale.length; i++) builder.addInt64(BigInt(zero));
  const zeros = builder.endVector();
  return table(builder, [
    ['none'],
    ['none'],
    ['offset', scales],
    ['offset', zeros],
    ['none'],
    ['none'],
    ['int', axis],
  ]);
}

function bufferOf(builder, data) {
  if (data === undefined) return table(builder, []);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  builder.startVector(1, bytes.length, 16);
  builder.space -= bytes.length;
  builder.bb.bytes().set(bytes, builder.space);
  const vector = builder.endVector();
  return table(builder, [['offset', vector]]);
}

function intsOf(builder, values) {
  builder.startVector(4, values.length, 4);
  for (let i = values.length - 1; i >= 0; i--) builder.addInt32(values[i]);
  return builder.endVector();
}

function offsetsOf(builder, offsets) {
  builder.startVector(4, offsets.length, 4);
  for (let i = offsets.length - 1; i >= 0; i--) builder.addOffset(offsets[i]);
  return builder.endVector();
}

/** A table of [kind, value] fields, in the order of their numbers. Values of 0 are the schema's defaults, and left out. */
function table(builder, fields) {
  builder.startObject(fields.length);
  fields.forEach(([kind, value], field) => {
    if (kind === 'byte') builder.addFieldInt8(field, value, 0);
    if (kind === 'int') builder.addFieldInt32(field, value, 0);
    if (kind === 'offset') builder.addFieldOffset(field, value, 0);
  });
  return builder.endObject();
}
