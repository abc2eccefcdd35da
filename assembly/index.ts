/**
 * What the host calls: all functions of the module, which is compiled with and without relaxed SIMD. src/backends/wasm/module.ts has their types.
 */
export { attention, attentionScratch } from './attention';
export { multiplyBits, packBits } from './bitdot';
export { depthwise, depthwiseScratch } from './depthwise';
export { evenBytes } from './depthwisePairs';
export { twoOnes } from './dotSmall';
export { packDotPanels } from './dotPanels';
export { edge, heapBase } from './edge';
export { qadd, qmul } from './elementwise';
export { conv, convScratch } from './f32conv';
export { depthwiseFloat, depthwiseFloatScratch } from './f32depthwise';
export { binary, unary } from './f32elementwise';
export { matMul, matMulPanelBytes, matMulScratch, packPanels } from './f32matmul';
export { layerNorm, softmax } from './f32rows';
export { lookup } from './lookup';
export { lrn, lrnScratch } from './lrn';
export { copyRows, transpose } from './move';
export { multiplyNibbles, multiplyNibblesScratch } from './nibbles';
export { multiplyNibblesRow, multiplyNibblesRowScratch } from './nibblesRow';
export { averagePool, maxPool, qaveragePool } from './pool';
export { countWrongDots, countWrongPairs } from './probe';
export { qconv, qconvScratch } from './qconv';
export { qconvSmall, qconvSmallScratch } from './qconvSmall';
export { dequantize, quantize, quantizeRows, rangeOf } from './quantize';
export { reduceColumns, reduceRows } from './reduce';
export { multiplyRowQuads } from './relaxedRow';
export { roundingMagic } from './requantize';
export { multiplyRow, rowScratch } from './row';
export { countSmallQuads, packSmallQuads } from './smallQuads';
export { scaleSums } from './sums';
export { multiplyWords, multiplyWordsRow, multiplyWordsScratch } from './words';
export { winograd, winogradScratch } from './winograd';
export { packWinograd, winogradPanelBytes } from './winogradPanels';
