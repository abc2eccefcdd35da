/**
 * Every kind of step and its kernel. Other backends run plans with this table, a few kernels
 * replaced.
 */
import { attention } from './attention.js';
import { cast } from './cast.js';
import { conv } from './conv.js';
import { binary, qadd, qmul, unary } from './elementwise.js';
import { gather, gatherElements, gatherND, scatterElements, scatterND } from './indexing.js';
import type { StepKernels } from './kernel.js';
import { lookup } from './lookup.js';
import { dynamicQuantizeRows, matMulInt1, matMulInt4, matMulInt16 } from './lowPrecision.js';
import { matMul } from './matmul.js';
import { concat, copy, pad, slice, transpose } from './movement.js';
import { layerNorm, lrn } from './normalize.js';
import { averagePool, maxPool, qaveragePool } from './pool.js';
import { qconv } from './qconv.js';
import { qconvDynamic } from './qconvDynamic.js';
import { dequantizeLinear, dynamicQuantizeLinear, quantizeLinear } from './quantize.js';
import { argReduce, cumSum, topK } from './ranking.js';
import { gru, lstm, rnn } from './recurrent.js';
import { reduce } from './reduce.js';
import { resample } from './resample.js';
import { softmax } from './softmax.js';
import { arithmetic, compare, expand, where } from './typed.js';

export const referenceKernels: StepKernels = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
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
  Binary: binary,
  Unary: unary,
  Softmax: softmax,
  Attention: attention,
  Lrn: lrn,
  LayerNorm: layerNorm,
  Reduce: reduce,
  Concat: concat,
  Transpose: transpose,
  Slice: slice,
  Pad: pad,
  Copy: copy,
  Cast: cast,
  Arithmetic: arithmetic,
  Compare: compare,
  Where: where,
  Expand: expand,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TopK: topK,
  ArgReduce: argReduce,
  CumSum: cumSum,
  Lstm: lstm,
  Gru: gru,
  Rnn: rnn,
  Resample: resample,
  DynamicQuantizeRows: dynamicQuantizeRows,
  MatMulInt4: matMulInt4,
  MatMulInt1: matMulInt1,
  MatMulInt16: matMulInt16,
};
