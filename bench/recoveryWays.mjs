/**
 * The ways of quantizing that `recovery` compares, by name: functions of the float model, samples to calibrate on, and for
 * convolutional networks what those samples showed.
 */
import { quantize, quantizeDynamic, quantizeStatic, quantizeWeights } from '../dist/esm/index.js';

const biasCorrection = { samples: 32 };
const oneCall = ({ model, data }) => quantize(model, { calibrationData: data, maxDrop: 0.01 });

const fixed =
  (options) =>
  ({ model, data, calibration }) =>
    quantizeStatic(model, { calibration, calibrationData: data, ...options });

const unsampled =
  (make, options = {}) =>
  ({ model }) =>
    make(model, options);

const sampled =
  (make, options) =>
  ({ model, data }) =>
    make(model, { calibrationData: data, ...options });

const convolutional = {
  'static (mse)': fixed({}),
  'static, biases corrected': fixed({ biasCorrection }),
  // What onnxruntime's static quantization does unless told otherwise: minima and maxima, one scale for each tensor.
  'max, weights per tensor': fixed({
    calibrationMethod: 'max',
    perChannel: false,
    weightMethod: 'max',
  }),
  'max, weights per channel': fixed({ calibrationMethod: 'max' }),
  'entropy, weights per channel': fixed({ calibrationMethod: 'entropy' }),
  'percentile 99.999, per channel': fixed({
    calibrationMethod: 'percentile',
    percentile: 99.999,
  }),
  'one call, 1 %': oneCall,
  'W8A16 (uint16)': fixed({ activationType: 'uint16' }),
  'W8A16 (int16)': fixed({ activationType: 'int16', symmetric: { activations: true } }),
  'W16A16 (uint16)': fixed({ weightType: 'int16', activationType: 'uint16' }),
  'W16A16 (int16)': fixed({
    weightType: 'int16',
    activationType: 'int16',
    symmetric: { activations: true },
  }),
  'W4A8, nearest': fixed({ weightType: 'int4' }),
  'W4A8, GPTQ': fixed({ weightType: 'int4', rounding: 'gptq' }),
  'W4A16, GPTQ': fixed({ weightType: 'int4', rounding: 'gptq', activationType: 'uint16' }),
  'int8 weights alone': unsampled(quantizeWeights),
  'int4 weights alone': unsampled(quantizeWeights, { type: 'int4' }),
  'int4 weights alone, GPTQ': sampled(quantizeWeights, { type: 'int4', rounding: 'gptq' }),
};

const encoder = {
  'dynamic, per row': unsampled(quantizeDynamic),
  'dynamic, per tensor': unsampled(quantizeDynamic, { activations: 'per-tensor' }),
  'dynamic per row, smoothed': sampled(quantizeDynamic, { smoothQuant: true }),
  'dynamic per tensor, smoothed': sampled(quantizeDynamic, {
    activations: 'per-tensor',
    smoothQuant: true,
  }),
  'static (mse)': fixed({}),
  'static, smoothed': sampled(quantizeStatic, { smoothQuant: true }),
  'static, entropy': fixed({ calibrationMethod: 'entropy' }),
  'max, weights per tensor': convolutional['max, weights per tensor'],
  'one call, 1 %': oneCall,
  'int8 weights alone': unsampled(quantizeWeights),
  'int4 weights alone': unsampled(quantizeWeights, { type: 'int4' }),
  'int4 weights alone, GPTQ': sampled(quantizeWeights, { type: 'int4', rounding: 'gptq' }),
};

/** The ways that make sense for a task. */
export function recoveryWays({ kind }) {
  return kind === 'encoder' ? encoder : convolutional;
}
