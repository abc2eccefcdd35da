/**
 * The kinds of steps that have a WASM kernel. The others run in plain TypeScript, by the
 * reference's kernels, over the same memory: data movement and functions that a network has few of.
 */
import type { StepName } from '../../runtime/steps.js';
import { attention } from './attention.js';
import { conv } from './conv.js';
import { binary, lookup, qadd, qmul, unary } from './elementwise.js';
import type { WasmKernel } from './kernel.js';
import { lrn } from './lrn.js';
import { matMulInt1 } from './matMulInt1.js';
import { matMulInt4 } from './matMulInt4.js';
import { matMulInt16 } from './matMulInt16.js';
import { matMul } from './matmul.js';
import { concat, transpose } from './movement.js';
import { averagePool, maxPool, qaveragePool } from './pool.js';
import { qconv } from './qconv.js';
import { qconvDynamic } from './qconvDynamic.js';
import {
  dequantizeLinear,
  dynamicQuantizeLinear,
  dynamicQuantizeRows,
  quantizeLinear,
} from './quantize.js';
import { reduce } from './reduce.js';
import { layerNorm, softmax } from './rows.js';

export const wasmKernels: { readonly [S in StepName]?: WasmKernel<S> } = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  DynamicQuantizeRows: dynamicQuantizeRows,
  QConv: qconv,
  QConvDynamic: qconvDynamic,
  QAdd: qadd,
  QMul: qmul,
  QAveragePool: qaveragePool,
  Lookup: lookup,
  MaxPool: maxPool,
  AveragePool: averagePool,
  Conv: conv,
  MatMul: matMul,
  Softmax: softmax,
  Attention: attention,
  Lrn: lrn,
  Reduce: reduce,
  LayerNorm: layerNorm,
  Binary: binary,
  Unary: unary,
  Concat: concat,
  Transpose: transpose,
  MatMulInt1: matMulInt1,
  MatMulInt4: matMulInt4,
  MatMulInt16: matMulInt16,
};
