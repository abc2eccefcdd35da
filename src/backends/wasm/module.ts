/**
 * The compiled module and the functions it exports. Functions take addresses, sizes and numbers; an
 * address above 2³¹ arrives as its low 32 bits, which are the same ones. assembly/ has their
 * contracts.
 */
import { OctavoError } from '../../core/errors.js';
import { simd } from './modules.generated.js';

export interface WasmExports {
  /** Where the host's part of the memory begins. */
  heapBase(): number;

  qconvScratch(window: number): number;
  qconv(
    window: number,
    output: number,
    x: number,
    xZero: number,
    weights: number,
    bias: number,
    multiplier: number,
    y: number,
    scratch: number,
  ): void;
  rowScratch(depth: number): number;
  multiplyRow(
    output: number,
    x: number,
    xZero: number,
    depth: number,
    columns: number,
    weights: number,
    bias: number,
    multiplier: number,
    y: number,
    scratch: number,
  ): void;
  depthwiseScratch(window: number): number;
  depthwise: WasmExports['qconv'];

  qadd(sum: number, rows: number, a: number, b: number, y: number): void;
  qmul(product: number, rows: number, a: number, b: number, y: number): void;
  lookup(x: number, table: number, y: number, count: number): void;
  quantize(x: number, y: number, count: number, type: number, scale: number, zero: number): void;
  dequantize(x: number, y: number, count: number, type: number, scale: number, zero: number): void;
  rangeOf(x: number, count: number, range: number): void;

  maxPool(window: number, x: number, y: number, type: number): void;
  averagePool(window: number, x: number, y: number, countPadding: number): void;
  qaveragePool(window: number, average: number, x: number, y: number): void;

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
  ): void;
  binary(rows: number, a: number, b: number, y: number, kind: number): void;
  unary(x: number, y: number, count: number, kind: number, alpha: number, beta: number): void;

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

/** A build of assembly/ for one set of WebAssembly features. */
export interface WasmBuild {
  /** Name of the instruction set, as `Backend.isa`. */
  readonly isa: string;
  readonly module: WebAssembly.Module;
}

/** The builds there are, the one to prefer first; base64. */
const builds = [{ isa: 'simd128', base64: simd }] as const;

export const wasmIsas: readonly string[] = builds.map(({ isa }) => isa);

const compiled = new Map<string, WebAssembly.Module>();

/**
 * The build for `isa`, or the best one, compiled once per process. Throws `BACKEND_UNAVAILABLE`
 * with the reason where this engine can't run it.
 */
export function loadBuild(isa: string = builds[0].isa): WasmBuild {
  const build = builds.find((entry) => entry.isa === isa);
  if (build === undefined) {
    throw unavailable(`the WASM backend has no instruction set '${isa}'`, wasmIsas.join(', '));
  }
  let module = compiled.get(isa);
  if (module === undefined) {
    if (typeof WebAssembly === 'undefined') throw unavailable('there is no WebAssembly here');
    const bytes = Buffer.from(build.base64, 'base64');
    if (!WebAssembly.validate(bytes)) {
      throw unavailable(`WebAssembly lacks the features of '${isa}' here`);
    }
    module = new WebAssembly.Module(bytes);
    compiled.set(isa, module);
  }
  return { isa, module };
}

function unavailable(what: string, expected?: string): OctavoError {
  return new OctavoError('BACKEND_UNAVAILABLE', what, { where: 'wasm', expected });
}
