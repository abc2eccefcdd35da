/** One layer of a case: its numbers, drawn from a fixed seed, and the plans that compute it. */
import { singleStepPlan } from './plan.mjs';
import { generator, normal } from './random.mjs';

/**
 * The int8 layer: x is uint8 with zero point 128, weights are int8, normal and all but cut off by [-127, 127], a scale for each output channel,
 * and results that fill uint8 without much clamping.
 *
 * @param {import('./cases.mjs').Case} shape
 */
export function drawLayer(shape) {
  const random = generator(shape.name);
  const { kind, height, width, inputs, outputs, window, groups } = shape;
  const depth = (inputs / groups) * window ** 2;
  const xScale = 0.02;
  const yScale = 0.5;
  const next = normal(random);
  const weightDeviation = 36;
  // Of uniform uint8 the standard deviation is 74.
  const wanted = 40 / (Math.sqrt(depth) * 74 * weightDeviation);
  const fill = (array, of) => array.map(of);
  return {
    x: fill(new Uint8Array(height * width * inputs), () => random() * 256),
    weight: fill(new Int8Array(outputs * depth), () =>
      Math.max(-127, Math.min(127, Math.round(next() * weightDeviation))),
    ), // OHWI
    // A matrix product has none, in ONNX.
    bias: kind === 'gemm' ? undefined : fill(new Int32Array(outputs), () => (random() - 0.5) * 1e4),
    weightScale: fill(
      new Float32Array(outputs),
      () => ((wanted * yScale) / xScale) * (0.5 + random()),
    ),
    xScale: Math.fround(xScale),
    yScale: Math.fround(yScale),
    xZero: 128,
    yZero: 128,
  };
}

/** The layer as a plan of one QConv step, uint8 to uint8, requantization fused. */
export function int8Plan(shape, layer) {
  const { height, width, inputs, outputs, window, groups, stride, pad } = shape;
  const multiplier = layer.weightScale.map((scale) =>
    Math.fround(Math.fround(layer.xScale * scale) / layer.yScale),
  );
  return singleStepPlan(
    'QConv',
    [
      { type: 'uint8', dims: [1, height, width, inputs] },
      { type: 'int8', dims: [outputs, window, window, inputs / groups], data: layer.weight },
      layer.bias && { type: 'int32', dims: [outputs], data: layer.bias },
      { type: 'float32', dims: [outputs], data: multiplier },
    ],
    [{ type: 'uint8', dims: [1, shape.outHeight, shape.outWidth, outputs] }],
    {
      strideH: stride,
      strideW: stride,
      padTop: pad,
      padLeft: pad,
      groups,
      xZero: layer.xZero,
      yZero: layer.yZero,
    },
  );
}

/** The float layer: the numbers of the int8 one as they are. */
export function floatLayer({ x, weight, bias }) {
  return {
    x: Float32Array.from(x, (value) => value / 256),
    weight: Float32Array.from(weight, (value) => value / 128),
    bias: bias && Float32Array.from(bias, (value) => value / 32768),
  };
}

/** The float layer as a plan of one step: MatMul, or Conv with a bias. */
export function floatPlan(shape, layer) {
  const { kind, height, width, inputs, outputs, window, groups, stride, pad } = shape;
  const type = 'float32';
  if (kind === 'gemm') {
    return singleStepPlan(
      'MatMul',
      [
        { type, dims: [width, inputs] },
        { type, dims: [outputs, inputs], data: layer.weight },
      ],
      [{ type, dims: [width, outputs] }],
      { transposeB: 1 },
    );
  }
  return singleStepPlan(
    'Conv',
    [
      { type, dims: [1, height, width, inputs] },
      { type, dims: [outputs, window, window, inputs / groups], data: layer.weight },
      { type, dims: [outputs], data: layer.bias },
    ],
    [{ type, dims: [1, shape.outHeight, shape.outWidth, outputs] }],
    { strideH: stride, strideW: stride, padTop: pad, padLeft: pad, groups },
  );
}
