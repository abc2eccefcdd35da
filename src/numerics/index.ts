/** The numbers of quantization: parameters, rounding, quantize, dequantize, requantize, packing. */
export * from './layout.js';
export * from './multiplier.js';
export * from './pack.js';
export * from './params.js';
export * from './quantize.js';
export * from './requantize.js';
export * from './rounding.js';
