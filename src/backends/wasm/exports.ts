/**
 * The functions that a module exports. Functions take addresses, sizes and numbers; an
 * address above 2³¹ arrives as its low 32 bits, which are the same ones. assembly/ has their
 * contracts. Those that end in scratch, begin and end compute a part of their output.
 */
export interface WasmExports {
  /** An address that each instance has for itself: assembly/edge.ts. */
  readonly edge: { value: number };
  /** Where the host's part of the memory begins. */
  heapBase(): number;

  countWrongDots(a: number, b: number, c: number, expected: number, count: number): number;

  countWrongPairs(a: number, b: number, expected: number, count: number): number;

  qconvScratch(window: number, layout: number): number;
  qconv(
    window: number,
    output: number,
    layout: number,
    flip: number,
    x: number,
    xZero: number,
    weights: number,
    bias: number,
    multiplier: number,
    y: number,
    sum: number,
    residual: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  packDotPanels(
    layout: number,
    weights: number,
    zeros: number,
    groups: number,
    columns: number,
    runs: number,
    depth: number,
    ofPanel: number,
    to: number,
  ): void;
  countSmallQuads(
    weights: number,
    groups: number,
    columns: number,
    depth: number,
    ends: number,
  ): number;
  packSmallQuads(weights: number, groups: number, columns: number, depth: number, to: number): void;
  qconvSmallScratch(window: number): number;
  /** With relaxed SIMD only; without, its results are none. */
  qconvSmall(
    window: number,
    output: number,
    x: number,
    xZero: number,
    quads: number,
    bias: number,
    multiplier: number,
    y: number,
    sum: number,
    residual: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  winogradPanelBytes(channels: number, columns: number): number;
  packWinograd(weights: number, zeros: number, channels: number, columns: number, to: number): void;
  winogradScratch(window: number): number;
  winograd(
    window: number,
    output: number,
    sums: number,
    noBias: number,
    x: number,
    xZero: number,
    weights: number,
    bias: number,
    multiplier: number,
    y: number,
    sum: number,
    residual: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  rowScratch(depth: number): number;
  multiplyRow(
    output: number,
    x: number,
    depth: number,
    columns: number,
    weights: number,
    bias: number,
    multiplier: number,
    y: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  /** With relaxed SIMD only; without, it does nothing. */
  multiplyRowQuads(
    output: number,
    flip: number,
    x: number,
    depth: number,
    columns: number,
    weights: number,
    bias: number,
    multiplier: number,
    y: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  depthwiseScratch(window: number, layout: number): number;
  depthwise(
    window: number,
    output: number,
    layout: number,
    x: number,
    xZero: number,
    weights: number,
    bias: number,
    multiplier: number,
    y: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  scaleSums(
    scaling: number,
    y: number,
    multiplier: number,
    scale: number,
    bias: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;

  qadd(sum: number, rows: number, a: number, b: number, y: number): void;
  qmul(product: number, rows: number, a: number, b: number, y: number): void;
  lookup(x: number, table: number, y: number, count: number): void;
  quantize(x: number, y: number, count: number, type: number, scale: number, zero: number): void;
  dequantize(x: number, y: number, count: number, type: number, scale: number, zero: number): void;
  quantizeRows(
    x: number,
    y: number,
    scale: number,
    depth: number,
    type: number,
    range: number,
    begin: number,
    end: number,
  ): void;
  rangeOf(x: number, count: number, range: number): void;

  maxPool(window: number, x: number, y: number, type: number): void;
  averagePool(window: number, x: number, y: number, countPadding: number): void;
  qaveragePool(window: number, average: number, x: number, y: number): void;

  reduceRows(
    x: number,
    y: number,
    count: number,
    kind: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  reduceColumns(
    x: number,
    y: number,
    count: number,
    inner: number,
    kind: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  lrnScratch(lrn: number): number;
  lrn(lrn: number, x: number, y: number, scratch: number, begin: number, end: number): void;

  convScratch(window: number): number;
  conv(
    window: number,
    x: number,
    weights: number,
    bias: number,
    y: number,
    lower: number,
    upper: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  depthwiseFloatScratch(window: number): number;
  depthwiseFloat: WasmExports['conv'];
  matMulPanelBytes(depth: number, columns: number): number;
  matMulScratch(product: number): number;
  packPanels(
    b: number,
    bRow: number,
    bColumn: number,
    depth: number,
    columns: number,
    to: number,
  ): void;
  matMul(
    product: number,
    a: number,
    panels: number,
    bias: number,
    y: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  binary(rows: number, a: number, b: number, y: number, kind: number): void;
  unary(
    x: number,
    y: number,
    kind: number,
    alpha: number,
    beta: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  softmax(
    x: number,
    y: number,
    length: number,
    scale: number,
    mask: number,
    maskRow: number,
    maskStep: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  layerNorm(
    x: number,
    residual: number,
    scale: number,
    bias: number,
    y: number,
    length: number,
    epsilon: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  attentionScratch(shape: number): number;
  attention(
    shape: number,
    q: number,
    k: number,
    v: number,
    mask: number,
    y: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;

  packBits(bits: number, rows: number, depth: number, to: number): void;
  multiplyBits(
    x: number,
    rows: number,
    depth: number,
    panels: number,
    columns: number,
    multiplier: number,
    bias: number,
    y: number,
  ): void;

  multiplyNibblesScratch(product: number): number;
  multiplyNibbles(
    product: number,
    x: number,
    xScale: number,
    panels: number,
    bias: number,
    y: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  multiplyNibblesRowScratch(product: number): number;
  multiplyNibblesRow: WasmExports['multiplyNibbles'];
  multiplyWordsScratch(product: number): number;
  multiplyWords(
    product: number,
    x: number,
    panels: number,
    bias: number,
    multiplier: number,
    y: number,
    scratch: number,
    begin: number,
    end: number,
  ): void;
  multiplyWordsRow: WasmExports['multiplyWords'];

  copyRows(x: number, xStep: number, y: number, yStep: number, rows: number, bytes: number): void;
  transpose(
    x: number,
    xRow: number,
    xColumn: number,
    y: number,
    rows: number,
    columns: number,
    size: number,
  ): void;
}
